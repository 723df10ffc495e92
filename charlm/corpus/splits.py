"""The three parts of a corpus: which of its characters or lines are for training, validation and test."""

from collections.abc import Iterable, Iterator, Mapping
from fractions import Fraction
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from charlm.arrays import Ids
from charlm.corpus.lines import Positions, gather
from charlm.errors import CorpusError, Remedy, UsageError
from charlm.randomness import Purpose, generator

PARTS = ("train", "valid", "test")
STRIPES = 200
STRIPE_LENGTHS = (64, 65_536)
ROUNDING = Fraction(1, 100_000)  # three thirds may be written as 0.333333 each
SMALLEST_TEXT = 2  # a character and the one to predict
SMALLEST_LINES = 1

Span = tuple[int, int]


class Shares(NamedTuple):
    """The fraction of each part, as the exact decimal that was written, and how the parts lie in the text.

    As binary numbers, 0.9 of 10 characters may be 8.999, and 0.9 + 0.05 + 0.05 more or less than 1.
    """

    train: Fraction
    valid: Fraction
    test: Fraction
    layout: str

    @property
    def fractions(self) -> tuple[Fraction, Fraction, Fraction]:
        """The three fractions in order."""
        return self.train, self.valid, self.test


def shares(split: Mapping[str, Any]) -> Shares:
    """Return the configured shares.

    Parameters
    ----------
    split : mapping
        The keys train, valid, test and layout of the configuration's `corpus.split`.

    Raises
    ------
    UsageError
        When the fractions are no division of the whole, or when there is no such layout.
    """
    train, valid, test = (Fraction(str(split[part])) for part in PARTS)
    if min(valid, test) < 0 or train <= 0 or not add_up((train, valid, test)):
        shown = ", ".join(f"{part}: {split[part]}" for part in PARTS)
        raise UsageError(f"corpus.split: fractions must be at least 0 and add up to 1, train above 0; got {shown}")
    if split["layout"] not in LAYOUTS:
        raise UsageError(f"corpus.split.layout: must be one of {', '.join(LAYOUTS)}; got {split['layout']!r}")
    return Shares(train, valid, test, split["layout"])


def add_up(fractions: Iterable[float | Fraction]) -> bool:
    """Tell whether fractions, as the decimals that were written, make the whole, but for `ROUNDING`."""
    return abs(sum((Fraction(str(fraction)) for fraction in fractions), Fraction(-1))) <= ROUNDING


def tails(size: int, chosen: Shares) -> list[list[Span]]:
    """Return the text's beginning, middle and end, cut where the fractions' sums, rounded down, say."""
    cuts = _cuts(size, chosen)
    return [[(start, stop)] for start, stop in pairwise([0, *cuts])]


def stripes(size: int, chosen: Shares) -> list[list[Span]]:
    """Return parts that alternate through the text.

    The text is cut into some two hundred stripes (of 64 to 65,536 characters, so fewer or more of them where the
    text is very short or long), and each goes to the part that lags furthest behind its fraction.

    Parameters
    ----------
    size : int
        The number of characters.
    chosen : Shares
        How much each part gets.

    Returns
    -------
    list of three lists of (start, stop)
        The spans of each part, in order, neighbours joined.
    """
    length = stripe_length(size)
    spans: list[list[Span]] = [[] for _ in PARTS]
    filled = [0] * len(PARTS)
    for start in range(0, size, length):
        stop = min(start + length, size)
        lag = [fraction * stop - got for fraction, got in zip(chosen.fractions, filled, strict=True)]
        part = lag.index(max(lag))
        filled[part] += stop - start
        if spans[part] and spans[part][-1][1] == start:
            start = spans[part].pop()[0]
        spans[part].append((start, stop))
    return spans


LAYOUTS = {"tail": tails, "stripes": stripes}


def stripe_length(size: int) -> int:
    """Return the length of a stripe of a text of this size."""
    smallest, largest = STRIPE_LENGTHS
    return max(smallest, min(largest, size // STRIPES))


def sizes_of(spans: Iterable[Iterable[Span]]) -> list[int]:
    """Return the number of characters in each part."""
    return [sum(stop - start for start, stop in part) for part in spans]


def spanned(ids: Ids, spans: Iterable[Iterable[Span]]) -> Iterator[Ids]:
    """Yield the ids of all parts, part after part."""
    for part in spans:
        for start, stop in part:
            yield ids[start:stop]


class SplitLines(NamedTuple):
    """Shuffled lines, divided among the parts."""

    lines: list[np.ndarray[Any, np.dtype[np.int64]]]  # each part's line numbers

    def sizes(self, positions: Positions) -> list[int]:
        """Return the number of ids of each part, newlines and the leading one included."""
        lengths = np.diff(positions)
        return [int(lengths[part].sum()) + bool(len(part)) for part in self.lines]

    def pieces(self, ids: Ids, positions: Positions) -> Iterator[Ids]:
        """Yield the ids of all parts, part after part, each beginning with a newline."""
        for part in self.lines:
            if len(part):
                yield ids[:1]  # the newline that begins every text of lines
                yield from gather(ids, positions, part)


def split_lines(number: int, chosen: Shares, seed: int) -> SplitLines:
    """Shuffle whole lines and divide them among the parts.

    Parameters
    ----------
    number : int
        How many lines there are.
    chosen : Shares
        How much of them each part gets.
    seed : int
        The run's seed; equal seeds give equal parts.

    Returns
    -------
    SplitLines
        Every line in exactly one part.
    """
    order = generator(seed, Purpose.SPLIT).permutation(number)
    cuts = _cuts(number, chosen)
    return SplitLines([order[start:stop] for start, stop in pairwise([0, *cuts])])


def check_parts(sizes: Iterable[int], chosen: Shares, noun: str, smallest: int) -> None:
    """Raise a `CorpusError` when a part that is wanted gets too little to be of use.

    Parameters
    ----------
    sizes : iterable of int
        How many characters or lines each part gets.
    chosen : Shares
        How much it was to get.
    noun : str
        What is counted.
    smallest : int
        How many a part needs.
    """
    counted = list(sizes)
    fractions = dict(zip(PARTS, chosen.fractions, strict=True))
    small = {
        name: f"the {name} part ({float(fractions[name]):g}) gets {size}"
        for name, size in zip(PARTS, counted, strict=True)
        if fractions[name] and size < smallest
    }
    if not small:
        return
    enough = -(-smallest // min(share for share in chosen.fractions if share))
    remedy = f"give {enough} or more{' (in the layout tail)' if chosen.layout != 'tail' else ''}"
    split: dict[str, float] = {}
    if "train" not in small:
        split = {part: 0.0 if part in small else float(fractions[part]) for part in PARTS}
        split["train"] = float(sum((fractions[part] for part in small), fractions["train"]))
        remedy += ", or split it into {train:g}, {valid:g} and {test:g}".format(**split)
    raise CorpusError(
        f"the corpus is too small to split: of its {sum(counted)} {noun} {' and '.join(small.values())}, and a part "
        f"needs {smallest}; {remedy}",
        remedy=Remedy.SET_SPLIT if split else None,
        split=split,
    )


def _cuts(size: int, chosen: Shares) -> list[int]:
    """Return where the parts end; the last one that is wanted ends with the whole."""
    train, valid, test = chosen.fractions
    first = int(size * train) if valid or test else size
    second = int(size * (train + valid)) if test else size
    return [first, min(second, size), size]
