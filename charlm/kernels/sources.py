"""A digest of the text of all the kernels, which tells one version of them from another."""

from collections.abc import Iterator
from functools import cache
from hashlib import sha256
from importlib.resources import files
from importlib.resources.abc import Traversable


@cache
def digest() -> str:
    """Return a digest of the text of all the kernels, also of those in a zip file."""
    return sha256(b"".join(_texts(files("charlm.kernels")))).hexdigest()


def _texts(folder: Traversable) -> Iterator[bytes]:
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if entry.name.endswith(".py"):
            yield entry.read_bytes()
        elif entry.is_dir() and entry.name != "__pycache__":
            yield from _texts(entry)
