"""Random numbers as a function of a seed, a purpose and a position, so that there is no generator state to lose.

All random numbers of a training run come from a counter-based generator (Philox 4x64, Salmon et al. 2011) whose key is
the seed of the run and the purpose of the numbers, and whose counter is the position: the step, the epoch, the stream.
A run that is cut anywhere and resumed gets the same numbers because it asks for the same positions, and a batch that is
split over threads or processes gets, stream by stream, the numbers that one process would get.
"""

from enum import IntEnum

import numpy as np


class Purpose(IntEnum):
    """What random numbers are for; each purpose has a sequence of its own."""

    WEIGHTS = 0
    EPOCH = 1
    RESET = 2
    SAMPLE = 3
    SPLIT = 4
    CHECK = 5
    TASK = 6
    DROPOUT = 16  # and one more for each place where dropout is applied


def generator(seed: int, purpose: int, position: int = 0, offset: int = 0) -> "np.random.Generator":
    """Return the generator of one purpose at one position.

    Parameters
    ----------
    seed : int
        The run's seed, at least 0.
    purpose : int
        A `Purpose`, or ``Purpose.DROPOUT + place``.
    position : int
        The step or epoch that the numbers belong to.
    offset : int
        How many Philox blocks of the sequence of this position to skip.

    Returns
    -------
    numpy.random.Generator
        A new generator; equal arguments give equal numbers.
    """
    # The type is quoted above because NumPy loads its random numbers when they are first named, and not all commands
    # need them.
    key = np.array([int(seed) & 0xFFFF_FFFF_FFFF_FFFF, purpose], dtype=np.uint64)
    counter = np.array([offset, 0, 0, position], dtype=np.uint64)
    return np.random.Generator(np.random.Philox(key=key, counter=counter))
