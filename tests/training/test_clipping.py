"""Facts about clipping: what it limits, what it keeps, and what the trainer reports of it."""

from dataclasses import replace
from math import inf

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from charlm.network.architecture import Architecture
from charlm.training.batch import Batch
from charlm.training.clipping import clip_by_norm, clip_by_value
from charlm.training.optimizers import SGD
from charlm.training.trainer import Plan
from tests.networks import KERNELS, PLAN, Network, Training, assert_close

every_kernel = pytest.mark.parametrize(("kernels", "dtype"), KERNELS)


def test_a_value_is_limited_on_both_sides_and_in_place():
    gradient = np.array([-7.0, -2, 0, 2, 7])
    clip_by_value(gradient, 2.5)
    np.testing.assert_array_equal(gradient, [-2.5, -2, 0, 2, 2.5])


@pytest.mark.parametrize(("norm", "limit", "factor"), [(0, 5, 1), (4, 5, 1), (5, 5, 1), (20, 5, 0.25), (20, inf, 1)])
def test_a_norm_above_the_limit_is_divided_down_to_it(norm, limit, factor):
    assert clip_by_norm(norm, limit) == factor


# Whole steps: one of plain SGD with rate 1 moves the weights by the gradient that was used.


class GivenGradients(Batch):
    """A batch whose gradient is what a test says it is."""

    given: np.ndarray
    loss = 1.0

    def loss_and_gradients(self, inputs, targets, initial, step):
        self.gradients.flat[...] = self.given
        return self.loss, self.sum_of_squares(), self.zero_state()


SIZE = Network(Architecture("rnn", 3, 2)).parameters.flat.size
PLAIN_SGD = replace(PLAN, total_steps=1, learning_rate=1.0)


def used_gradient(given, plan: Plan, dtype: str = "float64", workers: int = 1):
    """Return what a step subtracted from weights of zero, and the norm that it reported."""
    network = Network(Architecture("rnn", 3, 2, dtype=dtype))
    text = network.ids(3, 2)
    training = Training(network, text, 2, plan=plan, rule=SGD(), workers=workers, batch_type=GivenGradients)
    with training as trainer:
        assert isinstance(training.batch, GivenGradients)
        training.batch.given = np.asarray(given, dtype)
        network.parameters.flat[...] = 0
        (progress,) = trainer.run()
    return 0 - network.parameters.flat, progress.grad_norm


GRADIENTS = st.lists(st.floats(-1e3, 1e3), min_size=SIZE, max_size=SIZE)
LIMITS = st.floats(1e-3, 1e4)


@settings(max_examples=60)
@given(GRADIENTS, LIMITS)
def test_clipping_by_norm_limits_the_norm_and_keeps_the_direction(given_gradient, limit):
    gradient = np.array(given_gradient)
    norm = float(np.sqrt(gradient @ gradient))
    used, reported = used_gradient(gradient, replace(PLAIN_SGD, clip_norm=limit))
    assert abs(reported - norm) <= 1e-12 * norm
    assert np.sqrt(used @ used) <= limit * (1 + 1e-12)
    if reported <= limit:
        np.testing.assert_array_equal(used, gradient)
    else:
        assert_close(used, gradient * (limit / norm), 1e-12)
        assert abs(np.sqrt(used @ used) - limit) <= 1e-12 * limit


@settings(max_examples=60)
@given(GRADIENTS, LIMITS)
def test_clipping_by_value_limits_every_element_and_leaves_the_small_ones(given_gradient, limit):
    gradient = np.array(given_gradient)
    used, reported = used_gradient(gradient, replace(PLAIN_SGD, clip_value=limit))
    assert np.abs(used).max() <= limit
    small = np.abs(gradient) <= limit
    np.testing.assert_array_equal(used[small], gradient[small])
    np.testing.assert_array_equal(used[~small], np.sign(gradient[~small]) * limit)
    assert abs(reported - np.sqrt(used @ used)) <= 1e-12 * reported


@settings(max_examples=40)
@given(GRADIENTS, LIMITS, LIMITS)
def test_clipping_by_both_cuts_elements_first_and_scales_what_is_left(given_gradient, value, norm):
    gradient = np.array(given_gradient)
    cut = np.clip(gradient, -value, value)
    length = float(np.sqrt(cut @ cut))
    used, reported = used_gradient(gradient, replace(PLAIN_SGD, clip_value=value, clip_norm=norm))
    assert abs(reported - length) <= 1e-12 * length
    assert_close(used, cut * min(1.0, norm / length if length else 1.0), 1e-12)


def test_clipping_by_both_at_known_numbers():
    gradient = np.zeros(SIZE)
    gradient[:3] = [30, 4, -3]
    used, reported = used_gradient(gradient, replace(PLAIN_SGD, clip_value=12, clip_norm=6.5))
    assert reported == 13
    np.testing.assert_allclose(used[:4], [6, 2, -1.5, 0], rtol=1e-15)


def test_without_limits_nothing_is_clipped():
    gradient = np.linspace(-1e6, 1e6, SIZE)
    used, _ = used_gradient(gradient, PLAIN_SGD)
    np.testing.assert_array_equal(used, gradient)


@pytest.mark.parametrize("workers", [2, 3])
def test_clipping_does_not_depend_on_the_workers(workers):
    gradient, plan = np.linspace(-3, 5, SIZE), replace(PLAIN_SGD, clip_norm=2.0, clip_value=3.5)
    alone, norm = used_gradient(gradient, plan)
    together, same = used_gradient(gradient, plan, workers=workers)
    np.testing.assert_array_equal(together, alone)
    assert same == norm


@every_kernel
def test_the_norm_reported_is_that_of_the_mean_loss_before_the_clipping_by_norm(kernels, dtype):
    network = Network(Architecture("lstm", 5, 4, dtype=dtype), kernels=kernels)
    text = network.ids(7, 3)
    result = network.learn(text[:-1], text[1:], network.model.architecture.zero_state(3))
    expected = float(np.sqrt((result.gradients.flat.astype(float) ** 2).sum()))
    with Training(network, text, 6, plan=replace(PLAN, total_steps=1, clip_norm=1e-3)) as trainer:
        (progress,) = trainer.run()
    assert abs(progress.grad_norm - expected) < 1e-5 * expected
    assert abs(progress.loss - result.loss / 18) < 1e-5
    assert progress.grad_norm > 1e-3


def test_a_limit_of_infinity_is_none():
    gradient = np.linspace(-5, 5, SIZE)
    used, _ = used_gradient(gradient, replace(PLAIN_SGD, clip_norm=inf, clip_value=inf))
    np.testing.assert_array_equal(used, gradient)
