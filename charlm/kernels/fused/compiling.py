"""How kernels are compiled, and how what was compiled is found again."""

from collections.abc import Callable, Iterator
from functools import cache
from hashlib import sha256
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any

from numba import njit

OPTIONS: dict[str, Any] = {"nogil": True, "fastmath": True, "error_model": "numpy", "boundscheck": False}


@cache
def _kernels() -> str:
    """Return a digest of the text of all the kernels, also of those in a zip file."""
    return sha256(b"".join(_texts(files("charlm.kernels")))).hexdigest()


def _texts(folder: Traversable) -> Iterator[bytes]:
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if entry.name.endswith(".py"):
            yield entry.read_bytes()
        elif entry.is_dir() and entry.name != "__pycache__":
            yield from _texts(entry)


def compiled_once(function: Callable[..., Any], *made_of: Any) -> Any:
    """Compile a function and keep the result in a file for the next process.

    Numba finds the file by the function's name and the age of its source, and would not notice a change in another
    module from which the function takes something. So the name is made to tell what was compiled: all the kernels, and
    what else the function is made of.
    """
    digest = sha256(repr((made_of, _kernels())).encode()).hexdigest()[:16]
    function.__qualname__ = f"{function.__qualname__}_{digest}"
    return njit(cache=True, **OPTIONS)(function)
