"""What stands in the files of a text: how often each symbol occurs and where first, its lines and its newlines."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from charlm.corpus.counts import Counts
from charlm.corpus.decoding import Options, Tally, symbols_of
from charlm.corpus.sources import Source
from charlm.corpus.vocabulary import UNITS, codes

NEWLINE, CARRIAGE_RETURN = ord("\n"), ord("\r")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a symbol stands; lines and columns are counted from 1, as an editor counts them."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}, line {self.line:,}, column {self.column:,}"


@dataclass(frozen=True, slots=True)
class Lines:
    """The lines of a text.

    Attributes
    ----------
    number, empty : int
        All of them, and those without a symbol.
    median, longest : int
        Symbols of the lines that are not empty, without their ends; 0 if there are none.
    longest_place : Place or None
        Where the first of the longest lines begins.
    """

    number: int
    empty: int
    median: int
    longest: int
    longest_place: Place | None


@dataclass
class Contents:
    """What stands in some files; it grows with each file that is inspected.

    Attributes
    ----------
    counts : ndarray of int, shape (number of codes,)
        How often each code occurs.
    first : dict of int to Place
        Where each code occurs first.
    lengths : Counter of int
        How many lines have each length.
    beginnings : list of int
        How many symbols precede each file in the text that is made of them, with what is put between them.
    tally : Tally
        The files' newlines and byte order marks.
    """

    counts: Counts
    first: dict[int, Place] = field(default_factory=dict)
    lengths: Counter[int] = field(default_factory=Counter)
    longest: Place | None = None
    beginnings: list[int] = field(default_factory=list)
    tally: Tally = field(default_factory=Tally)

    @property
    def lines(self) -> Lines:
        """The lines of all files."""
        number, empty = self.lengths.total(), self.lengths[0]
        filled = sorted((length, times) for length, times in self.lengths.items() if length)
        middle, median = (number - empty + 1) // 2, 0
        for length, times in filled:
            middle -= times
            if middle <= 0:
                median = length
                break
        return Lines(number, empty, median, filled[-1][0] if filled else 0, self.longest)


def inspect(sources: Sequence[Source], options: Options) -> Contents:
    """Read files once, a piece at a time.

    Parameters
    ----------
    sources : sequence of Source
        The files.
    options : Options
        How to read them.

    Returns
    -------
    Contents
        Of all files; it takes some megabytes, however long they are.

    Raises
    ------
    CorpusError
        When a file cannot be read or is no text in this encoding.
    """
    contents = Contents(np.zeros(UNITS[options.unit].codes, np.int64))
    joined = _Join(options)
    for source in sources:
        pieces = joined.watch(symbols_of(source, options, contents.tally))
        _inspect_file(source.name, pieces, contents)
        contents.beginnings.append(joined.beginning)
    return contents


class _Join:
    """Finds where each file begins in the text that is made of all files; see `decoding.text`."""

    def __init__(self, options: Options) -> None:
        self._separator = options.separator
        self._size = self.beginning = 0
        self._end = ""  # of the text so far

    def watch(self, pieces: Iterable[str]) -> Iterator[str]:
        """Pass the pieces of a file on."""
        begins = True
        for piece in pieces:
            if begins and piece:
                separated = self._end and not self._end.endswith(self._separator)
                self._size += len(self._separator) * bool(separated)
                self.beginning, begins = self._size, False
            self._size += len(piece)
            self._end = (self._end + piece)[-max(1, len(self._separator)) :]
            yield piece
        if begins:
            self.beginning = self._size


def _inspect_file(name: str, pieces: Iterable[str], contents: Contents) -> None:
    line, run, last = 1, 0, ""  # the line that goes on, how many of its symbols were read, and the last of them
    for piece in pieces:
        found = codes(piece)
        ends = np.flatnonzero(found == NEWLINE)
        occurrences = np.bincount(found)
        new = np.flatnonzero((occurrences > 0) & (contents.counts[: len(occurrences)] == 0))
        contents.counts[: len(occurrences)] += occurrences
        for code in new.tolist():
            at = piece.index(chr(code))
            before = int(ends.searchsorted(at))
            column = at - int(ends[before - 1]) if before else run + at + 1
            contents.first[code] = Place(name, line + before, column)
        if len(ends):
            lengths = np.diff(ends, prepend=-1) - 1
            lengths[0] += run
            lengths -= np.where(ends > 0, found[ends - 1] == CARRIAGE_RETURN, last == "\r")  # a CR LF that was kept
            _add_lines(name, line, lengths, contents)
            line, run = line + len(ends), len(piece) - int(ends[-1]) - 1
        else:
            run += len(piece)
        last = piece[-1:] or last
    if run:
        _add_lines(name, line, np.array([run]), contents)


def _add_lines(name: str, line: int, lengths: Counts, contents: Contents) -> None:
    most = int(lengths.argmax())
    if lengths[most] > max(contents.lengths, default=0):
        contents.longest = Place(name, line + most, 1)
    for length, times in zip(*np.unique(lengths, return_counts=True), strict=True):
        contents.lengths[int(length)] += int(times)
