"""Orthogonal steps, for the matrices that lead from states to states (Muon: Jordan et al. 2024).

A matrix's gradient U S V^T has a few large singular values and many small ones, so a step along it moves the matrix in
a few directions only. A step along U V^T moves it as far in all of them. With the mean gradient m,

    m = m + (1 - mu)(g - m);    w = (1 - rate lambda) w - rate U V^T,    where m = U S V^T

Each gate's matrix is taken by itself. What leads from symbols, what leads to them, and the biases are no such matrices.
"""

import numpy as np

from charlm.arrays import Array
from charlm.network.parameters import Parameters

MOMENTUM = 0.9  # mu
ITERATIONS = 3
COEFFICIENTS = (3.4445, -4.7750, 2.0315)  # Jordan et al. 2024: they lift small singular values quickly


def is_hidden(name: str) -> bool:
    """Tell by a parameter's name whether its matrices lead from states to states."""
    return name.startswith("rnn.weight_hh") or (name.startswith("rnn.weight_ih") and not name.endswith("_l0"))


def orthogonal(matrix: Array) -> Array:
    """Return about the U V^T of a matrix U S V^T: the orthogonal matrix that is nearest to it.

    Newton and Schulz's iteration, with a polynomial of the fifth degree: it takes every singular value s to
    a s + b s^3 + c s^5 and leaves U and V alone, by products only. The values need not come close to 1: three turns
    take those above 0.02 of the norm to between 0.68 and 1.21.

    Parameters
    ----------
    matrix : ndarray, shape (H, H)
        The matrix; one of zeros stays as it is.
    """
    a, b, c = COEFFICIENTS
    norm = np.sqrt(np.vdot(matrix, matrix))
    x: Array = matrix / np.maximum(norm, np.finfo(matrix.dtype).tiny)
    for _ in range(ITERATIONS):
        square = x @ x.T
        x = a * x + (b * square + c * (square @ square.T)) @ x  # the square is its transpose, which BLAS makes use of
    return x


class OrthogonalSteps:
    """Moves the matrices between states, and remembers their mean gradients.

    Parameters
    ----------
    weight_decay : float
        Lambda, the pull towards zero.
    parameters : Parameters
        The weights that `step` changes, in place.
    gradients : Parameters
        The array from which `step` reads their gradients.

    Attributes
    ----------
    mean : ndarray, shape (size,)
        The mean gradients of all these matrices, in the order of the parameters; to be saved and restored.
    """

    def __init__(self, weight_decay: float, parameters: Parameters, gradients: Parameters) -> None:
        self._decay = weight_decay
        names = [name for name in parameters if is_hidden(name)]
        self.mean: Array = np.zeros(sum(parameters[name].size for name in names), parameters.flat.dtype)
        self._matrices: list[tuple[Array, Array, Array]] = []
        start = 0
        for name in names:
            weight, end = parameters[name], start + parameters[name].size
            mean, units = self.mean[start:end].reshape(weight.shape), weight.shape[1]
            for first in range(0, len(weight), units):
                gate = slice(first, first + units)
                self._matrices.append((weight[gate], gradients[name][gate], mean[gate]))
            start = end

    def step(self, rate: float, scale: float, worker: int, workers: int) -> None:
        """Change the matrices that fall to one of several workers.

        Parameters
        ----------
        rate : float
            The spectral norm of the step, about.
        scale : float
            What the gradient is multiplied by.
        worker, workers : int
            Which of so many workers this is.
        """
        for weight, gradient, mean in self._matrices[worker::workers]:
            mean += (1 - MOMENTUM) * (scale * gradient - mean)
            weight *= 1 - rate * self._decay
            weight -= rate * orthogonal(mean)
