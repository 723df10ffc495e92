"""The lines of files, read a piece at a time, with the file and the number of each."""

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import IO, Any, AnyStr, BinaryIO, cast

from charlm.corpus.decoding import READERS, Options, Tally
from charlm.corpus.sources import STANDARD_INPUT, Source, find, standard_input


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a text.

    Attributes
    ----------
    file : str
        What it stands in; empty for a line of no file.
    number : int
        Its place there, from 1.
    text : str or bytes
        Without its end.
    ended : bool
        Whether a newline follows it; False for the rest of a text that does not end with one.
    """

    file: str
    number: int
    text: Any
    ended: bool = True


class TextLines:
    """The lines of some files in the form of a corpus; iterating over them reads them, once.

    In lines mode empty lines are left out and every line has an end, as in a corpus.

    Parameters
    ----------
    paths : sequence of str
        As for `charlm.corpus.sources.find`; standard input is read as it comes.
    options : Options
        How to read them.

    Raises
    ------
    CharlmError
        If a path leads to no file.
    """

    def __init__(self, paths: Sequence[str], options: Options) -> None:
        self._options, self._tally, self._left_out = options, Tally(), list[str]()
        if not paths or paths.count(STANDARD_INPUT) > 1:
            find(paths)  # which says what is wrong
        self._sources = [source for path in paths for source in self._found(path)]

    def _found(self, path: str) -> list[Source]:
        if path == STANDARD_INPUT:
            return [Source("standard input", spool=cast(IO[bytes], _AsItComes(standard_input())))]
        return find([path], self._left_out)

    def __iter__(self) -> Iterator[Line]:
        """Read the lines."""
        for block in self.blocks():
            yield from block

    def blocks(self, *, letters_as_written: bool = False) -> Iterator[list[Line]]:
        """Read the lines, those of one piece of a file together: some thousands, or what a pipe has at hand.

        Parameters
        ----------
        letters_as_written : bool
            Whether case and Unicode form stay as they are in the files, for models of several corpora.
        """
        options, read = self._options, READERS[self._options.unit]
        if letters_as_written:
            options = replace(options, normalize=None, lowercase=False)
        lines_mode = options.mode == "lines"
        for source in self._sources:
            pieces: Any = read([source], replace(options, mode="stream", separator=""), self._tally)
            number = 1
            newline: Any = "\n" if options.unit == "char" else b"\n"
            for texts, ended in _split(pieces, newline):
                numbered = enumerate(texts, number)
                number += len(texts)
                lines = [Line(source.name, at, text, ended or lines_mode) for at, text in numbered]
                yield [line for line in lines if line.text] if lines_mode else lines

    def notes(self) -> list[str]:
        """Return what reading left out and changed so far, a line each."""
        return [*self._left_out, *self._tally.notes(self._options, advice=False)]

    def close(self) -> None:
        """Give back the temporary files of pipes."""
        for source in self._sources:
            source.close()


def _split(pieces: Iterator[AnyStr], newline: AnyStr) -> Iterator[tuple[list[AnyStr], bool]]:
    """Yield the whole lines of each piece, and whether they have ended, which only the rest of a text has not."""
    rest: list[AnyStr] = []
    for piece in pieces:
        parts: list[AnyStr] = piece.split(newline)
        rest.append(parts[0])
        if len(parts) > 1:
            parts[0] = newline[:0].join(rest)
            yield parts[:-1], True
            rest = parts[-1:]
    if last := newline[:0].join(rest):
        yield [last], False


class _AsItComes:
    """Standard input as a file that can be read once, each time as much as it has."""

    def __init__(self, stream: BinaryIO) -> None:
        self._read = stream.read1 if isinstance(stream, io.BufferedReader) else stream.read

    def seek(self, place: int) -> None:
        """Do nothing: it is read from the beginning."""

    def read(self, size: int) -> bytes:
        """Return what is there, at most so many bytes; nothing at the end."""
        return self._read(size)

    def close(self) -> None:
        """Do nothing: it is not ours."""
