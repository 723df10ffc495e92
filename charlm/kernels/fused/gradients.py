"""The gradient of a matrix: the product of two windows, with both factors packed.

Where y = W x, the gradient of W is dY^T X, a sum over all rows of the window. Both factors are new in every window, so
packing them has to cost less than it saves. X, the narrower one, is packed a part of the window at a time, as the right
factor of Strassen's seven products. dY is read where the time loop left it, once: a few of its columns at a time become
the seven sums for the left factor, which are multiplied while they are in the second-level cache. These columns are a
few cache lines in each of hundreds of rows, and no processor guesses where the next ones are; so they are prefetched
while the last products of those before are made.
"""

import numpy as np

from charlm.kernels.fused.compiling import compiled_once
from charlm.kernels.fused.strassen import LEFT, PRODUCTS, RESULT, make_sums, quarter_at
from charlm.kernels.fused.tiles import LANES, LINE, ONE, WIDTH, ZERO, add_panel_down, add_panels_down

DEPTH, MOST_DEPTH = 512, 1024  # rows of a window that are multiplied in one go, the more for a large gradient:
LARGE = 1 << 18  # of more numbers than this, which are not in the cache, so that reading and writing them counts
COLUMNS = 64  # of dY that are summed in one go
LEAST = 128  # rows of the window, and columns of X, from which on it is faster than a BLAS
_write_sums = make_sums(LEFT)


@compiled_once
def add_gradient(d_y, x, d_weight, workspace, fresh):  # type: ignore[no-untyped-def]
    """Add what some rows of a window say about the gradient of a matrix: dW += dY^T X.

    Parameters
    ----------
    d_y : ndarray, shape (2 K, rows)
        dY, each row in one piece.
    x : ndarray, shape (7, panels, K, WIDTH)
        X, as `packed.pack` leaves it.
    d_weight : ndarray, shape (rows, columns)
        dW, each row in one piece; what `fits` has been asked about.
    workspace : ndarray, shape (7 K COLUMNS / 2,)
        To work in.
    fresh : bool
        Whether dW is to begin at zero: each of its rows shortly before it is added to, while it is in the cache.
    """
    rows, columns = d_weight.shape
    panels, depth = x.shape[1], x.shape[2]
    pitch, ldc, right = d_y.strides[0], d_weight.strides[0] // 4, 4 * (columns // 2)
    sums = workspace.ctypes.data
    for start in range(0, rows, COLUMNS):
        if fresh:
            d_weight[start : start + COLUMNS] = ZERO
        half = min(COLUMNS, rows - start) // 2
        above, c = d_y.ctypes.data + 4 * start, d_weight.ctypes.data + 4 * start * ldc
        below = above + depth * pitch
        for k in range(depth):
            for j in range(0, 4 * half, 4 * LANES):
                # dY stands for its transpose: the halves of its columns are those of the left factor's rows.
                x11, x12, out = above + k * pitch + j, below + k * pitch + j, sums + 4 * k * half + j
                _write_sums(x11, x12, x11 + 4 * half, x12 + 4 * half, out, depth * half)
        down = 4 * half * ldc
        for product in range(PRODUCTS):
            first, second, sign = RESULT[product]
            to, other = quarter_at(c, first, down, right), quarter_at(c, second, down, right)
            left, here = sums + 4 * product * depth * half, x[product].ctypes.data
            # The last product is added to one quarter only, so that `other` is 0.
            whole = max(panels - 2, 0) if product == PRODUCTS - 1 else panels
            add_panels_down(left, half, half, here, depth, whole, to, ldc, other, np.float32(sign))
            for panel in range(
                whole, panels
            ):  # with the last two the next columns are prefetched: each micro-kernel a line a row
                ahead = (above if panel == whole else below) + 4 * COLUMNS
                panel_at, column = here + 4 * panel * WIDTH * depth, to + 4 * panel * WIDTH
                add_panel_down(left, half, half, panel_at, depth, column, ldc, other, ONE, ahead, 4 * LINE, pitch)


def depth_for(size: int) -> int:
    """Return how many rows of a window to multiply in one go at the most, for a gradient of so many numbers."""
    return DEPTH if size <= LARGE else MOST_DEPTH


def fits(rows: int, d_y: int, x: int) -> bool:
    """Tell whether a window of so many rows, by the columns of dY and of X, is for `add_gradient`, and large enough."""
    return rows % 2 == d_y % (2 * LANES) == x % (2 * WIDTH) == 0 and min(rows, x) >= LEAST
