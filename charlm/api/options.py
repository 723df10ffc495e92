"""The options of the library's functions: what each takes, checked before anything is done."""

from collections.abc import Callable
from math import inf, isfinite
from typing import Any, NamedTuple, TypedDict

from charlm.errors import UsageError
from charlm.limits import MOST_SYMBOLS, MOST_WORKERS
from charlm.phrases import shown

MOST_SEED = (1 << 64) - 1
MOST_LENGTH = 1_000_000_000  # characters
MOST_LINES = 1_000_000
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

    holds: Callable[[Any], bool]
    words: str
    most: float = inf


RANGES = {
    "length": Range(lambda x: x >= 0, "at least 0", MOST_LENGTH),
    "temperature": Range(lambda x: x >= 0 and isfinite(x), "a finite number of at least 0"),
    "top_k": Range(lambda x: x >= 1, "at least 1", MOST_SYMBOLS),
    "top_p": Range(lambda x: 0 < x <= 1, "above 0 and at most 1"),
    "min_p": Range(lambda x: 0 <= x <= 1, "between 0 and 1"),
    "seed": Range(lambda x: 0 <= x <= MOST_SEED, "between 0 and 2**64 - 1"),
    "count": Range(lambda x: x >= 1, "at least 1", MOST_COUNT),
    "lines": Range(lambda x: x >= 1, "at least 1", MOST_LINES),
    "top": Range(lambda x: x >= 1, "at least 1", MOST_SYMBOLS),
    "workers": Range(lambda x: x >= 1, "'auto' or at least 1", MOST_WORKERS),
}


def check(**options: Any) -> None:
    """Refuse numbers that an option does not take; None is an option that was left out."""
    for name, value in options.items():
        if value is None:
            continue
        holds, words, most = RANGES[name]
        if not holds(value) or value > most:
            words = f"at most {most:,}" if holds(value) else words
            raise UsageError(f"{name}: must be {words}, got {shown(value)}")
