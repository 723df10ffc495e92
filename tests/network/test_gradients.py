"""Facts about gradients: each is the loss's slope, and the check that says so catches wrong backward passes."""

from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pytest

from charlm.activations import sigmoid_slope, tanh, tanh_slope
from charlm.arrays import Array
from charlm.cells import CELLS, NAMES
from charlm.insight.gradcheck import Check, Problem, check
from charlm.kernels.choice import load_backend
from charlm.network import inputs
from charlm.network.architecture import Architecture
from charlm.network.backend import Backend
from charlm.network.model import Model
from charlm.network.parameters import Parameters
from charlm.network.products import RowBlock, bias_gradient, weight_gradient
from charlm.network.recurrence import Recurrence
from charlm.network.regularisers.dropout import Dropout
from tests.networks import VARIANTS

T, B, V, H = 4, 2, 5, 3
V_OF_DEEP, H_OF_DEEP = 4, 2  # the check costs the cube of the width, and the second layer's equations are the first's


def checked(architecture: Architecture, dropout: Dropout | None = None, backend: Backend | None = None) -> list[Check]:
    return list(check(Problem(architecture, dropout or Dropout(), 3, T, B, backend), seed=3))


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
    problem = Problem(VARIANTS["lines"].architecture("lstm", 1, V, H), Dropout(), 3, T, B)
    starts = problem.inputs == 0
    assert 0 < starts[1:].sum() < starts[1:].size
    assert not starts[0].all()


def test_a_check_of_some_elements_says_how_many():
    problem = Problem(Architecture("rnn", V, H), Dropout(), 3, T, B)
    results = {result.name: result for result in check(problem, seed=3, most=4)}
    assert (results["rnn.weight_ih_l0"].checked, results["rnn.weight_ih_l0"].size) == (4, H * V)
    assert results["rnn.bias_ih_l0"].checked == H


def test_a_check_leaves_the_tensors_as_they_were():
    problem = Problem(Architecture("gru", V, H), Dropout(), 3, T, B)
    before = {name: array.copy() for name, array in problem.tensors.items()}
    list(check(problem, seed=3))
    for name, array in problem.tensors.items():
        np.testing.assert_array_equal(array, before[name])


def test_a_gradient_that_is_not_a_number_does_not_pass():
    problem = Problem(Architecture("rnn", V, H), Dropout(), 3, T, B)
    problem.gradients["rnn.weight_hh_l0"][1, 2] = np.nan
    verdicts = {result.name: result.passed for result in check(problem, seed=3)}
    assert [name for name, passed in verdicts.items() if not passed] == ["rnn.weight_hh_l0"]


# Planted bugs. Each spoils one thing in the backward pass: of a cell, of the code around the time loops, or of kernels
# that it returns.


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


def kernels_with(backward: Callable[..., None]) -> Backend:
    """Return NumPy's kernels with a wrong backward pass, which gets the right one and its arguments."""
    right = load_backend("numpy")

    def recurrences(*arguments: Any) -> Sequence[Recurrence]:
        loops = right.recurrences(*arguments)
        for loop in loops:
            setattr(loop, "backward", partial(backward, loop.backward))  # noqa: B010
        return loops

    return replace(right, recurrences=recurrences)


def weights_transposed(monkeypatch):
    def backward(right, weights, *arguments):
        wrong = copy(weights)
        wrong.weight_hh = np.ascontiguousarray(weights.weight_hh.T)
        right(wrong, *arguments)

    return kernels_with(backward)


def reset_forgotten_in_the_backward_pass(monkeypatch):
    return kernels_with(lambda right, weights, d_output, keep, d_input: right(weights, d_output, None, d_input))


def initial_state_left_out_of_the_weights_gradient(monkeypatch):
    def wrong(parts, x, d_weight):
        late = x.copy()
        late[:B] = 0  # wrong: the first step's product is with the initial state
        weight_gradient(parts, late, d_weight)

    return replace(load_backend("numpy"), weight_gradient=lambda rows, width: wrong)


def embedding_gradient_overwrites_the_read_outs(monkeypatch):
    def overwrite(gradients: Parameters, d_embedding: Array) -> None:
        gradients["embedding.weight"][...] = d_embedding

    monkeypatch.setattr(inputs, "add_embedding_gradient", overwrite)


def split_gate_takes_the_bias_gradient_of_another(monkeypatch):
    def wrong(parts, d_bias, first=0):
        if first > 0:
            parts = [RowBlock(slice(first, first + H), parts[0].values[:, :H])]  # wrong: of the gate r, not of n
        bias_gradient(parts, d_bias, first)

    monkeypatch.setattr("charlm.network.model.bias_gradient", wrong)


def mask_left_out_of_the_layers_outputs(monkeypatch):
    right = Model.forward

    def wrong(self, parameters, prepared, workspace, ids, initial):
        state = right(self, parameters, prepared, workspace, ids, initial)
        for output, loop in zip(workspace.outputs, workspace.loops, strict=True):
            output[...] = loop.after[0]  # wrong: without the mask
        return state

    monkeypatch.setattr(Model, "forward", wrong)


ONE_BUG: list[tuple[Callable[[pytest.MonkeyPatch], Backend | None], str, str, int, set[str]]] = [
    # the bug, the network it is planted in, and tensors whose gradients it is bound to spoil
    (wrong_slope_of_a_gate, "lstm", "one-hot", 1, {"rnn.weight_ih_l0", "rnn.weight_hh_l0", "rnn.bias_ih_l0"}),
    (cell_state_not_carried_back, "lstm", "one-hot", 1, {"rnn.weight_hh_l0", "initial c of layer 0"}),
    (direct_path_forgotten, "gru", "one-hot", 1, {"rnn.weight_hh_l0", "initial h of layer 0"}),
    (reset_gate_left_out_of_the_product, "gru", "one-hot", 1, {"rnn.weight_hh_l0", "rnn.bias_hh_l0"}),
    (weights_transposed, "rnn", "one-hot", 1, {"rnn.weight_hh_l0", "initial h of layer 0"}),
    (reset_forgotten_in_the_backward_pass, "simple-gru", "lines", 2, {"rnn.weight_ih_l0", "rnn.bias_ih_l1"}),
    (embedding_gradient_overwrites_the_read_outs, "rnn", "tied", 1, {"embedding.weight"}),
    (split_gate_takes_the_bias_gradient_of_another, "gru", "one-hot", 1, {"rnn.bias_hh_l0"}),
    (initial_state_left_out_of_the_weights_gradient, "lstm-1997", "one-hot", 1, {"rnn.weight_hh_l0"}),
    (
        mask_left_out_of_the_layers_outputs,
        "rnn",
        "one-hot-dropout",
        2,
        {"rnn.weight_ih_l1", "decoder.weight"},
    ),
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
    kernels = bug(monkeypatch)
    failed = {result.name for result in checked(architecture, chosen.dropout, kernels) if not result.passed}
    assert spoiled <= failed
