"""Dropout: in training, units of a layer's input are zeroed at random and the others scaled up by 1 / (1 - rate).

Srivastava, Hinton, Krizhevsky, Sutskever & Salakhutdinov, "Dropout: a simple way to prevent neural networks from
overfitting" (2014), on the connections between layers and never on those through time (Zaremba, Sutskever & Vinyals
2014); with `locked`, one mask a window for all its steps (Gal & Ghahramani 2016).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from charlm.arrays import Array
from charlm.randomness import Purpose, generator

BYTES_PER_BLOCK = 32  # of random bits in one Philox counter


@dataclass(frozen=True, slots=True)
class Dropout:
    """The rates of dropout: the probability of a unit to be zeroed.

    Attributes
    ----------
    input : float
        Of the embedding, or of the one-hot vector, where a symbol is dropped as a whole.
    between : float
        Of what enters each recurrent layer but the first.
    output : float
        Of what enters the read-out.
    locked : bool
        Whether all steps of a window have the same mask.
    """

    input: float = 0.0
    between: float = 0.0
    output: float = 0.0
    locked: bool = False

    def rates(self, num_layers: int) -> tuple[float, ...]:
        """Return the rate at each place: before layer 0, ..., before layer L - 1, before the read-out."""
        return (self.input, *[self.between] * (num_layers - 1), self.output)


class Mask:
    """The mask of one place, for one worker's share of a batch.

    Parameters
    ----------
    place : int
        Which layer's input it is; L for the read-out's.
    rate : float
        Between 0 and 1.
    steps, batch_size, width : int
        The shape of a window's mask: T steps, or 1 where the mask is locked.
    first_stream : int
        The place of the share's first stream in the whole batch.
    dtype : dtype
        Of the mask.

    Attributes
    ----------
    values : ndarray, shape (steps, B, width)
        0 where a unit is dropped, 1 / (1 - rate) elsewhere.
    """

    def __init__(
        self, place: int, rate: float, steps: int, batch_size: int, width: int, first_stream: int, dtype: Any
    ) -> None:
        self._place, self._rate = place, rate
        self._blocks = -(-steps * width * np.dtype(dtype).itemsize // BYTES_PER_BLOCK)
        self._offset = first_stream * self._blocks
        # Every stream owns whole blocks of the sequence, so that any split of the batch draws the same masks.
        per_stream = self._blocks * BYTES_PER_BLOCK // np.dtype(dtype).itemsize
        self._draws: Array = np.empty((batch_size, per_stream), dtype)
        self.values = self._draws[:, : steps * width].reshape(batch_size, steps, width).transpose(1, 0, 2)

    def draw(self, seed: int, step: int) -> None:
        """Fill `values` with the mask of one training step."""
        draws = self._draws
        generator(seed, Purpose.DROPOUT + self._place, step, self._offset).random(out=draws, dtype=draws.dtype)
        np.greater_equal(draws, draws.dtype.type(self._rate), out=draws)
        draws *= draws.dtype.type(1 / (1 - self._rate))
