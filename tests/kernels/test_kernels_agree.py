"""Facts about the fused kernels: they ran, and what they computed is what NumPy computes, up to float32's rounding.

The fused products work on tiles of a few rows by a vector's width, so that sizes just below, at and above such widths
are where a mistake would hide.
"""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from charlm.activations import sigmoid, sigmoid_slope, tanh, tanh_slope
from charlm.cells import CELLS, NAMES, Cell, Gate
from charlm.errors import UsageError
from charlm.insight.gradcheck import Problem, check
from charlm.kernels.choice import choose, load_backend
from charlm.kernels.numpy.recurrence import NumpyRecurrence
from charlm.network.architecture import Architecture
from charlm.network.model import Model
from charlm.network.parameters import Parameters
from charlm.network.regularisers.dropout import Dropout
from charlm.training.optimizers import RULES, Optimizer
from tests.networks import (
    FRESH,
    FUSED,
    PLAN,
    START,
    VARIANTS,
    Network,
    Result,
    Training,
    Variant,
    arrays_of,
    assert_close,
    pairs,
)

if FUSED:
    from charlm.kernels.fused import gradients, packed
    from charlm.kernels.fused.recurrence import fused_recurrences

pytestmark = pytest.mark.skipif(not FUSED, reason="Numba is not installed")
ROUNDING = 2e-5  # of the largest element: some hundreds of float32's units, for sums over a few hundred products
every_cell = pytest.mark.parametrize("cell", NAMES)


def both(architecture: Architecture, T: int, B: int, dropout: Dropout | None = None) -> tuple[Result, Result]:
    """Return what each of the kernels makes of the same window."""
    results = []
    for kernels in ("fused", "numpy"):
        net = Network(architecture, kernels=kernels, dropout=dropout)
        H = architecture.hidden_size
        for name, array in net.parameters.items():
            if "weight" in name:  # sums of H terms stay in the range in which gates have slopes
                array /= max(1.0, np.sqrt(H) / 4)
        results.append(net.learn(net.ids(T, B), net.ids(T, B, seed=9), net.state(B)))
    return results[0], results[1]


def assert_agree(fused: Result, plain: Result) -> None:
    assert abs(fused.loss - plain.loss) <= 1e-5 * plain.loss
    assert_close(fused.logits, plain.logits, ROUNDING)
    for array, expected in [*pairs(fused.state, plain.state), *pairs(fused.d_initial, plain.d_initial)]:
        assert_close(array, expected, ROUNDING)
    for name, gradient in plain.gradients.items():
        assert gradient.any()
        assert_close(fused.gradients[name], gradient, ROUNDING)


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("num_layers", [1, 2, 3])
@every_cell
def test_kernels_agree_on_every_network(cell, num_layers, variant):
    chosen = VARIANTS[variant]
    architecture = chosen.architecture(cell, num_layers, V=11, H=13, dtype="float32")
    assert_agree(*both(architecture, T=9, B=5, dropout=chosen.dropout))


@pytest.mark.parametrize("B", [1, 9, 48, 160])
@every_cell
def test_kernels_agree_where_products_are_made_of_seven(monkeypatch, cell, B):
    monkeypatch.setattr(packed, "LEAST", 64)
    monkeypatch.setattr(gradients, "LEAST", 64)
    assert len(packed.panels_for(64, 64)) == 7
    assert_agree(*both(Architecture(cell, 9, 64, 2), T=21, B=B))


def test_there_is_room_for_two_products_at_once_of_many_streams_and_one_gate():
    (loop,) = fused_recurrences(CELLS["rnn"], (1, 160, 128), "float32", False, True, 1)
    assert loop._workspace.size >= packed.workspace_for(160, 2 * 128).size


@pytest.mark.parametrize("H", [1, 2, 7, 8, 15, 16, 17, 31, 32, 33, 48, 65, 100])
@every_cell
def test_kernels_agree_at_every_width(cell, H):
    assert_agree(*both(Architecture(cell, 9, H, 2), T=4, B=3))


@pytest.mark.parametrize("B", [1, 2, 5, 6, 7, 12, 13, 19])
@pytest.mark.parametrize("variant", ["one-hot", "lines"])
@every_cell
def test_kernels_agree_on_any_number_of_streams(cell, variant, B):
    assert_agree(*both(VARIANTS[variant].architecture(cell, 1, 8, 20, "float32"), T=4, B=B))


@pytest.mark.parametrize("V", [1, 2, 3, 16, 97, 400])
@pytest.mark.parametrize("variant", ["one-hot", "embedding", "tied"])
def test_kernels_agree_on_small_and_large_vocabularies(variant, V):
    results = both(VARIANTS[variant].architecture("lstm", 1, V, 12, "float32"), T=6, B=3)
    if V > 1:
        assert_agree(*results)
    else:  # where the one symbol is certain
        for result in results:
            assert result.loss == 0
            assert not result.gradients.flat.any()


@every_cell
def test_kernels_agree_on_depths_beyond_one_block_of_a_panel(cell):
    assert_agree(*both(Architecture(cell, 5, 530, 1), T=2, B=2))


@every_cell
def test_kernels_agree_on_a_window_of_one_step(cell):
    assert_agree(*both(Architecture(cell, 7, 9, 2), T=1, B=4))


@settings(max_examples=25)
@given(
    cell=st.sampled_from(NAMES),
    num_layers=st.integers(1, 2),
    sizes=st.tuples(st.integers(1, 6), st.integers(1, 14), st.integers(2, 30), st.integers(2, 40)),
    variant=st.builds(Variant, st.sampled_from([None, 0, 3]), st.just(False), st.booleans(), st.just(FRESH)),
)
def test_kernels_agree_whatever_the_sizes(cell, num_layers, sizes, variant):
    T, B, V, H = sizes
    fused, plain = both(variant.architecture(cell, num_layers, V, H, "float32"), T, B, variant.dropout)
    assert abs(fused.loss - plain.loss) <= 1e-4 * plain.loss
    assert_close(fused.logits, plain.logits, 1e-4)
    assert_close(fused.gradients.flat, plain.gradients.flat, 1e-4)


@every_cell
def test_kernels_agree_where_gates_are_saturated(cell):
    results = []
    for kernels in ("fused", "numpy"):
        net = Network(Architecture(cell, 6, 10, 1), kernels=kernels)
        for name, array in net.parameters.items():
            array *= 30 if name.startswith("rnn") else 1
        results.append(net.read(net.ids(5, 3), net.model.architecture.zero_state(3)))
    (logits, state), (expected, expected_state) = results
    assert_close(logits, expected, 1e-4)
    for array, other in pairs(state, expected_state):
        assert_close(array, other, 1e-4)


@pytest.mark.parametrize("name", RULES)
def test_kernels_agree_on_every_update_rule(name):
    rng, shapes = np.random.default_rng(1), {"w": (40_003,)}
    rule = RULES[name](weight_decay=0.01, **({"momentum": 0.9, "nesterov": True} if name == "sgd" else {}))
    weights, gradients = rng.normal(0, 1, (2, 40_003)).astype(np.float32)
    moments = {moment: rng.random(40_003).astype(np.float32) for moment in rule.moments}
    results = []
    for kernels, workers in (("numpy", 1), ("fused", 1), ("fused", 3)):
        parameters = Parameters(shapes, "float32", weights.copy())
        optimizer = Optimizer(rule, parameters, Parameters(shapes, "float32", gradients), load_backend(kernels))
        optimizer.restore({**optimizer.moments, **moments})
        for worker in range(workers):
            optimizer.step(0.01, 3, 0.5, worker, workers)
        results.append([parameters.flat, *optimizer.moments.values()])
    for plain, fused, by_three in zip(*results, strict=True):
        assert_close(fused, plain, 1e-6)
        np.testing.assert_array_equal(by_three, fused)


@every_cell
def test_kernels_agree_on_a_whole_training(cell):
    losses = []
    for kernels in ("numpy", "fused"):
        net = Network(Architecture(cell, 9, 17, 2), kernels=kernels, dropout=Dropout(between=0.1))
        plan = replace(PLAN, total_steps=20, learning_rate=0.02, clip_norm=0.5, ema=0.9, reset_probability=0.1)
        text = np.tile(np.arange(9), 30)[: 20 * 8 + 1, None] + np.arange(4)
        with Training(net, text.astype(np.int32) % 9, 8, plan=plan) as trainer:
            losses.append([progress.loss for progress in trainer.run()])
    np.testing.assert_allclose(losses[1], losses[0], rtol=2e-3)
    assert losses[0][-1] < 0.9 * losses[0][0]


# That the fused kernels are what ran


def test_a_fused_model_runs_fused_loops_and_no_loop_of_numpys(monkeypatch):
    def fail(*_):
        raise AssertionError("NumPy's loop ran")

    monkeypatch.setattr(NumpyRecurrence, "forward", fail)
    monkeypatch.setattr(NumpyRecurrence, "backward", fail)
    for cell in NAMES:
        net = Network(Architecture(cell, 5, 6, 2), kernels="fused")
        assert net.model.backend.name == "fused"
        workspace = net.model.workspace(3, 2, Dropout())
        assert {type(loop).__module__ for loop in workspace.loops} == {"charlm.kernels.fused.recurrence"}
        net.learn(net.ids(3, 2), net.ids(3, 2, seed=9), net.model.architecture.zero_state(2))
    net = Network(Architecture("rnn", 5, 6), kernels="numpy")
    with pytest.raises(AssertionError, match="NumPy's loop ran"):
        net.read(net.ids(3, 2), net.model.architecture.zero_state(2))


def own_forward(a_u, a_c, h_before, c_before):
    u, g = sigmoid(a_u), tanh(a_c)
    c = c_before + u * (g - c_before)
    return u, g, tanh(c) * u, c


def own_backward(u, g, h_before, c_before, h, c, dh, dc):
    tanh_c = tanh(c)
    dc_total = dc + dh * u * tanh_slope(tanh_c)
    du = dh * tanh_c + dc_total * (g - c_before)
    written = dc_total * u
    return du * sigmoid_slope(u), written * tanh_slope(g), 0.0, dc_total - written


def test_a_cell_of_ones_own_is_compiled_from_its_equations_unasked(monkeypatch):
    own = Cell("own", (Gate("u"), Gate("c")), ("h", "c"), own_forward, own_backward)
    monkeypatch.setitem(CELLS, "own", own)
    assert all(result.passed for result in check(Problem(Architecture("own", 4, 3), Dropout(), 1), 1))
    fused, plain = both(Architecture("own", 8, 18, 2), T=6, B=5)
    assert_agree(fused, plain)


def test_the_fused_parts_differ_from_numpys_in_every_respect():
    fused, plain = load_backend("fused"), load_backend("numpy")
    for part in ("recurrences", "cross_entropy_with_gradient", "sum_by_symbol", "elementwise"):
        assert getattr(fused, part) is not getattr(plain, part)


def test_fused_threads_share_nothing_but_the_weights():
    """Two shards computed at once give what they give one after the other."""
    net = Network(Architecture("lstm", 9, 24, 2), kernels="fused")
    text = net.ids(41, 8)
    results = []
    for workers in (1, 2, 4):
        fresh = Network(net.model.architecture, kernels="fused")
        plan = replace(PLAN, total_steps=4, learning_rate=0.01)
        with Training(fresh, text, 10, plan=plan, workers=workers) as trainer:
            results.append([progress.loss for progress in trainer.run()])
    np.testing.assert_allclose(results[1], results[0], rtol=1e-5)
    np.testing.assert_allclose(results[2], results[0], rtol=1e-5)


# Which kernels are chosen


def test_auto_is_fused_for_float32_and_numpy_for_float64():
    assert choose("auto", "float32") == "fused"
    assert choose("auto", "float64") == "numpy"
    assert choose("numpy", "float32") == "numpy"
    assert choose("fused", "float32") == "fused"


def test_without_numba_fused_says_what_to_install(monkeypatch):
    monkeypatch.setattr("charlm.kernels.choice.find_spec", lambda name: None)
    assert choose("auto", "float32") == "numpy"
    with pytest.raises(UsageError, match=r"pip install 'charlm\[fast\]'"):
        choose("fused", "float32")


def test_what_an_item_forgets_is_forgotten_by_both():
    fused, plain = both(Architecture("gru", 4, 10, 2, start_symbol=START), T=8, B=6)
    assert_agree(fused, plain)
    assert not all(array.any(axis=1).all() for array in arrays_of(plain.d_initial))  # some streams start with it


def test_a_model_of_float64_is_never_given_fused_kernels():
    assert (
        Model(Architecture("lstm", 5, 6, dtype="float64"), load_backend(choose("auto", "float64"))).backend.name
        == "numpy"
    )
