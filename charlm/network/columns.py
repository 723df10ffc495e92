"""A layer's weights with a column for each pre-activation, for reading one symbol at a time."""

from typing import NamedTuple

import numpy as np

from charlm.arrays import OVERFLOW, Array
from charlm.network.architecture import Architecture
from charlm.network.parameters import Parameters
from charlm.network.recurrence import LayerWeights


class Columns(NamedTuple):
    """A layer's weights, one matrix for each of its two inputs.

    Attributes
    ----------
    x : ndarray, shape (width of the input, C H)
        What the input is multiplied by, with H columns for each of the cell's C pre-activations. A split gate has two
        pre-activations: here the second has zeros, in `h` the first.
    h : ndarray, shape (H, C H)
        What the state is multiplied by.
    bias : ndarray, shape (C H,)
        Added to both.
    """

    x: Array
    h: Array
    bias: Array


def columns_of(architecture: Architecture, parameters: Parameters, layer: int) -> Columns:
    """Return a copy of a layer's weights by pre-activation."""
    cell, a = architecture.equations, architecture
    H, summed, gates, width = a.hidden_size, cell.summed, len(cell.gates), cell.columns * a.hidden_size
    weight_ih, weight_hh, b, b_h = LayerWeights.of(parameters, layer)
    x: Array = np.zeros((weight_ih.shape[1], width), a.dtype)
    x[:, : gates * H] = weight_ih.T
    h: Array = np.zeros((H, width), a.dtype)
    h[:, : summed * H] = weight_hh[: summed * H].T
    h[:, gates * H :] = weight_hh[summed * H :].T
    bias: Array = np.zeros(width, a.dtype)
    bias[: gates * H] = b
    if b_h is not None:
        bias[gates * H :] = b_h
    return Columns(x, h, bias)


@np.errstate(**OVERFLOW)
def symbol_table(architecture: Architecture, parameters: Parameters, first: Columns) -> Array:
    """Return each symbol's product with the first layer's weights, and its bias: a (V, C H) array."""
    if architecture.embedding_size is None:
        return first.x + first.bias
    return parameters["embedding.weight"] @ first.x + first.bias
