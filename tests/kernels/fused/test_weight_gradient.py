"""Facts about the gradient of a matrix with packed factors: it is the product of the two windows, of any size."""

from itertools import pairwise

import numpy as np
import pytest

pytest.importorskip("numba", reason="needs the fast extra")

from charlm.kernels.fused import gradients
from charlm.kernels.fused import weight_gradient as layers_fused
from charlm.kernels.fused.tiles import LANES, WIDTH
from charlm.kernels.fused.weight_gradient import FusedWeightGradient
from charlm.network.products import RowBlock

BESIDE = 5  # columns of the windows that the product has nothing to do with
BEYOND = 1000  # numbers behind the room


@pytest.fixture
def by_blas(monkeypatch):
    """Note the products that are left to a BLAS."""
    left = []

    def weight_gradient(parts, x, d_weight):
        left.append(len(x))
        for rows, values in parts:
            d_weight[rows] = values.T @ x

    monkeypatch.setattr(layers_fused, "weight_gradient", weight_gradient)
    return left


def given_guard(gradient, name):
    """Give a gradient room of the same size in front of numbers that must not change; return these."""
    size = getattr(gradient, name).size
    whole = np.full(size + BEYOND, np.nan, np.float32)
    setattr(gradient, name, whole[:size])
    return whole[size:]


def largest_error(rows, widths, width):
    """Return how far a gradient is from the exact one, for gates in parts of these widths."""
    rng = np.random.default_rng(5)
    window = rng.standard_normal((rows, sum(widths) + BESIDE)).astype(np.float32)
    x = rng.standard_normal((rows, width)).astype(np.float32)
    edges = np.cumsum([0, *widths])
    parts = [RowBlock(slice(a, b), window[:, a:b]) for a, b in pairwise(edges)]
    d_weight = np.full((sum(widths), width), np.nan, np.float32)  # of the window before
    gradient = FusedWeightGradient(rows, width)
    behind = [given_guard(gradient, name) for name in ("_x", "_sums")]
    gradient(parts, x, d_weight)
    assert np.isnan(behind).all()
    exact = window[:, : sum(widths)].astype(np.float64).T @ x
    return np.abs(d_weight - exact).max() / np.abs(exact).max()


@pytest.mark.parametrize("rows", [2, 34, 128, 1024, 1026, 2500])
@pytest.mark.parametrize("widths", [(2 * LANES,), (6 * LANES,), (14 * LANES,), (8 * LANES, 2 * LANES)], ids=str)
def test_seven_products_are_the_gradient(monkeypatch, by_blas, rows, widths):
    monkeypatch.setattr(gradients, "LEAST", 1)
    assert largest_error(rows, widths, 2 * WIDTH) < 2e-6
    assert largest_error(rows, widths, 6 * WIDTH) < 2e-6
    assert by_blas == []


@pytest.mark.parametrize(
    ("rows", "widths", "width"),
    [
        (129, (4 * LANES,), 4 * WIDTH),
        (128, (4 * LANES, 3 * LANES), 4 * WIDTH),
        (128, (2 * LANES,), 5 * WIDTH),
        (126, (2 * LANES,), 4 * WIDTH),
        (128, (2 * LANES,), 2),
    ],
    ids=["odd rows", "odd gates", "odd width", "few rows", "narrow"],
)
def test_what_has_no_halves_or_is_small_is_left_to_a_blas(by_blas, rows, widths, width):
    assert largest_error(rows, widths, width) < 2e-6
    assert by_blas == [rows]


@pytest.mark.parametrize("large", [0, 10**9])
def test_a_gradient_is_the_same_in_blocks_of_either_depth(monkeypatch, by_blas, large):
    monkeypatch.setattr(gradients, "LARGE", large)
    assert largest_error(2500, (4 * LANES,), 128) < 2e-6
    assert by_blas == []


def test_a_window_is_cut_into_about_equal_blocks():
    for rows in (2, 1024, 1026, 1250, 2048, 4098, 6400):
        sizes = [block.stop - block.start for block in layers_fused._blocks(rows, 512)]
        assert sum(sizes) == rows
        assert all(size % 2 == 0 for size in sizes)
        assert max(sizes) <= 512
        assert max(sizes) - min(sizes) <= 2
