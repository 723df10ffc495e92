"""Paths as a person writes them."""

import os
from pathlib import Path

from charlm.errors import UsageError
from charlm.phrases import as_written, one_line


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
