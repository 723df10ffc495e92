"""A matrix product that keeps its weights packed, for use inside compiled time loops.

A recurrent step multiplies a few dozen rows by the same weights again and again. A general BLAS rearranges the weights
on every call; here they are packed once a window, in panels of `WIDTH` columns, and each call goes straight to the
inner loop (`charlm.kernels.fused.tiles`).

And as the weights are packed once and used in every step, they may as well be packed as the sums of their quarters that
Strassen's method multiplies (`charlm.kernels.fused.strassen`): seven products of halves of the rows, the depth and the
columns in place of eight. The halves of the rows are streams of the batch, so each stream's numbers are rounded
together with another's; the error is about twice that of the plain product.
"""

from math import prod
from typing import Any

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

from charlm.kernels.fused.compiling import OPTIONS, compiled_once
from charlm.kernels.fused.strassen import LEFT, PRODUCTS, RESULT, RIGHT, make_sums, quarter_at
from charlm.kernels.fused.tiles import LANES, LINE, ONE, WIDTH, Vectors, add_panels
from charlm.workers.split import split_streams

LEAST = 128  # depth and columns from which on seven products of halves are faster than one product
LEAST_ROWS = 4  # in half of the rows
QUARTERS = (1, 5, 6, 4)  # the products in whose place W11, W12, W21 and W22 are packed before they are summed
_write_sums = make_sums(RIGHT)


@njit(**OPTIONS)
def add_product(a, lda, rows, packed, c, ldc, columns, workspace):  # type: ignore[no-untyped-def]
    """Add a product with packed weights to an array: C += A W.

    Parameters
    ----------
    a, c : int
        Addresses of A, `rows` by K, and of C, `rows` by `columns`, both float32.
    lda, ldc : int
        How many numbers lie between the starts of two of their rows.
    rows : int
        Of A and C.
    packed : ndarray, shape (1, panels, K, WIDTH) or (7, panels, K / 2, WIDTH)
        W, K by `columns`, as `pack` leaves it.
    columns : int
        Of C; the rest of the last panel is padding.
    workspace : ndarray, shape (at least what `workspace_for` says,)
        To work in.
    """
    if packed.shape[0] == PRODUCTS:
        add_two_products(a, a + 4 * packed.shape[2], lda, rows, packed, c, ldc, columns, workspace)
        return
    panels, depth = packed.shape[1], packed.shape[2]
    weights = packed.ctypes.data
    whole = columns // WIDTH
    add_panels(a, lda, rows, weights, depth, whole, c, ldc, 0, ONE)
    if whole < panels:
        edge = workspace[: rows * WIDTH]
        edge[:] = 0
        add_panels(a, lda, rows, weights + 4 * WIDTH * whole * depth, depth, 1, edge.ctypes.data, WIDTH, 0, ONE)
        _add_edge(edge.reshape(rows, WIDTH), rows, c + 4 * whole * WIDTH, ldc, columns - whole * WIDTH)


@njit(**OPTIONS)
def add_two_products(a, b, lda, rows, packed, c, ldc, columns, workspace):  # type: ignore[no-untyped-def]
    """Add the products of two arrays with packed weights to a third: C += A W + B U.

    It is one product of A and B side by side, in seven of halves: the third array is read and written once, and W and U
    are the halves of the depth. They may as well be those of one matrix.

    Parameters
    ----------
    a, b : int
        Addresses of A and B, both `rows` by K.
    packed : ndarray, shape (7, panels, K, WIDTH)
        W and U, both K by `columns`, as `pack_two` leaves them.
    lda, rows, c, ldc, columns, workspace
        As for `add_product`.
    """
    panels, depth = packed.shape[1], packed.shape[2]
    w, sums, beside = packed.ctypes.data, workspace.ctypes.data, b - a
    stride = 4 * panels * depth * WIDTH
    right, half = columns // 2, rows // 2
    if half < LEAST_ROWS:
        half = 0
    if half > 0:
        for product in range(PRODUCTS):
            first, second, sign = LEFT[product]
            left, pitch = quarter_at(a, first, 4 * half * lda, beside), lda
            if second >= 0:
                partner = quarter_at(a, second, 4 * half * lda, beside)
                _add_rows(left, partner, np.float32(sign), lda, half, depth, sums)
                left, pitch = sums, depth + LINE
            first, second, sign = RESULT[product]
            to = quarter_at(c, first, 4 * half * ldc, 4 * right)
            other = quarter_at(c, second, 4 * half * ldc, 4 * right)
            add_panels(left, pitch, half, w + product * stride, depth, panels, to, ldc, other, np.float32(sign))
    left_over = rows - 2 * half
    if left_over > 0:  # a row without a partner, or few of them: W11, W22 and the differences say all of W
        a1, c1 = a + 8 * half * lda, c + 8 * half * ldc
        a2, c2 = a1 + beside, c1 + 4 * right
        _add_rows(a1, a2, ONE, lda, left_over, depth, sums)
        add_panels(sums, depth + LINE, left_over, w + stride, depth, panels, c1, ldc, 0, ONE)
        add_panels(a1, lda, left_over, w + 2 * stride, depth, panels, c2, ldc, 0, ONE)
        add_panels(a2, lda, left_over, w + 3 * stride, depth, panels, c1, ldc, 0, ONE)
        add_panels(sums, depth + LINE, left_over, w + 4 * stride, depth, panels, c2, ldc, 0, ONE)


@intrinsic
def _add_vector(context, x, y, sign, out):  # type: ignore[no-untyped-def]
    """Write the vector at x plus, or minus, the one at y."""

    def codegen(_, builder, __, args):  # type: ignore[no-untyped-def]
        v = Vectors(builder)
        x, y, sign, out = args
        v.store(v.fma(v.spread(sign), v.load(v.pointer(y)), v.load(v.pointer(x))), v.pointer(out))
        return ir.Constant(ir.IntType(8).as_pointer(), None)

    return types.void(types.intp, types.intp, types.float32, types.intp), codegen


@njit(**OPTIONS)
def _add_rows(x, y, sign, row_stride, rows, depth, out):  # type: ignore[no-untyped-def]
    """Write X + Y, or X - Y, of some rows by `depth`.

    A cache line stays free between the rows: with a stride of a power of two, all would want the same few of its sets.
    """
    for row in range(rows):
        for k in range(0, depth, LANES):
            further = 4 * (row * row_stride + k)
            _add_vector(x + further, y + further, sign, out + 4 * (row * (depth + LINE) + k))  # type: ignore[call-arg]


@intrinsic
def _add_at(context, address, value):  # type: ignore[no-untyped-def]
    """Add a number to the one at an address."""

    def codegen(_, builder, __, args):  # type: ignore[no-untyped-def]
        pointer = builder.inttoptr(args[0], ir.FloatType().as_pointer())
        builder.store(builder.fadd(builder.load(pointer), args[1]), pointer)
        return ir.Constant(ir.IntType(8).as_pointer(), None)

    return types.void(types.intp, types.float32), codegen


@njit(**OPTIONS)
def _add_edge(edge, rows, c, ldc, columns):  # type: ignore[no-untyped-def]
    for row in range(rows):
        for column in range(columns):
            _add_at(c + 4 * (row * ldc + column), edge[row, column])  # type: ignore[call-arg]


@compiled_once
def pack(weights, packed, share, shares):  # type: ignore[no-untyped-def]
    """Pack a matrix, (K, columns) in any layout, or one of several threads' share of it; padding stays as it is."""
    products, panels, depth = packed.shape[:3]
    if products == PRODUCTS:
        pack_two(weights[:depth], weights[depth:], packed, share, shares)
        return
    for panel in range(panels * share // shares, panels * (share + 1) // shares):
        _copy(weights[:, panel * WIDTH : (panel + 1) * WIDTH], packed[0, panel])


@compiled_once
def pack_two(above, below, packed, share, shares):  # type: ignore[no-untyped-def]
    """Pack two matrices, both (K, columns) in one layout, for `add_two_products`; or one thread's share of them."""
    panels, depth = packed.shape[1], packed.shape[2]
    half = above.shape[1] // 2
    for panel in range(panels * share // shares, panels * (share + 1) // shares):
        first = panel * WIDTH
        if above.strides[1] == 4:
            w11, w21 = above.ctypes.data + 4 * first, below.ctypes.data + 4 * first
            w12, w22, pitch = w11 + 4 * half, w21 + 4 * half, above.strides[0]
        else:
            for quarter, product in enumerate(QUARTERS):
                source, column = above if quarter < 2 else below, quarter % 2 * half + first
                _copy(source[:, column : column + WIDTH], packed[product, panel])
            w11, w12 = packed[QUARTERS[0], panel].ctypes.data, packed[QUARTERS[1], panel].ctypes.data
            w21, w22 = packed[QUARTERS[2], panel].ctypes.data, packed[QUARTERS[3], panel].ctypes.data
            pitch = 4 * WIDTH
        sums, stride = packed[0, panel].ctypes.data, panels * depth * WIDTH
        for k in range(depth):
            for j in range(0, 4 * WIDTH, 4 * LANES):
                here = k * pitch + j
                out = sums + 4 * k * WIDTH + j
                _write_sums(w11 + here, w12 + here, w21 + here, w22 + here, out, stride)


@njit(**OPTIONS)
def _copy(weights, panel):  # type: ignore[no-untyped-def]
    """Copy up to WIDTH columns of a matrix to a panel."""
    depth, width = weights.shape
    if weights.strides[1] <= weights.strides[0]:
        for k in range(depth):
            for j in range(width):
                panel[k, j] = weights[k, j]
        return
    squares = depth // LANES * LANES if width % LANES == 0 and weights.strides[0] == 4 else 0
    for k in range(0, squares, LANES):
        for j in range(0, width, LANES):
            here = weights.ctypes.data + 4 * k + j * weights.strides[1]
            _transpose(here, weights.strides[1], panel[k, j:].ctypes.data, 4 * WIDTH)  # type: ignore[call-arg]
    for k in range(squares, depth):
        for j in range(width):
            panel[k, j] = weights[k, j]


@intrinsic
def _transpose(context, x, pitch, out, out_pitch):  # type: ignore[no-untyped-def]
    """Write a square of LANES by LANES numbers the other way round; its row stride is in bytes."""

    def codegen(_, builder, __, args):  # type: ignore[no-untyped-def]
        v = Vectors(builder)
        x, pitch, out, out_pitch = args
        square = [v.load(v.pointer(builder.add(x, builder.mul(pitch, v.word(n))))) for n in range(LANES)]
        distance = 1
        while (
            distance < LANES
        ):  # in every two by two of blocks of so many rows and columns, those off the diagonal swap
            above = [LANES + k - distance if k & distance else k for k in range(LANES)]
            below = [LANES + k if k & distance else k + distance for k in range(LANES)]
            for n in (n for n in range(LANES) if n & distance == 0):
                upper, lower = square[n], square[n + distance]
                square[n], square[n + distance] = v.choose(upper, lower, above), v.choose(upper, lower, below)
            distance *= 2
        for n, row in enumerate(square):
            v.store(row, v.pointer(builder.add(out, builder.mul(out_pitch, v.word(n)))))
        return ir.Constant(ir.IntType(8).as_pointer(), None)

    return types.void(*[types.intp] * 4), codegen


def split_streams_in_pairs(streams: int, workers: int, hidden_size: int) -> list[slice]:
    """Cut streams into shares, even ones where Strassen's method halves the rows: an odd row costs as much as two."""
    return split_streams(streams, workers, pairs=hidden_size >= LEAST)


def panels_for(depth: int, columns: int) -> np.ndarray[Any, np.dtype[np.float32]]:
    """Return memory for a packed (depth, columns) matrix, padding zeroed; for seven products where that is faster."""
    if min(depth, columns) >= LEAST and depth % (2 * LANES) == 0 and columns % (2 * WIDTH) == 0:
        return aligned_zeros((PRODUCTS, columns // 2 // WIDTH, depth // 2, WIDTH))
    return aligned_zeros((1, -(-columns // WIDTH), depth, WIDTH))


def panels_for_two(depth: int, columns: int) -> np.ndarray[Any, np.dtype[np.float32]]:
    """Return memory for two packed (depth, columns) matrices, for `add_two_products`; none where that is not faster."""
    packed = panels_for(2 * depth, columns)
    return packed if len(packed) == PRODUCTS else packed[:0]


def workspace_for(rows: int, depth: int) -> np.ndarray[Any, np.dtype[np.float32]]:
    """Return the workspace of `add_product`, for so many rows with weights of up to so many rows."""
    together = max(rows // 2, min(rows, 2 * LEAST_ROWS - 1))  # halves of the rows, or all of them if they are few
    return aligned_zeros((max(rows * WIDTH, together * (depth // 2 + LINE)),))


def aligned_zeros(shape: tuple[int, ...]) -> np.ndarray[Any, np.dtype[np.float32]]:
    """Return zeros that begin where a cache line does, so that no vector lies across two of them."""
    size = prod(shape)
    memory = np.zeros(size + LINE, np.float32)
    start = -memory.ctypes.data % (4 * LINE) // 4
    return memory[start : start + size].reshape(shape)
