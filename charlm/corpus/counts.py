"""How often each symbol of a corpus occurs, and the vocabulary that follows from it."""

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from charlm.corpus.decoding import Options
from charlm.corpus.vocabulary import UNITS, Vocabulary, codes
from charlm.errors import CorpusError
from charlm.phrases import count

Counts = npt.NDArray[np.int64]
NAMED_RARE = 12
MOST_SYMBOLS = 1 << 16  # twice what the largest East Asian corpora have; each costs a row of every weight and moment


def occurrences(pieces: Iterable[str] | Iterable[bytes], unit: str) -> Counts:
    """Return how often each code occurs.

    Parameters
    ----------
    pieces : iterable of str or bytes
        The corpus, a piece at a time.
    unit : {"char", "byte"}
        What a code is: a code point or a byte.

    Returns
    -------
    numpy.ndarray, shape (number of codes,)
        Entry k counts the symbol ``chr(k)``.
    """
    total = np.zeros(UNITS[unit].codes, dtype=np.int64)
    for piece in pieces:
        found = np.bincount(codes(piece))
        total[: len(found)] += found
    return total


def vocabulary_of(counts: Counts, options: Options) -> tuple[Vocabulary, list[str]]:
    """Return the symbols that occur often enough, in order of code, and notes on those that do not.

    Parameters
    ----------
    counts : numpy.ndarray
        From `occurrences`, of two different symbols at least.
    options : Options
        With `min_count` above 1, symbols that occur less often share the symbol `unknown`.

    Returns
    -------
    vocabulary : Vocabulary
        It has an unknown symbol only if some character is too rare for a symbol of its own.
    notes : list of str
        What became of rare characters.

    Raises
    ------
    CorpusError
        When fewer than two symbols are left, or more than `MOST_SYMBOLS`.
    """
    present = np.flatnonzero(counts)
    rare = present[counts[present] < options.min_count]
    if options.mode == "lines":
        rare = rare[rare != ord("\n")]  # the ends of lines are what the mode is about
    if not len(rare):
        _check_size(len(present), counts, options)
        return Vocabulary(tuple(map(chr, present)), options.unit), _none_rare(options)
    _check_size(len(present) - len(rare), counts, options)
    symbols = np.union1d(np.setdiff1d(present, rare), [ord(options.unknown)])
    unknown = int(np.searchsorted(symbols, ord(options.unknown)))
    if len(symbols) < 2:
        raise CorpusError(
            f"no character occurs {options.min_count} times, as corpus.min_count demands; "
            f"at most {counts.max()} leaves one"
        )
    return Vocabulary(tuple(map(chr, symbols)), options.unit, unknown), _rare_notes(rare, counts, options)


def _check_size(symbols: int, counts: Counts, options: Options) -> None:
    if symbols <= MOST_SYMBOLS:
        return
    enough = int(np.partition(counts, -MOST_SYMBOLS)[-MOST_SYMBOLS]) + 1  # leaves fewer than that, and the unknown one
    raise CorpusError(
        f"the corpus has {symbols:,} different characters with corpus.min_count {options.min_count}, and a vocabulary "
        f"at most {MOST_SYMBOLS:,}; corpus.min_count {enough} leaves {int((counts >= enough).sum()) + 1:,}"
    )


def _none_rare(options: Options) -> list[str]:
    if options.min_count == 1:
        return []
    return [f"min_count {options.min_count}: no character is rarer, so the vocabulary has no unknown symbol"]


def _rare_notes(rare: npt.NDArray[np.intp], counts: Counts, options: Options) -> list[str]:
    named = ", ".join(f"{chr(code)!r} {counts[code]}" for code in rare[:NAMED_RARE])
    more = ", ..." if len(rare) > NAMED_RARE else ""
    notes = [
        f"min_count {options.min_count}: {count(len(rare), 'character')} ({count(int(counts[rare].sum()), 'time')} in "
        f"the text) became the unknown symbol {options.unknown!r}: {named}{more}"
    ]
    own = int(counts[ord(options.unknown)])
    if own:
        notes.append(f"the unknown symbol {options.unknown!r} also occurs {count(own, 'time')} in the text itself")
    return notes
