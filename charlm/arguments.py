"""The arguments of the library's functions: what each takes, checked before anything is done."""

import secrets
from collections.abc import Callable, Sequence
from math import inf
from numbers import Integral, Real
from pathlib import Path
from typing import Any, NamedTuple, TypedDict

import numpy as np

from charlm.errors import UsageError
from charlm.limits import MOST_LAYERS, MOST_SYMBOLS, MOST_WORKERS
from charlm.paths import expanded
from charlm.phrases import as_written

MOST_SEED = (1 << 64) - 1
MOST_LENGTH = 1_000_000_000  # characters
MOST_LINES = 1_000_000
MOST_TEMPERATURE = 1e300  # logits divided by it still differ from zero in float64
MOST_GUESSES = 100
MOST_LAGS = 1_000  # steps that a gradient goes back
MOST_WINDOWS = 10_000  # over which its norm is averaged
MOST_TOY_WEIGHT = 1_000.0
MOST_INSPECTED = 50_000  # characters, of which every unit keeps a value
MOST_COUNT = 10_000  # texts at once, each with a state and random numbers of its own


class WritingOptions(TypedDict, total=False):
    """How a text is written; see `LanguageModel.sample`."""

    length: int | None
    temperature: float
    top_k: int | None
    top_p: float | None
    min_p: float | None
    seed: int | None
    stop: str | bytes | None
    lines: int | None
    on_unknown: str
    allow_unknown: bool


class Range(NamedTuple):
    """The numbers that an option takes."""

    kind: type[Any]
    holds: Callable[[Any], bool]
    words: str
    most: float = inf
    optional: bool = True  # None is an option that was left out


RANGES = {
    "length": Range(Integral, lambda x: x >= 0, "at least 0", MOST_LENGTH),
    "temperature": Range(Real, lambda x: x >= 0, "at least 0", MOST_TEMPERATURE, False),
    "top_k": Range(Integral, lambda x: x >= 1, "at least 1", MOST_SYMBOLS),
    "top_p": Range(Real, lambda x: 0 < x <= 1, "above 0 and at most 1"),
    "min_p": Range(Real, lambda x: 0 <= x <= 1, "between 0 and 1"),
    "seed": Range(Integral, lambda x: 0 <= x <= MOST_SEED, "between 0 and 2**64 - 1"),
    "count": Range(Integral, lambda x: x >= 1, "at least 1", MOST_COUNT, False),
    "lines": Range(Integral, lambda x: x >= 1, "at least 1", MOST_LINES),
    "items": Range(Integral, lambda x: x >= 1, "at least 1", MOST_LINES, False),
    "top": Range(Integral, lambda x: x >= 1, "at least 1", MOST_SYMBOLS),
    "smooth": Range(Real, lambda x: 0 <= x < 1, "at least 0 and below 1", optional=False),
    "start": Range(Real, lambda x: 0 <= x < inf, "finite and at least 0", optional=False),
    "characters": Range(Integral, lambda x: x >= 1, "at least 1", MOST_INSPECTED, False),
    "guesses": Range(Integral, lambda x: x >= 0, "at least 0", MOST_GUESSES, False),
    "lags": Range(Integral, lambda x: x >= 1, "at least 1", MOST_LAGS, False),
    "windows": Range(Integral, lambda x: x >= 1, "at least 1", MOST_WINDOWS, False),
    "columns": Range(Integral, lambda x: x >= 0, "at least 0", optional=False),
    "layer": Range(Integral, lambda x: x >= 0, "at least 0", MOST_LAYERS),
    "workers": Range(Integral, lambda x: x >= 1, "'auto' or at least 1", MOST_WORKERS, False),
}


def check(**options: Any) -> None:
    """Refuse what an option does not take: what is no number, and numbers out of its range."""
    for name, value in options.items():
        kind, holds, words, most, optional = RANGES[name]
        if value is None and optional:
            continue
        if isinstance(value, bool) or not isinstance(value, kind):
            noun = "a whole number" if kind is Integral else "a number"
            raise UsageError(f"{name}: must be {noun} ({words}), got {as_written(value)}")
        number = value.item() if isinstance(value, np.generic) else value  # a float32 compares with few floats
        if not holds(number) or number > most:
            words = f"at most {most:,}" if holds(number) else words
            raise UsageError(f"{name}: must be {words}, got {as_written(value)}")


def seed_of(seed: Any) -> int:
    """Return the seed that is given, checked, or a random one where it is None."""
    check(seed=seed)
    return secrets.randbelow(1 << 32) if seed is None else int(seed)


def check_flags(**flags: Any) -> None:
    """Refuse what is neither True nor False."""
    for name, value in flags.items():
        if not isinstance(value, bool | np.bool_):
            raise UsageError(f"{name}: must be True or False, got {as_written(value)}")


def path_of(name: str, path: Any) -> Path:
    """Return the path that an argument is, a leading ``~`` replaced by the home directory.

    Raises
    ------
    UsageError
        When it is empty or no path, or when there is no such home directory.
    """
    try:
        return expanded(path)
    except UsageError as error:
        error.args = (f"{name}: {error}",)
        raise


def texts_of(name: str, paths: str | Path | Sequence[str | Path]) -> list[str]:
    """Return one path, or several, as texts."""
    several = [paths] if isinstance(paths, str | Path) else paths
    if not isinstance(several, list | tuple) or not all(isinstance(path, str | Path) for path in several):
        raise UsageError(f"{name}: must be a path or a list of paths, got {as_written(paths)}")
    return [str(path) for path in several]
