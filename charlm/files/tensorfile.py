"""Reads a safetensors file that nobody vouches for: every size is checked before anything of that size is made.

The format (https://github.com/huggingface/safetensors) is eight bytes with the length of a header, the header in JSON,
and the arrays one after the other. The library of that name maps the file into memory, and a mapped file that another
program cuts or writes over ends the process with SIGBUS; here it is read, so that the same is an error like any other.
"""

import codecs
import json
import os
import stat
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BufferedReader
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from charlm.errors import DamagedFileError, FileError

MOST_HEADER = 16_000_000  # bytes; the vocabulary of all of Unicode takes 10 MB
MOST_PARTS = 1_000_000  # lists and objects in the header, of which a few bytes take a hundred each in memory
MOST_DIMENSIONS = 8
DTYPES = {
    "BOOL": "bool",
    "U8": "uint8",
    "I8": "int8",
    "U16": "<u2",
    "I16": "<i2",
    "F16": "<f2",
    "U32": "<u4",
    "I32": "<i4",
    "F32": "<f4",
    "U64": "<u8",
    "I64": "<i8",
    "F64": "<f8",
}
SOUND = "a checkpoint is a file such as runs/NAME/best.safetensors"


@dataclass(frozen=True, slots=True)
class Entry:
    """Where a tensor lies in the file.

    Attributes
    ----------
    dtype : numpy.dtype
        Its type.
    shape : tuple of int
        Its shape.
    start : int
        The byte of the file at which it begins.
    """

    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    start: int


class TensorFile:
    """An open file whose header was checked against its size.

    Attributes
    ----------
    entries : dict of str to Entry
        The tensors.
    metadata : dict of str to str
        The texts that stand beside them.
    """

    def __init__(self, path: Path, file: BufferedReader) -> None:
        self._path, self._file = path, file
        size = os.fstat(file.fileno()).st_size
        start = file.read(8)
        length = struct.unpack("<Q", start)[0] if len(start) == 8 else MOST_HEADER + 1
        if length > min(MOST_HEADER, size - 8):
            raise self._damaged(self._other_kind(start))
        self.metadata, self.entries = self._parsed(self._exactly(length), 8 + length, size)

    def _other_kind(self, start: bytes) -> str:
        """Return what a file is that has no header, or not all of one."""
        from charlm.corpus.signatures import kind  # here, as few files need it

        head = start + self._file.read(1000)
        if head[8:9] == b"{":
            return "it has only a part of its header"
        if found := kind(head):
            return f"it is {found}"
        try:
            text = codecs.getincrementaldecoder("utf-8")().decode(head)  # the last character may be cut
        except UnicodeDecodeError:
            return "it has no header"
        if not text:
            return "it is empty"
        return "it is text" if all(char.isprintable() or char in "\n\r\t" for char in text) else "it has no header"

    def _parsed(self, text: bytes, first: int, size: int) -> tuple[dict[str, str], dict[str, Entry]]:
        if text.count(b"[") + text.count(b"{") > MOST_PARTS:
            raise self._damaged(f"its header has more than {MOST_PARTS:,} lists and objects")
        try:
            header = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise self._damaged("its header is not JSON") from error
        if not isinstance(header, dict):
            raise self._damaged("its header is not an object")
        metadata = header.pop("__metadata__", {})
        if not isinstance(metadata, dict) or not all(isinstance(value, str) for value in metadata.values()):
            raise self._damaged("its metadata are not texts")
        entries = {name: self._entry(name, value, first) for name, value in header.items()}
        end = first
        for entry in sorted(entries.values(), key=lambda entry: entry.start):
            if entry.start != end:
                raise self._damaged("its tensors do not lie one behind the other")
            end += entry.dtype.itemsize * prod(entry.shape)
        if end != size:
            raise self._damaged(f"it has {size:,} bytes and its header describes {end:,}")
        return metadata, entries

    def _entry(self, name: str, value: Any, first: int) -> Entry:
        try:
            kind, shape, (start, end) = value["dtype"], value["shape"], value["data_offsets"]
        except (LookupError, TypeError, ValueError):
            raise self._damaged(f"its header does not describe the tensor {name[:80]!r}") from None
        if not isinstance(kind, str) or kind not in DTYPES:
            raise self._damaged(f"its tensor {name[:80]} has the type {str(kind)[:20]}, which charlm never writes")
        dtype = np.dtype(DTYPES[kind])
        numbers = [start, end, *shape] if isinstance(shape, list) else [None]
        if not all(type(number) is int and 0 <= number < 1 << 60 for number in numbers) or len(shape) > MOST_DIMENSIONS:
            raise self._damaged(f"the tensor {name[:80]!r} has no possible shape")
        if end - start != dtype.itemsize * prod(shape):
            raise self._damaged(f"the tensor {name[:80]!r} has another size than its shape")
        return Entry(dtype, tuple(shape), first + start)

    def read(self, name: str) -> np.ndarray[Any, np.dtype[Any]]:
        """Return a tensor in memory of its own."""
        entry = self.entries[name]
        array = np.empty(entry.shape, entry.dtype)
        self._file.seek(entry.start)
        if array.nbytes and self._file.readinto(array.reshape(-1).view(np.uint8).data) != array.nbytes:
            raise self._damaged("it was cut while it was read")
        return array

    def _exactly(self, count: int) -> bytes:
        data = self._file.read(count)
        if len(data) != count:
            raise self._damaged("it was cut while it was read")
        return data

    def _damaged(self, why: str) -> DamagedFileError:
        return DamagedFileError(f"{self._path}: damaged, or not a checkpoint: {why}; {SOUND}")


@contextmanager
def opened(path: Path) -> Iterator[TensorFile]:
    """Open a file and check its header.

    Raises
    ------
    FileError
        If it cannot be read, or is a device or a named pipe, which are not waited for.
    DamagedFileError
        If it is no safetensors file, or not all of one.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
        with open(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise FileError(f"{path}: is not an ordinary file; {SOUND}")
            yield TensorFile(path, file)
    except IsADirectoryError as error:
        raise FileError(f"{path}: cannot be read: {error.strerror}") from error
    except OSError as error:
        raise FileError(f"{path}: cannot be read: {error.strerror or error}; name a file that you may read") from error
