"""Facts about the loss: log-softmax to the last digits, whatever the logits, and its gradient."""

from math import log

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from charlm.kernels.choice import load_backend
from charlm.network.loss import cross_entropy, cross_entropy_with_gradient, log_softmax
from charlm.network.products import FEW_SYMBOLS, RowBlock
from tests.networks import BACKENDS, KERNELS, assert_close

Exact = np.longdouble  # 80 or 128 bits; on some machines float64
PRECISION = {"float32": 3e-7, "float64": 1e-15}  # of numbers near 1
every_kernel = pytest.mark.parametrize(("kernels", "dtype"), KERNELS)


def exact_losses(logits, targets):
    """Return -log softmax at the targets by the definition, in extended precision."""
    logits = logits.astype(Exact)
    logits = logits - logits.max(axis=1, keepdims=True)
    return np.log(np.exp(logits).sum(axis=1)) - logits[np.arange(len(targets)), targets]


def exact_gradient(logits, targets, scale: float):
    logits = logits.astype(Exact)
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    softmax = powers / powers.sum(axis=1, keepdims=True)
    softmax[np.arange(len(targets)), targets] -= 1
    return softmax * scale


def problem(N: int, V: int, dtype: str, size: float = 3.0, seed: int = 0):
    rng = np.random.default_rng(seed)
    return rng.normal(0, size, (N, V)).astype(dtype), rng.integers(0, V, N).astype(np.int32)


def test_a_log_softmax_of_a_whole_window_is_taken_over_the_symbols_of_each_place():
    logits, _ = problem(12, 5, "float64")
    window = log_softmax(logits.reshape(4, 3, 5).copy())
    np.testing.assert_allclose(window.reshape(12, 5), log_softmax(logits.copy()), rtol=1e-14)
    np.testing.assert_allclose(np.exp(window).sum(-1), 1, rtol=1e-14)


@pytest.mark.parametrize("V", [1, 2, 7, 65, 300])
@pytest.mark.parametrize("dtype", PRECISION)
def test_the_loss_of_every_row_is_minus_log_softmax(V, dtype):
    logits, targets = problem(50, V, dtype)
    expected = exact_losses(logits, targets)
    losses = cross_entropy(logits, targets)
    assert losses.dtype == dtype
    assert_close(losses, expected.astype(float), 4 * PRECISION[dtype])


@pytest.mark.parametrize("dtype", PRECISION)
def test_logits_become_log_probabilities(dtype):
    logits, targets = problem(50, 9, dtype)
    losses = cross_entropy(logits, targets)
    np.testing.assert_allclose(np.exp(logits).sum(axis=1), 1, rtol=20 * PRECISION[dtype])
    np.testing.assert_array_equal(losses, -logits[np.arange(50), targets])


@every_kernel
@pytest.mark.parametrize("V", [1, 2, 7, 8, 65, 300])
def test_the_gradient_is_softmax_minus_the_target_times_the_scale(V, kernels, dtype):
    logits, targets = problem(50, V, dtype)
    loss, gradient = exact_losses(logits, targets).sum(), exact_gradient(logits, targets, 0.125)
    total = load_backend(kernels).cross_entropy_with_gradient(logits, targets, 0.125)
    assert isinstance(total, float)
    assert abs(total - float(loss)) <= 50 * 8 * PRECISION[dtype]
    np.testing.assert_allclose(logits, gradient.astype(float), rtol=0, atol=0.125 * 4 * PRECISION[dtype])
    np.testing.assert_allclose(logits.sum(axis=1), 0, atol=0.125 * 8 * PRECISION[dtype])


@every_kernel
def test_the_summed_loss_is_that_of_the_rows(kernels, dtype):
    logits, targets = problem(200, 30, dtype)
    rows = cross_entropy(logits.copy(), targets)
    total = load_backend(kernels).cross_entropy_with_gradient(logits, targets, 1.0)
    assert abs(total - rows.sum(dtype=np.float64)) < 200 * 4 * PRECISION[dtype]


@every_kernel
@pytest.mark.parametrize("shift", [0.0, 80.0, -80.0, 1e4, -1e4])
def test_the_size_of_the_logits_does_not_matter_only_their_differences(shift, kernels, dtype):
    steps = np.array([[0.0, 1.0, -2.0, 0.5]], dtype)  # sums with the shifts are exact in float32
    targets = np.array([2], np.int32)
    expected = float(exact_losses(steps, targets)[0])
    assert abs(cross_entropy(steps + steps.dtype.type(shift), targets)[0] - expected) < 4 * PRECISION[dtype]
    logits = steps + steps.dtype.type(shift)
    total = load_backend(kernels).cross_entropy_with_gradient(logits, targets, 1.0)
    assert abs(total - expected) < 10 * PRECISION[dtype]
    np.testing.assert_allclose(logits, exact_gradient(steps, targets, 1.0).astype(float), atol=4 * PRECISION[dtype])


@every_kernel
def test_logits_far_apart_cost_their_difference_and_never_infinity(kernels, dtype):
    logits = np.array([[0, 3000], [3000, 0], [-1e30, 1e30]], dtype)
    targets = np.array([0, 0, 1], np.int32)
    np.testing.assert_array_equal(cross_entropy(logits.copy(), targets), [3000, 0, 0])
    total = load_backend(kernels).cross_entropy_with_gradient(logits, targets, 1.0)
    assert abs(total - 3000) < 1e-3
    np.testing.assert_allclose(logits, [[-1, 1], [0, 0], [0, 0]], atol=1e-7)


@every_kernel
@pytest.mark.parametrize("V", [1, 5, 40])
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_logit_that_is_not_finite_makes_the_loss_not_finite_wherever_it_stands(bad, V, kernels, dtype):
    for place in range(V):
        logits, targets = problem(3, V, dtype)
        logits[1, place] = bad
        with np.errstate(invalid="ignore"):
            assert not np.isfinite(load_backend(kernels).cross_entropy_with_gradient(logits, targets, 1.0))


@every_kernel
def test_the_losses_add_up_in_float64(kernels, dtype):
    """A hundred thousand equal losses: float32 has no number within 1e-3 of their sum."""
    N, V = 100_003, 3
    logits, targets = np.zeros((N, V), dtype), np.zeros(N, np.int32)
    total = load_backend(kernels).cross_entropy_with_gradient(logits, targets, 1 / N)
    one_loss = (log(V), float(np.log(np.asarray(V, dtype))))  # the logarithm itself, or as rounded in the row
    assert min(abs(total - N * loss) for loss in one_loss) < 1e-5
    assert min(abs(float(np.float32(N * loss)) - N * loss) for loss in one_loss) > 1e-3


@pytest.mark.parametrize("kernels", BACKENDS)
def test_only_the_rows_own_numbers_enter_its_gradient(kernels):
    logits, targets = problem(12, 20, "float32")
    other = logits.copy()
    other[5] = 0
    for array in (logits, other):
        load_backend(kernels).cross_entropy_with_gradient(array, targets, 1.0)
    rest = np.arange(12) != 5
    np.testing.assert_array_equal(logits[rest], other[rest])


@given(
    st.lists(st.floats(-700, 700), min_size=1, max_size=12),
    st.integers(0, 11),
)
def test_the_loss_is_never_negative_nor_below_what_any_symbol_can_cost(row, target):
    logits, targets = np.array([row]), np.array([target % len(row)], np.int32)
    gradient = logits.copy()
    total = cross_entropy_with_gradient(gradient, targets, 1.0)
    assert total >= -1e-12
    assert total >= max(row) - row[targets[0]] - 1e-9
    assert total <= max(row) - row[targets[0]] + log(len(row)) + 1e-9
    assert gradient[0, targets[0]] <= 0
    assert (np.delete(gradient[0], targets[0]) >= 0).all()


@every_kernel
@pytest.mark.parametrize("V", [40, FEW_SYMBOLS, FEW_SYMBOLS + 1, 70_000])
def test_rows_add_up_by_symbol(V, kernels, dtype):
    rng = np.random.default_rng(1)
    rows, ids = rng.normal(0, 1, (500, 12)).astype(dtype), rng.integers(0, 40, 500).astype(np.int32) + V - 40
    ids[ids == V - 33] = 0  # a symbol that does not occur
    ids[ids == V - 1] = 0  # nor does the last
    expected = np.zeros((V, 12))
    for row, symbol in zip(rows, ids, strict=True):
        expected[symbol] += row
    out = np.full((V, 12), np.nan, dtype)
    load_backend(kernels).sum_by_symbol(
        [RowBlock(slice(0, 6), rows[:, :6]), RowBlock(slice(6, 12), rows[:, 6:])], ids, out
    )
    assert_close(out, expected, 1e-14 if dtype == "float64" else 1e-6)
    np.testing.assert_array_equal(out[[V - 33, V - 1]], 0)


@every_kernel
def test_rows_may_be_parts_of_wider_ones_when_they_add_up(kernels, dtype):
    """As the gradients of a GRU's x_hat are, beside those of the split gate."""
    wide = np.arange(60, dtype=dtype).reshape(10, 6)
    ids = np.array([1, 0, 1, 2, 2, 2, 0, 1, 4, 4], np.int32)
    out, expected = np.empty((5, 4), dtype), np.empty((5, 4), dtype)
    load_backend(kernels).sum_by_symbol([RowBlock(slice(None), wide[:, :4])], ids, out)
    load_backend(kernels).sum_by_symbol([RowBlock(slice(None), np.ascontiguousarray(wide[:, :4]))], ids, expected)
    np.testing.assert_array_equal(out, expected)
    assert out[4].tolist() == [48 + 54, 49 + 55, 50 + 56, 51 + 57]
