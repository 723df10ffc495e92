"""The parts of the network that have weights: the symbol table, the recurrent layer and the read-out.

Each function takes the weights it needs and arrays to work in, and remembers nothing. Arrays are time-major,
(T, B, width); weights are (G H, width), as the frameworks store them.
"""

import numpy as np

from charlm.cells import Cell
from charlm.kernels import Array, IntArray
from charlm.recurrence import Recurrence


def rows(array: Array) -> Array:
    """Return a (T, B, width) array as (T B, width), without a copy."""
    return array.reshape(-1, array.shape[-1])


def sum_by_symbol(d_rows: Array, ids: IntArray, out: Array) -> None:
    """Add up the rows of each symbol: the gradient of a look-up.

    Parameters
    ----------
    d_rows : ndarray, shape (N, width)
        The gradients of the rows that were looked up.
    ids : ndarray of int, shape (N,)
        Which row of the table each of them was.
    out : ndarray, shape (V, width)
        Receives the sums; symbols that do not occur get zero.
    """
    # Sorting first makes each sum one pass over neighbouring rows: five times as fast as np.add.at.
    order = np.argsort(ids, kind="stable")
    ends = np.cumsum(np.bincount(ids, minlength=len(out)))
    in_order = d_rows[order]
    start = 0
    for symbol, end in enumerate(ends):
        np.add.reduce(in_order[start:end], axis=0, out=out[symbol])
        start = end


def recurrent_gradients(
    cell: Cell, loop: Recurrence, d_weight_hh: Array, d_bias_apart: Array | None, hidden_size: int
) -> None:
    """Fill in the gradients of W_h (and of b_h, where gates are apart): one product for the whole window."""
    d_block, h = rows(loop.block), rows(loop.before[0])
    summed = cell.summed * hidden_size
    np.matmul(d_block[:, :summed].T, h, out=d_weight_hh[:summed])
    if d_bias_apart is not None:
        d_apart = d_block[:, len(cell.gates) * hidden_size :]
        np.matmul(d_apart.T, h, out=d_weight_hh[summed:])
        np.add.reduce(d_apart, axis=0, out=d_bias_apart)
