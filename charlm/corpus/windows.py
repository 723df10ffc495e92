"""Windows of T characters from B parallel streams, each found from its step alone, so that a run can go on anywhere."""

from collections.abc import Callable
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from charlm.arrays import Ids
from charlm.corpus import lines
from charlm.corpus.lines import Positions
from charlm.corpus.loading import check_fits
from charlm.randomness import Purpose, generator

Rows = npt.NDArray[np.int32]


class Window(NamedTuple):
    """What a training step reads."""

    inputs: Rows  # (T, B)
    targets: Rows  # (T, B), at each place the character after the input
    epoch: int
    first: bool  # whether an epoch begins here, with zero states


class Epoch(NamedTuple):
    """One epoch's text and where its streams begin in it."""

    ids: Ids
    starts: Positions  # (B,)


class Arrangement(Protocol):
    """How a text is laid out anew for every epoch, in streams of a certain length."""

    stream_length: int

    def epoch(self, number: int) -> Epoch:
        """Return the text of an epoch and its streams' beginnings."""


class Windows:
    """The windows of a training text, by step.

    In "stream" mode the text is a circle that each epoch turns to another beginning and cuts into B streams of N // B
    characters. Window w of a stream continues window w - 1, so the state carries over. The remainder that fills
    no window of all streams is left out, elsewhere each epoch.

    In "lines" mode each epoch shuffles the lines. A stream begins at the line's beginning that is nearest before its
    share of the text: every line is read from its start, at the price of some lines that two streams read. An input
    that is a newline begins a line, from the zero state; a target that is one ends it.

    Parameters
    ----------
    ids : numpy.ndarray, shape (N,)
        The training part; it may be a memory map. In lines mode it begins with a newline and ends with one.
    batch_size, seq_length : int
        B and T.
    seed : int
        The run's seed.
    mode : {"stream", "lines"}
        How the text is read.
    newline_id : int or None
        In lines mode, the id of the newline.
    rotate : bool
        False reads the text from its beginning, and lines in their order, in every epoch, as benchmarks that were
        published with such epochs need.

    Raises
    ------
    CharlmError
        When there is not one window in the text.
    """

    def __init__(
        self,
        ids: Ids,
        batch_size: int,
        seq_length: int,
        seed: int,
        mode: str = "stream",
        newline_id: int | None = None,
        rotate: bool = True,
    ) -> None:
        check_fits(len(ids), batch_size, seq_length)
        self.batch_size = batch_size
        self.seq_length = seq_length
        self._arrangement: Arrangement = ARRANGEMENTS[mode](np.asarray(ids), batch_size, seed, newline_id, rotate)
        self._current: tuple[int, Epoch] | None = None
        self._steps = np.arange(seq_length + 1)[:, None]
        self.steps_per_epoch = self._arrangement.stream_length // seq_length

    def at(self, step: int) -> Window:
        """Return the window of a training step, counted from 0; equal steps give equal windows."""
        epoch, window = divmod(step, self.steps_per_epoch)
        ids, starts = self._epoch(epoch)
        places = starts + (window * self.seq_length + self._steps)  # (T + 1, B)
        read = ids.take(places, mode="wrap").astype(np.int32)
        return Window(read[:-1], read[1:], epoch, window == 0)

    def _epoch(self, number: int) -> Epoch:
        if self._current is None or self._current[0] != number:
            self._current = None  # frees the last epoch's lines before the next are made
            self._current = number, self._arrangement.epoch(number)
        return self._current[1]


class Circle:
    """One text that each epoch begins at another place."""

    def __init__(self, ids: Ids, batch_size: int, seed: int, newline_id: int | None, rotate: bool) -> None:
        self.stream_length = len(ids) // batch_size
        self._ids = ids
        self._starts = np.arange(batch_size, dtype=np.int64) * self.stream_length
        self._seed = seed
        self._rotate = rotate

    def epoch(self, number: int) -> Epoch:
        """Return the text with beginnings turned by a random offset."""
        if not self._rotate:
            return Epoch(self._ids, self._starts)
        offset = int(generator(self._seed, Purpose.EPOCH, number).integers(len(self._ids)))
        return Epoch(self._ids, self._starts + offset)


class Shuffle:
    """Lines that each epoch puts in another order."""

    def __init__(self, ids: Ids, batch_size: int, seed: int, newline_id: int | None, rotate: bool) -> None:
        if newline_id is None:
            raise TypeError("lines mode needs the newline's id")
        self.stream_length = (len(ids) - 1) // batch_size  # nothing follows the last newline
        self._ids = ids
        self._newline_id = newline_id
        self._newlines = lines.newlines(ids, newline_id)
        self._shares = np.arange(batch_size, dtype=np.int64) * self.stream_length
        self._seed = seed
        self._rotate = rotate

    def epoch(self, number: int) -> Epoch:
        """Return the shuffled lines, and the newlines at or before the streams' shares of them."""
        if not self._rotate:
            return Epoch(self._ids, lines.last_at_or_before(self._newlines, self._shares))
        order = generator(self._seed, Purpose.EPOCH, number).permutation(len(self._newlines) - 1)
        shuffled = np.empty_like(self._ids)
        shuffled[0] = self._newline_id
        end = 1
        for piece in lines.gather(self._ids, self._newlines, order):
            shuffled[end : end + len(piece)] = piece
            end += len(piece)
        lengths = np.diff(self._newlines)
        newlines = np.concatenate([[0], np.cumsum(lengths[order])])
        return Epoch(shuffled, lines.last_at_or_before(newlines, self._shares))


ARRANGEMENTS: dict[str, Callable[[Ids, int, int, int | None, bool], Arrangement]] = {"stream": Circle, "lines": Shuffle}
