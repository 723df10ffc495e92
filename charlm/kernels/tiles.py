"""A matrix product that keeps its weights packed, for use inside compiled time loops.

A recurrent step multiplies a few dozen rows by the same weights again and again. A general BLAS rearranges the weights
on every call; here they are packed once a window, in panels of `WIDTH` columns, and each call goes straight to the
inner loop: a tile of up to `ROWS` rows by one panel, held in vector registers while the depth runs by (the scheme of
Goto & van de Geijn, "Anatomy of high-performance matrix multiplication", 2008). The tile is written in LLVM's own
vector instructions, which every processor has in its own size.
"""

from math import prod
from typing import Any

import numpy as np
from llvmlite import binding, ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic

OPTIONS: dict[str, Any] = {"nogil": True, "fastmath": True, "error_model": "numpy", "boundscheck": False}


def _lanes() -> int:
    """Return how many float32 one vector register of this processor holds; 8 where it is not known."""
    return 16 if binding.get_host_cpu_features().get("avx512f") else 8


LANES = _lanes()
VECTORS = 2
WIDTH = VECTORS * LANES  # columns of a panel
ROWS = 6  # rows of a tile: with two vectors each, twelve sums fill the registers and hide the latency of adding
LINE = 16  # numbers in a cache line
DEPTH = 512  # rows of a panel that are read in one go, so that it stays in the first-level cache


def make_tile(rows: int, vectors: int) -> Any:
    """Return a compiled function that adds the product of some rows with one panel to a tile of the result.

    Parameters
    ----------
    rows : int
        Of the tile.
    vectors : int
        How many registers hold a row of the panel.

    Returns
    -------
    callable
        Of the address of the rows, how many numbers lie between the starts of two of them, the address of the panel,
        the same two of the result, and the depth, which is at least 1.
    """

    @intrinsic
    def tile(context, a, lda, panel, c, ldc, depth):  # type: ignore[no-untyped-def]
        word = types.intp
        return types.void(word, word, word, word, word, word), lambda _, builder, __, args: _emit(
            builder, rows, vectors, *args
        )

    return tile


def _emit(builder: Any, rows: int, vectors: int, a: Any, lda: Any, panel: Any, c: Any, ldc: Any, depth: Any) -> Any:
    """Write the tile's loop over the depth in LLVM's intermediate language."""
    number, vector, word = ir.FloatType(), ir.VectorType(ir.FloatType(), LANES), ir.IntType(64)
    signature = ir.FunctionType(vector, [vector] * 3)
    fma = cgutils.get_or_insert_function(builder.module, signature, f"llvm.fma.v{LANES}f32")  # type: ignore[no-untyped-call]

    def at(base: Any, *offsets: Any) -> Any:
        for offset in offsets:
            base = builder.gep(base, [word(offset) if isinstance(offset, int) else offset])
        return base

    def load(pointer: Any) -> Any:
        loaded = builder.load(builder.bitcast(pointer, vector.as_pointer()))
        loaded.align = 4
        return loaded

    a_rows = [at(builder.inttoptr(a, number.as_pointer()), builder.mul(lda, word(r))) for r in range(rows)]
    c_rows = [at(builder.inttoptr(c, number.as_pointer()), builder.mul(ldc, word(r))) for r in range(rows)]
    panel = builder.inttoptr(panel, number.as_pointer())
    targets = [at(c_row, v * LANES) for c_row in c_rows for v in range(vectors)]
    before = [load(target) for target in targets]
    entry, loop, done = builder.block, builder.append_basic_block("depth"), builder.append_basic_block("done")
    builder.branch(loop)

    builder.position_at_end(loop)
    k = builder.phi(word)
    sums = [builder.phi(vector) for _ in targets]
    weights = [load(at(panel, builder.mul(k, word(vectors * LANES)), v * LANES)) for v in range(vectors)]
    after = []
    for r, a_row in enumerate(a_rows):
        empty = ir.Constant(vector, ir.Undefined)
        first = builder.insert_element(empty, builder.load(at(a_row, k)), ir.IntType(32)(0))
        spread = builder.shuffle_vector(first, empty, ir.Constant(ir.VectorType(ir.IntType(32), LANES), [0] * LANES))
        after += [builder.call(fma, [spread, weights[v], sums[vectors * r + v]]) for v in range(vectors)]
    following = builder.add(k, word(1))
    k.add_incoming(word(0), entry)
    k.add_incoming(following, loop)
    for total, start, end in zip(sums, before, after, strict=True):
        total.add_incoming(start, entry)
        total.add_incoming(end, loop)
    builder.cbranch(builder.icmp_signed("<", following, depth), loop, done)

    builder.position_at_end(done)
    for target, end in zip(targets, after, strict=True):
        builder.store(end, builder.bitcast(target, vector.as_pointer())).align = 4
    return ir.Constant(ir.IntType(8).as_pointer(), None)


_tile_1, _tile_2, _tile_3, _tile_4, _tile_5, _tile_6 = (make_tile(rows, VECTORS) for rows in range(1, ROWS + 1))


@njit(**OPTIONS)
def _column_of_tiles(a, lda, rows, panel, c, ldc, depth):  # type: ignore[no-untyped-def]
    """Add the product of any number of rows with one panel to `rows` by WIDTH numbers of the result."""
    row = 0
    while row < rows:
        left = rows - row
        tiles = -(-left // ROWS)
        now = -(-left // tiles)  # about equal heights: a low tile leaves the adders waiting
        a_row, c_row = a + 4 * row * lda, c + 4 * row * ldc
        if now == 6:
            _tile_6(a_row, lda, panel, c_row, ldc, depth)
        elif now == 5:
            _tile_5(a_row, lda, panel, c_row, ldc, depth)
        elif now == 4:
            _tile_4(a_row, lda, panel, c_row, ldc, depth)
        elif now == 3:
            _tile_3(a_row, lda, panel, c_row, ldc, depth)
        elif now == 2:
            _tile_2(a_row, lda, panel, c_row, ldc, depth)
        else:
            _tile_1(a_row, lda, panel, c_row, ldc, depth)
        row += now


@njit(**OPTIONS)
def add_product(a, lda, rows, packed, c, ldc, columns, edge):  # type: ignore[no-untyped-def]
    """Add a product with packed weights to an array: C += A W.

    Parameters
    ----------
    a, c : int
        Addresses of A, `rows` by K, and of C, `rows` by `columns`, both float32.
    lda, ldc : int
        How many numbers lie between the starts of two of their rows.
    rows : int
        Of A and C.
    packed : ndarray, shape (panels, K, WIDTH)
        W, K by `columns`, as `pack` leaves it.
    columns : int
        Of C; the rest of the last panel is padding.
    edge : ndarray, shape (rows, WIDTH)
        Room for the last columns where they do not fill a panel.
    """
    panels, depth = packed.shape[0], packed.shape[1]
    weights = packed.ctypes.data
    whole = columns // WIDTH
    for k in range(0, depth, DEPTH):
        now = min(DEPTH, depth - k)
        for panel in range(whole):
            here = weights + 4 * WIDTH * (panel * depth + k)
            _column_of_tiles(a + 4 * k, lda, rows, here, c + 4 * panel * WIDTH, ldc, now)
    if whole < panels:
        edge[:] = 0
        _column_of_tiles(a, lda, rows, weights + 4 * WIDTH * whole * depth, edge.ctypes.data, WIDTH, depth)
        _add_edge(edge, rows, c + 4 * whole * WIDTH, ldc, columns - whole * WIDTH)


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


@njit(cache=True, **OPTIONS)
def pack(weights, packed, start, stop):  # type: ignore[no-untyped-def]
    """Pack the panels from `start` to `stop` of a matrix, (K, columns) in any layout; padding stays as it is."""
    depth, columns = weights.shape
    for panel in range(start, stop):
        first = panel * WIDTH
        width = min(WIDTH, columns - first)
        for k in range(depth):
            for j in range(width):
                packed[panel, k, j] = weights[k, first + j]


def panels_for(depth: int, columns: int) -> np.ndarray[Any, np.dtype[np.float32]]:
    """Return room for a packed (depth, columns) matrix, padding zeroed."""
    return aligned_zeros((-(-columns // WIDTH), depth, WIDTH))


def aligned_zeros(shape: tuple[int, ...]) -> np.ndarray[Any, np.dtype[np.float32]]:
    """Return zeros that begin where a cache line does, so that no vector lies across two of them."""
    size = prod(shape)
    room = np.zeros(size + LINE, np.float32)
    start = -room.ctypes.data % (4 * LINE) // 4
    return room[start : start + size].reshape(shape)
