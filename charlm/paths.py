"""Paths as a person writes them."""

import os
from pathlib import Path

from charlm.errors import UsageError
from charlm.phrases import one_line


def expanded(path: str | Path) -> Path:
    """Return a path with a leading ``~`` or ``~name`` replaced by the home directory.

    Raises
    ------
    UsageError
        When there is no such home directory.
    """
    text = os.path.expanduser(path)
    if text == os.fspath(path) and text.startswith("~") and not Path(text).exists():
        name = Path(text).parts[0]
        raise UsageError(
            f"{one_line(text)}: the home directory {one_line(name)} is not known; write the path out, or put ./ "
            "before a name that begins with ~"
        )
    return Path(text)
