"""Facts about the moving average of the weights."""

from dataclasses import replace

import numpy as np
import pytest

from charlm.network.architecture import Architecture
from tests.networks import KERNELS, PLAN, Network, Training, assert_close

T, B = 5, 7
SMALL = Architecture("lstm", 6, 4, 2, embedding_size=3, dtype="float64")


@pytest.mark.parametrize(("kernels", "dtype"), KERNELS)
@pytest.mark.parametrize("workers", [1, 3])
def test_the_moving_average_follows_its_formula(workers, kernels, dtype):
    decay = 0.8
    net = Network(replace(SMALL, dtype=dtype), kernels=kernels)
    expected = net.parameters.flat.astype(float)
    plan = replace(PLAN, total_steps=6, ema=decay)
    with Training(net, net.ids(6 * T + 1, B), T, plan=plan, workers=workers) as trainer:
        for _ in trainer.run():
            expected = decay * expected + (1 - decay) * net.parameters.flat
            assert_close(trainer.average.flat, expected, 1e-13 if dtype == "float64" else 1e-6)
    assert np.abs(trainer.average.flat - net.parameters.flat).max() > 0.01


def test_without_a_moving_average_the_weights_themselves_are_evaluated():
    net = Network(SMALL)
    with Training(net, net.ids(2 * T + 1, B), T) as trainer:
        assert trainer.average is net.parameters


def test_a_moving_average_does_not_disturb_training():
    results = []
    for ema in (0.9, None):
        net = Network(SMALL)
        with Training(net, net.ids(6 * T + 1, B), T, plan=replace(PLAN, total_steps=6, ema=ema), workers=2) as trainer:
            list(trainer.run())
        results.append(net.parameters.flat)
    np.testing.assert_array_equal(results[0], results[1])
