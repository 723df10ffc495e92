"""Facts about the network as a whole: how its windows, streams, symbols, items and states go together."""

from dataclasses import replace
from math import log, sqrt

import numpy as np
import pytest

from charlm.cells import CELLS, NAMES
from charlm.inference.scorer import Scorer
from charlm.kernels.choice import load_backend
from charlm.network import unroll
from charlm.network.architecture import Architecture, State
from charlm.network.model import Model
from charlm.network.parameters import Parameters
from charlm.network.recurrence import LayerWeights
from charlm.network.regularisers.dropout import Dropout
from charlm.workers.team import Team
from tests.networks import (
    BACKENDS,
    KERNELS,
    LOCKED,
    PLAN,
    ROUNDING,
    START,
    VARIANTS,
    Network,
    Training,
    arrays_of,
    assert_close,
    copied,
    pairs,
    streams_of,
)

T, B, V, H = 6, 3, 5, 4
PLAIN = ("one-hot", "embedding", "tied", "lines")  # what needs no random numbers
every_cell = pytest.mark.parametrize("cell", NAMES)
every_variant = pytest.mark.parametrize("variant", PLAIN)
every_kernel = pytest.mark.parametrize(("kernels", "dtype"), KERNELS)


def network(cell: str, variant: str = "one-hot", num_layers: int = 2, kernels: str = "numpy", dtype: str = "float64"):
    chosen = VARIANTS[variant]
    architecture = chosen.architecture(cell, num_layers, V, H, dtype)
    return Network(architecture, kernels=kernels, dropout=chosen.dropout)


@every_kernel
@every_variant
@every_cell
def test_two_windows_equal_one(cell, variant, kernels, dtype):
    net = network(cell, variant, kernels=kernels, dtype=dtype)
    text, initial = net.ids(2 * T + 1, B), net.state(B)
    whole = net.learn(text[:-1], text[1:], initial)
    first = net.learn(text[:T], text[1 : T + 1], initial)
    second = net.learn(text[T:-1], text[T + 1 :], first.state)
    precision = ROUNDING[dtype]
    assert abs(first.loss + second.loss - whole.loss) <= precision * whole.loss
    assert_close(np.concatenate([first.logits, second.logits]), whole.logits, precision)
    for carried, expected in pairs(second.state, whole.state):
        assert_close(carried, expected, precision)


@every_cell
def test_the_gradients_of_two_windows_differ_from_those_of_one_by_what_truncation_cuts(cell):
    """The difference is the second window's gradient of its initial state, taken back through the first window."""
    net = network(cell)
    text, initial, scale = net.ids(2 * T + 1, B), net.state(B), 1.0
    whole = net.learn(text[:-1], text[1:], initial, scale).gradients.flat
    first = net.learn(text[:T], text[1 : T + 1], initial, scale)
    second = net.learn(text[T:-1], text[T + 1 :], first.state, scale)
    cut = whole - first.gradients.flat - second.gradients.flat
    assert np.abs(cut).max() > 1e-3 * np.abs(whole).max()
    rng, step = np.random.default_rng(3), 1e-5
    start = net.parameters.flat.copy()
    for _ in range(5):
        direction = rng.normal(0, 1, start.shape)
        states = []
        for sign in (1, -1):
            net.parameters.flat[...] = start + sign * step * direction
            states.append(net.read(text[:T], initial)[1])
        net.parameters.flat[...] = start
        through_state = sum(
            float((d * (above - below)).sum()) / (2 * step)
            for d, above, below in zip(arrays_of(second.d_initial), *map(arrays_of, states), strict=True)
        )
        assert abs(cut @ direction - through_state) < 1e-7 * max(1, abs(through_state))


@every_cell
def test_truncation_cuts_nothing_where_all_items_start_anew(cell):
    net = network(cell, "lines")
    text, initial = net.ids(2 * T + 1, B), net.state(B)
    text[T] = START
    whole = net.learn(text[:-1], text[1:], initial, 1.0)
    first = net.learn(text[:T], text[1 : T + 1], initial, 1.0)
    second = net.learn(text[T:-1], text[T + 1 :], first.state, 1.0)
    assert_close(first.gradients.flat + second.gradients.flat, whole.gradients.flat, 1e-12)
    for array in arrays_of(second.d_initial):
        np.testing.assert_array_equal(array, 0)


@every_kernel
@every_variant
@every_cell
def test_streams_are_independent(cell, variant, kernels, dtype):
    net = network(cell, variant, kernels=kernels, dtype=dtype)
    text, state = net.ids(T, B), net.state(B)
    logits, after = net.read(text, state)
    changed, other_state = text.copy(), copied(state)
    changed[:, 1] = (changed[:, 1] + 1) % V
    for array in arrays_of(other_state):
        array[1] += 1
    other_logits, other_after = net.read(changed, other_state)
    others = [0, 2]
    np.testing.assert_array_equal(other_logits[:, others], logits[:, others])
    for array, expected in pairs(other_after, after):
        np.testing.assert_array_equal(array[others], expected[others])
    assert np.abs(other_logits[:, 1] - logits[:, 1]).max() > 1e-3


@every_kernel
@every_cell
def test_a_batch_is_its_streams_one_by_one(cell, kernels, dtype):
    net = network(cell, "embedding", kernels=kernels, dtype=dtype)
    inputs, targets, initial = net.ids(T, B), net.ids(T, B, seed=9), net.state(B)
    whole = net.learn(inputs, targets, initial, 1.0)
    alone = [
        net.learn(inputs[:, one], targets[:, one], streams_of(initial, one), 1.0)
        for one in (slice(stream, stream + 1) for stream in range(B))
    ]
    precision = ROUNDING[dtype]
    assert abs(sum(result.loss for result in alone) - whole.loss) <= precision * whole.loss
    assert_close(np.concatenate([result.logits for result in alone], axis=1), whole.logits, precision)
    for name, gradient in whole.gradients.items():
        assert_close(sum(result.gradients[name] for result in alone), gradient, precision)


@every_variant
@every_cell
def test_a_shuffled_vocabulary_changes_nothing(cell, variant):
    net = network(cell, variant)
    inputs, targets, initial = net.ids(T, B), net.ids(T, B, seed=9), net.state(B)
    places = np.random.default_rng(4).permutation(V)  # where each symbol goes
    start = net.model.architecture.start_symbol
    shuffled = Network(replace(net.model.architecture, start_symbol=None if start is None else int(places[start])))
    by_symbol = {name: 0 for name in ("embedding.weight", "decoder.weight", "decoder.bias")}
    if "embedding.weight" not in net.parameters:
        by_symbol["rnn.weight_ih_l0"] = 1
    back = np.argsort(places)
    for name, array in shuffled.parameters.items():
        old = net.parameters[name]
        array[...] = np.take(old, back, axis=by_symbol[name]) if name in by_symbol else old
    before = net.learn(inputs, targets, initial)
    after = shuffled.learn(places[inputs].astype(np.int32), places[targets].astype(np.int32), initial)
    assert abs(after.loss - before.loss) < 1e-12 * before.loss
    assert_close(after.logits, before.logits[:, :, back], 1e-12)
    for name, gradient in after.gradients.items():
        expected = before.gradients[name]
        expected = np.take(expected, back, axis=by_symbol[name]) if name in by_symbol else expected
        assert_close(gradient, expected, 1e-12)


@every_kernel
@pytest.mark.parametrize("num_layers", [1, 2])
@every_cell
def test_lines_in_one_stream_equal_each_line_by_itself(cell, num_layers, kernels, dtype):
    """Every line starts with the start symbol from a zero state, whatever stands before it."""
    net = network(cell, "lines", num_layers, kernels, dtype)
    rng = np.random.default_rng(5)
    lines = [np.array([START, *rng.integers(1, V, length)], np.int32) for length in (3, 0, 5, 2)]
    logits, final = net.read(np.concatenate(lines)[:, None], net.state(1))
    alone = [net.read(line[:, None], net.model.architecture.zero_state(1)) for line in lines]
    assert_close(logits, np.concatenate([read for read, _ in alone]), ROUNDING[dtype])
    for array, expected in pairs(final, alone[-1][1]):
        assert_close(array, expected, ROUNDING[dtype])


@every_kernel
@every_cell
def test_a_window_that_starts_inside_a_line_carries_its_state(cell, kernels, dtype):
    net = network(cell, "lines", kernels=kernels, dtype=dtype)
    stream = replace(net.model.architecture, start_symbol=None)
    plain = Network(stream, kernels=kernels)
    plain.parameters.flat[...] = net.parameters.flat
    inputs = net.ids(T, B) % (V - 1) + 1  # no start symbol
    logits, state = net.read(inputs, net.state(B))
    expected_logits, expected_state = plain.read(inputs, net.state(B))
    assert_close(logits, expected_logits, ROUNDING[dtype])
    for array, expected in pairs(state, expected_state):
        assert_close(array, expected, ROUNDING[dtype])


@every_kernel
@every_variant
@every_cell
def test_what_a_window_is_given_it_does_not_change(cell, variant, kernels, dtype):
    net = network(cell, variant, kernels=kernels, dtype=dtype)
    inputs, targets, initial = net.ids(T, B), net.ids(T, B, seed=9), net.state(B)
    before = (inputs.copy(), targets.copy(), net.parameters.flat.copy(), *map(np.copy, arrays_of(initial)))
    net.read(inputs, initial)
    net.learn(inputs, targets, initial)
    for array, old in zip((inputs, targets, net.parameters.flat, *arrays_of(initial)), before, strict=True):
        np.testing.assert_array_equal(array, old)


@every_kernel
@every_cell
def test_a_workspace_remembers_nothing_of_the_windows_before(cell, kernels, dtype):
    net = network(cell, "lines", kernels=kernels, dtype=dtype)
    inputs, targets, initial = net.ids(T, B), net.ids(T, B, seed=9), net.state(B)
    workspace, prepared = net.model.workspace(T, B, Dropout()), net.prepared()

    def learn(inputs, targets, initial: State):
        return net.model.loss_and_gradients(net.parameters, prepared, workspace, inputs, targets, initial, 1.0)[0]

    loss, gradients = learn(inputs, targets, initial), workspace.gradients.flat.copy()
    learn(net.ids(T, B, seed=7), targets, net.state(B, seed=8))
    assert learn(inputs, targets, initial) == loss
    np.testing.assert_array_equal(workspace.gradients.flat, gradients)


@every_kernel
@every_cell
def test_a_window_may_carry_on_from_the_state_that_its_own_workspace_holds(cell, kernels, dtype):
    net = network(cell, kernels=kernels, dtype=dtype)
    text = net.ids(2 * T, B)
    workspace, prepared = net.model.workspace(T, B), net.prepared()
    state = net.model.forward(net.parameters, prepared, workspace, text[:T], net.state(B))
    state = net.model.forward(net.parameters, prepared, workspace, text[T:], state)
    logits, expected = net.read(text, net.state(B))
    assert_close(workspace.logits.reshape(T, B, V), logits[T:], ROUNDING[dtype])
    for array, other in pairs(state, expected):
        assert_close(array, other, ROUNDING[dtype])


@every_kernel
@pytest.mark.parametrize("variant", VARIANTS)
@every_cell
def test_every_array_has_the_networks_type(cell, variant, kernels, dtype):
    net = network(cell, variant, kernels=kernels, dtype=dtype)
    result = net.learn(net.ids(T, B), net.ids(T, B, seed=9), net.state(B))
    arrays = [result.logits, result.gradients.flat, *arrays_of(result.state), *arrays_of(result.d_initial)]
    assert {array.dtype.name for array in arrays} == {dtype}
    assert np.isfinite(result.gradients.flat).all()


@pytest.mark.parametrize("kernels", BACKENDS)
def test_float32_follows_float64(kernels):
    for cell in NAMES:
        for variant in VARIANTS:
            net, exact = network(cell, variant, kernels=kernels, dtype="float32"), network(cell, variant)
            net.dropout = exact.dropout = Dropout()  # masks of another type are other masks
            exact.parameters.flat[...] = net.parameters.flat
            inputs, targets = net.ids(T, B), net.ids(T, B, seed=9)
            result = net.learn(inputs, targets, net.model.architecture.zero_state(B))
            expected = exact.learn(inputs, targets, exact.model.architecture.zero_state(B))
            assert_close(result.gradients.flat, expected.gradients.flat, ROUNDING["float32"])
            assert abs(result.loss - expected.loss) <= ROUNDING["float32"] * expected.loss


@pytest.mark.parametrize("kernels", BACKENDS)
def test_saturated_gates_give_finite_results(kernels):
    for cell in NAMES:
        net = network(cell, kernels=kernels, dtype="float32")
        for name, array in net.parameters.items():
            if name.startswith("rnn"):
                array *= 1000
        result = net.learn(net.ids(T, B), net.ids(T, B, seed=9), net.model.architecture.zero_state(B))
        assert np.isfinite(result.gradients.flat).all()
        assert all(np.isfinite(array).all() for array in arrays_of(result.state))


def test_an_untrained_network_costs_about_the_logarithm_of_the_vocabularys_size():
    for cell in NAMES:
        net = Network(Architecture(cell, 50, 32, 2))
        net.parameters.flat[...] = net.model.architecture.initial_parameters(3).flat
        ids = net.ids(40, 8)
        loss = net.learn(ids, net.ids(40, 8, seed=9), net.model.architecture.zero_state(8)).loss / ids.size
        assert abs(loss - log(50)) < 0.1


# Evaluation


@every_cell
def test_evaluation_does_not_disturb_training(cell):
    """A run that is scored after every step is the run that never was, to the last bit."""
    finals = []
    for eval_every in (1, 10**9):
        net = Network(Architecture(cell, V, H, 2), dropout=Dropout(0.1, 0.1, 0.1))
        text = net.ids(10 * T + 1, B)
        plan = replace(PLAN, eval_every=eval_every, clip_norm=0.5, reset_probability=0.2)
        valid = net.ids(300, 1, seed=11)[:, 0]
        with Training(net, text, T, plan=plan, valid=valid.astype(np.uint8)) as trainer:
            scores = [progress.score for progress in trainer.run()]
            assert sum(score is not None for score in scores) == (10 if eval_every == 1 else 1)
            arrays, _ = trainer.snapshot()
            finals.append([net.parameters.flat.copy(), *[array.copy() for array in arrays.values()]])
    for array, expected in zip(*finals, strict=True):
        np.testing.assert_array_equal(array, expected)


@every_kernel
@pytest.mark.parametrize("variant", ["one-hot", "lines"])
def test_a_score_is_the_mean_loss_of_the_whole_text_read_in_order(variant, kernels, dtype):
    net = network("gru", variant, kernels=kernels, dtype=dtype)
    ids = net.ids(101, 1, seed=12).astype(np.uint8)
    ids[0] = START
    team = Team(1)
    score = Scorer(net.model, team).score(net.parameters, ids[:, 0])
    team.close()
    logits, _ = net.read(ids[:-1].astype(np.int32), net.model.architecture.zero_state(1))
    logits = logits[:, 0].astype(np.float64)
    costs = np.log(np.exp(logits).sum(axis=1)) - logits[np.arange(100), ids[1:, 0]]
    assert score.chars == 100
    assert abs(score.loss - costs.mean()) < 10 * ROUNDING[dtype]
    assert score.accuracy == np.mean(logits.argmax(axis=1) == ids[1:, 0])
    assert abs(score.bits_per_char - costs.mean() / log(2)) < 20 * ROUNDING[dtype]


# Where training starts


@every_cell
def test_recurrent_weights_start_orthogonal_gate_by_gate(cell):
    model = Model(Architecture(cell, V, 16, 2, dtype="float64"), load_backend("numpy"))
    weights = model.architecture.initial_parameters(1)
    for layer in range(2):
        for gate in range(len(CELLS[cell].gates)):
            square = weights[f"rnn.weight_hh_l{layer}"][gate * 16 : (gate + 1) * 16]
            assert_close(square @ square.T, np.eye(16), 1e-12)


@every_cell
def test_weights_start_within_their_limits_and_biases_at_their_values(cell):
    model = Model(Architecture(cell, V, 64, 2, embedding_size=48, dtype="float64"), load_backend("numpy"))
    weights, gates = model.architecture.initial_parameters(1), CELLS[cell].gates
    for layer, fan_in in enumerate((48, 64)):
        limit = sqrt(6 / (fan_in + 64))
        largest = np.abs(weights[f"rnn.weight_ih_l{layer}"]).max()
        assert 0.98 * limit < largest <= limit
        expected = np.repeat([gate.bias for gate in gates], 64)
        np.testing.assert_array_equal(weights[f"rnn.bias_ih_l{layer}"], expected)
    assert abs(weights["embedding.weight"].std() * sqrt(48) - 1) < 0.15
    assert 0.9 / 8 < np.abs(weights["decoder.weight"]).max() <= 1 / 8
    np.testing.assert_array_equal(weights["decoder.bias"], 0)


def test_equal_seeds_give_equal_weights_and_others_others():
    model = Model(Architecture("lstm", V, H, 2), load_backend("numpy"))
    np.testing.assert_array_equal(
        model.architecture.initial_parameters(1).flat, model.architecture.initial_parameters(1).flat
    )
    assert (
        model.architecture.initial_parameters(1)["rnn.weight_hh_l0"]
        != model.architecture.initial_parameters(2)["rnn.weight_hh_l0"]
    ).any()


@pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf])
def test_the_first_array_that_is_not_finite_is_found(number):
    parameters = Architecture("lstm", V, H, 2).initial_parameters(1)
    assert parameters.first_not_finite() is None
    for name in ("decoder.bias", "rnn.weight_hh_l1"):
        parameters[name].reshape(-1)[1] = number
        assert parameters.first_not_finite() == name


@pytest.mark.parametrize("flat", [np.zeros(5), np.zeros(6, np.float32), np.zeros((2, 3))])
def test_a_vector_of_another_size_or_type_holds_no_parameters(flat):
    with pytest.raises(ValueError, match="a vector of 6 float64 is needed"):
        Parameters({"a": (2,), "b": (2, 2)}, np.dtype(np.float64), flat)


def test_parameters_are_a_mapping_of_views_into_one_vector():
    parameters = Parameters({"a": (2,), "b": (2, 2)}, np.dtype(np.float64), np.arange(6.0))
    assert len(parameters) == 2
    assert {name: array.tolist() for name, array in parameters.items()} == {"a": [0, 1], "b": [[2, 3], [4, 5]]}
    parameters["b"][1, 0] = 9
    assert parameters.flat.tolist() == [0, 1, 2, 3, 9, 5]


def test_locked_dropout_of_a_symbol_lasts_a_window():
    """One-hot input under locked dropout: a dropped symbol is as good as absent wherever it comes in its stream."""
    net = Network(Architecture("rnn", V, H, 1, dtype="float64"), dropout=LOCKED)
    inputs = np.array([[1], [2], [1], [2], [1]], np.int32)
    workspace = net.model.workspace(5, 1, Dropout(input=0.5, locked=True))
    mask = workspace.masks[0]
    assert mask is not None
    seeds = [seed for seed in range(50) if draw(mask, seed)[1] == 0 and draw(mask, seed)[2] == 2]
    mask.draw(seeds[0], 0)
    net.model.forward(net.parameters, net.prepared(), workspace, inputs, net.model.architecture.zero_state(1))
    x = 2.0 * (np.arange(V) == inputs[..., np.newaxis]) * (np.arange(V) == 2)  # only the symbol 2 is seen, doubled
    weights = LayerWeights.of(net.parameters, 0)
    steps = unroll.forward(net.model.cell, weights, x, net.model.architecture.zero_state(1)[0])
    assert_close(workspace.loops[0].after[0], steps.after["h"], 1e-12)


def draw(mask, seed: int):
    mask.draw(seed, 0)
    return mask.values[0, 0].copy()
