"""The lock of a run directory: one process writes there at a time, and the lock ends with that process."""

import contextlib
import errno
import json
import os
import re
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO

from charlm.atomic import has_ended, host_name, open_regular, process_space
from charlm.errors import WriteError

if sys.platform == "win32":
    import msvcrt

    def _try_lock(file: BinaryIO) -> None:
        """Lock a byte far behind the text, which thus stays readable; raise an error if another process has it."""
        os.lseek(file.fileno(), 1 << 30, os.SEEK_SET)
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)

    _try_share = _try_lock  # there is no other kind
else:
    import fcntl

    def _try_lock(file: BinaryIO) -> None:
        """Lock the file for whoever has it open here; raise an error if another process has it."""
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def _try_share(file: BinaryIO) -> None:
        """Lock the file beside other readers; raise an error if a writer has it."""
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)


NAME = ".lock"
HELD = {errno.EWOULDBLOCK, errno.EAGAIN, errno.EACCES, errno.EDEADLK}  # the lock is another's
NO_LOCKS = {errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP, errno.ENOLCK, errno.EINVAL}
LONGEST = 1000  # bytes of the file that are read
TEST_SECONDS = 0.05  # in which a reader's test of the lock is certainly over


@dataclass(frozen=True, slots=True)
class Holder:
    """A process that writes to a run directory.

    Attributes
    ----------
    host : str
        The name of its computer.
    process : int
        Its number.
    space : str
        Where that number is unique.
    boot : str
        What tells one start of the computer from the next, where the system has that.
    since : str
        When it took the lock.
    """

    host: str
    process: int
    space: str
    boot: str
    since: str

    def __str__(self) -> str:
        return f"process {self.process} on {self.host} since {self.since}"


class Lock:
    """The right to write to a run directory.

    The operating system holds the lock, a `.lock` file in the directory, and gives it up when the process ends,
    however it ends; what the file says is there to be read. Where the file system has no locks, what it says is
    compared instead.

    Parameters
    ----------
    folder : Path
        The directory; it exists.

    Attributes
    ----------
    note : str or None
        What the lock cannot see, where it cannot.

    Raises
    ------
    WriteError
        If another process, or another run of this one, writes there, or nobody can.
    """

    def __init__(self, folder: Path) -> None:
        self._folder, self._path = folder, folder / NAME
        self.note: str | None = None
        try:
            self._file = self._take()
            try:
                self._file.truncate(0)
                self._file.write(json.dumps(asdict(_this_process())).encode() + b"\n")
                self._file.flush()
            except BaseException:
                self.release()
                raise
        except OSError as error:
            raise WriteError(f"{self._path}: cannot be written: {error.strerror or error}") from error

    def _take(self) -> BinaryIO:
        """Return the file, open and locked."""
        while True:
            file = open_regular(self._path, "a+b")
            try:
                self._lock(file)
                if self._is_in_place(file):
                    return file
                file.close()  # the writer before removed it after it was opened here
            except BaseException:
                file.close()
                raise

    def _lock(self, file: BinaryIO) -> None:
        """Lock an open file, or compare what it says where the file system has no locks."""
        try:
            _try_twice(file)
        except OSError as error:
            if error.errno in HELD:
                raise self._in_use(_read(file), "wait until it has ended, or end it") from error
            if error.errno not in NO_LOCKS:
                raise
            holder = _read(file)
            if holder is not None and not _has_ended(holder):
                raise self._in_use(holder, f"if it has ended, remove {self._path}") from error
            self.note = (
                f"{self._folder}: is on a file system without locks; make sure that no other process trains into it"
            )

    def _in_use(self, holder: Holder | None, remedy: str) -> WriteError:
        if holder is not None and (holder.process, holder.space) == (os.getpid(), process_space()):
            return WriteError(f"{self._folder}: is in use: {holder}, which is this process, writes to it; end that run")
        return WriteError(f"{self._folder}: is in use: {holder or 'another process'} writes to it; {remedy}")

    def _is_in_place(self, file: BinaryIO) -> bool:
        """Tell whether the file is still the one that has the name."""
        try:
            return os.path.samestat(os.fstat(file.fileno()), os.lstat(self._path))
        except OSError:
            return False

    def release(self) -> None:
        """Let others write; the file goes, so that a finished run has none."""
        with contextlib.suppress(OSError), self._file as file:
            if os.name != "nt" and self._is_in_place(file):  # Windows removes only files that are closed
                self._path.unlink()
        if os.name == "nt":
            with contextlib.suppress(OSError):  # another process may have opened it by now
                self._path.unlink()


def is_held(folder: Path) -> bool:
    """Tell whether a process writes to a run directory; the directory is left as it is.

    A file that a killed process has left is tested for an instant, in which a writer that begins tries again.
    """
    try:
        with open_regular(folder / NAME, "rb") as file:
            try:
                _try_share(file)  # until it is closed
            except OSError as error:
                holder = _read(file)
                return error.errno in HELD or (holder is not None and not _has_ended(holder))
    except OSError:  # there is none, or it is not for this user to read
        pass
    return False


def _try_twice(file: BinaryIO) -> None:
    """Lock the file; if another process has it, which may be a reader that tests the lock, try once more."""
    try:
        _try_lock(file)
    except OSError as error:
        if error.errno not in HELD:
            raise
        time.sleep(TEST_SECONDS)
        _try_lock(file)


def _this_process() -> Holder:
    return Holder(host_name(), os.getpid(), process_space(), _boot(), time.strftime("%Y-%m-%d %H:%M:%S"))


def _boot() -> str:
    """Return what Linux names this start of the computer."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return ""


def _read(file: BinaryIO) -> Holder | None:
    """Return whom the file names, in characters that a terminal can print; None if it names nobody."""
    file.seek(0)
    try:
        values = json.loads(file.read(LONGEST))
        texts = {name: _plain(values[name]) for name in ("host", "space", "boot", "since")}
        return Holder(process=int(values["process"]), **texts)
    except (ValueError, LookupError, TypeError, RecursionError, OverflowError):
        return None


def _plain(text: object) -> str:
    return re.sub(r"[^A-Za-z0-9: -]", "?", str(text))[:64]


def _has_ended(holder: Holder) -> bool:
    """Tell whether a process has certainly ended: it cannot be asked, or its computer has been started anew since."""
    if holder.host == host_name() and holder.boot != _boot():
        return True
    return has_ended(holder.space, str(holder.process))
