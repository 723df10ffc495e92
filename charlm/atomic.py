"""Files that are written whole or not at all, or that grow, in directories that others may have filled."""

import contextlib
import errno
import os
import platform
import re
import stat
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO, cast

from charlm.errors import Remedy, WriteError
from charlm.paths import nearest

STALE_SECONDS = 24 * 3600  # no file takes a day: a temporary file older than that has been left behind
PAUSES = (0.05, 0.1, 0.2, 0.4)  # seconds before a rename is tried again
TEMPORARY = re.compile(r"\..+\.(?P<space>[^.]+)\.(?P<pid>[0-9]+)\.[0-9a-f]{16}\.tmp", re.DOTALL)


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
    if path.is_dir():  # also one without a name of its own, such as "."
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    _remove_stale(path.parent)
    temporary = path.with_name(f".{path.name}.{process_space()}.{os.getpid()}.{os.urandom(8).hex()}.tmp")
    with open(temporary, "xb", opener=_open_without_links) as file:
        try:
            yield file
            file.flush()
            synchronise(file.fileno())
            file.close()  # Windows renames only files that are closed
            replace(temporary, path)
        except BaseException:
            with contextlib.suppress(OSError):  # the first error is the one to report
                file.close()
            with contextlib.suppress(OSError):
                temporary.unlink()
            raise
    _sync_folder(path.parent)


@contextlib.contextmanager
def made(folder: Path) -> Iterator[None]:
    """Make a folder and those above it, and remove those again if what is to be in it fails.

    Raises
    ------
    WriteError
        If a file is in the way.
    """
    existing = nearest(folder)
    if not existing.is_dir():
        raise WriteError(
            f"{folder}: cannot be a folder: {existing} is a file; choose another folder", remedy=Remedy.OTHER_FOLDER
        )
    new = [place for place in (folder, *folder.absolute().parents) if not place.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        yield
    except BaseException:
        with contextlib.suppress(OSError):  # one with something in it stays
            for place in new:
                place.rmdir()
        raise


def replace(temporary: Path, path: Path) -> None:
    """Rename a file over another one; Windows refuses while a reader or a virus scanner has that open, so try again."""
    for pause in PAUSES:
        with contextlib.suppress(PermissionError):
            return os.replace(temporary, path)
        time.sleep(pause)
    os.replace(temporary, path)


def open_regular(path: Path, mode: str) -> BinaryIO:
    """Open a file that is nothing but a file: no symbolic link is followed, no named pipe is waited for.

    Parameters
    ----------
    path : pathlib.Path
        The file. A directory on the way to it may be a link.
    mode : str
        A binary mode, as `open` takes it.

    Raises
    ------
    OSError
        When it cannot be opened, or something else stands there.
    """
    return cast(BinaryIO, open(path, mode, opener=_open_regular))


def _open_regular(path: str, flags: int) -> int:
    """Open a regular file; the first look gives the better message, the second one cannot be outrun."""
    with contextlib.suppress(FileNotFoundError):
        _refuse_others(os.lstat(path).st_mode)
    flags |= getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    descriptor = os.open(path, flags, 0o666)
    try:
        _refuse_others(os.fstat(descriptor).st_mode)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def _refuse_others(mode: int) -> None:
    """Raise an error that says what stands in the place of a file."""
    if not stat.S_ISREG(mode):
        kinds = {stat.S_IFLNK: "a symbolic link", stat.S_IFDIR: "a directory", stat.S_IFIFO: "a named pipe"}
        kind = kinds.get(stat.S_IFMT(mode), "a device or a socket")
        raise OSError(errno.EINVAL, f"it is {kind}, not a file; remove it")


def _open_without_links(path: str, flags: int) -> int:
    """Create a file of the usual permissions, never through a symbolic link that somebody put in its place."""
    return os.open(path, flags | getattr(os, "O_NOFOLLOW", 0), 0o666)


def host_name() -> str:
    """Return this computer's name in characters that any file system takes."""
    return re.sub(r"[^A-Za-z0-9-]", "-", platform.node())[:32] or "unknown"


def process_space() -> str:
    """Return what process numbers are unique in: this computer, or one of the containers on it."""
    try:
        return f"{host_name()}-{re.sub('[^0-9]', '', os.readlink('/proc/self/ns/pid'))}"
    except OSError:  # Linux alone has containers that number their own processes
        return host_name()


def remove_temporaries(folder: Path, names: Iterable[str]) -> None:
    """Remove the temporary files of some names in a folder in which nobody else writes those."""
    prefixes = tuple(f".{name}." for name in names)
    with contextlib.suppress(OSError):  # a folder that can be written but not listed is no reason not to go on
        for other in folder.iterdir():
            if other.name.startswith(prefixes) and TEMPORARY.fullmatch(other.name):
                other.unlink(missing_ok=True)


def _remove_stale(folder: Path) -> None:
    """Remove the temporary files in a folder whose writers are dead."""
    with contextlib.suppress(OSError):  # a folder that can be written but not listed is no reason not to save
        for other in folder.iterdir():
            match = TEMPORARY.fullmatch(other.name)
            if match:
                with contextlib.suppress(OSError):  # another process may have been quicker
                    if has_ended(match["space"], match["pid"]) or _age(other) > STALE_SECONDS:
                        other.unlink()


def _age(path: Path) -> float:
    return time.time() - path.lstat().st_mtime


def has_ended(space: str, pid: str) -> bool:
    """Tell whether a process has certainly ended: False where that cannot be seen or asked."""
    if space != process_space() or os.name == "nt":  # signal 0, which only asks on POSIX, is Ctrl-C on Windows
        return False
    try:
        os.kill(int(pid), 0)
    except (ProcessLookupError, OverflowError):
        return True
    except PermissionError:
        pass  # it exists and is somebody else's
    return False


def synchronise(descriptor: int) -> None:
    """Bring what was written to an open file to the disk, as far as the system can.

    On macOS, `fsync` leaves it in the memory of the drive, which may write a rename before the data of the file.
    """
    os.fsync(descriptor)
    if sys.platform == "darwin":
        import fcntl

        with contextlib.suppress(OSError):  # not every file system can
            fcntl.fcntl(descriptor, fcntl.F_FULLFSYNC)


def _sync_folder(folder: Path) -> None:
    """Make a rename survive a power cut, where the system lets a folder be synchronised."""
    if os.name == "nt":
        return
    with contextlib.suppress(OSError):  # not every file system can, and the file itself is on the disk by now
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            synchronise(descriptor)
        finally:
            os.close(descriptor)
