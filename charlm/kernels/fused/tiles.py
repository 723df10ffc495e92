"""The inner loop of a matrix product: a few rows by a panel of the weights, held in vector registers.

A tile of up to `ROWS` rows by `WIDTH` columns of the result is summed while the depth runs by (the scheme of Goto &
van de Geijn, "Anatomy of high-performance matrix multiplication", 2008). It is written in LLVM's own vector
instructions, which every processor has in its own size.
"""

from typing import Any

import numpy as np
from llvmlite import binding, ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic

from charlm.kernels.fused.compiling import OPTIONS


def _lanes() -> int:
    """Return how many float32 one vector register of this processor holds; 8 where it is not known."""
    return 16 if binding.get_host_cpu_features().get("avx512f") else 8


LANES = _lanes()
VECTORS = 2
WIDTH = VECTORS * LANES  # columns of a panel
ROWS = 8 if LANES == 16 else 6  # of a tile, most: two vectors each, as sums, in half of 32 registers or most of 16
DEPTH = 512  # rows of a panel that are read in one go, so that it stays in the first-level cache
LINE = 16  # numbers in a cache line
ZERO, ONE = np.float32(0), np.float32(1)


def make_tile(rows: int, vectors: int, down: bool = False, prefetches: bool = False) -> Any:
    """Return a compiled function that adds the product of some rows with one panel to one or two tiles of the result.

    Parameters
    ----------
    rows : int
        Of the tile.
    vectors : int
        How many registers hold a row of the panel.
    down : bool
        Whether the rows lie down the columns of an array, each number beside the same one of the next row.
    prefetches : bool
        Whether it also prefetches what will be read next into the second-level cache, a little in each step of depth.

    Returns
    -------
    callable
        Of the address of the rows, how many numbers lie between the starts of two of them (where they lie down, between
        two numbers of one), the address of the panel, the depth, which is at least 1, the address of the tile and
        its row stride, the address of the second tile, or 0 for none, and by what the product is multiplied
        before it is added there. Then, if it prefetches, of the address of what to prefetch, and how many bytes of it
        a step.
    """

    def emit(_: Any, builder: Any, __: Any, args: Any) -> Any:
        return _emit(builder, rows, vectors, down, *args)

    signature = types.void(*[types.intp] * 7, types.float32, *[types.intp] * 2 * prefetches)

    @intrinsic
    def tile(context, a, lda, panel, depth, c, ldc, other, sign):  # type: ignore[no-untyped-def]
        return signature, emit

    @intrinsic
    def tile_that_prefetches(context, a, lda, panel, depth, c, ldc, other, sign, ahead, bytes_a_step):  # type: ignore[no-untyped-def]
        return signature, emit

    return tile_that_prefetches if prefetches else tile


def _emit(
    builder: Any, rows: int, vectors: int, down: bool, a: Any, lda: Any, panel: Any, depth: Any,
    c: Any, ldc: Any, other: Any, sign: Any, ahead: Any = None, bytes_a_step: Any = None,
) -> Any:  # fmt: skip
    """Write the tile's loop over the depth in LLVM's intermediate language."""
    v = Vectors(builder)
    a_rows = [v.at(v.pointer(a), v.word(r) if down else builder.mul(lda, v.word(r))) for r in range(rows)]
    panel = v.pointer(panel)
    entry, loop, done = builder.block, *(builder.append_basic_block(name) for name in ("depth", "done"))
    second, end = (builder.append_basic_block(name) for name in ("second", "end"))
    builder.branch(loop)

    builder.position_at_end(loop)
    k = builder.phi(v.word)
    sums = [builder.phi(v.vector) for _ in range(rows * vectors)]
    weights = [v.load(v.at(panel, builder.mul(k, v.word(vectors * LANES)), v.word(n * LANES))) for n in range(vectors)]
    if ahead is not None:
        v.prefetch(builder.add(ahead, builder.mul(k, bytes_a_step)))
    place = builder.mul(k, lda) if down else k
    after = []
    for r, a_row in enumerate(a_rows):
        spread = v.spread(builder.load(v.at(a_row, place)))
        after += [v.fma(spread, weights[n], sums[vectors * r + n]) for n in range(vectors)]
    following = builder.add(k, v.word(1))
    k.add_incoming(v.word(0), entry)
    k.add_incoming(following, loop)
    for start, total in zip(sums, after, strict=True):
        start.add_incoming(ir.Constant(v.vector, None), entry)
        start.add_incoming(total, loop)
    builder.cbranch(builder.icmp_signed("<", following, depth), loop, done)

    def add_to(address: Any, factor: Any) -> None:
        factors = v.spread(factor)
        for r in range(rows):
            row = v.at(v.pointer(address), builder.mul(ldc, v.word(r)))
            for n in range(vectors):
                target = v.at(row, v.word(n * LANES))
                v.store(v.fma(after[vectors * r + n], factors, v.load(target)), target)

    builder.position_at_end(done)
    add_to(c, ir.Constant(ir.FloatType(), 1))
    builder.cbranch(builder.icmp_signed("!=", other, v.word(0)), second, end)
    builder.position_at_end(second)
    add_to(other, sign)
    builder.branch(end)
    builder.position_at_end(end)
    return ir.Constant(ir.IntType(8).as_pointer(), None)


class Vectors:
    """Words of LLVM's language for vectors of float32 in memory."""

    def __init__(self, builder: Any) -> None:
        self._builder = builder
        self.word = ir.IntType(64)
        self.vector = ir.VectorType(ir.FloatType(), LANES)
        signature = ir.FunctionType(self.vector, [self.vector] * 3)
        self._fma = cgutils.get_or_insert_function(builder.module, signature, f"llvm.fma.v{LANES}f32")  # type: ignore[no-untyped-call]

    def pointer(self, address: Any) -> Any:
        """Return an address as a pointer to numbers."""
        return self._builder.inttoptr(address, ir.FloatType().as_pointer())

    def at(self, base: Any, *offsets: Any) -> Any:
        """Return a pointer so many numbers further on."""
        for offset in offsets:
            base = self._builder.gep(base, [offset])
        return base

    def load(self, pointer: Any) -> Any:
        """Return the vector at a pointer."""
        loaded = self._builder.load(self._builder.bitcast(pointer, self.vector.as_pointer()))
        loaded.align = 4
        return loaded

    def store(self, value: Any, pointer: Any) -> None:
        """Put a vector where a pointer points."""
        self._builder.store(value, self._builder.bitcast(pointer, self.vector.as_pointer())).align = 4

    def prefetch(self, address: Any) -> None:
        """Ask for the cache line at an address, which need not be there, in the second-level cache."""
        byte, number = ir.IntType(8).as_pointer(), ir.IntType(32)
        signature = ir.FunctionType(ir.VoidType(), [byte, number, number, number])
        instruction = cgutils.get_or_insert_function(self._builder.module, signature, "llvm.prefetch.p0i8")  # type: ignore[no-untyped-call]
        to_read, second_level, data = number(0), number(2), number(1)
        self._builder.call(instruction, [self._builder.inttoptr(address, byte), to_read, second_level, data])

    def spread(self, number: Any) -> Any:
        """Return a vector of one number."""
        empty = ir.Constant(self.vector, ir.Undefined)
        first = self._builder.insert_element(empty, number, ir.IntType(32)(0))
        return self.choose(first, empty, [0] * LANES)

    def choose(self, x: Any, y: Any, sources: list[int]) -> Any:
        """Return a vector of lanes of x and, counted on from LANES, of y."""
        lanes = ir.Constant(ir.VectorType(ir.IntType(32), LANES), sources)
        return self._builder.shuffle_vector(x, y, lanes)

    def fma(self, x: Any, y: Any, z: Any) -> Any:
        """Return x y + z."""
        return self._builder.call(self._fma, [x, y, z])


def _panels(down: bool) -> Any:
    """Return `add_panel` and `add_panels` for rows that lie one behind the other, or down the columns of an array."""
    tiles = (make_tile(n, VECTORS, down, prefetches=True) for n in range(1, 9))
    _tile_1, _tile_2, _tile_3, _tile_4, _tile_5, _tile_6, _tile_7, _tile_8 = tiles

    @njit(**OPTIONS)
    def add_panel(a, lda, rows, panel, depth, c, ldc, other, sign, ahead, stride, bytes_a_step):  # type: ignore[no-untyped-def]
        """Add the product of any number of rows with one panel to WIDTH columns of the result; see `make_tile`.

        What is prefetched begins at `ahead` for the first tile, and `stride` bytes further on for each of the next.
        """
        tiles = -(-rows // ROWS)
        row = 0
        for tile in range(tiles):
            now = -(-(rows - row) // (tiles - tile))  # about equal heights: a low tile leaves the adders waiting
            a_row, c_row = a + 4 * row * (1 if down else lda), c + 4 * row * ldc
            other_row = other + 4 * row * ldc if other != 0 else other
            prefetch = ahead + tile * stride
            if now == 8:
                _tile_8(a_row, lda, panel, depth, c_row, ldc, other_row, sign, prefetch, bytes_a_step)
            elif now == 7:
                _tile_7(a_row, lda, panel, depth, c_row, ldc, other_row, sign, prefetch, bytes_a_step)
            elif now == 6:
                _tile_6(a_row, lda, panel, depth, c_row, ldc, other_row, sign, prefetch, bytes_a_step)
            elif now == 5:
                _tile_5(a_row, lda, panel, depth, c_row, ldc, other_row, sign, prefetch, bytes_a_step)
            elif now == 4 or down:  # those down an array are a vector at the least, which has halves of four or more
                _tile_4(a_row, lda, panel, depth, c_row, ldc, other_row, sign, prefetch, bytes_a_step)
            elif now == 3:
                _tile_3(a_row, lda, panel, depth, c_row, ldc, other_row, sign, prefetch, bytes_a_step)
            elif now == 2:
                _tile_2(a_row, lda, panel, depth, c_row, ldc, other_row, sign, prefetch, bytes_a_step)
            else:
                _tile_1(a_row, lda, panel, depth, c_row, ldc, other_row, sign, prefetch, bytes_a_step)
            row += now

    @njit(**OPTIONS)
    def add_panels(a, lda, rows, weights, depth, panels, c, ldc, other, sign):  # type: ignore[no-untyped-def]
        """Add the product of some rows with so many panels, which begin at the address `weights`; see `make_tile`.

        While the rows meet a panel, the next one is prefetched from the third-level cache, a part of it by each tile.
        """
        share = 4 * WIDTH // -(-rows // ROWS)
        for k in range(0, depth, DEPTH):
            now, a_now = min(DEPTH, depth - k), a + 4 * k * (lda if down else 1)
            for panel in range(panels):
                here, column = weights + 4 * WIDTH * (panel * depth + k), 4 * panel * WIDTH
                other_column = other + column if other != 0 else other
                ahead = here + 4 * WIDTH * depth
                add_panel(a_now, lda, rows, here, now, c + column, ldc, other_column, sign, ahead, now * share, share)

    return add_panel, add_panels


_, add_panels = _panels(down=False)
add_panel_down, add_panels_down = _panels(down=True)
