"""Random numbers as a function of a seed, a purpose and a position, so that there is no generator state to lose.

Every draw of a training run comes from a counter-based generator (Philox 4x64, Salmon et al. 2011) whose key is
the run's seed with the purpose of the draw and whose counter is the position: the step, the epoch, the stream.
A run cut anywhere and resumed draws the same numbers because it asks for the same positions, and a batch split
over threads or processes draws, stream by stream, what one process would have drawn.
"""

from enum import IntEnum

import numpy as np


class Purpose(IntEnum):
    """What a draw is for; each purpose has a sequence of its own."""

    WEIGHTS = 0
    EPOCH = 1
    RESET = 2
    SAMPLE = 3
    SPLIT = 4
    CHECK = 5
    DROPOUT = 16  # and one more for each place where dropout is applied


def generator(seed: int, purpose: int, position: int = 0, offset: int = 0) -> np.random.Generator:
    """Return the generator of one purpose at one position.

    Parameters
    ----------
    seed : int
        The run's seed, at least 0.
    purpose : int
        A `Purpose`, or ``Purpose.DROPOUT + place``.
    position : int
        The step, epoch or draw that the numbers belong to.
    offset : int
        How many Philox blocks of the position's sequence to pass over.

    Returns
    -------
    numpy.random.Generator
        A fresh generator; equal arguments give equal numbers.
    """
    key = np.array([seed & 0xFFFF_FFFF_FFFF_FFFF, purpose], dtype=np.uint64)
    counter = np.array([offset, 0, 0, position], dtype=np.uint64)
    return np.random.Generator(np.random.Philox(key=key, counter=counter))
