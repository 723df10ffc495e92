"""The products of a whole window with weight matrices, and their gradients.

Each function writes its result into an array that the caller owns. Arrays are time-major,
(T, B, width); weights are (G H, width), as the frameworks store them.
"""

from typing import NamedTuple

import numpy as np

from charlm.arrays import Array, IntArray

FEW_SYMBOLS = 128  # for up to this many, the sum by symbol is fastest as a product with the one-hot vectors


class RowBlock(NamedTuple):
    """A block of rows of a weight matrix with a window's values for them: x_hat or h_hat, and later their gradients.

    Attributes
    ----------
    rows : slice
        Which of the matrix's G H rows.
    values : ndarray, shape (T B, number of rows)
        The product of the window's T B inputs with these rows.
    """

    rows: slice
    values: Array


def rows(array: Array) -> Array:
    """Return a (T, B, width) array as (T B, width), without a copy."""
    return array.reshape(-1, array.shape[-1])


def sum_by_symbol(blocks: list[RowBlock], ids: IntArray, out: Array) -> None:
    """Write the sum of the rows of each symbol: the gradient of a look-up.

    Parameters
    ----------
    blocks : list of RowBlock
        The gradients of what was looked up, N rows each; their `rows` are columns of the table.
    ids : ndarray of int, shape (N,)
        Which row of the table each of them was.
    out : ndarray, shape (V, width)
        Receives the sums; symbols that do not occur get zero.
    """
    if len(out) <= FEW_SYMBOLS:
        one_hot: Array = np.zeros((len(ids), len(out)), out.dtype)
        one_hot[np.arange(len(ids)), ids] = 1
        for columns, values in blocks:
            np.matmul(one_hot.T, values, out=out[:, columns])
        return
    # NumPy sorts numbers of 16 bits by their digits, an eighth of the time that larger ones take.
    order = np.argsort(ids.astype(np.uint16) if len(out) <= 1 << 16 else ids, kind="stable")
    in_order = ids[order]
    starts = np.flatnonzero(np.diff(in_order, prepend=-1))
    out[...] = 0
    for columns, values in blocks:
        out[in_order[starts], columns] = np.add.reduceat(np.take(values.T, order, axis=1), starts, axis=1).T


def project(blocks: list[RowBlock], x: Array, weight: Array, bias: Array) -> None:
    """Write W x + b, for the inputs of a whole window, (T B, width), into the blocks."""
    for block_rows, values in blocks:
        np.matmul(x, weight[block_rows].T, out=values)
        values += bias[block_rows]


def weight_gradient(blocks: list[RowBlock], x: Array, d_weight: Array) -> None:
    """Write the gradient of W, given those of W x in the blocks: one product a block for the whole window."""
    for block_rows, values in blocks:
        np.matmul(values.T, x, out=d_weight[block_rows])


def bias_gradient(blocks: list[RowBlock], d_bias: Array, first: int = 0) -> None:
    """Write the gradient of b, given those of W x + b in the blocks; b begins with the row `first` of W."""
    for block_rows, values in blocks:
        if block_rows.start >= first:
            sum_rows(values, d_bias[block_rows.start - first : block_rows.stop - first])


def sum_rows(values: Array, out: Array) -> None:
    """Add up the rows of an (N, width) array: a product with ones, two to three times as fast as `np.add.reduce`."""
    np.matmul(np.ones(len(values), values.dtype), values, out=out)


def input_gradient(blocks: list[RowBlock], weight: Array, d_x: Array) -> None:
    """Write the gradient of x, (T B, width), given those of W x in the blocks."""
    first, *others = blocks
    np.matmul(first.values, weight[first.rows], out=d_x)
    for block_rows, values in others:
        d_x += values @ weight[block_rows]
