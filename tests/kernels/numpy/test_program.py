"""Facts about recorded equations: a program computes in place what the plain function computes with fresh arrays."""

import tracemalloc
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from charlm.activations import sigmoid, sigmoid_slope, sqrt, tanh, tanh_slope
from charlm.arrays import Array
from charlm.cells import CELLS, NAMES
from charlm.kernels.numpy.elementwise import PIECE, elementwise, pieces, sum_of_squares
from charlm.kernels.numpy.program import record
from charlm.kernels.numpy.recurrence import WeightsInPlace, numpy_recurrences
from charlm.network.recurrence import LayerWeights
from charlm.training.optimizers import RULES
from tests.networks import assert_close

SHAPE = (2, 3)
Function = Callable[..., tuple[Any, ...]]


def run(function: Function, inputs: list[Array], overwrites: Sequence[int | None]) -> tuple[list[Any], list[Array]]:
    """Return what the plain function returns, and what its program leaves in the outputs, bound to overwrite inputs."""
    expected = [np.array(value) for value in function(*inputs)]
    program = record(function, len(inputs), overwrites)
    arrays = [array.copy() for array in inputs]
    outputs = [np.full(SHAPE, np.nan) if to is None else arrays[to] for to in overwrites]
    scratch = [np.full(SHAPE, np.nan) for _ in range(program.scratch)]
    for ufunc, operands, out in program.bind(arrays, outputs, scratch):
        ufunc(*operands, out)
    for place in program.zeros:
        expected[place] = outputs[place]  # nothing is written where the function says 0.0
    return expected, outputs


@pytest.mark.parametrize("name", NAMES)
def test_a_forward_program_equals_the_plain_equations_and_may_overwrite_the_pre_activations(name):
    cell = CELLS[name]
    count = cell.columns + len(cell.carried)
    inputs = list(np.random.default_rng(1).normal(0, 2, (count, *SHAPE)))
    in_place: list[int | None] = [*range(cell.columns), *[None] * len(cell.carried)]
    nowhere: list[int | None] = [None] * count
    for overwrites in (in_place, nowhere):
        expected, outputs = run(cell.forward, inputs, overwrites)
        for value, output in zip(expected, outputs, strict=True):
            assert_close(output, value, 1e-15)


@pytest.mark.parametrize("name", NAMES)
def test_a_backward_program_equals_the_plain_equations_and_may_overwrite_what_it_reads(name):
    cell = CELLS[name]
    states = len(cell.carried)
    first = cell.columns + 2 * states
    inputs = list(np.random.default_rng(2).normal(0, 1, (first + states, *SHAPE)))
    in_place: list[int | None] = [*range(cell.columns), *range(first, first + states)]
    nowhere: list[int | None] = [None] * len(in_place)
    for overwrites in (in_place, nowhere):
        expected, outputs = run(cell.backward, inputs, overwrites)
        for value, output in zip(expected, outputs, strict=True):
            if not np.isnan(output).all():
                assert_close(output, value, 1e-15)


def test_the_literal_zero_is_noted_and_not_written():
    program = record(CELLS["lstm"].backward, 10, [0, 1, 2, 3, 8, 9])
    assert program.zeros == {4}
    assert all(to != 10 + 4 for _, _, to in program.operations)
    assert record(CELLS["gru"].backward, 7, [0, 1, 2, 3, 6]).zeros == frozenset()


def test_the_grus_backward_program_overwrites_gates_only_when_nobody_needs_them_any_more():
    cell = CELLS["gru"]
    program = record(cell.backward, 7, [0, 1, 2, 3, 6])
    overwritten: set[int] = set()
    for _, operands, to in program.operations:
        assert not overwritten.intersection(operands)
        if 7 <= to < 7 + 5:
            overwritten.add([0, 1, 2, 3, 6][to - 7])
    assert overwritten == {0, 1, 2, 3, 6}


@pytest.mark.parametrize(
    ("function", "overwrites"),
    [
        (lambda a, b: (b, a), [0, 1]),  # a swap: each result would overwrite what the other still reads
        (lambda a, b, c: (b, c, a), [0, 1, 2]),
        (lambda a, b: (a * b + a, a - b * b), [0, 1]),
        (lambda a, b: (a + b, a + b), [1, 0]),
        (lambda a, b: (a, b), [0, 1]),  # stays where it is
        (lambda a, b: (a, a), [0, 1]),
        (lambda a, b: (a, a, a), [None, 1, 0]),
        (lambda a: (a * a * a * a,), [0]),
        (lambda a: (0.0, a + a), [0, None]),
        (lambda a, b: (tanh(a) + sigmoid(b), sqrt(a * a) / (b * b + a * a)), [1, 0]),
        (lambda a, b: (tanh_slope(a) * sigmoid_slope(b), tanh_slope(a)), [1, 0]),
    ],
)
def test_outputs_may_take_the_place_of_any_input(function, overwrites):
    inputs = list(np.random.default_rng(3).normal(0, 1, (function.__code__.co_argcount, *SHAPE)))
    expected, outputs = run(function, inputs, overwrites)
    for value, output in zip(expected, outputs, strict=True):
        assert_close(output, value, 1e-15)


BINARY = {"+": lambda a, b: a + b, "-": lambda a, b: a - b, "*": lambda a, b: a * b}


@st.composite
def functions(draw):
    """Return a random straight-line function, how many arguments it has, and a way to overwrite them."""
    inputs = draw(st.integers(1, 4))
    lines = []
    for known in range(inputs, inputs + draw(st.integers(0, 8))):
        name = draw(st.sampled_from(["+", "-", "*", "tanh", "sigmoid"]))
        lines.append((name, draw(st.integers(0, known - 1)), draw(st.integers(0, known - 1))))
    returned = draw(st.lists(st.integers(-1, inputs + len(lines) - 1), min_size=1, max_size=5))
    order = draw(st.permutations(range(inputs)))
    overwrites = [order[k] if k < inputs and draw(st.booleans()) else None for k in range(len(returned))]

    def function(*arguments):
        values = list(arguments)
        for name, a, b in lines:
            values.append(ACTIVATIONS[name](values[a]) if name in ACTIVATIONS else BINARY[name](values[a], values[b]))
        return tuple(values[k] if k >= 0 else 0.0 for k in returned)

    return function, inputs, overwrites, lines, returned


ACTIVATIONS: dict[str, Callable[[Any], Any]] = {"tanh": tanh, "sigmoid": sigmoid}


def compiled(lines, returned, inputs: int) -> Function:
    """Return the function as source, since a recording replaces the global names that the code itself uses."""
    source = [f"def function({', '.join(f'v{k}' for k in range(inputs))}):"]
    for number, (name, a, b) in enumerate(lines, start=inputs):
        source.append(f"    v{number} = " + (f"{name}(v{a})" if name in ACTIVATIONS else f"v{a} {name} v{b}"))
    source.append(f"    return ({', '.join(f'v{k}' if k >= 0 else '0.0' for k in returned)},)")
    names: dict[str, Any] = dict(ACTIVATIONS)
    exec("\n".join(source), names)
    made: Function = names["function"]
    return made


@settings(max_examples=150)
@given(functions())
def test_a_program_of_any_function_equals_it(case):
    _, inputs, overwrites, lines, returned = case
    function = compiled(lines, returned, inputs)
    arrays = list(np.random.default_rng(4).normal(0, 0.7, (inputs, *SHAPE)))
    expected, outputs = run(function, arrays, overwrites)
    for value, output, index in zip(expected, outputs, returned, strict=True):
        if index >= 0:
            np.testing.assert_allclose(output, value, rtol=1e-14, atol=1e-300)


def test_a_program_leaves_inputs_that_nothing_overwrites_as_they_were():
    cell = CELLS["gru"]
    inputs = list(np.random.default_rng(5).normal(0, 1, (5, *SHAPE)))
    before = [array.copy() for array in inputs]
    program = record(cell.forward, 5, [None] * 5)
    outputs = [np.empty(SHAPE) for _ in range(5)]
    for ufunc, operands, out in program.bind(inputs, outputs, [np.empty(SHAPE) for _ in range(program.scratch)]):
        ufunc(*operands, out)
    for array, old in zip(inputs, before, strict=True):
        np.testing.assert_array_equal(array, old)


@pytest.mark.parametrize("resets", [False, True])
@pytest.mark.parametrize("name", NAMES)
def test_the_time_loop_allocates_nothing(name, resets):
    cell, (T, B, H) = CELLS[name], (6, 16, 96)
    rng = np.random.default_rng(6)
    (loop,) = numpy_recurrences(cell, (T, B, H), np.float64, resets, gradients=True, num_layers=1)
    for part in loop.x_hat:
        part.values[...] = rng.normal(0, 1, part.values.shape)
    weights = WeightsInPlace(cell, H, below=False)
    weight_hh = rng.normal(0, 0.1, (len(cell.gates) * H, H))
    weights.prepare(LayerWeights(weight_hh, weight_hh, np.ones(len(weight_hh)), np.ones(H) if cell.split else None))

    initial = tuple(np.zeros((B, H)) for _ in cell.carried)
    keep = (rng.random((T, B)) < 0.7).astype(np.float64) if resets else None
    d_output = rng.normal(0, 1, (T, B, H))

    def window() -> None:
        loop.forward(weights, initial, None, keep)
        loop.backward(weights, d_output, keep, None)

    with np.errstate():  # puts the buffer's size back
        np.setbufsize(16)  # else NumPy copies what does not lie in one piece into buffers of its own
        window()
        tracemalloc.start()
        window()
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    one_array = B * H * 8
    assert one_array > 12_000
    assert peak < 6_000


def test_pieces_cover_a_vector_and_do_not_depend_on_how_many_share_them():
    size = 5 * PIECE + 17
    alone = pieces(size)
    assert [piece.start for piece in alone] == [k * PIECE for k in range(6)]
    assert alone[-1].stop == size
    for parts in (2, 3, 4, 9):
        assert [piece for part in range(parts) for piece in pieces(size, part, parts)] == alone
    assert pieces(0) == []


@given(st.integers(0, 4 * PIECE), st.integers(1, 7))
def test_every_element_falls_to_one_part(size, parts):
    covered = [piece for part in range(parts) for piece in pieces(size, part, parts)]
    assert [piece.stop for piece in covered[:-1]] == [piece.start for piece in covered[1:]]
    assert sum(piece.stop - piece.start for piece in covered) == size


@pytest.mark.parametrize("rule", RULES)
def test_a_rule_over_a_long_vector_equals_the_plain_function_whoever_does_which_part(rule):
    update, moments = RULES[rule]().update, len(RULES[rule]().moments)
    scalars = update.__code__.co_argcount - 2 - moments
    rng, size = np.random.default_rng(7), 2 * PIECE + 1001
    vectors = [rng.normal(0, 1, size), rng.normal(0, 1, size), *rng.random((moments, size))]
    values = tuple(float(v) for v in rng.random(scalars))
    expected = update(*vectors, *(np.float64(value) for value in values))
    for parts in (1, 3):
        arrays = [vector.copy() for vector in vectors]
        apply = elementwise(update, arrays, scalars, [0, *range(2, 2 + moments)])
        for part in reversed(range(parts)):
            apply(values, part, parts)
        for array, value in zip([arrays[0], *arrays[2:]], expected, strict=True):
            assert_close(array, value, 1e-14)
        np.testing.assert_array_equal(arrays[1], vectors[1])  # the gradient


def test_scalars_are_taken_anew_at_every_call():
    vector = np.ones(10)
    apply = elementwise(lambda x, by: (x * by,), [vector], 1, [0])
    apply((2.0,), 0, 1)
    apply((5.0,), 0, 1)
    np.testing.assert_array_equal(vector, np.full(10, 10.0))


def test_the_sum_of_squares_is_one():
    assert sum_of_squares(np.array([3.0, 4.0])) == 25
    assert sum_of_squares(np.zeros(0)) == 0
