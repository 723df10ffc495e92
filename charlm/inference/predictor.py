"""What comes next: the one contract of everything that can say it, the network, the n-gram, and both together."""

from typing import Protocol

import numpy as np

from charlm.arrays import Array, IntArray
from charlm.errors import NotFiniteError
from charlm.inference.mixed import stepper
from charlm.network.loss import log_softmax
from charlm.network.model import Model
from charlm.network.parameters import Parameters
from charlm.ngram.mixture import Mixture


class Predictor(Protocol):
    """Says what it expects after what it has read, as a distribution over the V symbols.

    Whatever it is made of, the exponentials of its log-probabilities sum to one at every position of every text: only
    then do losses of different predictors compare.
    """

    def restart(self) -> None:
        """Forget what was read."""

    def read(self, ids: IntArray) -> Array:
        """Read on in N texts at once.

        Parameters
        ----------
        ids : ndarray of int, shape (T, N)
            The next T symbols of each text.

        Returns
        -------
        ndarray of float64, shape (T, N, V)
            Row t holds the natural logarithms of the probabilities of what follows symbol t, given all that was read
            up to and including it.
        """


class Network:
    """A network as a predictor, alone or mixed with an n-gram.

    Parameters
    ----------
    model : Model
        The network.
    parameters : Parameters
        Its weights, which must not change afterwards.
    count : int
        N, how many texts it reads in step.
    mixture : Mixture, optional
        The n-gram that is added to the network.
    """

    def __init__(self, model: Model, parameters: Parameters, count: int = 1, mixture: Mixture | None = None) -> None:
        self._stepper = stepper(model, parameters, count, mixture)
        self._symbols = model.architecture.vocabulary_size

    def restart(self) -> None:
        """Forget what was read."""
        self._stepper.restart()

    def read(self, ids: IntArray) -> Array:
        """Read on; see `Predictor.read`."""
        expected = np.empty((*ids.shape, self._symbols))
        for row, symbols in zip(expected, ids, strict=True):
            row[...] = self._stepper.read(symbols)
        if not np.isfinite(expected).all():
            raise NotFiniteError.of_logits()
        return log_softmax(expected)
