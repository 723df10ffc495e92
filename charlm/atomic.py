"""Files that are written whole or not at all."""

import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from charlm.errors import CharlmError

STALE_SECONDS = 24 * 3600  # no save takes a day: a temporary file older than that has been left behind


@contextlib.contextmanager
def atomic_file(path: Path) -> Iterator[BinaryIO]:
    """Open a file that takes its name only when all of it is on the disk.

    Leaving the block by an exception leaves what stood at `path` as it was and nothing beside it. A process killed
    within the block leaves a hidden temporary file, which the next call for the same path removes.

    Parameters
    ----------
    path : pathlib.Path
        The file to make or replace; its folder exists.

    Yields
    ------
    BinaryIO
        The temporary file in the same folder.

    Raises
    ------
    CharlmError
        When the file cannot be written.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        _remove_stale(path)
        try:
            with temporary.open("wb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)
        _sync_folder(path.parent)
    except OSError as error:
        reason = error.strerror or str(error)
        raise CharlmError(f"{path}: not saved: {reason}; what was there before is unchanged") from error


def _remove_stale(path: Path) -> None:
    """Remove the temporary files that killed processes left beside `path`."""
    start, end = f".{path.name}.", ".tmp"
    for other in path.parent.iterdir():
        pid = other.name.removeprefix(start).removesuffix(end)
        if other.name == f"{start}{pid}{end}" and pid.isdecimal():
            with contextlib.suppress(OSError):  # another process may have been quicker
                if not _is_running(int(pid)) or time.time() - other.stat().st_mtime > STALE_SECONDS:
                    other.unlink()


def _is_running(pid: int) -> bool:
    """Tell whether a process exists, or True where the system has no harmless way to ask."""
    if os.name == "nt":
        return True  # signal 0, which only asks on POSIX, is Ctrl-C there
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        pass  # it exists and is somebody else's
    return True


def _sync_folder(folder: Path) -> None:
    """Make a rename survive a power cut, where the system lets a folder be synchronised."""
    if os.name == "nt":
        return
    with contextlib.suppress(OSError):  # not every file system can, and the file itself is on the disk by now
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
