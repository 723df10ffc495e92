"""Facts about the fast time loops: each computes what the textbook's loop computes, and that loop is right."""

import numpy as np
import pytest

from charlm.cells import CELLS, NAMES
from charlm.kernels.choice import load_backend
from charlm.network import unroll
from charlm.network.products import RowBlock, project, rows
from charlm.network.recurrence import Inputs, LayerWeights, Symbols
from tests.networks import KERNELS, ROUNDING, assert_close

T, B, H, V = 6, 3, 5, 4
every_cell = pytest.mark.parametrize("name", NAMES)


class Layer:
    """A layer with random weights and a window of random inputs, one-hot in `ids`."""

    def __init__(self, name: str, dtype: str, width: int = H, resets: bool = False) -> None:
        rng = np.random.default_rng(7)

        def random(*shape):
            return rng.normal(0, 0.7, shape).astype(dtype)

        self.cell = CELLS[name]
        G = len(self.cell.gates)
        bias_split = random(self.cell.split * H) if self.cell.split else None
        self.weights = LayerWeights(random(G * H, width), random(G * H, H), random(G * H), bias_split)
        self.initial = tuple(random(B, H) for _ in self.cell.carried)
        self.d_output = random(T, B, H)
        self.x = random(T, B, width)
        self.keep = (rng.random((T, B)) > 0.3).astype(dtype) if resets else None
        self.ids = rng.integers(0, width, (T, B)).astype(np.int32)
        self.one_hot = np.eye(width, dtype=dtype)[self.ids]

    def unrolled(self, x):
        steps = unroll.forward(self.cell, self.weights, x, self.initial, self.keep)
        return steps, unroll.backward(self.cell, self.weights, steps, self.d_output)


def by_rows(parts: list[RowBlock]):
    """Return the values of all parts side by side, (T B, G H)."""
    return np.concatenate([values for _, values in sorted(parts, key=lambda part: part.rows.start)], axis=1)


@pytest.mark.parametrize("entering", ["arrays", "symbols", "projected"])
@pytest.mark.parametrize(("resets", "forgets"), [(False, False), (True, False), (True, True)])
@pytest.mark.parametrize(("kernels", "dtype"), KERNELS)
@every_cell
def test_a_fast_time_loop_computes_what_the_textbooks_does(name, kernels, dtype, resets, forgets, entering):
    backend, below = load_backend(kernels), entering == "arrays"
    layer = Layer(name, dtype, H if below else V, forgets)
    cell, keep = layer.cell, layer.keep
    (loop,) = backend.recurrences(cell, (T, B, H), dtype, resets, True, 1)
    weights = backend.weights(cell, H, below=below)
    weights.prepare(layer.weights)
    x = layer.x
    source: Symbols | Inputs | None = None
    if entering == "arrays":
        source = Inputs(layer.x)
    elif entering == "symbols":
        x, source = layer.one_hot, Symbols(layer.weights.weight_ih.T + layer.weights.bias, layer.ids)
    else:
        project(loop.x_hat, rows(layer.x), layer.weights.weight_ih, layer.weights.bias)
    loop.forward(weights, layer.initial, source, keep)
    steps, expected = layer.unrolled(x)
    precision = ROUNDING[dtype]
    for place, state in enumerate(cell.carried):
        assert_close(loop.before[place], steps.before[state], precision)
        assert_close(loop.after[place], steps.after[state], precision)
    d_x = np.empty_like(layer.x) if below else None
    loop.backward(weights, layer.d_output, keep, d_x)
    if d_x is not None:
        assert_close(d_x, expected.d_x, precision)
    d_gates = [expected.d_pre_activations[key] for key in cell.pre_activations]
    G = len(cell.gates)
    assert_close(by_rows(loop.x_hat), rows(np.concatenate(d_gates[:G], axis=2)), precision)
    assert_close(by_rows(loop.h_hat), rows(np.concatenate(d_gates[: cell.summed] + d_gates[G:], axis=2)), precision)
    for array, gradient in zip(loop.d_initial, expected.d_initial, strict=True):
        assert_close(array, gradient, precision)


@pytest.mark.parametrize("resets", [False, True])
@every_cell
def test_the_textbooks_gradients_are_the_slopes_of_the_loss(name, resets):
    layer, step = Layer(name, "float64", resets=resets), 1e-6
    _, gradients = layer.unrolled(layer.x)
    tensors = [(layer.x, gradients.d_x), *zip(layer.initial, gradients.d_initial, strict=True)]
    pairs = zip(layer.weights, gradients.d_weights, strict=True)
    tensors += [(weight, gradient) for weight, gradient in pairs if weight is not None]
    rng = np.random.default_rng(1)
    for array, gradient in tensors:
        direction, start, losses = rng.normal(0, 1, array.shape), array.copy(), []
        for sign in (1, -1):
            array[...] = start + sign * step * direction
            losses.append(float((layer.unrolled(layer.x)[0].after["h"] * layer.d_output).sum()))
        array[...] = start
        assert abs((losses[0] - losses[1]) / (2 * step) - float((gradient * direction).sum())) < 1e-7


@pytest.mark.parametrize("resets", [False, True])
@every_cell
def test_the_gradient_of_a_state_is_that_of_the_window_that_starts_from_it(name, resets):
    layer = Layer(name, "float64", resets=resets)
    steps, whole = layer.unrolled(layer.x)
    for t in range(T - 1):
        initial = tuple(array[t] for array in steps.after.values())
        late = unroll.forward(layer.cell, layer.weights, layer.x[t + 1 :], initial, steps.keep[t + 1 :])
        cut = unroll.backward(layer.cell, layer.weights, late, layer.d_output[t + 1 :])
        for state, gradient in zip(layer.cell.carried, cut.d_initial, strict=True):
            seen = layer.d_output[t] if state == "h" else 0
            assert_close(gradient + seen, whole.d_after[state][t], 1e-12)
