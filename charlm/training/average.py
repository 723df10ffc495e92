"""The moving average of the weights, which is evaluated and saved in their place."""

from charlm.arrays import Array
from charlm.network.backend import Backend
from charlm.network.parameters import Parameters


def moving_average(average: Array, weight: Array, rest: Array) -> tuple[Array, ...]:
    """Move the average towards the weight: a <- a + (1 - decay) (w - a), where `rest` is 1 - decay."""
    return (average + rest * (weight - average),)


class MovingAverage:
    """The exponential moving average of weights (Polyak & Juditsky 1992, with exponential weights).

    Parameters
    ----------
    decay : float
        How much of the average is kept at each step, between 0 and 1.
    weights : Parameters
        What is averaged; the average starts from them.
    backend : Backend
        The kernels.

    Attributes
    ----------
    average : Parameters
        The average.
    """

    def __init__(self, decay: float, weights: Parameters, backend: Backend) -> None:
        self.average = weights.copy()
        self._rest = 1 - decay
        self._apply = backend.elementwise(moving_average, [self.average.flat, weights.flat], 1, [0])

    def update(self, worker: int = 0, workers: int = 1) -> None:
        """Take the weights of one more step into the average, or one worker's share of them."""
        self._apply((self._rest,), worker, workers)
