"""Where encoded corpora are stored: in memory, or as files that a second run reads in place of the text."""

import contextlib
import hashlib
import json
import os
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np

from charlm.arrays import Ids, Unsigned
from charlm.atomic import open_atomic
from charlm.errors import CorpusError

VERSION = 2
DAY = 86_400  # seconds
UNUSED_DAYS = 30  # an entry that no run has used for so long is dropped when another one is stored
MAPPED_FROM = 1 << 28  # bytes of ids; fewer are read into memory, where no other program can cut them
DTYPES = ("uint8", "uint16", "uint32")


class Entry(NamedTuple):
    """Ids with the facts that belong to them."""

    ids: Ids
    facts: dict[str, Any]


class Plan(NamedTuple):
    """How to make an entry: its type and size, its ids a piece at a time, and facts known once all were made."""

    dtype: np.dtype[Unsigned]
    size: int
    pieces: Callable[[], Iterable[Ids]]
    facts: Callable[[], dict[str, Any]]


class Store(Protocol):
    """A place for entries."""

    def find(self, key: str) -> Entry | None:
        """Return the entry of this key, or None."""

    def make(self, key: str, plan: Plan) -> Entry:
        """Make an entry and store it under this key."""


class Memory:
    """Holds ids in an array, as long as the process lives."""

    def find(self, key: str) -> Entry | None:
        """Return None: nothing outlives the process."""
        return None

    def make(self, key: str, plan: Plan) -> Entry:
        """Make the ids in an array of exactly their size."""
        ids = np.empty(plan.size, dtype=plan.dtype)
        end = 0
        for piece in plan.pieces():
            _check_not_above(end + len(piece), plan.size)
            ids[end : end + len(piece)] = piece
            end += len(piece)
        _check_size(end, plan.size)
        return Entry(ids, plan.facts())


@dataclass
class Folder:
    """Stores ids in a file each, with a JSON file of facts beside it.

    The JSON file is renamed into place last, so an entry that has one is whole. It holds a SHA-256 sum of the ids and
    the facts, which is verified when an entry is found: 0.4 s for 300 MB. Nothing here may stop a training run: what
    cannot be read or is damaged is made anew, and what cannot be written stays in memory, with a note.

    Ids are read into memory. Many are mapped, so that they take no memory of their own; a program that cuts a mapped
    file ends the process that reads it.

    Parameters
    ----------
    path : Path
        The directory; it is made when the first entry is.
    notes : list of str
        Takes what a person should know.
    mapped_from : int
        How many bytes of ids are mapped.
    """

    path: Path
    notes: list[str]
    mapped_from: int = MAPPED_FROM

    def find(self, key: str) -> Entry | None:
        """Return the entry of this key, or None when there is none or it is not as it was written."""
        if not self._facts(key).is_file():
            return None
        try:
            described = json.loads(self._facts(key).read_text(encoding="utf-8"))
            entry = self._read(key, described)
            if _sum(hashlib.sha256(entry.ids.data), described) != described["sha256"]:
                raise ValueError("the entry is damaged")
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            self.notes.append(f"the cache {self.path} was damaged; what was damaged is made anew")
            return None
        with contextlib.suppress(OSError):
            os.utime(self._facts(key))
        return entry

    def make(self, key: str, plan: Plan) -> Entry:
        """Write the ids a piece at a time, then the facts, and read them; in memory if that fails."""
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            self._drop_old()
            return self._write(key, plan)
        except (OSError, ValueError) as error:  # ValueError: another process has replaced the files meanwhile
            reason = getattr(error, "strerror", None) or str(error)
            self.notes.append(f"the cache {self.path} cannot be used ({reason}); the corpus is kept in memory")
            return Memory().make(key, plan)

    def _write(self, key: str, plan: Plan) -> Entry:
        size, digest = 0, hashlib.sha256()
        with open_atomic(self._ids(key)) as file:
            for piece in plan.pieces():
                data = np.ascontiguousarray(piece, dtype=plan.dtype).data
                size += file.write(data)
                digest.update(data)
            _check_size(size // plan.dtype.itemsize, plan.size)
        described = {"version": VERSION, "dtype": plan.dtype.name, "size": plan.size, "facts": plan.facts()}
        described["sha256"] = _sum(digest, described)
        with open_atomic(self._facts(key)) as file:
            file.write(json.dumps(described).encode())
        return self._read(key, described)

    def _read(self, key: str, described: Mapping[str, Any]) -> Entry:
        dtype, size, facts = described["dtype"], described["size"], described["facts"]
        if described["version"] != VERSION or dtype not in DTYPES or not isinstance(facts, dict):
            raise ValueError("not an entry of this version")
        with self._ids(key).open("rb") as file:
            stored = os.fstat(file.fileno()).st_size
            if stored != size * np.dtype(dtype).itemsize:
                raise ValueError("the ids have another size than their description")
            if stored >= self.mapped_from:
                return Entry(np.memmap(file, dtype=dtype, mode="r", shape=(size,)), facts)
            ids = np.fromfile(file, dtype, size)
        if len(ids) != size:
            raise ValueError("the ids were cut while they were read")
        return Entry(ids, facts)

    def _drop_old(self) -> None:
        now = time.time()
        for path in [*self.path.glob("*.ids"), *self.path.glob("*.json")]:
            with contextlib.suppress(OSError):  # another process may be using it or dropping it
                reference = path.with_suffix(".json")
                if now - (reference if reference.exists() else path).stat().st_mtime > UNUSED_DAYS * DAY:
                    path.unlink()

    def _ids(self, key: str) -> Path:
        return self.path / f"{key}.ids"

    def _facts(self, key: str) -> Path:
        return self.path / f"{key}.json"


def on_disk(notes: list[str]) -> Store:
    """Return the user's cache, or memory, with a note, where there is no home directory to put one in."""
    try:
        return Folder(folder(), notes)
    except RuntimeError as error:
        notes.append(f"no cache ({error}; set CHARLM_CACHE to a directory); the corpus is kept in memory")
        return Memory()


def key_of(*texts: str) -> str:
    """Return the key of what is made from all these texts."""
    return hashlib.sha256(json.dumps([VERSION, *texts]).encode()).hexdigest()


def folder() -> Path:
    """Return the cache directory: $CHARLM_CACHE, else charlm's place among the user's caches on this system."""
    chosen = os.environ.get("CHARLM_CACHE")
    if chosen:
        return Path(chosen).expanduser()
    if sys.platform == "win32":
        local = os.environ.get("LOCALAPPDATA")
        return (Path(local) if local else Path.home() / "AppData" / "Local") / "charlm"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "charlm"
    xdg = os.environ.get("XDG_CACHE_HOME")
    return (Path(xdg) if xdg else Path.home() / ".cache") / "charlm"


def _sum(ids: "hashlib._Hash", described: Mapping[str, Any]) -> str:
    """Return the sum of an entry: of its ids, and of all else that is said of it."""
    rest = {name: value for name, value in described.items() if name != "sha256"}
    return hashlib.sha256(f"{ids.hexdigest()}{json.dumps(rest, sort_keys=True)}".encode()).hexdigest()


def _check_not_above(end: int, size: int) -> None:
    if end > size:
        _check_size(end, size)


def _check_size(made: int, size: int) -> None:
    if made != size:
        raise CorpusError(
            f"the corpus changed while it was being read ({size:,} characters at first, then {made:,}); "
            f"run again when nothing writes to it"
        )
