"""A text that a person and a model write together: the model proposes how it goes on, and one proposal is taken.

A proposal ends where its first word does, or at a line end. Its probability is that of a text which goes on with just
these symbols and whose word is over then; once it is taken, the word is over. The likeliest ones are found by a
uniform-cost search (Dijkstra 1959): the likeliest beginning that is known is read on, until the likeliest is whole. No
beginning is less likely than what it becomes, so no whole one that comes later is likelier.
"""

import unicodedata
from collections.abc import Iterator, Sequence
from heapq import heappop, heappush
from itertools import count
from numbers import Integral
from typing import Any, NamedTuple, Protocol

import numpy as np

from charlm.arrays import Array, IntArray
from charlm.corpus.vocabulary import Vocabulary
from charlm.errors import NotFiniteError, UsageError
from charlm.network.loss import log_softmax
from charlm.phrases import as_written
from charlm.workers.blas import blas_threads

BRANCHES = 64  # the likeliest symbols after a beginning; others are not looked at
READ = 2_000  # beginnings read at most: a few tenths of a second
LONGEST = 30  # symbols; a script without spaces between words has no word ends
APOSTROPHES = "'\u2019"


class Proposal(NamedTuple):
    """How a text may go on.

    Attributes
    ----------
    ids : tuple of int
        Its symbols.
    text : str
        The same as text.
    probability : float
        How likely the model, with its n-gram if it has one, holds it.
    word_over : bool
        Whether it ends with a word, so that no further letter of that word follows.
    """

    ids: tuple[int, ...]
    text: str
    probability: float
    word_over: bool


class Steps(Protocol):
    """What reads one text symbol by symbol and can go back, as `Stepper` and `MixedStepper` do."""

    @property
    def state(self) -> Any:
        """What is remembered of what was read."""

    def go_back(self, state: Any) -> None:
        """Remember what was remembered at another place."""

    def read(self, ids: IntArray) -> Array:
        """Read a symbol, (1,), and return the logits of what comes next, (1, V)."""


class _Place(NamedTuple):
    """A text that was read: what is remembered of it, and the log-probabilities of what follows, (V,)."""

    state: Any
    expected: Array


_Found = tuple[tuple[int, ...], float, bool]  # symbols, log-probability, and whether the word is over


class Proposals:
    """A text that grows by proposals of a model.

    Parameters
    ----------
    steps : Stepper or MixedStepper
        Of one text, which has read nothing.
    vocabulary : Vocabulary
        The symbols.
    begun : sequence of int
        What the model reads first, at least one symbol.
    never : int, optional
        A symbol that is never proposed, such as the one for unknown characters.
    """

    def __init__(self, steps: Steps, vocabulary: Vocabulary, begun: list[int], never: int | None = None) -> None:
        self._steps, self._vocabulary, self._never = steps, vocabulary, never
        self._newline = vocabulary.id_of("\n")
        self._in_words = np.array([_is_in_words(symbol, vocabulary.unit) for symbol in vocabulary.symbols])
        with blas_threads(1):
            for symbol in begun:
                place = self._read(symbol)
        self._places, self._taken = [place], list[tuple[int, ...]]()

    @property
    def ids(self) -> list[int]:
        """All symbols that were taken, in order."""
        return [symbol for ids in self._taken for symbol in ids]

    @property
    def text(self) -> str:
        """The same as text."""
        return self._vocabulary.decode(self.ids)

    def propose(self, number: int = 5) -> list[Proposal]:
        """Return the likeliest ways on, the likeliest first; fewer where the model knows fewer symbols.

        Raises
        ------
        UsageError
            When `number` is no whole number of at least 1.
        """
        if not isinstance(number, Integral) or isinstance(number, bool) or number < 1:
            raise UsageError(f"number: must be a whole number of at least 1, got {as_written(number)}")
        with blas_threads(1):
            found = self._search(number)
            if len(found) < number:
                found += self._first_symbols(number - len(found), {ids[0] for ids, *_ in found})
        return [Proposal(ids, self._vocabulary.decode(ids), float(np.exp(log_p)), over) for ids, log_p, over in found]

    def take(self, what: Proposal | Sequence[int] | IntArray) -> None:
        """Let the text go on with a proposal, or with ids of other symbols, as `LanguageModel.encode` returns them.

        Raises
        ------
        UsageError
            When it is neither, or there are no ids.
        """
        if isinstance(what, str | bytes):
            raise UsageError(f"a proposal or ids are taken, and no text; encode {as_written(what)} first")
        ids = self._vocabulary.checked(what.ids if isinstance(what, Proposal) else what).tolist()
        if not ids:
            raise UsageError("a proposal or ids are taken, and there are none; give at least one")
        place = self._places[-1]
        with blas_threads(1):
            self._steps.go_back(place.state)
            for symbol in ids:
                place = self._read(symbol)
        if isinstance(what, Proposal) and what.word_over:
            place = _Place(place.state, log_softmax(np.where(self._in_words, -np.inf, place.expected)))
        self._places.append(place)
        self._taken.append(tuple(ids))

    def undo(self) -> bool:
        """Take back what was taken last; return whether there was something."""
        if not self._taken:
            return False
        self._places.pop()
        self._taken.pop()
        return True

    def _read(self, symbol: int) -> _Place:
        logits = self._steps.read(np.array([symbol], np.int32))[0].astype(np.float64)
        if not np.isfinite(logits).all():
            raise NotFiniteError.of_logits()
        if self._never is not None:
            logits[self._never] = -np.inf
        return _Place(self._steps.state, log_softmax(logits))

    def _read_after(self, place: _Place, symbol: int) -> _Place:
        self._steps.go_back(place.state)
        return self._read(symbol)

    def _search(self, number: int) -> list[_Found]:
        """Return the likeliest whole proposals, as far as the search may go."""
        found: list[_Found] = []
        order = count()  # of equally likely ones, and so that places are never compared
        # -log p, its number in the order, the symbols, whether it is whole and the word over, and what it is read after
        heap: list[tuple[float, int, tuple[int, ...], tuple[bool, bool], _Place]] = []

        def read_on(log_p: float, ids: tuple[int, ...], place: _Place) -> None:
            for further, more, whole, over in self._further(ids, place):
                heappush(heap, (-log_p - more, next(order), further, (whole, over), place))

        read_on(0.0, (), self._places[-1])
        read = 0
        while heap and len(found) < number:
            cost, _, ids, (whole, over), before = heappop(heap)
            if whole:
                found.append((ids, -cost, over))
            elif read < READ:
                read += 1
                read_on(-cost, ids, self._read_after(before, ids[-1]))
        return found

    def _further(self, ids: tuple[int, ...], place: _Place) -> Iterator[tuple[tuple[int, ...], float, bool, bool]]:
        """Yield what a beginning may become, the log-probability of the step, and if it is whole and the word over."""
        in_word = bool(ids) and bool(self._in_words[ids[-1]])
        if in_word and (rest := float(np.exp(place.expected[~self._in_words]).sum())) > 0:
            yield ids, float(np.log(rest)), True, True
        for symbol in np.argsort(-place.expected, kind="stable")[:BRANCHES].tolist():
            if np.isfinite(place.expected[symbol]) and (self._in_words[symbol] or not in_word):
                whole = symbol == self._newline or len(ids) + 1 >= LONGEST
                yield (*ids, symbol), float(place.expected[symbol]), whole, False

    def _first_symbols(self, number: int, but: set[int]) -> list[_Found]:
        """Return the likeliest first symbols but some, each continued by the likeliest next one."""
        root = self._places[-1]
        likeliest = [symbol for symbol in np.argsort(-root.expected, kind="stable").tolist() if symbol not in but]
        return [self._continued(symbol, root) for symbol in likeliest[:number] if np.isfinite(root.expected[symbol])]

    def _continued(self, symbol: int, place: _Place) -> _Found:
        ids: tuple[int, ...] = (symbol,)
        log_p = float(place.expected[symbol])
        while len(ids) < LONGEST and ids[-1] != self._newline:
            place = self._read_after(place, ids[-1])
            symbol = int(place.expected.argmax())
            if self._in_words[ids[-1]] and not self._in_words[symbol]:
                break
            ids, log_p = (*ids, symbol), log_p + float(place.expected[symbol])
        return ids, log_p, False


def _is_in_words(symbol: str, unit: str) -> bool:
    """Return whether a symbol is a letter, a mark, a digit or an apostrophe, or a byte of one that is not in ASCII."""
    of_several_bytes = unit == "byte" and symbol > "\x7f"
    return of_several_bytes or symbol in APOSTROPHES or unicodedata.category(symbol)[0] in "LMN"
