"""What a text has in it that texts rarely have: where it is, how often, and what to do about it."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import NamedTuple

import numpy as np

from charlm.corpus.counts import Counts
from charlm.corpus.decoding import Options, lines_of
from charlm.corpus.signatures import HEAD, zero_pattern
from charlm.corpus.sources import Source
from charlm.phrases import count

LONG_LINE = 100_000  # characters
NAMED_CODES = 5


class Kind(NamedTuple):
    """Characters that a text rarely has."""

    name: str
    codes: tuple[int, ...]
    advice: str


KINDS = (
    Kind("NUL character", (0,), "it is probably no text; leave the file out, or read it with unit: byte"),
    Kind(
        "byte order mark (U+FEFF) within the text",
        (0xFEFF,),
        "files were joined behind it; name them one by one in corpus.path, or remove it",
    ),
    Kind(
        "control character",
        (*range(1, 9), *range(14, 32), 127, *range(0x80, 0x85), *range(0x86, 0xA0)),
        "they are learnt as any other; remove them, set encoding: to what wrote the text, or raise min_count",
    ),
    Kind(
        "replacement character (U+FFFD)",
        (0xFFFD,),
        "an earlier conversion has put it in place of what it could not read; get the text anew",
    ),
)


@dataclass
class LineWatch:
    """Notices in passing whether a text has a line of `LONG_LINE` characters or more.

    It may be wrong about shorter lines of at least half of that, which a second look excludes.
    """

    suspicious: bool = False

    def watch(self, pieces: Iterator[str]) -> Iterator[str]:
        """Pass the pieces of a text on."""
        run, half = 0, LONG_LINE // 2  # of each line of LONG_LINE characters one aligned half at least has no end
        for piece in pieces:
            first, last = piece.find("\n"), piece.rfind("\n")
            self.suspicious |= run + (first if first >= 0 else len(piece)) >= half
            run = len(piece) - last - 1 if last >= 0 else run + len(piece)
            self.suspicious |= any(piece.find("\n", at, at + half) < 0 for at in range(first, last - half + 1, half))
            yield piece


class Place(NamedTuple):
    """Where something is first, or longest."""

    source: Source
    line: int
    size: int = 0

    def __str__(self) -> str:
        return f"{self.source.name}, line {self.line:,}"


def remarks(sources: Sequence[Source], options: Options, counts: Counts, watch: LineWatch) -> list[str]:
    """Return a line for each kind of thing in a text that suggests that it is none.

    Only where there is something to say are the files read once more, up to the first place.

    Parameters
    ----------
    sources : sequence of Source
        The files.
    options : Options
        How they are read; unit char.
    counts : Counts
        How often each character occurs.
    watch : LineWatch
        What the lines looked like.

    Returns
    -------
    list of str
        With the number, the first place and what to do.
    """
    found = []
    for kind in KINDS:
        codes = np.array(kind.codes)
        number = int(counts[codes].sum())
        if not number or (kind.codes == (ord(options.unknown),) and options.min_count > 1):  # told with the rare ones
            continue
        place = _first(sources, options, "".join(map(chr, kind.codes)))
        which = ", ".join(f"U+{code:04X}" for code in islice(codes[counts[codes] > 0], NAMED_CODES))
        named = f" ({which})" if len(kind.codes) > 1 or kind.codes == (0,) else ""
        where = f", the first in {place}" if place else ""
        found.append(f"{_plural(number, kind.name)}{named}{where}: {_advice(kind, place)}")
    if watch.suspicious and (longest := _longest(sources, options)).size >= LONG_LINE:
        found.append(
            f"a line of {longest.size:,} characters ({longest}): if it is data and no text, leave the file out"
        )
    return found


def _plural(number: int, name: str) -> str:
    noun, bracket, rest = name.partition(" (")
    return f"{count(number, noun)}{bracket}{rest}"


def _advice(kind: Kind, place: Place | None) -> str:
    if kind.codes == (0,) and place and (pattern := zero_pattern(next(place.source.chunks())[:HEAD])):
        return pattern
    return kind.advice


def _first(sources: Sequence[Source], options: Options, characters: str) -> Place | None:
    """Return where the first of some characters stands, its line counted as the files have them."""
    wanted = re.compile(f"[{re.escape(characters)}]")
    for source in sources:
        line = 1
        for piece in lines_of(source, options):
            if match := wanted.search(piece):
                return Place(source, line + piece.count("\n", 0, match.start()))
            line += piece.count("\n")
    return None


def _longest(sources: Sequence[Source], options: Options) -> Place:
    longest = Place(sources[0], 1)
    for source in sources:
        line, run = 1, 0
        for piece in lines_of(source, options):
            for index, part in enumerate(piece.split("\n")):
                line, run = (line + 1, len(part)) if index else (line, run + len(part))
                if run > longest.size:
                    longest = Place(source, line, run)
    return longest
