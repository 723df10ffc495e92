"""Files that are written whole or not at all."""

import contextlib
import os
import platform
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from charlm.errors import WriteError

STALE_SECONDS = 24 * 3600  # no file takes a day: a temporary file older than that has been left behind
PAUSES = (0.05, 0.1, 0.2, 0.4)  # seconds before a rename is tried again
TEMPORARY = re.compile(r"\..+\.(?P<host>[^.]+)\.(?P<pid>[0-9]+)\.[0-9a-f]{16}\.tmp", re.DOTALL)


@contextlib.contextmanager
def atomic_file(path: Path) -> Iterator[BinaryIO]:
    """Open a file as `open_atomic` does, and say in one line why it could not be written.

    Raises
    ------
    WriteError
        When the file cannot be written.
    """
    try:
        with open_atomic(path) as file:
            yield file
    except OSError as error:
        reason = error.strerror or str(error)
        raise WriteError(f"{path}: not saved: {reason}; what was there before is unchanged") from error


@contextlib.contextmanager
def open_atomic(path: Path) -> Iterator[BinaryIO]:
    """Open a file that takes its name only when all of it is on the disk.

    Leaving the block by an exception leaves what stood at `path` as it was and nothing beside it. A process killed
    within the block leaves a hidden temporary file, which the next call for the same folder removes.

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
    OSError
        When the file cannot be written.
    """
    _remove_stale(path.parent)
    temporary = path.with_name(f".{path.name}.{_host()}.{os.getpid()}.{os.urandom(8).hex()}.tmp")
    with open(temporary, "xb", opener=_open_without_links) as file:
        try:
            yield file
            file.flush()
            os.fsync(file.fileno())
            file.close()  # Windows renames only files that are closed
            _replace(temporary, path)
        except BaseException:
            with contextlib.suppress(OSError):  # the first error is the one to report
                file.close()
            with contextlib.suppress(OSError):
                temporary.unlink()
            raise
    _sync_folder(path.parent)


def _replace(temporary: Path, path: Path) -> None:
    """Rename a file over another one; Windows refuses while a reader or a virus scanner has that open, so try again."""
    for pause in PAUSES:
        with contextlib.suppress(PermissionError):
            return os.replace(temporary, path)
        time.sleep(pause)
    os.replace(temporary, path)


def _open_without_links(path: str, flags: int) -> int:
    """Create a file of the usual permissions, never through a symbolic link that somebody put in its place."""
    return os.open(path, flags | getattr(os, "O_NOFOLLOW", 0), 0o666)


def _host() -> str:
    """Return this computer's name in characters that any file system takes."""
    return re.sub(r"[^A-Za-z0-9-]", "-", platform.node())[:32] or "unknown"


def _remove_stale(folder: Path) -> None:
    """Remove the temporary files in a folder whose writers are dead."""
    with contextlib.suppress(OSError):  # a folder that can be written but not listed is no reason not to save
        for other in folder.iterdir():
            match = TEMPORARY.fullmatch(other.name)
            if match:
                with contextlib.suppress(OSError):  # another process may have been quicker
                    if _is_dead(match["host"], match["pid"]) or _age(other) > STALE_SECONDS:
                        other.unlink()


def _age(path: Path) -> float:
    return time.time() - path.lstat().st_mtime


def _is_dead(host: str, pid: str) -> bool:
    """Tell whether a process has certainly ended: False on other computers and where the system has no way to ask."""
    if host != _host() or os.name == "nt":  # signal 0, which only asks on POSIX, is Ctrl-C on Windows
        return False
    try:
        os.kill(int(pid), 0)
    except (ProcessLookupError, OverflowError):
        return True
    except PermissionError:
        pass  # it exists and is somebody else's
    return False


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
