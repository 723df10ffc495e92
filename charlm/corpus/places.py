"""Where in the files of a corpus a passage stands."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from charlm.arrays import Ids
from charlm.corpus.decoding import Options, Tally, options_of, symbols_of
from charlm.corpus.loading import found_again, opened
from charlm.corpus.sources import STANDARD_INPUT, Source
from charlm.corpus.vocabulary import Vocabulary


class Place(NamedTuple):
    """A place in a file.

    Attributes
    ----------
    file : str
        What a message calls the file.
    line : int
        The line in which it begins, from 1.
    """

    file: str
    line: int


def place_of(passage: Ids, section: Mapping[str, Any], vocabulary: Vocabulary, where: Path) -> Place | None:
    """Return the first place in a corpus where a passage stands.

    Parameters
    ----------
    passage : ndarray of int, shape (n,)
        At least one symbol.
    section : mapping
        The `corpus` section of a run's configuration.
    vocabulary : Vocabulary
        The symbols.
    where : Path
        The run or checkpoint, from which a relative path may be found.

    Returns
    -------
    Place or None
        None where it goes from one file into the next, or the corpus came through standard input.
    """
    paths = [section["path"]] if isinstance(section["path"], str) else section["path"]
    again = [found_again(path, where) for path in paths if path != STANDARD_INPUT]
    if not again:
        return None
    with opened(again, []) as sources:
        return _first(passage, sources, options_of(section), vocabulary)


def _first(passage: Ids, sources: Sequence[Source], options: Options, vocabulary: Vocabulary) -> Place | None:
    newline = vocabulary.id_of("\n")
    for source in sources:
        lines_before, rest = 0, np.zeros(0, vocabulary.dtype)
        for ids in _ids_of(source, options, vocabulary):
            seen = np.concatenate([rest, ids])
            at = _find(seen, passage)
            if at is not None:
                return Place(source.name, lines_before + int((seen[:at] == newline).sum()) + 1)
            done = max(0, len(seen) - len(passage) + 1)
            lines_before += int((seen[:done] == newline).sum())
            rest = seen[done:]
    return None


def _ids_of(source: Source, options: Options, vocabulary: Vocabulary) -> Iterator[Ids]:
    policy = "error" if vocabulary.unknown is None else "replace"
    for piece in symbols_of(source, options, Tally()):
        yield vocabulary.encode(piece.encode("latin-1") if options.unit == "byte" else piece, policy)


def _find(ids: Ids, passage: Ids) -> int | None:
    """Return the first place of a passage in a text, or None."""
    data, wanted, width = ids.tobytes(), passage.astype(ids.dtype).tobytes(), ids.itemsize
    at = data.find(wanted)
    while at % width and at >= 0:  # within a symbol of several bytes
        at = data.find(wanted, at + 1)
    return None if at < 0 else at // width
