"""A text as it is written: how symbols become characters or bytes, and what ends it."""

import codecs
from collections.abc import Callable
from dataclasses import dataclass
from typing import AnyStr, Generic

from charlm.corpus.vocabulary import Vocabulary


@dataclass(frozen=True, slots=True)
class Spelling(Generic[AnyStr]):
    """How the symbols of one text become characters or bytes.

    Attributes
    ----------
    spell : callable
        Of a symbol's id; returns what it completes, nothing within a UTF-8 sequence.
    rest : callable
        Returns what a UTF-8 sequence that was cut short comes to.
    newline : str or bytes
        A line's end.
    """

    spell: Callable[[int], AnyStr]
    rest: Callable[[], AnyStr]
    newline: AnyStr


def characters(vocabulary: Vocabulary) -> Spelling[str]:
    """Return how symbols become characters; bytes that are no UTF-8 become U+FFFD, the replacement character."""
    if vocabulary.unit == "char":
        return Spelling(vocabulary.symbols.__getitem__, str, "\n")
    values = _bytes_of(vocabulary)
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    return Spelling(lambda symbol: decoder.decode(values[symbol]), lambda: decoder.decode(b"", True), "\n")


def raw_bytes(vocabulary: Vocabulary) -> Spelling[bytes]:
    """Return how the symbols of a byte vocabulary become bytes."""
    return Spelling(_bytes_of(vocabulary).__getitem__, bytes, b"\n")


def _bytes_of(vocabulary: Vocabulary) -> list[bytes]:
    return [bytes([ord(symbol)]) for symbol in vocabulary.symbols]


class Text(Generic[AnyStr]):
    """One text as it grows, and whether it has ended.

    Parameters
    ----------
    spelling : Spelling
        What its symbols become.
    stop : str or bytes, optional
        The text ends when it ends with this.
    lines : int, optional
        The text ends after so many line ends.

    Attributes
    ----------
    ids : list of int
        Its symbols.
    probabilities : list of float
        How likely the model held each of them, where that was asked for.
    done : bool
        Whether it has ended.
    """

    def __init__(self, spelling: Spelling[AnyStr], stop: AnyStr | None = None, lines: int | None = None) -> None:
        self._spelling: Spelling[AnyStr] = spelling
        self._stop: AnyStr | None = stop
        self._lines = lines
        self._pieces: list[AnyStr] = []
        self._end: AnyStr = spelling.newline[:0]  # the last pieces, as long as `stop`
        self.ids: list[int] = []
        self.probabilities: list[float] = []
        self.done = False

    @property
    def text(self) -> AnyStr:
        """What was written so far."""
        return self._spelling.newline[:0].join(self._pieces)

    def add(self, symbol: int) -> AnyStr:
        """Write one symbol, and return what it completes: nothing within a UTF-8 sequence or after the end."""
        if self.done:
            return self._spelling.newline[:0]
        self.ids.append(symbol)
        return self._grow(self._spelling.spell(symbol))

    def finish(self) -> AnyStr:
        """Return what a UTF-8 sequence that was cut short comes to."""
        return self._grow(self._spelling.rest())

    def _grow(self, new: AnyStr) -> AnyStr:
        self._pieces.append(new)
        if self._lines is not None:
            self._lines -= new.count(self._spelling.newline)
            self.done |= self._lines <= 0
        if self._stop is not None:
            end = self._end + new
            self.done |= self._stop in end  # what completes a broken UTF-8 sequence may be of several characters
            self._end = end[-len(self._stop) :]
        return new
