"""The functions in the equations of cells and update rules, on NumPy arrays: sigmoid, tanh, their slopes, sqrt.

These definitions serve any floating type. The kernels replace them: by in-place calls where NumPy runs the equations
(`charlm.kernels.numpy.program`), by polynomials on scalars where Numba compiles them (`charlm.kernels.fused.loops`).
"""

import numpy as np

from charlm.arrays import Array


def sigmoid(x: Array) -> Array:
    """Return the logistic function 1 / (1 + exp(-x)), between 0 and 1.

    For x below -88 (float32) or -709 (float64) the exponential overflows to infinity and the result is 0, which
    is correct to the last bit; NumPy warns of the overflow unless the caller turns that off.
    """
    return np.reciprocal(np.exp(np.negative(x)) + x.dtype.type(1))


def tanh(x: Array) -> Array:
    """Return the hyperbolic tangent of x, between -1 and 1."""
    return np.tanh(x)


def sigmoid_slope(s: Array) -> Array:
    """Return the slope of the logistic function where its value is s: s (1 - s)."""
    return s - s * s


def tanh_slope(t: Array) -> Array:
    """Return the slope of the hyperbolic tangent where its value is t: 1 - t^2."""
    return t.dtype.type(1) - t * t


def sqrt(x: Array) -> Array:
    """Return the square root of x, which is at least 0."""
    return np.asarray(np.sqrt(x))
