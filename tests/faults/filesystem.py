"""A file system that fails: every operation on the files of a folder is counted, and one of them goes wrong."""

import builtins
import errno
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

ERRORS = {name: getattr(errno, name) for name in ("ENOSPC", "EIO", "EROFS")}
PATH_CALLS = ("open", "replace", "unlink", "mkdir", "rmdir")  # each takes a path first


class KilledError(BaseException):
    """The process has ended here, as after SIGKILL; nothing that it does afterwards has an effect."""


class FailingFiles:
    """Counts what is done to the files of a folder, and lets one operation fail.

    Parameters
    ----------
    folder : Path
        Where to count and to fail; elsewhere everything works.
    number : int, optional
        The operation that fails, counted from 1; by default none does.
    code : int, optional
        The error that it fails with. Without one the process is killed there: this operation and all later ones
        raise `KilledError` and do nothing, except that the first half of what was to be written is written.

    Attributes
    ----------
    done : list of str
        The operations so far, by name and file.
    """

    def __init__(self, folder: Path, number: int | None = None, code: int | None = None) -> None:
        self.folder, self.number, self.code = str(folder), number, code
        self.done: list[str] = []
        self.files: list[Any] = []

    @property
    def failed(self) -> str | None:
        """The operation that failed."""
        return None if self.number is None or self.number > len(self.done) else self.done[self.number - 1]

    @property
    def killed(self) -> bool:
        """Whether the process has ended."""
        return self.code is None and self.failed is not None

    def count(self, what: str, path: object = None, half: Callable[[], object] = lambda: None) -> None:
        """Count an operation, and raise an error if it is one that fails."""
        self.done.append(f"{what} {Path(os.fsdecode(path)).name}" if isinstance(path, str | bytes) else what)
        if self.number is None or len(self.done) < self.number:
            return
        if len(self.done) == self.number:
            half()
        if self.code is None:
            raise KilledError
        if len(self.done) == self.number:
            raise OSError(self.code, os.strerror(self.code))

    def concerns(self, path: object) -> bool:
        return isinstance(path, str | bytes | os.PathLike) and os.fsdecode(path).startswith(self.folder)


class FailingFile:
    """A file open for writing, without a buffer, so that a kill loses nothing; its operations are counted."""

    def __init__(self, file: Any, path: Any, files: FailingFiles) -> None:
        self._file, self._path, self._files = file, os.fsdecode(path), files

    def write(self, data: Any) -> Any:
        data = memoryview(data).cast("B")
        self._files.count("write", self._path, lambda: self._file.write(data[: len(data) // 2]))
        return self._file.write(data)

    def truncate(self, size: int | None = None) -> Any:
        self._files.count("truncate", self._path)
        return self._file.truncate(size)

    def close(self) -> None:
        if not self._file.closed:
            if not self._files.killed:
                self._file.close()  # also where that fails, as the system does
            self._files.count("close", self._path)

    def __enter__(self) -> "FailingFile":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


@contextmanager
def failing(folder: Path, number: int | None = None, code: int | None = None) -> Iterator[FailingFiles]:
    """Let the file system fail within a block; see `FailingFiles`.

    Yields
    ------
    FailingFiles
        What is counted.
    """
    files = FailingFiles(folder, number, code)
    real_open, real_fsync = builtins.open, os.fsync

    def open_counted(path: Any, mode: str = "r", buffering: int = -1, *arguments: Any, **options: Any) -> Any:
        if not files.concerns(path) or not set(mode) & set("wax+"):
            return real_open(path, mode, buffering, *arguments, **options)
        assert "b" in mode, "runs write bytes"
        file = real_open(path, mode, 0, *arguments, **options)
        files.files.append(file)
        return FailingFile(file, path, files)

    def counted(name: str) -> Callable[..., Any]:
        real = getattr(os, name)

        def call(path: Any, *arguments: Any, **options: Any) -> Any:
            if files.concerns(path):
                files.count(name, os.fspath(path))
            return real(path, *arguments, **options)

        return call

    def fsync_counted(descriptor: int) -> None:
        files.count("fsync")
        real_fsync(descriptor)

    patches = [patch(f"os.{name}", counted(name)) for name in PATH_CALLS]
    patches += [patch("builtins.open", open_counted), patch("io.open", open_counted), patch("os.fsync", fsync_counted)]
    for each in patches:
        each.start()
    try:
        yield files
    finally:
        for each in reversed(patches):
            each.stop()
        for file in files.files:
            file.close()  # the end of a process closes its files
