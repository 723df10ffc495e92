"""Facts about the cells: each computes its docstring's equations, and its backward pass is their derivative."""

import inspect
import re
from collections.abc import Callable
from itertools import pairwise
from math import exp, isnan
from math import tanh as scalar_tanh
from typing import Any

import numpy as np
import pytest

from charlm.activations import sigmoid, sigmoid_slope, sqrt, tanh, tanh_slope
from charlm.cells import CELLS, NAMES, Cell
from charlm.network.architecture import Architecture
from tests.networks import Network, assert_close

T, B, V, H = 5, 2, 4, 3
PUBLISHED = ("gru", "lstm", "lstm-1997", "rnn", "simple-gru")  # in files that must still be read
Vector = list[float]


def logistic(x: float) -> float:
    return 1 / (1 + exp(-x))


FUNCTIONS: dict[str, Callable[[float], float]] = {"sigmoid": logistic, "tanh": scalar_tanh}


# The cells once more, number by number, as their docstrings have them.


def python_of(formula: str) -> str:
    """Return a formula of a docstring as Python: z h' is z * h_before, and c~ is c_tilde."""
    tokens = re.findall(r"[A-Za-z_]\w*|\d+|[-+*/()]", formula.replace("'", "_before").replace("~", "_tilde"))
    text = ""
    for before, token in pairwise(["(", *tokens]):
        factors = (before[-1].isalnum() or before == ")") and (token[0].isalnum() or token == "(")
        text += f" * {token}" if factors and before not in FUNCTIONS else f" {token}"
    return text.strip()


def equations(cell: Cell) -> list[tuple[str, str]]:
    """Return the equations at the head of a cell's module, each a name and a Python expression, in their order."""
    documentation = getattr(inspect.getmodule(cell.forward), "__doc__", None) or ""
    lines = re.findall(r"^    (\S+) += (.+?)(?: {3,}.*)?$", documentation, re.MULTILINE)
    return [(python_of(name), python_of(formula)) for name, formula in lines]


def literal_cell(cell: Cell, x: list[Vector], h: list[Vector], state: list[Vector]) -> list[Vector]:
    """Return the new state; `x` and `h` are what each gate's rows make of the input and of the state, biases added."""
    new: list[Vector] = [[] for _ in cell.carried]
    for j in range(H):
        values: dict[str, Any] = dict(FUNCTIONS)
        for gate, from_x, from_h in zip(cell.gates, x, h, strict=True):
            values[f"x_{gate.name}"], values[f"h_{gate.name}"] = from_x[j], from_h[j]
            values[f"a_{gate.name}"] = from_x[j] + from_h[j]
        values |= {f"{name}_before": before[j] for name, before in zip(cell.carried, state, strict=True)}
        for name, expression in equations(cell):
            values[name] = eval(expression, values)
        for name, after in zip(cell.carried, new, strict=True):
            after.append(values[name])
    return new


def product(matrix, vector: Vector) -> Vector:
    return [sum(float(row[k]) * vector[k] for k in range(len(vector))) for row in matrix]


def literal_network(network: Network, ids, initial) -> tuple[list[Vector], list[list[Vector]]]:
    """Read one stream with loops over numbers: the logits of each step and the last state of each layer."""
    p, a, cell = network.parameters, network.model.architecture, network.model.cell
    gates = len(cell.gates)
    state = [[list(map(float, array)) for array in layer] for layer in initial]
    logits = []
    for symbol in ids:
        x = [1.0 if v == symbol else 0.0 for v in range(a.vocabulary_size)]
        for layer in range(a.num_layers):
            from_below = product(p[f"rnn.weight_ih_l{layer}"], x)
            from_before = product(p[f"rnn.weight_hh_l{layer}"], state[layer][0])
            bias = p[f"rnn.bias_ih_l{layer}"]
            x_gates = [[from_below[g * H + j] + float(bias[g * H + j]) for j in range(H)] for g in range(gates)]
            b_h = [*[0.0] * (cell.summed * H), *map(float, p.get(f"rnn.bias_hh_l{layer}", []))]
            h_gates = [[from_before[g * H + j] + b_h[g * H + j] for j in range(H)] for g in range(gates)]
            state[layer] = literal_cell(cell, x_gates, h_gates, state[layer])
            x = state[layer][0]
        read_out = product(p["decoder.weight"], x)
        logits.append([read_out[v] + float(p["decoder.bias"][v]) for v in range(a.vocabulary_size)])
    return logits, state


@pytest.mark.parametrize("num_layers", [1, 2])
@pytest.mark.parametrize("cell", NAMES)
def test_a_network_computes_what_the_equations_say_number_by_number(cell, num_layers):
    network = Network(Architecture(cell, V, H, num_layers, dtype="float64"))
    ids, initial = network.ids(T, B), network.state(B)
    logits, final = network.read(ids, initial)
    for stream in range(B):
        first = [[array[stream] for array in layer] for layer in initial]
        expected_logits, expected_final = literal_network(network, ids[:, stream], first)
        assert_close(logits[:, stream], expected_logits, 1e-13)
        for layer in range(num_layers):
            assert_close([array[stream] for array in final[layer]], expected_final[layer], 1e-13)


@pytest.mark.parametrize("name", NAMES)
def test_a_cells_backward_pass_is_the_derivative_of_its_forward_pass(name):
    cell, rng = CELLS[name], np.random.default_rng(5)
    inputs = [rng.normal(0, 1, (B, H)) for _ in range(cell.columns + len(cell.carried))]
    d_state = [rng.normal(0, 1, (B, H)) for _ in cell.carried]
    outputs = cell.forward(*inputs)
    saved, state = outputs[: cell.columns], outputs[cell.columns :]
    backward = cell.backward(*saved, *inputs[cell.columns :], *state, *d_state)
    step = 1e-6
    for array, gradient in zip(inputs, backward, strict=True):
        for index in np.ndindex(B, H):
            value = array[index]
            weighted = []
            for moved in (value + step, value - step):
                array[index] = moved
                after = cell.forward(*inputs)[cell.columns :]
                weighted.append(sum(float((d * s).sum()) for d, s in zip(d_state, after, strict=True)))
            array[index] = value
            slope = (weighted[0] - weighted[1]) / (2 * step)
            assert abs(slope - np.broadcast_to(gradient, (B, H))[index]) < 1e-8


@pytest.mark.parametrize("name", NAMES)
def test_a_cell_returns_one_saved_array_a_pre_activation_and_its_state(name):
    cell = CELLS[name]
    arrays = [np.zeros((B, H)) for _ in range(cell.columns + len(cell.carried))]
    outputs = cell.forward(*arrays)
    assert len(outputs) == cell.columns + len(cell.carried)
    assert cell.carried[0] == "h"
    assert all(not gate.split for gate in cell.gates[: cell.summed])  # those that are come last
    assert cell.columns == cell.summed + 2 * cell.split
    saved, state, d_state = outputs[: cell.columns], outputs[cell.columns :], arrays[: len(cell.carried)]
    backward = cell.backward(*saved, *arrays[cell.columns :], *state, *d_state)
    assert len(backward) == cell.columns + len(cell.carried)


@pytest.mark.parametrize("name", NAMES)
def test_a_cells_pre_activations_and_states_have_the_names_that_forward_gives_them(name):
    cell = CELLS[name]
    takes = [*cell.pre_activations, *[f"{state}_before" for state in cell.carried]]
    assert list(inspect.signature(cell.forward).parameters) == takes


def test_what_the_gru_saves_is_named_by_its_gates_and_its_split_product():
    assert CELLS["gru"].saved == ("r", "z", "n", "h_n")


@pytest.mark.parametrize("name", NAMES)
def test_equations_hold_no_number_but_zero(name):
    for function in (CELLS[name].forward, CELLS[name].backward):
        numbers = [c for c in function.__code__.co_consts if isinstance(c, int | float)]
        assert all(isinstance(number, float) and number == 0.0 for number in numbers)


@pytest.mark.parametrize("name", NAMES)
def test_a_cell_keeps_float32(name):
    cell = CELLS[name]
    arrays = [np.ones((B, H), np.float32) for _ in range(cell.columns + len(cell.carried))]
    outputs = cell.forward(*arrays)
    saved, state, d_state = outputs[: cell.columns], outputs[cell.columns :], arrays[: len(cell.carried)]
    backward = cell.backward(*saved, *arrays[cell.columns :], *state, *d_state)
    assert {array.dtype for array in (*outputs, *backward) if not isinstance(array, float)} == {np.dtype(np.float32)}


@pytest.mark.parametrize("name", NAMES)
def test_a_cells_docstring_holds_an_equation_of_every_state_and_its_source(name):
    cell = CELLS[name]
    assert cell.name == name
    assert set(cell.carried) <= {left for left, _ in equations(cell)}
    module = inspect.getmodule(cell.forward)
    assert module is not None
    assert re.search(r"\((1[89]|20)\d\d\)", module.__doc__ or "")  # the year of a paper


def test_a_formula_is_read_as_it_is_written():
    assert python_of("(1 - z) n + z h'") == "( 1 - z ) * n + z * h_before"
    assert python_of("o tanh(c)") == "o * tanh ( c )"
    assert python_of("u c~") == "u * c_tilde"


def test_cells_keep_the_names_that_configurations_and_checkpoints_have():
    assert set(PUBLISHED) <= set(NAMES)


def test_the_bias_of_the_lstms_forget_gate_starts_at_one_and_no_other():
    biased = {(name, gate.name): gate.bias for name in PUBLISHED for gate in CELLS[name].gates if gate.bias}
    assert biased == {("lstm", "f"): 1.0}


def test_the_first_lstm_passes_the_error_of_its_cell_state_back_unchanged():
    cell, rng = CELLS["lstm-1997"], np.random.default_rng(0)
    outputs = cell.forward(*rng.normal(0, 1, (5, B, H)))
    dc = rng.normal(0, 1, (B, H))
    backward = cell.backward(*outputs[:3], *rng.normal(0, 1, (2, B, H)), *outputs[3:], np.zeros((B, H)), dc)
    np.testing.assert_array_equal(backward[-1], dc)


def test_a_closed_gate_keeps_the_state():
    shut, open_, h = np.full((B, H), -800.0), np.full((B, H), 800.0), np.random.default_rng(0).normal(0, 1, (B, H))
    x = np.ones((B, H))
    with np.errstate(over="ignore"):
        np.testing.assert_array_equal(CELLS["simple-gru"].forward(shut, x, h)[-1], h)
        assert_close(CELLS["gru"].forward(x, open_, x, x, h)[-1], h, 1e-15)
        np.testing.assert_array_equal(CELLS["lstm"].forward(shut, open_, x, x, h, h)[-1], h)
        np.testing.assert_array_equal(CELLS["lstm-1997"].forward(shut, x, x, h, h)[-1], h)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_activations_have_their_values_slopes_and_type(dtype):
    x = np.linspace(-6, 6, 41).astype(dtype)
    precision = 4 * np.finfo(dtype).eps
    for value, expected in (
        (sigmoid(x), [logistic(v) for v in x]),
        (tanh(x), [scalar_tanh(v) for v in x]),
        (sigmoid_slope(sigmoid(x)), [logistic(v) * (1 - logistic(v)) for v in x]),
        (tanh_slope(tanh(x)), [1 - scalar_tanh(v) ** 2 for v in x]),
        (sqrt(x * x), np.abs(x)),
    ):
        assert value.dtype == dtype
        np.testing.assert_allclose(value, expected, rtol=0, atol=8 * precision)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_activations_saturate_without_becoming_nan(dtype):
    x = np.array([-np.inf, -1e4, -800, -100, 100, 800, 1e4, np.inf], dtype)
    with np.errstate(over="ignore"):
        values = sigmoid(x)
    assert not any(isnan(v) for v in values)
    assert list(values[:3]) == [0, 0, 0]
    assert list(values[4:]) == [1, 1, 1, 1]
    assert list(tanh(x)) == [-1, -1, -1, -1, 1, 1, 1, 1]
