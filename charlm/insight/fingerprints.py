r"""Numbers for parts of a text, equal for equal parts, and the search for many parts in a large text at once.

The fingerprint of the symbols x_0 ... x_{n-1} is

    sum over k of v(x_k) c^k   modulo 2^64

(Karp & Rabin 1987), where v gives each symbol a 64-bit number and c is odd. With the sums s_i over all symbols before
place i, that of any part is (s_stop - s_start) c^{-start}: two operations, whatever its length.

Two different parts have the same fingerprint by chance, once in some 10^19 pairs.
"""

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from charlm.arrays import Ids, IntArray

Prints = npt.NDArray[np.uint64]
Flags = npt.NDArray[np.bool_]

BASE = 0x9E37_79B9_7F4A_7C15  # c, the golden ratio's first 64 bits
BLOCK = 1 << 17  # symbols of a large text at a time: the sums of a block fit into a core's cache
LONGEST_SEGMENT = 1 << 22  # symbols; a longer line, or word, is cut
SLOTS_PER_PRINT = 16
MOST_SLOT_BITS = 24


class Fingerprints:
    """The fingerprints of all parts of a text.

    Parameters
    ----------
    ids : ndarray of int, shape (N,)
        The text.
    """

    def __init__(self, ids: Ids) -> None:
        size = len(ids)
        self._sums = np.zeros(size + 1, np.uint64)
        numbers = _mixed(np.asarray(ids, np.uint64))
        numbers *= _powers(BASE, size)[:size]
        np.cumsum(numbers, out=self._sums[1:])
        self._inverses = _powers(pow(BASE, -1, 1 << 64), size)

    def windows(self, length: int, number: int) -> Prints:
        """Return the fingerprints of the parts of one length that begin at the first places, (number,)."""
        windows: Prints = self._sums[length : length + number] - self._sums[:number]
        windows *= self._inverses[:number]
        return windows

    def parts(self, starts: IntArray, stops: IntArray) -> Prints:
        """Return the fingerprints of the parts between some places, shape (n,) each."""
        return (self._sums[stops] - self._sums[starts]) * self._inverses[starts]


class Search:
    """Fingerprints that are looked for in a large text, a piece of it at a time.

    Parameters
    ----------
    wanted : ndarray of uint64, shape (n,)
        In any order, any number of times each.
    """

    def __init__(self, wanted: Prints) -> None:
        self._wanted, self._places = np.unique(wanted, return_inverse=True)
        self._found = np.zeros(len(self._wanted), bool)
        bits = min(MOST_SLOT_BITS, max(1, (SLOTS_PER_PRINT * len(self._wanted)).bit_length()))
        self._shift = np.uint64(64 - bits)
        # How many prints of each slot were not found yet: most of a text is told to be none of them by one look.
        self._missing = np.bincount(self._slots(self._wanted).astype(np.int64), minlength=1 << bits).astype(np.uint8)

    def look_at(self, prints: Prints) -> None:
        """Note which of the wanted fingerprints are among some others."""
        candidates = prints[self._missing[self._slots(prints)] > 0]
        if not len(candidates):
            return
        places = np.minimum(np.searchsorted(self._wanted, candidates), len(self._wanted) - 1)
        hits = np.unique(places[self._wanted[places] == candidates])
        new = hits[~self._found[hits]]
        self._found[new] = True
        np.subtract.at(self._missing, self._slots(self._wanted[new]), 1)

    @property
    def found(self) -> Flags:
        """Which of the wanted fingerprints were there, (n,), in the order in which they were given."""
        found: Flags = self._found[self._places]
        return found

    def _slots(self, prints: Prints) -> Prints:
        return (prints * np.uint64(BASE)) >> self._shift


def segments(inside: Flags) -> tuple[IntArray, IntArray]:
    """Return where the runs of true values, shape (N,), start and stop."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], inside, [False]])))
    return edges[::2], edges[1::2]


def blocks(ids: Ids, ends: Flags, ahead: int) -> Iterator[tuple[Ids, int]]:
    """Yield a text a block at a time, cut where no line or word is cut.

    Parameters
    ----------
    ids : ndarray of int, shape (N,)
        The text.
    ends : ndarray of bool, shape (V,)
        The symbols after which it may be cut.
    ahead : int
        How many symbols of the next block each is to be followed by.

    Yields
    ------
    ids : ndarray of int
        A block and what follows it.
    size : int
        How many of them are the block's own.
    """
    start = 0
    while start < len(ids):
        stop = _cut(ids, ends, start, max(BLOCK, ahead))
        yield ids[start : stop + ahead], stop - start
        start = stop


def _cut(ids: Ids, ends: Flags, start: int, size: int) -> int:
    """Return a place after a symbol that ends something, about `size` symbols after another."""
    while start + size < len(ids):
        last = np.flatnonzero(ends[ids[start : start + size]])
        if len(last):
            return start + int(last[-1]) + 1
        if size >= LONGEST_SEGMENT:
            return start + size
        size *= 2
    return len(ids)


@lru_cache(8)
def _all_powers(base: int, size: int) -> Prints:
    powers = np.full(size, base, np.uint64)
    powers[0] = 1
    np.cumprod(powers, out=powers)
    powers.flags.writeable = False
    return powers


def _powers(base: int, least: int) -> Prints:
    """Return the powers of a base from the zeroth to the least-th, or some more."""
    return _all_powers(base, 1 << (least + 1).bit_length())


def _mixed(numbers: npt.NDArray[Any]) -> Prints:
    """Return a 64-bit number for each symbol, as SplitMix64 does (Steele et al. 2014)."""
    mixed: Prints = (numbers + np.uint64(1)) * np.uint64(BASE)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58_476D_1CE4_E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D0_49BB_1331_11EB)
    return mixed ^ (mixed >> np.uint64(31))
