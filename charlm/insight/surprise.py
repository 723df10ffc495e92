"""How much each line of a text, and each character of it, surprises a model."""

import codecs
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from math import log
from typing import NamedTuple

import numpy as np

from charlm.arrays import Array, IntArray
from charlm.corpus.textlines import Line
from charlm.corpus.vocabulary import Vocabulary
from charlm.errors import UnknownSymbolError
from charlm.inference.symbolwise import SymbolReader

BLOCK = 1 << 16  # symbols of lines that are read together, where no file says which are


class Guess(NamedTuple):
    """What a model held likely at some place.

    Attributes
    ----------
    symbol : str
        A character; in a model of bytes ``chr(b)`` stands for the byte b.
    probability : float
        From 0 to 1.
    """

    symbol: str
    probability: float


class Cell(NamedTuple):
    """A character of a line as a person sees it; in a model of bytes, all the bytes of it.

    Attributes
    ----------
    text : str
        The character.
    bits : float
        How much it surprised the model; NaN where the model did not predict it.
    guesses : list of Guess
        What the model held likeliest where it begins.
    """

    text: str
    bits: float
    guesses: list[Guess]


@dataclass(frozen=True, slots=True)
class LineScore:
    """How well a line was predicted, its end included.

    Attributes
    ----------
    file : str
        What the line stands in; empty for a line of no file.
    line : int
        Its number there, from 1.
    text : str
        Without its end; what is no UTF-8 in a line of bytes has become U+FFFD.
    bits : ndarray of float64
        The surprise of each of its characters, in a model of bytes of each byte, and of the newline after it if it has
        one: -log2 of the probability, of the network and its n-gram together if there is one. NaN where nothing was
        predicted: at the first character of a text that is read in order, and where an unknown one was left out.
    unit : str
        ``char`` or ``byte``.
    symbols : str or bytes
        What each of `bits` is about: the characters, or the bytes.
    expected : list of list of Guess
        What the model held likeliest at each of them; empty unless that was asked for.
    """

    file: str
    line: int
    text: str
    bits: Array
    unit: str = "char"
    symbols: Sequence[str | int] = field(default="", repr=False)
    expected: list[list[Guess]] = field(default_factory=list, repr=False)

    @property
    def chars(self) -> int:
        """How many characters, or bytes, were predicted."""
        return int(np.isfinite(self.bits).sum())

    @property
    def total_bits(self) -> float:
        """The surprise of the whole line in bits."""
        return float(np.nansum(self.bits))

    @property
    def bits_per_char(self) -> float:
        """The mean surprise; NaN where nothing was predicted."""
        return self.total_bits / self.chars if self.chars else float("nan")

    @property
    def worst_bits(self) -> float:
        """The surprise of the most surprising character; NaN where nothing was predicted."""
        return float(np.nanmax(self.bits)) if self.chars else float("nan")

    def cells(self) -> list[Cell]:
        """Return the characters of the line one by one, the newline after it last if it has one."""
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        cells: list[Cell] = []
        bits, begun = 0.0, 0
        for place, symbol in enumerate(self.symbols):
            last = place == len(self.symbols) - 1
            text = symbol if isinstance(symbol, str) else decoder.decode(bytes([symbol]), last)
            bits += float(self.bits[place])
            if text:
                cells.append(Cell(text, bits, self.expected[begun] if self.expected else []))
                bits, begun = 0.0, place + 1
        return cells


class LineScorer:
    """Scores lines with one model, a block of them at a time.

    Parameters
    ----------
    reader : SymbolReader
        The model.
    vocabulary : Vocabulary
        Its symbols.
    on_unknown : {"error", "skip", "replace"}
        What to do with characters that the model never saw.
    """

    def __init__(self, reader: SymbolReader, vocabulary: Vocabulary, on_unknown: str) -> None:
        self._reader, self._vocabulary, self._on_unknown = reader, vocabulary, on_unknown
        self._newline: str | bytes = "\n" if vocabulary.unit == "char" else b"\n"
        self._file, self._number = "", 0  # of the line that was scored last

    def score(self, block: Sequence[Line]) -> list[LineScore]:
        """Score the next lines: those of another file, or from an earlier line on, begin a new text.

        Raises
        ------
        UnknownSymbolError
            If a line has characters that the model never saw, and they are neither skipped nor replaced.
        NotFiniteError
            If the weights of the model are too large.
        """
        if block:
            begin, end = block[0], block[-1]
            if begin.file != self._file or begin.number <= self._number:  # its first line may have been left out
                self._reader.restart()
            self._file, self._number = end.file, end.number
        symbols = [line.text + self._newline if line.ended else line.text for line in block]
        encoded = [self._encoded(line, text) for line, text in zip(block, symbols, strict=True)]
        read = self._reader.read(np.concatenate([np.zeros(0, self._vocabulary.dtype), *encoded]))
        bits = read.losses / log(2)
        scores, done = [], 0
        for line, text, ids in zip(block, symbols, encoded, strict=True):
            place = slice(done, done + len(ids))
            where = self._known(text, len(ids))
            of_line = np.full(len(text), np.nan)
            of_line[where] = bits[place]
            expected = self._expected(read.guesses[place], read.log_p[place], where, len(text))
            shown = line.text if isinstance(line.text, str) else line.text.decode("utf-8", "replace")
            scores.append(LineScore(line.file, line.number, shown, of_line, self._vocabulary.unit, text, expected))
            done += len(ids)
        return scores

    def _encoded(self, line: Line, text: str | bytes) -> IntArray:
        try:
            return self._vocabulary.encode(text, self._on_unknown)
        except UnknownSymbolError as error:
            place = f"{line.file}: line {line.number}" if line.file else f"line {line.number}"
            error.args = (f"{place}: {error}",)
            raise

    def _known(self, text: str | bytes, number: int) -> Array | slice:
        """Return where the symbols are that were not left out."""
        if number == len(text):
            return slice(None)
        characters = map(chr, text) if isinstance(text, bytes) else text
        return np.array([self._vocabulary.id_of(symbol) is not None for symbol in characters])

    def _expected(self, guesses: IntArray, log_p: Array, where: Array | slice, length: int) -> list[list[Guess]]:
        if not guesses.shape[1]:
            return []
        symbols = self._vocabulary.symbols
        expected: list[list[Guess]] = [[] for _ in range(length)]
        for at, ids, logs in zip(np.arange(length)[where], guesses, log_p, strict=True):
            if np.isfinite(logs[0]):
                expected[at] = [Guess(symbols[i], float(np.exp(p))) for i, p in zip(ids, logs, strict=True)]
        return expected


def blocks_of(lines: Iterable[str | bytes]) -> Iterator[list[Line]]:
    """Yield lines of no file, which are given without their ends, some thousands at a time."""
    block: list[Line] = []
    symbols = 0
    for number, text in enumerate(lines, 1):
        block.append(Line("", number, text))
        symbols += len(text) + 1
        if symbols >= BLOCK:
            yield block
            block, symbols = [], 0
    if block:
        yield block


@dataclass(frozen=True, slots=True)
class Comparison:
    """A line as several models predict it.

    Attributes
    ----------
    scores : list of LineScore
        That of each model.
    best : int
        The place of the model with the fewest bits per character.
    margin : float
        How many bits per character the next best model needs more.
    """

    scores: list[LineScore]
    best: int
    margin: float

    @classmethod
    def of(cls, scores: Sequence[LineScore]) -> "Comparison":
        """Compare the scores of a line."""
        bits = np.array([score.bits_per_char for score in scores])
        order = np.argsort(bits, kind="stable")  # NaN comes last
        return cls(list(scores), int(order[0]), float(bits[order[1]] - bits[order[0]]))
