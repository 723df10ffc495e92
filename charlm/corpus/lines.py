r"""Independent lines as one array of ids: a newline, then each line with a newline after it, ``\nemma\nolivia\n``."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from charlm.arrays import Ids
from charlm.corpus.vocabulary import Vocabulary

BLOCK = 1 << 18  # ids gathered at a time: their positions take eight bytes each

Positions = npt.NDArray[np.int64]


def newlines(ids: Ids, newline_id: int) -> Positions:
    """Return the positions of all newlines; line k lies between newline k and newline k + 1.

    Parameters
    ----------
    ids : numpy.ndarray, shape (N,)
        Lines in this form; it may be a memory map.
    newline_id : int
        The id of the newline.

    Returns
    -------
    numpy.ndarray, shape (number of lines + 1,)
    """
    starts = range(0, len(ids), BLOCK)
    found = [np.flatnonzero(np.asarray(ids[start : start + BLOCK]) == newline_id) + start for start in starts]
    return np.concatenate([np.empty(0, dtype=np.int64), *found])


def lines_in(ids: Ids, vocabulary: Vocabulary) -> tuple[Positions, Positions]:
    """Return where the lines of any text begin and how many symbols each has before its LF or CR LF.

    Parameters
    ----------
    ids : numpy.ndarray, shape (N,)
        The text; what follows the last newline is no line.
    vocabulary : Vocabulary
        Its symbols.

    Returns
    -------
    starts, lengths : numpy.ndarray, shape (number of newlines,)
    """
    newline = vocabulary.id_of("\n")
    ends = newlines(ids, newline) if newline is not None else np.empty(0, dtype=np.int64)
    starts = np.concatenate([[0], ends + 1])[:-1]
    lengths = ends - starts
    if (carriage_return := vocabulary.id_of("\r")) is not None:
        lengths -= (lengths > 0) & (np.asarray(ids)[ends - 1] == carriage_return)
    return starts, lengths


def gather(ids: Ids, positions: Positions, order: npt.NDArray[np.integer[Any]]) -> Iterator[Ids]:
    """Yield chosen lines, each with the newline after it, some hundred thousand ids at a time.

    Parameters
    ----------
    ids : numpy.ndarray, shape (N,)
        Lines in this form.
    positions : numpy.ndarray
        From `newlines`.
    order : numpy.ndarray, shape (number of chosen lines,)
        The lines, in the order in which they are wanted.

    Yields
    ------
    numpy.ndarray
        The next of the ids.
    """
    starts = positions[order] + 1
    ends = np.cumsum(positions[order + 1] + 1 - starts)  # where each chosen line ends in the result
    first = done = 0
    while first < len(order):
        last = max(first + 1, int(np.searchsorted(ends, done + BLOCK, side="right")))
        lengths = np.diff(ends[first:last], prepend=done)
        shift = starts[first:last] - (ends[first:last] - lengths)
        yield ids[np.repeat(shift, lengths) + np.arange(done, ends[last - 1])]
        first, done = last, int(ends[last - 1])


def last_at_or_before(positions: Positions, wanted: Positions) -> Positions:
    """Return for each wanted place the last of the sorted positions that is not after it."""
    found: Positions = positions[np.searchsorted(positions, wanted, side="right") - 1]
    return found
