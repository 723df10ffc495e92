"""Facts about the gradient of a batch: how many workers share it changes rounding at most."""

from dataclasses import replace

import numpy as np
import pytest

from charlm.kernels.choice import load_backend
from charlm.network.architecture import Architecture
from charlm.network.model import Model
from charlm.network.regularisers.dropout import Dropout
from charlm.training.batch import Batch
from charlm.workers.ranks import Ranks
from charlm.workers.team import Team
from tests.networks import FRESH, FUSED, KERNELS, LOCKED, NO_DROPOUT, ROUNDING, Network, arrays_of, assert_close, pairs

T, B, V, H = 5, 7, 6, 4
SMALL = Architecture("lstm", V, H, 2, embedding_size=3, dtype="float64")
every_kernel = pytest.mark.parametrize(("kernels", "dtype"), KERNELS)


def computed(
    workers: int, dropout: Dropout = NO_DROPOUT, kernels: str = "numpy", dtype: str = "float64", step: int = 4
):
    net = Network(replace(SMALL, dtype=dtype), kernels=kernels, dropout=dropout)
    team = Team(workers)
    batch = Batch(net.model, net.parameters, T, B, dropout, 1, team, Ranks())
    text = net.ids(T + 1, B)
    loss, squares, state = batch.loss_and_gradients(text[:-1], text[1:], net.state(B), step)
    team.close()
    return loss, squares, state, batch.gradients.flat.copy()


@every_kernel
@pytest.mark.parametrize("dropout", [NO_DROPOUT, FRESH, LOCKED], ids=["none", "fresh", "locked"])
@pytest.mark.parametrize("workers", [2, 3, 5, 7])
def test_several_workers_compute_what_one_does(workers, dropout, kernels, dtype):
    loss, squares, state, gradients = computed(workers, dropout, kernels, dtype)
    one_loss, one_squares, one_state, one_gradients = computed(1, dropout, kernels, dtype)
    precision = ROUNDING[dtype]
    assert abs(loss - one_loss) <= precision * one_loss
    assert abs(squares - one_squares) <= precision * one_squares
    assert_close(gradients, one_gradients, precision)
    for array, expected in pairs(state, one_state):
        assert_close(array, expected, precision)


@every_kernel
@pytest.mark.parametrize("workers", [1, 2, 3, 5])
def test_equal_numbers_of_workers_give_equal_bits(workers, kernels, dtype):
    first, second = (computed(workers, FRESH, kernels, dtype) for _ in range(2))
    assert first[:2] == second[:2]
    np.testing.assert_array_equal(first[3], second[3])
    for array, expected in pairs(first[2], second[2]):
        np.testing.assert_array_equal(array, expected)


def test_the_loss_is_the_mean_and_the_gradient_is_the_means():
    net = Network(SMALL)
    text = net.ids(T + 1, B)
    result = net.learn(text[:-1], text[1:], net.state(B))
    for workers in (1, 3):
        loss, squares, _, gradients = computed(workers)
        assert abs(loss - result.loss / (T * B)) < 1e-13
        assert_close(gradients, result.gradients.flat, 1e-12)
        assert abs(squares - float(gradients @ gradients)) < 1e-12 * squares


def test_the_masks_of_a_step_are_its_own():
    assert computed(2, FRESH, step=4)[0] == computed(2, FRESH, step=4)[0] != computed(2, FRESH, step=5)[0]


def test_a_state_that_comes_out_is_not_overwritten_by_the_next_window():
    net, team = Network(SMALL), Team(2)
    batch = Batch(net.model, net.parameters, T, B, NO_DROPOUT, 1, team, Ranks())
    text = net.ids(2 * T + 1, B)
    _, _, state = batch.loss_and_gradients(text[:T], text[1 : T + 1], batch.zero_state(), 0)
    copies = [array.copy() for array in arrays_of(state)]
    batch.loss_and_gradients(text[T:-1], text[T + 1 :], state, 1)
    team.close()
    for array, expected in zip(arrays_of(state), copies, strict=True):
        np.testing.assert_array_equal(array, expected)


@pytest.mark.skipif(not FUSED, reason="needs Numba")
def test_only_kernels_that_multiply_pairs_split_a_batch_by_pairs():
    def of(kernels, units):
        shares = Model(Architecture("gru", V, units), load_backend(kernels)).split_streams(50, 2)
        return [share.stop - share.start for share in shares]

    assert of("numpy", 127) == of("numpy", 128) == of("fused", 127) == [25, 25]
    assert of("fused", 128) == [26, 24]
