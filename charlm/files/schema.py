"""What the metadata of a checkpoint may say, checked before anything is made of it: files come from strangers, too.

Checksums tell that a file is what was written, not that whoever wrote it meant well. The limits are those of a
configuration (`charlm.limits`), so that no run has a checkpoint that is refused.
"""

from collections.abc import Callable, Collection, Mapping
from math import isfinite
from pathlib import Path
from types import MappingProxyType
from typing import Any

from charlm import __version__
from charlm.cells import CELLS
from charlm.errors import DamagedFileError, FileError
from charlm.limits import MOST_COUNT, MOST_LAYERS, MOST_ORDER, MOST_SYMBOLS, MOST_UNITS, MOST_WORKERS

MOST_EVALUATIONS = 150_000  # these, and a vocabulary, fit into the largest header
MOST_LIBRARIES, MOST_OF_A_LIBRARY = 64, 2_000  # that a run says it depends on; characters of what it says of one
SHOWN = 40  # characters of a value in a message

Check = Callable[[Any], bool]


def whole(least: int, most: int) -> Check:
    """Return the check of a whole number, of which True and 1.0 are none."""
    return lambda value: type(value) is int and least <= value <= most


def number(value: Any) -> bool:
    """Tell whether a value is a finite number."""
    return type(value) in (int, float) and abs(value) < 1e300 and isfinite(value)


def flag(value: Any) -> bool:
    """Tell whether a value is true or false."""
    return type(value) is bool


def text(value: Any) -> bool:
    """Tell whether a value is text."""
    return isinstance(value, str)


def or_none(check: Check) -> Check:
    """Return the check of a value that may be missing."""
    return lambda value: value is None or check(value)


def one_of(*names: str) -> Check:
    """Return the check of a name."""
    return lambda value: isinstance(value, str) and value in names


def section(value: Any) -> bool:
    """Tell whether a value is an object."""
    return isinstance(value, dict)


def counts(least: int, most: int) -> Check:
    """Return the check of a list of so many positive whole numbers."""
    positive = whole(1, MOST_WORKERS)
    return lambda value: isinstance(value, list) and least <= len(value) <= most and all(map(positive, value))


def lengths(*names: str) -> Check:
    """Return the check of the lengths of files by name, of which there are no others."""
    long = whole(0, MOST_COUNT)
    return lambda value: isinstance(value, dict) and set(value) == set(names) and all(map(long, value.values()))


def libraries(value: Any) -> bool:
    """Tell whether a value is what `charlm.provenance` writes: two texts for each name."""
    return (
        isinstance(value, dict)
        and len(value) <= MOST_LIBRARIES
        and all(isinstance(said, list) and len(said) == 2 and all(map(_short, said)) for said in value.values())
    )


def _short(value: Any) -> bool:
    return text(value) and len(value) <= MOST_OF_A_LIBRARY


ARCHITECTURE: dict[str, Check] = {
    "cell": text,
    "vocabulary_size": whole(1, MOST_SYMBOLS),
    "hidden_size": whole(1, MOST_UNITS),
    "num_layers": whole(1, MOST_LAYERS),
    "embedding_size": or_none(whole(1, MOST_UNITS)),
    "tie_weights": flag,
    "dtype": one_of("float32", "float64"),
    "start_symbol": or_none(whole(0, MOST_SYMBOLS)),
}
VOCABULARY: dict[str, Check] = {
    "unit": text,
    "symbols": lambda value: isinstance(value, list),
    "unknown": or_none(whole(0, MOST_SYMBOLS)),
}
EVALUATION: dict[str, Check] = {"step": whole(0, MOST_COUNT), "epoch": number, "valid_loss": number}
RUN: dict[str, Check] = {
    "ranks": whole(1, MOST_WORKERS),
    "threads": counts(2, 3),
    "kernels": one_of("numpy", "fused"),
    "total_steps": whole(0, MOST_COUNT),
    "seconds": number,
    "interval": section,
    "sizes": lengths("metrics.jsonl", "samples.txt"),
    "standing": section,
}
INTERVAL: dict[str, Check] = {"steps": whole(0, MOST_COUNT), "loss": number, "grad_norm": number, "seconds": number}
STANDING: dict[str, Check] = {
    "step": whole(0, MOST_COUNT),
    "best_loss": or_none(number),
    "evaluations_since_best": whole(0, MOST_COUNT),
    "evaluations_since_drop": whole(0, MOST_COUNT),
    "plateaus": whole(0, MOST_COUNT),
    "stopped": flag,
}

NGRAM: dict[str, Check] = {"order": whole(1, MOST_ORDER)}

# What the first checkpoints did not have.
RUN_ADDED: dict[str, Check] = {"provenance": libraries}
STANDING_ADDED: dict[str, Check] = {"rollbacks": whole(0, 64)}


def check_model(path: Path, metadata: Mapping[str, Any]) -> None:
    """Check what is needed to use a model.

    Raises
    ------
    FileError
        If a later version wrote something that this one does not know.
    DamagedFileError
        If a value cannot be, named by its place.
    """
    check = _Checks(path, metadata)
    needed = {"architecture": section, "vocabulary": section, "version": text}
    optional = {"corpus": text, "config": section, "run": section, "history": _history, "ngram": section,
                "adapted": whole(0, MOST_COUNT)}  # fmt: skip
    check(metadata, "", needed, optional)
    check.nothing_else(set().union(*metadata.get("history", [])), "history.", EVALUATION)
    check(metadata["vocabulary"], "vocabulary.", VOCABULARY)
    a = metadata["architecture"]
    check(a, "architecture.", ARCHITECTURE)
    if a["cell"] not in CELLS:
        raise unknown(path, metadata, f"its cell {a['cell'][:SHOWN]!r} is not known here")
    if a["tie_weights"] and a["embedding_size"] != a["hidden_size"]:
        raise check.wrong("architecture.tie_weights", True)
    if a["start_symbol"] is not None and a["start_symbol"] >= a["vocabulary_size"]:
        raise check.wrong("architecture.start_symbol", a["start_symbol"])
    if "ngram" in metadata:
        check(metadata["ngram"], "ngram.", NGRAM)


def check_run(path: Path, metadata: Mapping[str, Any]) -> None:
    """Check what is needed to resume a run, of a file whose model is checked by `check_model`."""
    check = _Checks(path, metadata)
    check.needed(metadata, "", {"run": section, "config": section, "corpus": text, "history": _history})
    run = metadata["run"]
    check(run, "run.", RUN, RUN_ADDED)
    check(run["interval"], "run.interval.", INTERVAL)
    check(run["standing"], "run.standing.", STANDING, STANDING_ADDED)


def later(path: Path, metadata: Mapping[str, Any], what: str) -> FileError | None:
    """Return the error for something that is not known here, if the version that wrote it is a later one."""
    version = metadata.get("version")
    if isinstance(version, str) and _parts(version) > _parts(__version__):
        return FileError(
            f"{path}: written by charlm {version[:SHOWN]}, a later version than this one ({__version__}): {what}; "
            "update charlm"
        )
    return None


def unknown(path: Path, metadata: Mapping[str, Any], what: str) -> FileError:
    """Return the error for something that this version does not know, with the version that wrote it if it is later."""
    return later(path, metadata, what) or DamagedFileError(
        f"{path}: damaged, or made by another program: {what}; use another copy of the file"
    )


class _Checks:
    """Checks the sections of a file's metadata.

    Parameters
    ----------
    path : Path
        The file, for messages.
    metadata : mapping
        All of it, for the version that wrote it.
    """

    def __init__(self, path: Path, metadata: Mapping[str, Any]) -> None:
        self._path, self._metadata = path, metadata

    def __call__(
        self,
        values: Mapping[str, Any],
        place: str,
        needed: Mapping[str, Check],
        optional: Mapping[str, Check] = MappingProxyType({}),
    ) -> None:
        """Raise an error unless a section holds what it needs, and nothing that is not known."""
        self.needed(values, place, needed)
        self.needed(values, place, {name: check for name, check in optional.items() if name in values})
        self.nothing_else(values, place, {**needed, **optional})

    def needed(self, values: Mapping[str, Any], place: str, checks: Mapping[str, Check]) -> None:
        """Raise an error unless a section has some keys, each with a value that can be."""
        for name, check in checks.items():
            if name not in values:
                what = f"its metadata has no {place}{name}"
                raise later(self._path, self._metadata, what) or DamagedFileError(
                    f"{self._path}: not a model that this charlm knows: {what}"
                )
            if not check(values[name]):
                raise self.wrong(f"{place}{name}", values[name])

    def nothing_else(self, names: Collection[str], place: str, known: Collection[str]) -> None:
        """Raise an error if a section has a key that is not known."""
        for name in sorted(names):
            if name not in known:
                raise unknown(self._path, self._metadata, f"its metadata's {place}{name[:SHOWN]} is not known here")

    def wrong(self, place: str, value: Any) -> FileError:
        """Return the error for a value that cannot be."""
        shown = repr(value) if isinstance(value, str | int | float | bool | None) else f"a {type(value).__name__}"
        what = f"its metadata's {place} cannot be {shown[:SHOWN]}"
        return later(self._path, self._metadata, what) or DamagedFileError(
            f"{self._path}: damaged: {what}; use another copy of the file"
        )


def _history(value: Any) -> bool:
    return (
        isinstance(value, list)
        and len(value) <= MOST_EVALUATIONS
        and all(
            isinstance(entry, dict) and all(name in entry and check(entry[name]) for name, check in EVALUATION.items())
            for entry in value
        )
    )


def _parts(version: str) -> list[int]:
    return [int(part) for part in version.split(".")[:4] if part.isdecimal() and len(part) < 9]
