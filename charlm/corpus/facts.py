"""What a text is like: the few figures from which a configuration is chosen."""

from dataclasses import dataclass

import numpy as np

from charlm.arrays import Ids
from charlm.corpus.form import form
from charlm.corpus.lines import lines_in
from charlm.corpus.vocabulary import Vocabulary


@dataclass(frozen=True, slots=True)
class Facts:
    """What a text is like.

    Attributes
    ----------
    characters : int
        Symbols of the text to learn from.
    symbols : int
        V, how many different ones there are in the whole corpus.
    median_line : int
        The median of how many characters a line has; 0 without a line end.
    listed : bool
        Whether it looks like a list of short items, each a line, rather than one running text.
    """

    characters: int
    symbols: int
    median_line: int
    listed: bool


def facts(ids: Ids, vocabulary: Vocabulary) -> Facts:
    """Return what a text is like.

    Parameters
    ----------
    ids : ndarray of int, shape (n,)
        The text to learn from.
    vocabulary : Vocabulary
        Its symbols.
    """
    _, lengths = lines_in(ids, vocabulary)
    if not len(lengths):
        return Facts(len(ids), len(vocabulary), 0, listed=False)
    listed = form(ids, vocabulary).mode == "lines"
    return Facts(len(ids), len(vocabulary), int(np.median(lengths)), listed)
