"""Windows of a text that is scored: each of its characters but the first is a target exactly once."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from charlm.arrays import Ids
from charlm.corpus import lines
from charlm.corpus.lines import Positions
from charlm.corpus.windows import Rows

Mask = npt.NDArray[np.bool_]


class Streams(NamedTuple):
    """Where S streams begin and how many targets each has; a stream's target follows its input by one."""

    starts: Positions  # (S,)
    lengths: Positions  # (S,)


def evaluation_streams(ids: Ids, batch_size: int, newline_id: int | None = None) -> Streams:
    """Divide a text for scoring, so that each of its N - 1 targets is in exactly one stream.

    Parameters
    ----------
    ids : numpy.ndarray, shape (N,)
        The text.
    batch_size : int
        The most streams there may be.
    newline_id : int or None
        In lines mode the newline's id: streams then begin at the beginnings of lines, the first with the text.

    Returns
    -------
    Streams
        Of equal lengths but for the last, which may be shorter; in lines mode of about equal lengths. None at all
        when the text has fewer than two characters.
    """
    targets = max(0, len(ids) - 1)
    length = -(-targets // batch_size) or 1
    starts = np.arange(0, targets, length, dtype=np.int64)
    if newline_id is not None and targets:
        beginnings = np.append(0, lines.newlines(np.asarray(ids), newline_id))  # ids may begin within a line
        starts = np.unique(lines.last_at_or_before(beginnings, starts))
    return Streams(starts, np.diff(starts, append=targets))


class EvaluationWindows:
    """The windows of streams of possibly unequal lengths, from first to last.

    Iterating gives (inputs, targets, mask): int32 arrays of shape (T, S) and a boolean one that is False where a stream
    has ended, or None where none has. The last window may have fewer than T rows. Ended streams repeat the text's last
    characters, which the mask keeps from being counted.

    Parameters
    ----------
    ids : numpy.ndarray, shape (N,)
        The text.
    streams : Streams
        From `evaluation_streams`.
    seq_length : int
        T.
    """

    def __init__(self, ids: Ids, streams: Streams, seq_length: int) -> None:
        self._ids = np.asarray(ids)
        self._streams = streams
        self._seq_length = seq_length
        self._longest = int(streams.lengths.max(initial=0))

    def __len__(self) -> int:
        """Return the number of windows."""
        return -(-self._longest // self._seq_length)

    def __iter__(self) -> Iterator[tuple[Rows, Rows, Mask | None]]:
        """Yield each window."""
        for first in range(0, self._longest, self._seq_length):
            rows = np.arange(first, min(first + self._seq_length, self._longest) + 1)[:, None]
            read = self._ids.take(self._streams.starts + rows, mode="clip").astype(np.int32)  # (T + 1, S)
            mask = rows[:-1] < self._streams.lengths
            yield read[:-1], read[1:], None if mask.all() else mask
