"""Paths as a person writes them."""

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from charlm.errors import UsageError
from charlm.phrases import as_written, one_line


def nearest(path: Path) -> Path:
    """Return what is there of a path: itself, or the innermost of the places above it."""
    return next(place for place in (path, *path.absolute().parents) if place.exists())


def same_file(path: Path, others: Iterable[str | Path]) -> str | None:
    """Return the first of other paths, their ``~`` replaced, that leads to the same file; None if none does."""
    there = map(os.path.expanduser, others) if path.exists() else ()
    return next((str(other) for other in there if os.path.exists(other) and path.samefile(other)), None)


def refuse_twice(paths: Sequence[str | Path]) -> None:
    """Refuse paths of which two lead to the same file or directory.

    Raises
    ------
    UsageError
        When two do.
    """
    for number, path in enumerate(paths):
        if first := same_file(Path(path), paths[:number]):
            same = "given twice" if str(path) == first else f"the same as {first}"
            raise UsageError(f"{path}: is {same}; leave one out")


def expanded(path: str | Path) -> Path:
    """Return a path with a leading ``~`` or ``~name`` replaced by the home directory.

    Raises
    ------
    UsageError
        When it is empty or no path, or when there is no such home directory.
    """
    if not isinstance(path, str | Path):
        raise UsageError(f"{as_written(path)} is not a path; give text or a pathlib.Path")
    if not str(path):
        raise UsageError("the path is empty; name a file or a directory")
    if "\0" in str(path):
        raise UsageError(f"{one_line(str(path))}: has a NUL character (U+0000), which no path can have; remove it")
    text = os.path.expanduser(path)
    if text == os.fspath(path) and text.startswith("~") and not Path(text).exists():
        name = Path(text).parts[0]
        raise UsageError(
            f"{one_line(text)}: the home directory {one_line(name)} is not known; write the path out, or put ./ "
            "before a name that begins with ~"
        )
    return Path(text)
