"""Clipping: limits on the elements of a gradient and on its norm, against gradients that explode."""

import numpy as np

from charlm.arrays import Array


def clip_by_value(gradient: Array, limit: float) -> None:
    """Limit every element to [-limit, limit], in place (Mikolov 2012); this may change the gradient's direction.

    Parameters
    ----------
    gradient : ndarray, shape (n,)
        The gradient, or a piece of it.
    limit : float
        Above 0.
    """
    np.clip(gradient, -limit, limit, out=gradient)


def clip_by_norm(norm: float, limit: float) -> float:
    """Return the factor that limits the norm of the gradient and keeps its direction.

        factor = min(1, limit / ||g||)

    From Pascanu, Mikolov & Bengio (2013); the norm is that of the gradient of all weights together. The optimizer
    multiplies by the factor while it reads the gradient, which saves a pass over memory.

    Parameters
    ----------
    norm : float
        ||g||, the root of the sum of the squares of all elements.
    limit : float
        Above 0.
    """
    return 1.0 if norm <= limit else limit / norm
