"""The parts of the network that have weights: the symbol table, the recurrent layer and the read-out.

Each function takes the weights it needs and arrays to work in, and remembers nothing. Arrays are time-major,
(T, B, width); weights are (G H, width), as the frameworks store them.
"""

from typing import NamedTuple

import numpy as np

from charlm.arrays import Array, IntArray

FEW_SYMBOLS = 128  # up to as many, summing by symbol is quickest as a product with the one-hot vectors


class Part(NamedTuple):
    """A window's values for some rows of a weight matrix: x_hat or h_hat, and later their gradients.

    Attributes
    ----------
    rows : slice
        Which of the matrix's G H rows.
    values : ndarray, shape (T B, number of rows)
        The product of the window's T B inputs with them.
    """

    rows: slice
    values: Array


def rows(array: Array) -> Array:
    """Return a (T, B, width) array as (T B, width), without a copy."""
    return array.reshape(-1, array.shape[-1])


def sum_by_symbol(parts: list[Part], ids: IntArray, out: Array) -> None:
    """Add up the rows of each symbol: the gradient of a look-up.

    Parameters
    ----------
    parts : list of Part
        The gradients of the rows that were looked up, each (N, as many of the table's columns as the others).
    ids : ndarray of int, shape (N,)
        Which row of the table each of them was.
    out : ndarray, shape (V, width)
        Receives the sums; symbols that do not occur get zero.
    """
    if len(out) <= FEW_SYMBOLS:
        one_hot: Array = np.zeros((len(ids), len(out)), out.dtype)
        one_hot[np.arange(len(ids)), ids] = 1
        for columns, values in parts:
            np.matmul(one_hot.T, values, out=out[:, columns])
        return
    # NumPy sorts numbers of 16 bits by their digits, an eighth of the time that larger ones take.
    order = np.argsort(ids.astype(np.uint16) if len(out) <= 1 << 16 else ids, kind="stable")
    in_order = ids[order]
    starts = np.flatnonzero(np.diff(in_order, prepend=-1))
    out[...] = 0
    for columns, values in parts:
        out[in_order[starts], columns] = np.add.reduceat(np.take(values.T, order, axis=1), starts, axis=1).T


def project(parts: list[Part], x: Array, weight: Array, bias: Array) -> None:
    """Write W x + b, for the inputs of a whole window, (T B, width), into the parts."""
    for part_rows, values in parts:
        np.matmul(x, weight[part_rows].T, out=values)
        values += bias[part_rows]


def weight_gradient(parts: list[Part], x: Array, d_weight: Array) -> None:
    """Write the gradient of W, given those of W x in the parts: one product a part for the whole window."""
    for part_rows, values in parts:
        np.matmul(values.T, x, out=d_weight[part_rows])


def bias_gradient(parts: list[Part], d_bias: Array, first: int = 0) -> None:
    """Write the gradient of b, given those of W x + b in the parts; b begins with the row `first` of W."""
    for part_rows, values in parts:
        if part_rows.start >= first:
            sum_rows(values, d_bias[part_rows.start - first : part_rows.stop - first])


def sum_rows(values: Array, out: Array) -> None:
    """Add up the rows of an (N, width) array: a product with ones, two to three times as fast as `np.add.reduce`."""
    np.matmul(np.ones(len(values), values.dtype), values, out=out)


def input_gradient(parts: list[Part], weight: Array, d_x: Array) -> None:
    """Write the gradient of x, (T B, width), given those of W x in the parts."""
    first, *others = parts
    np.matmul(first.values, weight[first.rows], out=d_x)
    for part_rows, values in others:
        d_x += values @ weight[part_rows]
