"""An n-gram that grows as a text is read: what followed each context of a few symbols so far."""

from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from charlm.arrays import Array

DISCOUNT = 0.75  # taken from each count for what has not been seen
STRENGTH = 0.5  # in observations: what a context leaves to its suffix besides


class GrowingNGram:
    """Counts of the text that was read so far, interpolated with those of shorter contexts.

        p_m(w | c) = (count(c, w) - D + (D types(c) + S) p_{m-1}(w | suffix of c)) / (total(c) + S)

    It is Kneser-Ney smoothing (1995), one symbol at a time: where a symbol has followed a context before, the shorter
    contexts do not count it again, so that they count the different contexts before it (Moffat 1990: update exclusion).

    Parameters
    ----------
    vocabulary_size : int
        V.
    order : int
        N, the number of symbols in a gram.
    start_symbol : int, optional
        The symbol before which an item starts: a context reaches back to it and no further.
    """

    def __init__(self, vocabulary_size: int, order: int, start_symbol: int | None = None) -> None:
        self._symbols, self._order, self._start = vocabulary_size, order, start_symbol
        self._places: dict[int, int] = {}  # the place of a suffix, times V, plus an older symbol: that of the context
        self._counts: list[dict[int, int]] = [{}]  # of the followers of the context at each place

    def probabilities(self, recent: Iterable[int]) -> Array:
        """Return how likely each symbol is after a text, (V,), float64.

        Parameters
        ----------
        recent : iterable of int
            The last symbols of the text, the last one first.
        """
        result = np.full(self._symbols, 1 / self._symbols)
        place: int | None = 0
        older = self._context(recent)
        while place is not None and (followers := self._counts[place]):
            counts = np.fromiter(followers.values(), np.float64, len(followers))
            total = counts.sum() + STRENGTH
            result *= (DISCOUNT * len(counts) + STRENGTH) / total
            result[list(followers)] += (counts - DISCOUNT) / total
            symbol = next(older, None)
            place = None if symbol is None else self._places.get(place * self._symbols + symbol)
        return result

    def add(self, recent: Sequence[int], symbol: int) -> None:
        """Count a symbol after the symbols before it, the last one first."""
        place, path = 0, [0]
        for older in self._context(recent):
            place = self._places.setdefault(place * self._symbols + older, len(self._counts))
            if place == len(self._counts):
                self._counts.append({})
            path.append(place)
        for place in reversed(path):
            followers = self._counts[place]
            followers[symbol] = followers.get(symbol, 0) + 1
            if followers[symbol] > 1:
                break

    def _context(self, recent: Iterable[int]) -> Iterator[int]:
        """Yield the symbols that a context may have, the last one first."""
        for _, symbol in zip(range(self._order - 1), recent, strict=False):
            yield symbol
            if symbol == self._start:
                return
