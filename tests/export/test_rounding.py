"""Weights in fewer bytes."""

import numpy as np
import pytest

import charlm
from charlm.export.rounding import restored, stored
from tests.export.models import saved

WEIGHTS = {"matrix": np.random.default_rng(0).normal(0, [[1], [100], [0]], (3, 50)), "vector": np.linspace(-2, 2, 9)}


def test_float32_is_what_a_model_of_float32_has(tmp_path):
    model = saved(tmp_path)
    values = restored(stored(model.parameters, "float32"))
    for name, array in model.parameters.items():
        np.testing.assert_array_equal(values[name], array)


def test_float16_has_eleven_bits():
    values = restored(stored(WEIGHTS, "float16"))
    for name, array in WEIGHTS.items():
        assert (np.abs(values[name] - array) <= np.abs(array) * 2.0**-11 + 2.0**-25).all()


def test_int8_errs_by_half_a_step_of_each_row_and_keeps_vectors():
    tensors = stored(WEIGHTS, "int8")
    assert tensors["matrix"].dtype == np.int8
    values = restored(tensors)
    steps = np.abs(WEIGHTS["matrix"]).max(axis=1, keepdims=True) / 127
    assert (np.abs(values["matrix"] - WEIGHTS["matrix"]) <= steps * 0.501).all()
    assert (values["matrix"][2] == 0).all()
    np.testing.assert_allclose(values["vector"], WEIGHTS["vector"], rtol=1e-6)


def test_weights_that_half_precision_does_not_hold_are_refused():
    with pytest.raises(charlm.CharlmError, match="float16 does not hold weights as large as this model's"):
        stored({"matrix": np.full((2, 2), 70_000.0)}, "float16")
    assert restored(stored({"matrix": np.full((2, 2), 70_000.0)}, "int8"))["matrix"][0, 0] == pytest.approx(70_000)
