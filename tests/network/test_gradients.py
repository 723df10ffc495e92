"""Facts about gradients: each is the loss's slope, and the check that says so catches wrong backward passes."""

from collections.abc import Callable
from copy import copy
from dataclasses import replace

import numpy as np
import pytest

from charlm.activations import sigmoid_slope, tanh, tanh_slope
from charlm.arrays import Array
from charlm.cells import CELLS, NAMES
from charlm.insight import gradcheck
from charlm.insight.gradcheck import Check, Problem, check
from charlm.kernels import choice as backends
from charlm.kernels.numpy.recurrence import NumpyRecurrence, WeightsInPlace
from charlm.network import products as layers
from charlm.network.architecture import Architecture
from charlm.network.model import Model
from charlm.network.parameters import Parameters
from charlm.network.regularisers.dropout import Dropout
from tests.networks import VARIANTS

V, H = 5, 3
V_OF_DEEP, H_OF_DEEP = 4, 2  # the check costs the cube of the width, and the second layer's equations are the first's


@pytest.fixture(autouse=True)
def _small_windows(monkeypatch):
    monkeypatch.setattr(gradcheck, "SEQ_LENGTH", 4)
    monkeypatch.setattr(gradcheck, "BATCH_SIZE", 2)


def checked(architecture: Architecture, dropout: Dropout | None = None) -> list[Check]:
    return list(check(Problem(architecture, dropout or Dropout(), seed=3), seed=3))


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("num_layers", [1, 2, 3])
@pytest.mark.parametrize("cell", NAMES)
def test_every_gradient_is_the_slope_of_the_loss(cell, num_layers, variant):
    chosen = VARIANTS[variant]
    sizes = (V, H) if num_layers == 1 else (V_OF_DEEP, H_OF_DEEP)
    architecture = chosen.architecture(cell, num_layers, *sizes)
    results = checked(architecture, chosen.dropout)
    expected = set(architecture.shapes)
    expected |= {f"initial {s} of layer {layer}" for s in CELLS[cell].carried for layer in range(num_layers)}
    assert {result.name for result in results} == expected
    assert all(result.checked == result.size for result in results)
    assert {result.name: result.difference for result in results if not result.passed} == {}


def test_the_check_uses_windows_with_items_that_start_inside_and_items_that_do_not():
    problem = Problem(VARIANTS["lines"].architecture("lstm", 1, V, H), Dropout(), seed=3)
    starts = problem._inputs == 0
    assert 0 < starts[1:].sum() < starts[1:].size
    assert not starts[0].all()


def test_a_check_of_some_elements_says_how_many():
    problem = Problem(Architecture("rnn", V, H), Dropout(), seed=3)
    results = {result.name: result for result in check(problem, seed=3, most=4)}
    assert (results["rnn.weight_ih_l0"].checked, results["rnn.weight_ih_l0"].size) == (4, H * V)
    assert results["rnn.bias_ih_l0"].checked == H


def test_a_check_leaves_the_tensors_as_they_were():
    problem = Problem(Architecture("gru", V, H), Dropout(), seed=3)
    before = {name: array.copy() for name, array in problem.tensors.items()}
    list(check(problem, seed=3))
    for name, array in problem.tensors.items():
        np.testing.assert_array_equal(array, before[name])


def test_a_gradient_that_is_not_a_number_does_not_pass():
    problem = Problem(Architecture("rnn", V, H), Dropout(), seed=3)
    problem.gradients["rnn.weight_hh_l0"][1, 2] = np.nan
    verdicts = {result.name: result.passed for result in check(problem, seed=3)}
    assert [name for name, passed in verdicts.items() if not passed] == ["rnn.weight_hh_l0"]


# Planted bugs. Each takes pytest's monkeypatch and a network's cell and spoils one thing in the backward pass.


def replace_backward(monkeypatch, cell: str, backward: Callable[..., tuple[Array | float, ...]]) -> None:
    monkeypatch.setitem(CELLS, cell, replace(CELLS[cell], backward=backward))


def wrong_slope_of_a_gate(monkeypatch):
    def backward(i, f, g, o, h_before, c_before, h, c, dh, dc):
        tanh_c = tanh(c)
        da_o = dh * tanh_c * sigmoid_slope(o)
        dc_total = dc + dh * o * tanh_slope(tanh_c)
        da_i = dc_total * g * tanh_slope(i)  # wrong: the input gate is a sigmoid
        return (
            da_i,
            dc_total * c_before * sigmoid_slope(f),
            dc_total * i * tanh_slope(g),
            da_o,
            0.0,
            dc_total * f,
        )

    replace_backward(monkeypatch, "lstm", backward)


def cell_state_not_carried_back(monkeypatch):
    def backward(i, f, g, o, h_before, c_before, h, c, dh, dc):
        tanh_c = tanh(c)
        da_o = dh * tanh_c * sigmoid_slope(o)
        dc_total = dh * o * tanh_slope(tanh_c)  # wrong: without what comes from the step after
        return (
            dc_total * g * sigmoid_slope(i),
            dc_total * c_before * sigmoid_slope(f),
            dc_total * i * tanh_slope(g),
            da_o,
            0.0,
            dc_total * f,
        )

    replace_backward(monkeypatch, "lstm", backward)


def direct_path_forgotten(monkeypatch):
    def backward(r, z, n, h_n, h_before, h, dh):
        dx_n = (dh - dh * z) * tanh_slope(n)
        return (
            dx_n * h_n * sigmoid_slope(r),
            dh * (h_before - n) * sigmoid_slope(z),
            dx_n,
            dx_n * r,
            0.0,  # wrong: z carries the old state past the product
        )

    replace_backward(monkeypatch, "gru", backward)


def reset_gate_left_out_of_the_product(monkeypatch):
    def backward(r, z, n, h_n, h_before, h, dh):
        dh_before = dh * z
        dx_n = (dh - dh_before) * tanh_slope(n)
        return (
            dx_n * h_n * sigmoid_slope(r),
            dh * (h_before - n) * sigmoid_slope(z),
            dx_n,
            dx_n * sigmoid_slope(r),  # wrong: r itself
            dh_before,
        )

    replace_backward(monkeypatch, "gru", backward)


def weights_transposed(monkeypatch):
    backward = NumpyRecurrence.backward

    def transposed(self, weights: WeightsInPlace, d_output, keep, d_input):
        wrong = copy(weights)
        wrong.weight_hh = np.ascontiguousarray(weights.weight_hh.T)
        backward(self, wrong, d_output, keep, d_input)

    monkeypatch.setattr(NumpyRecurrence, "backward", transposed)


def reset_forgotten_in_the_backward_pass(monkeypatch):
    backward = NumpyRecurrence.backward
    monkeypatch.setattr(
        NumpyRecurrence,
        "backward",
        lambda self, weights, d_output, keep, d_input: backward(self, weights, d_output, None, d_input),
    )


def embedding_gradient_overwrites_the_read_outs(monkeypatch):
    def overwrite(self, gradients: Parameters, d_embedding: Array) -> None:
        gradients["embedding.weight"][...] = d_embedding

    monkeypatch.setattr(Model, "_add_embedding_gradient", overwrite)


def bias_split_takes_the_other_bias_gradient(monkeypatch):
    def wrong(self, loop, d_bias_split):
        d_bias_split[...] = loop.x_hat[-1].values.sum(axis=0)  # wrong: of x_n, where h_n has this bias

    monkeypatch.setattr(Model, "_bias_split_gradient", wrong)


def initial_state_left_out_of_the_weights_gradient(monkeypatch):
    right = layers.weight_gradient

    def wrong(parts, x, d_weight):
        late = x.copy()
        late[: gradcheck.BATCH_SIZE] = 0  # wrong: the first step's product is with the initial state
        right(parts, late, d_weight)

    monkeypatch.setattr(backends, "weight_gradient", wrong)


def mask_left_out_between_layers(monkeypatch):
    monkeypatch.setattr(Model, "_entered", lambda self, workspace, place: workspace.loops[place - 1].after[0])


ONE_BUG: list[tuple[Callable[[pytest.MonkeyPatch], None], str, str, int, set[str]]] = [
    # the bug, the network it is planted in, and tensors whose gradients it is bound to spoil
    (wrong_slope_of_a_gate, "lstm", "one-hot", 1, {"rnn.weight_ih_l0", "rnn.weight_hh_l0", "rnn.bias_ih_l0"}),
    (cell_state_not_carried_back, "lstm", "one-hot", 1, {"rnn.weight_hh_l0", "initial c of layer 0"}),
    (direct_path_forgotten, "gru", "one-hot", 1, {"rnn.weight_hh_l0", "initial h of layer 0"}),
    (reset_gate_left_out_of_the_product, "gru", "one-hot", 1, {"rnn.weight_hh_l0", "rnn.bias_hh_l0"}),
    (weights_transposed, "rnn", "one-hot", 1, {"rnn.weight_hh_l0", "initial h of layer 0"}),
    (reset_forgotten_in_the_backward_pass, "simple-gru", "lines", 2, {"rnn.weight_ih_l0", "rnn.bias_ih_l1"}),
    (embedding_gradient_overwrites_the_read_outs, "rnn", "tied", 1, {"embedding.weight"}),
    (bias_split_takes_the_other_bias_gradient, "gru", "one-hot", 1, {"rnn.bias_hh_l0"}),
    (initial_state_left_out_of_the_weights_gradient, "lstm-1997", "one-hot", 1, {"rnn.weight_hh_l0"}),
    (mask_left_out_between_layers, "rnn", "one-hot-dropout", 2, {"rnn.weight_ih_l1", "decoder.weight"}),
]


@pytest.mark.parametrize(
    ("bug", "cell", "variant", "num_layers", "spoiled"),
    ONE_BUG,
    ids=lambda value: value.__name__ if callable(value) else "",
)
def test_a_planted_bug_is_caught(monkeypatch, bug, cell, variant, num_layers, spoiled):
    chosen = VARIANTS[variant]
    architecture = chosen.architecture(cell, num_layers, V, H)
    assert all(result.passed for result in checked(architecture, chosen.dropout))
    bug(monkeypatch)
    failed = {result.name for result in checked(architecture, chosen.dropout) if not result.passed}
    assert spoiled <= failed
