"""Where encoded corpora are kept: in memory, or as files that a second run maps instead of reading the text again."""

import contextlib
import json
import os
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, Protocol

import numpy as np

from charlm.arrays import Ids, Unsigned
from charlm.errors import CharlmError

VERSION = 1
DAY = 86_400
KEPT_DAYS = 30  # an entry that no run has used for so long is dropped when another one is stored
SYNCED_BYTES = 1 << 26
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


class Shelf(Protocol):
    """A place for entries."""

    def find(self, key: str) -> Entry | None:
        """Return the entry of this key, or None."""

    def keep(self, key: str, plan: Plan) -> Entry:
        """Make an entry and keep it under this key."""


class Memory:
    """Keeps ids in an array and forgets them with the process."""

    def find(self, key: str) -> Entry | None:
        """Return None: nothing outlives the process."""
        return None

    def keep(self, key: str, plan: Plan) -> Entry:
        """Make the ids in an array of exactly their size."""
        ids = np.empty(plan.size, dtype=plan.dtype)
        end = 0
        for piece in plan.pieces():
            _check_room(end + len(piece), plan.size)
            ids[end : end + len(piece)] = piece
            end += len(piece)
        _check_size(end, plan.size)
        return Entry(ids, plan.facts())


@dataclass
class Folder:
    """Keeps ids in a file each, to be mapped into memory, with a JSON file of facts beside it.

    The JSON file is renamed into place last, so an entry that has one is whole. Nothing here may stop a training
    run: what cannot be read is made anew, and what cannot be written is kept in memory, with a note.

    Parameters
    ----------
    path : Path
        The directory; it is made when the first entry is.
    notes : list of str
        Takes what a person should know.
    """

    path: Path
    notes: list[str]

    def find(self, key: str) -> Entry | None:
        """Return the mapped entry of this key, or None when there is none or its files do not fit together."""
        try:
            described = json.loads(self._facts(key).read_text(encoding="utf-8"))
            entry = self._map(key, described)
        except (OSError, ValueError, KeyError, TypeError):
            return None
        with contextlib.suppress(OSError):
            os.utime(self._facts(key))
        return entry

    def keep(self, key: str, plan: Plan) -> Entry:
        """Write the ids a piece at a time, then the facts, and map them; in memory if that fails."""
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            self._drop_old()
            return self._write(key, plan)
        except OSError as error:
            reason = error.strerror or str(error)
            self.notes.append(f"the cache {self.path} cannot be used ({reason}); the corpus is kept in memory")
            return Memory().keep(key, plan)

    def _write(self, key: str, plan: Plan) -> Entry:
        temporary = self.path / f"{key}.{os.getpid()}.tmp"
        try:
            with temporary.open("wb") as file:
                _check_size(_write_synced(file, plan) // plan.dtype.itemsize, plan.size)
            os.replace(temporary, self._ids(key))
            facts = plan.facts()
            described = {"version": VERSION, "dtype": plan.dtype.name, "size": plan.size, "facts": facts}
            with temporary.open("w", encoding="utf-8") as note:
                json.dump(described, note)
            os.replace(temporary, self._facts(key))
        finally:
            temporary.unlink(missing_ok=True)
        return self._map(key, described)

    def _map(self, key: str, described: Mapping[str, Any]) -> Entry:
        dtype, size, facts = described["dtype"], described["size"], described["facts"]
        if described["version"] != VERSION or dtype not in DTYPES or not isinstance(facts, dict):
            raise ValueError("not an entry of this version")
        if self._ids(key).stat().st_size != size * np.dtype(dtype).itemsize:
            raise ValueError("the ids have another size than their description")
        return Entry(np.memmap(self._ids(key), dtype=dtype, mode="r", shape=(size,)), facts)

    def _drop_old(self) -> None:
        now = time.time()
        for path in self.path.glob("*.*"):
            with contextlib.suppress(OSError):  # another process may be using it or dropping it
                limit = DAY if path.suffix == ".tmp" else KEPT_DAYS * DAY
                reference = path.with_suffix(".json") if path.suffix == ".ids" else path
                if now - (reference if reference.exists() else path).stat().st_mtime > limit:
                    path.unlink()

    def _ids(self, key: str) -> Path:
        return self.path / f"{key}.ids"

    def _facts(self, key: str) -> Path:
        return self.path / f"{key}.json"


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


def _write_synced(file: BinaryIO, plan: Plan) -> int:
    """Write the ids, see them on the disk before any facts vouch for them, and return how many bytes they are.

    The disk gets its share on the way, in a thread, so that it does not have everything to do at the end.
    """
    size, due = 0, SYNCED_BYTES
    with ThreadPoolExecutor(1) as helper:
        syncing: Future[None] | None = None
        for piece in plan.pieces():
            size += file.write(np.ascontiguousarray(piece, dtype=plan.dtype).data)
            if size >= due and (syncing is None or syncing.done()):
                _result(syncing)
                file.flush()
                syncing, due = helper.submit(_sync, file.fileno()), size + SYNCED_BYTES
        _result(syncing)
    file.flush()
    _sync(file.fileno())
    return size


def _result(syncing: Future[None] | None) -> None:
    if syncing is not None:
        syncing.result()


def _sync(descriptor: int) -> None:
    os.fsync(descriptor)


def _check_room(end: int, size: int) -> None:
    if end > size:
        _check_size(end, size)


def _check_size(made: int, size: int) -> None:
    if made != size:
        raise CharlmError(
            f"the corpus changed while it was being read ({size:,} characters at first, then {made:,}); "
            f"run again when nothing writes to it"
        )
