"""Reading one symbol at a time gives what reading a window gives."""

import numpy as np
import pytest

from charlm.cells import NAMES
from charlm.inference.stepper import Stepper
from charlm.kernels.choice import load_backend
from charlm.network.architecture import Architecture
from charlm.network.model import Model
from tests.networks import INPUTS

V, STEPS = 7, 20


def network(cell, layers, options):
    model = Model(Architecture(cell, V, 6, layers, dtype="float64", **options), load_backend("numpy"))
    parameters = model.architecture.initial_parameters(3)
    parameters.flat += np.random.default_rng(0).normal(0, 0.3, parameters.flat.shape)
    return model, parameters


def window_logits(model, parameters, ids):
    workspace, prepared = model.workspace(*ids.shape), model.prepared()
    model.prepare(parameters, prepared)
    model.forward(parameters, prepared, workspace, ids, model.architecture.zero_state(ids.shape[1]))
    return workspace.logits.reshape(*ids.shape, V)


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("layers", [1, 3])
@pytest.mark.parametrize("options", INPUTS.values(), ids=INPUTS)
@pytest.mark.parametrize("cell", NAMES)
def test_steps_give_the_logits_of_a_window(cell, options, layers, count):
    model, parameters = network(cell, layers, options)
    ids = np.random.default_rng(1).integers(0, V, (STEPS, count)).astype(np.int32)
    stepper = Stepper(model, parameters, count)
    expected = window_logits(model, parameters, ids)
    for t in range(STEPS):
        np.testing.assert_allclose(stepper.read(ids[t]), expected[t], atol=1e-12)


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("cell", NAMES)
def test_after_a_restart_nothing_is_remembered(cell, count):
    model, parameters = network(cell, 2, {})
    stepper = Stepper(model, parameters, count)
    ids = np.full(count, 4, np.int32)
    first = stepper.read(ids).copy()
    again = stepper.read(ids).copy()
    assert np.abs(first - again).max() > 1e-3
    stepper.restart()
    np.testing.assert_array_equal(stepper.read(ids), first)
