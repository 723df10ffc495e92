"""Facts about the product with packed weights: it is the product, in one or in seven parts, for any number of rows."""

import numpy as np
import pytest

pytest.importorskip("numba", reason="needs the fast extra")

from numba import njit

from charlm.kernels.fused import packed
from charlm.kernels.fused.tiles import LANES, WIDTH

BESIDE = 5  # columns of C's rows, and of A's, that the product has nothing to do with
BEYOND = 1000  # numbers behind the room


@njit
def _add(a, packed_weights, c, columns, room):
    packed.add_product(a.ctypes.data, a.shape[1], a.shape[0], packed_weights, c.ctypes.data, c.shape[1], columns, room)


@njit
def _add_two(a, b, packed_weights, c, columns, room):
    rows, lda = a.shape
    address, ldc = c.ctypes.data, c.shape[1]
    packed.add_two_products(a.ctypes.data, b.ctypes.data, lda, rows, packed_weights, address, ldc, columns, room)


def added(a, weights, c, threads=1):
    """Return C + A W, computed beside columns that must not change and in no more room than there has to be."""
    depth, columns = weights.shape
    room = packed.panels_for(depth, columns)
    for thread in range(threads):
        packed.pack(weights, room, thread, threads)
    left, right = (np.pad(array, ((0, 0), (0, BESIDE)), constant_values=np.nan) for array in (a, c))
    size = packed.workspace_for(len(a), depth).size
    to_work_in = np.full(size + BEYOND, np.nan, np.float32)
    _add(left, room, right, columns, to_work_in[:size])
    assert np.isnan(right[:, columns:]).all()
    assert np.isnan(to_work_in[size:]).all()
    return right[:, :columns]


def numbers(*shapes):
    rng = np.random.default_rng(3)
    return [rng.standard_normal(shape).astype(np.float32) for shape in shapes]


def largest_error(a, weights, c):
    exact = c + a.astype(np.float64) @ weights
    return np.abs(added(a, weights, c) - exact).max() / np.abs(exact).max()


@pytest.mark.parametrize("rows", [1, 2, 7, 8, 9, 12, 16, 25, 32])
@pytest.mark.parametrize("shape", [(2 * LANES, 2 * WIDTH), (6 * LANES, 4 * WIDTH), (1100, 2 * WIDTH)], ids=str)
def test_seven_products_of_halves_are_the_product(monkeypatch, shape, rows):
    depth, columns = shape[0] // (2 * LANES) * 2 * LANES, shape[1]
    monkeypatch.setattr(packed, "LEAST", 1)
    assert len(packed.panels_for(depth, columns)) == 7
    a, weights, c = numbers((rows, depth), (depth, columns), (rows, columns))
    assert largest_error(a, weights, c) < 2e-6
    assert largest_error(a, np.asfortranarray(weights), c) < 2e-6


@pytest.mark.parametrize("swapped", [False, True], ids=["in order", "the second in front"])
@pytest.mark.parametrize("rows", [1, 2, 7, 8, 9, 25, 32])
def test_two_products_at_once_are_the_sum_of_both(monkeypatch, rows, swapped):
    monkeypatch.setattr(packed, "LEAST", 1)
    depth, columns = 3 * LANES, 4 * WIDTH
    both, above, below, c = numbers((2, rows, depth + BESIDE), (columns, depth), (columns, depth), (rows, columns))
    a, b = both[::-1] if swapped else both
    weights = packed.panels_for_two(depth, columns)
    for thread in range(3):
        packed.pack_two(above.T, below.T, weights, thread, 3)
    exact = c + a[:, :depth].astype(np.float64) @ above.T + b[:, :depth].astype(np.float64) @ below.T
    _add_two(a, b, weights, c, columns, packed.workspace_for(rows, 2 * depth))
    assert np.abs(c - exact).max() < 2e-6 * np.abs(exact).max()


@pytest.mark.parametrize("rows", [1, 6, 7, 25])
@pytest.mark.parametrize("shape", [(1, 1), (3, WIDTH - 1), (600, WIDTH + 1), (40, 3 * WIDTH)], ids=str)
def test_one_product_is_the_product(shape, rows):
    assert len(packed.panels_for(*shape)) == 1
    a, weights, c = numbers((rows, shape[0]), shape, (rows, shape[1]))
    assert largest_error(a, weights, c) < 1e-6
    assert largest_error(a, np.asfortranarray(weights), c) < 1e-6


@pytest.mark.parametrize("least", [1, 10_000], ids=["seven products", "one product"])
def test_several_threads_pack_what_one_does(monkeypatch, least):
    monkeypatch.setattr(packed, "LEAST", least)
    a, weights, c = numbers((9, 4 * LANES), (4 * LANES, 6 * WIDTH), (9, 6 * WIDTH))
    one = added(a, weights, c)
    for threads in (2, 3, 8):
        np.testing.assert_array_equal(added(a, weights, c, threads), one)


def test_there_are_seven_products_where_the_weights_are_large_and_have_halves():
    least = packed.LEAST
    assert len(packed.panels_for(least, least)) == 7
    assert len(packed.panels_for(least - 2 * LANES, 4 * least)) == 1
    assert len(packed.panels_for(4 * least, least + WIDTH)) == 1
    assert len(packed.panels_for(least + LANES, 4 * least)) == 1
    assert len(packed.panels_for_two(least // 2, least)) == 7
    assert len(packed.panels_for_two(least // 2 - LANES, least)) == 0
