"""A file that a person names and that is written: none is replaced unasked, and none that is read at all."""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from charlm.arguments import check_flags, path_of
from charlm.errors import Remedy, UsageError
from charlm.files.rundir import FILES, LAST, METRICS
from charlm.paths import same_file


def new_file(path: Any, example: str, *, overwrite: bool, read: Iterable[str | Path] = ()) -> Path:
    """Return the path of a file that may be written.

    Parameters
    ----------
    path : str or Path
        The file.
    example : str
        How it could be named in a folder.
    overwrite : bool
        Whether it may replace a file.
    read : iterable of str or Path
        The files that are read, such as that of the model. They are never replaced.

    Raises
    ------
    UsageError
        When there is such a file, a run has or will have it, or there is no folder for it.
    """
    check_flags(overwrite=overwrite)
    file = path_of("path", path)
    if str(file) == "-":  # which the commands that print a text take for standard output
        raise UsageError(f"-: is no name of a file here; name one, such as {example}")
    if not file.parent.is_dir():
        raise UsageError(f"{file}: there is no folder {file.parent} to write it to; make it first")
    if file.is_dir():
        raise UsageError(f"{file}: is a folder; name a file in it, such as {file / example}")
    if same_file(file, read):
        raise UsageError(f"{file}: is a file that is read here; name another one")
    if file.name in FILES and any((file.parent / name).exists() for name in (LAST, METRICS)):
        raise UsageError(f"{file}: is the name of a file of the run in {file.parent}; name another one")
    if os.path.lexists(file) and not overwrite:
        raise UsageError(f"{file}: there is such a file; name another one, or replace it", remedy=Remedy.OVERWRITE)
    return file
