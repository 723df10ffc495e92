"""Facts about the networks of one unit: backpropagation through time gives the powers that it should."""

import numpy as np
import pytest

from charlm.insight import toy

LAGS = 60
LAG = np.arange(LAGS + 1)


@pytest.mark.parametrize("weight", [0.5, 1.0, 2.0, -0.5, -2.0, 0.0])
def test_an_input_contributes_a_power_of_the_weight_exactly(weight):
    unit = toy.linear(weight, LAGS)
    assert unit.computed.tolist() == [weight**lag for lag in range(LAGS + 1)]
    assert unit.analytic.tolist() == unit.computed.tolist()


@pytest.mark.parametrize("weight", [0.9, 1.1, -1.03, 1e-3])
def test_with_other_weights_it_does_so_to_rounding(weight):
    unit = toy.linear(weight, LAGS)
    assert unit.computed == pytest.approx(weight ** LAG.astype(float), rel=1e-13)


def test_a_weight_above_one_explodes_and_one_below_vanishes():
    assert toy.linear(1.1, LAGS).computed[-1] > 100
    assert toy.linear(0.9, LAGS).computed[-1] < 0.01


def test_the_carousel_stays_one_to_the_last_bit():
    unit = toy.carousel(1000)
    assert np.isnan(unit.computed[0])
    assert unit.computed[1:].tolist() == [1.0] * 1000
    assert unit.factor == 1


@pytest.mark.parametrize("gate", [0.731, 0.99, 0.5])
def test_a_forget_gate_multiplies_by_its_value_at_each_step(gate):
    unit = toy.forgetting(gate, LAGS)
    assert unit.computed[1:] == pytest.approx(gate ** LAG[1:].astype(float), rel=1e-13)
    assert unit.analytic == pytest.approx(gate ** LAG.astype(float), rel=1e-13)


@pytest.mark.parametrize("gate", [0.269, 0.01, 0.5])
def test_an_update_gate_leaves_the_rest(gate):
    unit = toy.updating(gate, LAGS)
    assert unit.computed == pytest.approx((1 - gate) ** LAG.astype(float), rel=1e-13)
    assert unit.factor == 1 - gate


def test_gates_at_their_ends_keep_everything_or_nothing():
    assert toy.forgetting(1.0, LAGS).computed[1:].tolist() == [1.0] * LAGS
    assert toy.updating(0.0, LAGS).computed.tolist() == [1.0] * (LAGS + 1)
    assert toy.forgetting(0.0, LAGS).computed[1:].tolist() == [0.0] * LAGS
    assert toy.updating(1.0, LAGS).computed.tolist() == [1.0] + [0.0] * LAGS
