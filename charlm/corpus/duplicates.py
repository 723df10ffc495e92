"""Passages and lines of the validation part that also stand in the training part, found by hashing.

The hash of a passage of L symbols that begins at i is, modulo 2^64 and for an odd b,

    b^-i (Q_{i+L} - Q_i),    Q_i = sum_{j<i} value(x_j) b^j,

so that the hashes of all passages of a block, whatever their length, are two cumulative sums away (Karp & Rabin 1987).
Among 10^8 passages of training and 10^7 of validation, two that differ have the same hash with a probability of 10^-4.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from charlm.arrays import Ids, IntArray
from charlm.corpus.lines import newlines

Hashes = npt.NDArray[np.uint64]
Ranges = tuple[IntArray, IntArray]  # where ranges of passages begin, and how many passages each has

LENGTH = 50  # symbols: long enough that nobody writes the same by chance
BLOCK = 1 << 16  # symbols hashed at a time
CHUNK = 1 << 23  # passages of the validation part that are looked for at a time
BASE = 0x9E3779B97F4A7C15
MOST_BITS = 26  # of the beginnings of hashes by which they are looked up


@dataclass(frozen=True, slots=True)
class Passages:
    """The passages of a fixed length in a validation part; there is one for each symbol that one can begin at.

    Attributes
    ----------
    length : int
        Symbols of each.
    number : int
        How many there are.
    copied : int
        How many of them stand verbatim in the training part.
    longest : int
        Symbols of the longest passage that stands in both, 0 if none of that length does.
    valid_at, train_at : int
        Where it begins in both parts, first.
    """

    length: int
    number: int
    copied: int
    longest: int = 0
    valid_at: int = 0
    train_at: int = 0


def copied_passages(train: Ids, valid: Ids, length: int = LENGTH, block: int = BLOCK, chunk: int = CHUNK) -> Passages:
    """Count the passages of the validation part that stand in the training part, and find the longest.

    Time grows with the length of the training part; memory is a byte for each symbol of both parts, and some hundred
    megabytes.

    Parameters
    ----------
    train, valid : ndarray of int, shape (N,)
        The parts; they may be memory maps.
    length : int
        Symbols of a passage.
    block, chunk : int
        Symbols that are hashed at a time, and passages that are looked for at a time.
    """
    number = len(valid) - length + 1
    if number < 1 or len(train) < length:
        return Passages(length, max(0, number), 0)
    hashing = _Hashing(max(int(train.max()), int(valid.max())) + 1, block)
    in_train, in_valid = np.zeros(len(train), bool), np.zeros(len(valid), bool)
    for start in range(0, number, chunk):
        at = np.arange(start, min(start + chunk, number))
        own = np.concatenate([hashes for _, hashes in hashing.passages(valid, _one(start, len(at)), length)])
        wanted = _Wanted(own)
        for positions, hashes in hashing.passages(train, _one(0, len(train) - length + 1), length):
            in_train[positions[wanted.meet(hashes)]] = True
        in_valid[at] = wanted.met(own)
    copied = int(in_valid.sum())
    if not copied:
        return Passages(length, number, 0)
    longest = _longest(hashing, train, valid, _runs(in_train), _runs(in_valid), length)
    return Passages(length, number, copied, *longest)


def lines_in_both(train: Ids, valid: Ids, newline_id: int, block: int = BLOCK) -> int:
    """Return how many lines of a validation part are also lines of the training part.

    Parameters
    ----------
    train, valid : ndarray of int, shape (N,)
        The parts in lines mode, each line with a newline before and after it.
    newline_id : int
        The newline.
    block : int
        Symbols that are hashed at a time.
    """
    if not len(train) or not len(valid):
        return 0
    hashing = _Hashing(max(int(train.max()), int(valid.max())) + 1, block)
    own = np.concatenate(list(hashing.lines(valid, newline_id)))
    wanted = _Wanted(own)
    for hashes in hashing.lines(train, newline_id):
        wanted.meet(hashes)
    return int(wanted.met(own).sum())


class _Hashing:
    """Hashes passages and lines of texts of V symbols, a block at a time."""

    def __init__(self, symbols: int, block: int) -> None:
        self._values = _scattered(np.arange(1, symbols + 1, dtype=np.uint64))
        self._block = block
        self._powers = self._inverses = np.ones(1, np.uint64)

    def passages(self, ids: Ids, ranges: Ranges, length: int) -> Iterator[tuple[IntArray, Hashes]]:
        """Yield where passages begin, and their hashes; those that begin in some ranges."""
        for begins, sizes in self._batches(ranges, length):
            spans = sizes + length - 1
            ends = np.cumsum(spans)
            if len(begins) == 1:
                symbols = np.asarray(ids[begins[0] : begins[0] + spans[0]])
            else:
                symbols = ids[np.arange(ends[-1]) + np.repeat(begins - (ends - spans), spans)]
            sums = self._sums(symbols)
            offsets = np.arange(sizes.sum()) + np.repeat(ends - spans - (np.cumsum(sizes) - sizes), sizes)
            positions = offsets + np.repeat(begins - (ends - spans), sizes)
            yield positions, (sums[offsets + length] - sums[offsets]) * self._inverses[offsets]

    def lines(self, ids: Ids, newline_id: int) -> Iterator[Hashes]:
        """Yield the hashes of the lines of a text, each without the newlines around it."""
        ends = newlines(ids, newline_id)
        first = 0
        while first + 1 < len(ends):
            last = max(first + 1, int(ends.searchsorted(ends[first] + self._block, side="right")) - 1)
            sums = self._sums(np.asarray(ids[ends[first] : ends[last]]))
            begins, stops = ends[first:last] + 1 - ends[first], ends[first + 1 : last + 1] - ends[first]
            yield (sums[stops] - sums[begins]) * self._inverses[begins]
            first = last

    def _batches(self, ranges: Ranges, length: int) -> Iterator[Ranges]:
        """Yield the ranges in groups that take about a block, longer ranges in pieces."""
        begins, sizes = ranges
        pieces = -(-sizes // self._block)
        order = np.repeat(np.arange(len(begins)), pieces)
        within = (np.arange(len(order)) - np.repeat(np.cumsum(pieces) - pieces, pieces)) * self._block
        begins, sizes = begins[order] + within, np.minimum(self._block, sizes[order] - within)
        total = np.cumsum(sizes + length - 1)
        first = 0
        while first < len(begins):
            done = int(total[first - 1]) if first else 0
            last = max(first + 1, int(total.searchsorted(done + self._block, side="right")))
            yield begins[first:last], sizes[first:last]
            first = last

    def _sums(self, symbols: Ids) -> Hashes:
        """Return Q at each place, (n + 1,)."""
        size = len(symbols) + 1
        if len(self._powers) < size:
            self._powers = _powers(BASE, size)
            self._inverses = _powers(pow(BASE, -1, 1 << 64), size)
        sums = np.zeros(size, np.uint64)
        np.cumsum(self._values[symbols] * self._powers[: size - 1], out=sums[1:])
        return sums


class _Wanted:
    """Hashes that are looked for, and which of them were met: sorted, with the place where each prefix begins."""

    def __init__(self, hashes: Hashes) -> None:
        ordered = np.sort(hashes)
        self._hashes = ordered[np.append(True, ordered[1:] != ordered[:-1])]
        self._met = np.zeros(len(self._hashes), bool)
        bits = min(MOST_BITS, len(self._hashes).bit_length())  # of a prefix, which hardly two hashes share
        self._shift = np.uint64(64 - bits)
        sizes = np.bincount((self._hashes >> self._shift).astype(np.int64), minlength=1 << bits)
        self._begins = np.zeros(len(sizes) + 1, np.int32)
        np.cumsum(sizes, out=self._begins[1:])

    def find(self, hashes: Hashes) -> tuple[IntArray, IntArray]:
        """Return the places of those of some hashes that are looked for, and where each stands among these."""
        prefixes = hashes >> self._shift
        at, ends = self._begins[prefixes], self._begins[prefixes + np.uint64(1)]
        left = np.flatnonzero(at < ends)
        found: list[IntArray] = [left[:0]]
        while len(left):
            same = self._hashes[at[left]] == hashes[left]
            found.append(left[same])
            left = left[~same]
            at[left] += 1
            left = left[at[left] < ends[left]]
        places = np.concatenate(found)
        return places, at[places]

    def meet(self, hashes: Hashes) -> IntArray:
        """Mark those of some hashes that are looked for, and return their places."""
        places, which = self.find(hashes)
        self._met[which] = True
        return places

    def met(self, hashes: Hashes) -> npt.NDArray[np.bool_]:
        """Return which of these, all of them looked for, were met."""
        places, which = self.find(hashes)
        result = np.zeros(len(hashes), bool)
        result[places] = self._met[which]
        return result


def _longest(
    hashing: _Hashing, train: Ids, valid: Ids, train_runs: Ranges, valid_runs: Ranges, length: int
) -> tuple[int, int, int]:
    """Return the length of the longest passage in both parts, and where it begins in the validation and training part.

    A longer passage begins with passages of the shorter length that follow each other, so that only runs of these
    are looked into; and if there is one of some length, there is one of every shorter length.
    """
    most = length - 1 + min(int(train_runs[1].max()), int(valid_runs[1].max()))
    found = _first_in_both(hashing, train, valid, train_runs, valid_runs, length, length)
    assert found is not None  # the passages that make the runs
    best, least, tried = (length, *found), length, most
    while least < most:
        found = _first_in_both(hashing, train, valid, train_runs, valid_runs, tried, length)
        if found is None:
            most = tried - 1
        else:
            best, least = (tried, *found), tried
        tried = (least + most + 1) // 2
    return best


def _first_in_both(
    hashing: _Hashing, train: Ids, valid: Ids, train_runs: Ranges, valid_runs: Ranges, length: int, shorter: int
) -> tuple[int, int] | None:
    """Return where a passage of some length begins in both parts, or None."""
    in_valid = list(hashing.passages(valid, _longer(valid_runs, length - shorter), length))
    if not in_valid:
        return None
    own = np.concatenate([hashes for _, hashes in in_valid])
    wanted = _Wanted(own)
    for positions, hashes in hashing.passages(train, _longer(train_runs, length - shorter), length):
        there = wanted.meet(hashes)
        if len(there):
            begins = np.concatenate([places for places, _ in in_valid])
            same = np.flatnonzero(own == hashes[there[0]])
            return int(begins[same[0]]), int(positions[there[0]])
    return None


def _longer(runs: Ranges, by: int) -> Ranges:
    """Return where passages begin that are longer than those of which a run consists."""
    begins, sizes = runs
    enough = sizes > by
    return begins[enough], sizes[enough] - by


def _runs(mask: npt.NDArray[np.bool_]) -> Ranges:
    edges = np.flatnonzero(np.diff(mask, prepend=False, append=False))
    return edges[::2], edges[1::2] - edges[::2]


def _one(begin: int, size: int) -> Ranges:
    return np.array([begin]), np.array([size])


def _powers(base: int, size: int) -> Hashes:
    powers = np.full(size, base, np.uint64)
    powers[0] = 1
    return np.cumprod(powers, dtype=np.uint64)


def _scattered(numbers: Hashes) -> Hashes:
    """Return numbers without a pattern in place of 1, 2, 3, ... (the finaliser of SplitMix64, Steele et al. 2014)."""
    mixed = numbers * np.uint64(BASE)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))
