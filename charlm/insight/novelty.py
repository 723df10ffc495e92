"""What of a text stands verbatim in the text that a model was trained on: passages, n-grams, words and lines."""

import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import nan

import numpy as np

from charlm.arrays import Ids
from charlm.corpus.vocabulary import Vocabulary
from charlm.insight.fingerprints import Fingerprints, Flags, Prints, Search, blocks, segments

ORDERS = tuple(range(4, 13))  # n of the n-grams
PASSAGE = 40  # symbols: longer than phrases that two people write alike
APOSTROPHES = "'\u2019"  # between two letters they belong to a word
LENGTHS_AT_ONCE = 16  # tried in one reading of the corpus, to find that of the longest passage

OnProgress = Callable[[int, int], object]  # symbols of the corpus read, of how many


@dataclass(frozen=True, slots=True)
class Originality:
    """How much of a text stands verbatim in a corpus. Shares are NaN where a text has nothing of a kind.

    Attributes
    ----------
    symbols : int
        How long the text is.
    longest, place : int
        The length of the longest passage that stands in the corpus, and where the first such begins in the text.
    novel_ngrams : dict of int to float
        For each n, the share of the text's n-grams, each as often as it occurs, that the corpus lacks.
    copied : float
        The share of its passages of 40 symbols that stand in the corpus, one beginning at each symbol.
    novel_words : float
        The share of its different words that the corpus lacks.
    known_words : float
        The share of its running words that stand in the corpus.
    novel_lines : float
        The share of its different lines, empty ones left out, that the corpus lacks.
    """

    symbols: int
    longest: int
    place: int
    novel_ngrams: dict[int, float]
    copied: float
    novel_words: float
    known_words: float
    novel_lines: float


class Kinds:
    """Which symbols make words and lines.

    Parameters
    ----------
    vocabulary : Vocabulary
        The V symbols.

    Attributes
    ----------
    newline : ndarray of bool, shape (V,)
        The line end.
    ends : ndarray of bool, shape (V,)
        After which a text may be cut: the line end, or what belongs to no word where there is none.
    """

    def __init__(self, vocabulary: Vocabulary) -> None:
        # The letters of a byte vocabulary that are not in ASCII are several bytes, all of them 128 or more.
        letter = _is_letter if vocabulary.unit == "char" else lambda symbol: symbol > "\x7f" or _is_letter(symbol)
        self._letter = np.array([letter(symbol) for symbol in vocabulary.symbols])
        self._apostrophe = np.array([symbol in APOSTROPHES for symbol in vocabulary.symbols])
        self.newline = np.array([symbol == "\n" for symbol in vocabulary.symbols])
        self.ends = self.newline if self.newline.any() else ~(self._letter | self._apostrophe)

    def words(self, ids: Ids) -> Flags:
        """Return which symbols of a text belong to words: letters, and apostrophes between two of them."""
        inside: Flags = self._letter[ids]
        between = self._apostrophe[ids[1:-1]] & inside[:-2] & inside[2:]
        inside = inside.copy()
        inside[1:-1] |= between
        return inside

    def lines(self, ids: Ids) -> Flags:
        """Return which symbols of a text belong to lines: all but line ends, none where the model knows no line end."""
        inside: Flags = ~self.newline[ids] if self.newline.any() else np.zeros(len(ids), bool)
        return inside


def _is_letter(symbol: str) -> bool:
    return unicodedata.category(symbol)[0] in "LM"


def originality(
    text: Ids, corpus: Ids, vocabulary: Vocabulary, items: bool, on_progress: OnProgress | None = None
) -> Originality:
    """Compare a text with a corpus.

    The corpus is read some times, a block at a time; the memory depends on the text alone.

    Parameters
    ----------
    text : ndarray of int, shape (n,)
        It begins after a line end. What follows its last line end counts as no line.
    corpus : ndarray of int, shape (N,)
        What the text may have been copied from.
    vocabulary : Vocabulary
        The symbols of both.
    items : bool
        Whether the lines are items that know nothing of each other; then no passage and no n-gram has a line end in it.
    on_progress : callable, optional
        Called now and then with how many symbols of the corpus were read, and how many it has.

    Returns
    -------
    Originality
    """
    kinds = Kinds(vocabulary)
    prints = Fingerprints(text)
    windows = _Windows(text, prints, kinds.newline[text] if items else np.zeros(len(text), bool))
    words, lines = segments(kinds.words(text)), segments(kinds.lines(text))
    ended = lines[1] < len(text)
    wanted = {"words": prints.parts(*words), "lines": prints.parts(lines[0][ended], lines[1][ended])}
    first = _look(corpus, kinds, windows, (*ORDERS, PASSAGE), wanted, on_progress)
    longest, place = _longest(corpus, kinds, windows, first, on_progress)
    found = {name: search.found for name, search in first.segments.items()}
    return Originality(
        len(text),
        longest,
        place,
        {n: 1 - _share(first.windows[n][windows.possible(n)]) for n in ORDERS},
        _share(first.windows[PASSAGE][windows.possible(PASSAGE)]),
        1 - _share_of_different(wanted["words"], found["words"]),
        _share(found["words"]),
        1 - _share_of_different(wanted["lines"], found["lines"]),
    )


def _share(flags: Flags) -> float:
    return float(flags.mean()) if len(flags) else nan


def _share_of_different(prints: Prints, flags: Flags) -> float:
    return _share(flags[np.unique(prints, return_index=True)[1]])


class _Windows:
    """The parts of a text of one length and another, as long as they have no line end that they must not have."""

    def __init__(self, text: Ids, prints: Fingerprints, barred: Flags) -> None:
        self._prints, self.size = prints, len(text)
        self._barred_before = np.concatenate([[0], np.cumsum(barred)])

    def possible(self, length: int) -> Flags:
        """Return at which places of the text, (n,), a window of this length begins."""
        possible = np.zeros(self.size, bool)
        number = max(0, self.size - length + 1)
        possible[:number] = self._barred_before[length : length + number] == self._barred_before[:number]
        return possible

    def of(self, length: int, places: Flags) -> Prints:
        """Return the fingerprints of those that begin at some places."""
        number = max(0, self.size - length + 1)
        return self._prints.windows(length, number)[places[:number]]


@dataclass
class _Found:
    """At which places of the text the windows of each length begin that were found, and what else was looked for."""

    windows: dict[int, Flags]
    segments: Mapping[str, Search]


def _look(
    corpus: Ids,
    kinds: Kinds,
    windows: _Windows,
    lengths: Sequence[int],
    wanted: Mapping[str, Prints],
    on_progress: OnProgress | None,
    within: Flags | None = None,
) -> _Found:
    """Read the corpus once, and look for windows of some lengths, words and lines."""
    places = {n: windows.possible(n) if within is None else windows.possible(n) & within for n in lengths}
    searches = {n: Search(windows.of(n, where)) for n, where in places.items() if where.any()}
    others = {name: Search(prints) for name, prints in wanted.items()}
    read = 0
    for block, size in blocks(corpus, kinds.ends, max(searches, default=1) - 1):
        prints = Fingerprints(block)
        for n, search in searches.items():
            search.look_at(prints.windows(n, min(size, max(0, len(block) - n + 1))))
        for name, search in others.items():
            search.look_at(prints.parts(*segments(getattr(kinds, name)(block[:size]))))
        read += size
        if on_progress is not None:
            on_progress(read, len(corpus))
    found = {n: np.zeros(windows.size, bool) for n in lengths}
    for n, search in searches.items():
        found[n][places[n]] = search.found
    return _Found(found, others)


def _longest(
    corpus: Ids, kinds: Kinds, windows: _Windows, first: _Found, on_progress: OnProgress | None
) -> tuple[int, int]:
    """Return the length of the longest passage and where the first of that length begins in the text.

    What begins at a place and is found with one length is found there with every shorter one. So the length is
    narrowed down, some lengths at a time, among the places that are left.
    """
    least, left = 0, np.ones(windows.size, bool)
    tried = first.windows
    most = windows.size
    while True:
        for n in sorted(tried):
            if tried[n].any():
                least, left = n, tried[n]
            else:
                most = min(most, n - 1)
        # A passage of n symbols shows as n - least + 1 places in a row at which one of `least` begins.
        starts, stops = segments(left)
        most = min(most, int((stops - starts).max(initial=0)) + least - (least > 0))
        if most <= least:
            return least, int(np.argmax(left)) if least else 0
        step = -(-(most - least) // LENGTHS_AT_ONCE)
        lengths = [*range(least + step, most, step), most]
        tried = _look(corpus, kinds, windows, lengths, {}, on_progress, left).windows


def items_of(corpora: Sequence[Ids], vocabulary: Vocabulary) -> Prints:
    """Return the fingerprints of all lines of some texts, in order."""
    return np.unique(np.concatenate([np.zeros(0, np.uint64), *_items(corpora, Kinds(vocabulary))]))


def _items(corpora: Sequence[Ids], kinds: Kinds) -> Iterator[Prints]:
    for corpus in corpora:
        for block, _ in blocks(corpus, kinds.ends, 0):
            yield Fingerprints(block).parts(*segments(kinds.lines(block)))


def is_among(line: Ids, items: Prints) -> bool:
    """Return whether a line, without its end, is one of those whose fingerprints `items_of` returned."""
    of_line = Fingerprints(line).windows(len(line), 1)[0]
    place = int(np.searchsorted(items, of_line))
    return place < len(items) and bool(items[place] == of_line)
