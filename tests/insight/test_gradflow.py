"""Facts about gradients through time: they are the slopes of one step's loss, lag by lag."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from charlm.activations import sigmoid_slope, tanh, tanh_slope
from charlm.cells import CELLS, NAMES
from charlm.errors import NotFiniteError, UsageError
from charlm.insight.gradflow import norms, windows_of
from charlm.network import unroll
from charlm.network.loss import log_softmax
from charlm.network.recurrence import LayerWeights
from tests.networks import VARIANTS, Network

V, H, LAGS = 6, 4, 3
STEP = 1e-5


def loss(network, window, moved=None):
    """Return the loss of the last symbol, (B,), by plain calls of the cell, after a change of one layer's state.

    `moved` is the layer, the step after which its state is changed, the name of the state, the unit and by how much.
    """
    a, p = network.model.architecture, network.parameters
    cell, B = a.equations, window.shape[1]
    states = [{name: np.zeros((B, a.hidden_size)) for name in cell.carried} for _ in range(a.num_layers)]
    for t, ids in enumerate(window[:-1]):
        x = p["embedding.weight"][ids] if "embedding.weight" in p else np.eye(a.vocabulary_size)[ids]
        for layer, state in enumerate(states):
            w = LayerWeights.of(p, layer)
            if a.start_symbol is not None:
                state = {name: np.where(ids[:, None] == a.start_symbol, 0, array) for name, array in state.items()}
            from_x = np.split(x @ w.weight_ih.T + w.bias, len(cell.gates), axis=1)
            split = np.zeros(len(w.bias)) if w.bias_split is None else np.pad(w.bias_split, (cell.summed * H, 0))
            from_h = np.split(state["h"] @ w.weight_hh.T + split, len(cell.gates), axis=1)
            sums = [one + other for one, other in zip(from_x, from_h, strict=True)][: cell.summed]
            after = cell.forward(*sums, *from_x[cell.summed :], *from_h[cell.summed :], *state.values())
            states[layer] = dict(zip(cell.carried, after[cell.columns :], strict=True))
            if moved is not None and moved[:2] == (layer, t):
                states[layer][moved[2]][:, moved[3]] += moved[4]
            x = states[layer]["h"]
    logits = x @ network.model.decoder(p).T + p["decoder.bias"]
    return -log_softmax(logits)[np.arange(B), window[-1]]


def slopes(network, window, layer, t, state):
    """Return the slopes of the loss along each unit of a state after a step, (B, H), by central differences."""
    units = range(network.model.architecture.hidden_size)
    up, down = ([loss(network, window, (layer, t, state, unit, e)) for unit in units] for e in (STEP, -STEP))
    return (np.array(up) - np.array(down)).T / (2 * STEP)


@pytest.mark.parametrize("variant", ["one-hot", "embedding", "tied", "lines"])
@pytest.mark.parametrize("num_layers", [1, 2])
@pytest.mark.parametrize("cell", NAMES)
def test_the_norms_are_those_of_finite_differences(cell, num_layers, variant):
    network = Network(VARIANTS[variant].architecture(cell, num_layers, V, H), seed=1)
    window = network.ids(2 * LAGS + 2, 5)
    last = len(window) - 2  # the step whose loss it is
    streams = {lag: [0, 1, 2, 3, 4] for lag in range(LAGS + 1)}
    if variant == "lines":
        window[last - LAGS :] = np.maximum(window[last - LAGS :], 1)
        window[last - 1, 1:3] = 0  # in two streams a line begins at the step before the last
        streams |= {lag: [0, 3, 4] for lag in range(2, LAGS + 1)}
    found = norms(network.model.architecture, network.parameters, window, LAGS)
    assert found.windows.tolist() == [len(streams[lag]) for lag in range(LAGS + 1)]
    for layer, state, lag in product(range(num_layers), CELLS[cell].carried, range(LAGS + 1)):
        expected = np.linalg.norm(slopes(network, window, layer, last - lag, state), axis=1)[streams[lag]].mean()
        if (state, lag) == ("c", 0):
            assert expected < 1e-9
            assert np.isnan(found.gradient[state][layer, lag])
        else:
            assert found.gradient[state][layer, lag] == pytest.approx(expected, rel=1e-6)


def forgets_what_comes_from_later(i, f, g, o, h_before, c_before, h, c, dh, dc):
    tanh_c = tanh(c)
    dc_total = dh * o * tanh_slope(tanh_c)  # wrong: without dc
    slopes = (sigmoid_slope(i), sigmoid_slope(f), tanh_slope(g), sigmoid_slope(o))
    by_gates = (dc_total * g, dc_total * c_before, dc_total * i, dh * tanh_c)
    return (*(d * slope for d, slope in zip(by_gates, slopes, strict=True)), 0.0, dc_total * f)


def test_a_planted_bug_is_seen_by_finite_differences(monkeypatch):
    monkeypatch.setitem(CELLS, "lstm", replace(CELLS["lstm"], backward=forgets_what_comes_from_later))
    with pytest.raises(AssertionError):
        test_the_norms_are_those_of_finite_differences("lstm", 1, "one-hot")


def along_state(cell, seed=1):
    """Return a network's norms along the state, the one array of its last state, and the gates of its window."""
    network = Network(VARIANTS["one-hot"].architecture(cell, 1, V, H), seed)
    window = network.ids(2 * LAGS + 2, 1)
    zero = tuple(np.zeros((1, H)) for _ in CELLS[cell].carried)
    weights = LayerWeights.of(network.parameters, 0)
    steps = unroll.forward(CELLS[cell], weights, np.eye(V)[window[:-1]], zero)
    found = norms(network.model.architecture, network.parameters, window, LAGS)
    return found.along_state[CELLS[cell].carried[-1]][0], steps.gates, found


def test_without_a_forget_gate_the_gradient_along_the_state_stays_the_same_to_the_last_bit():
    found, _, whole = along_state("lstm-1997")
    assert found[1] > 0
    assert found[1:].tolist() == [found[1]] * LAGS
    assert len(set(whole.gradient["c"][0, 1:].tolist())) == LAGS, "that through the gates changes"


@pytest.mark.parametrize(
    ("cell", "kept"),
    [("gru", lambda gates: gates["z"]), ("simple-gru", lambda gates: 1 - gates["u"])],
)
def test_along_the_state_a_gate_multiplies_the_gradient(cell, kept):
    found, gates, whole = along_state(cell)
    window_kept = kept(gates)[:, 0]
    by_h = whole.gradient["h"][0, 0]
    expected = np.cumprod(window_kept[:-LAGS - 1:-1], axis=0)
    assert found[0] == pytest.approx(by_h)
    assert (found[1:] <= by_h * expected.max(axis=1) * (1 + 1e-12)).all()
    assert (found[1:] >= by_h * expected.min(axis=1) * (1 - 1e-12)).all()


def test_along_the_state_a_forget_gate_multiplies_the_gradient():
    found, gates, _ = along_state("lstm")
    ratios = found[2:] / found[1:-1]
    kept = gates["f"][:, 0][-2 : -LAGS - 1 : -1]
    assert (kept.min(axis=1) <= ratios).all()
    assert (ratios <= kept.max(axis=1)).all()


def test_the_plain_cell_keeps_nothing_along_its_state():
    found, _, _ = along_state("rnn")
    assert found[0] > 0
    assert found[1:].tolist() == [0] * LAGS


def test_the_norms_are_means_over_all_windows_however_many_are_computed_at_once():
    network = Network(VARIANTS["one-hot"].architecture("gru", 2, V, H))
    window = network.ids(2 * LAGS + 2, 35)
    told: list[int] = []
    found = norms(network.model.architecture, network.parameters, window, LAGS, told.append)
    assert sum(told) == 35
    assert len(told) > 1
    one_by_one = [
        norms(network.model.architecture, network.parameters, window[:, [n]], LAGS).gradient["h"] for n in range(35)
    ]
    assert found.gradient["h"] == pytest.approx(np.mean(one_by_one, axis=0), rel=1e-12)


def test_the_state_before_a_line_has_no_norm():
    network = Network(VARIANTS["lines"].architecture("rnn", 1, V, H))
    window = np.maximum(network.ids(2 * LAGS + 2, 4), 1)
    window[-2] = 0  # the last input begins a line
    found = norms(network.model.architecture, network.parameters, window, LAGS)
    assert found.windows.tolist() == [4, 0, 0, 0]
    assert np.isfinite(found.gradient["h"][0]).tolist() == [True, False, False, False]


def test_logits_that_are_not_finite_are_an_error():
    network = Network(VARIANTS["one-hot"].architecture("rnn", 1, V, H))
    network.parameters["decoder.weight"][...] = np.inf
    with pytest.raises(NotFiniteError, match="logits of the model are not finite"):
        norms(network.model.architecture, network.parameters, network.ids(8, 2), LAGS)


def test_windows_lie_evenly_from_the_beginning_of_a_text_to_its_end():
    text = np.arange(100)
    found = windows_of(text, 4, 7, "it")
    assert found.shape == (10, 7)
    assert found[0].tolist() == [0, 15, 30, 45, 60, 75, 90]
    assert (found - found[0]).tolist() == [[n] * 7 for n in range(10)]
    assert windows_of(text[:11], 4, 7, "it")[0].tolist() == [0, 1]


def test_a_text_that_is_shorter_than_a_window_is_refused():
    assert windows_of(np.arange(10), 4, 7, "it").shape == (10, 1)
    with pytest.raises(UsageError, match=r"lags: 4 need a text of at least 10 symbols, and that of it has 9; .* 3, or"):
        windows_of(np.arange(9), 4, 7, "it")
    assert windows_of(np.arange(9), 3, 1, "it").shape == (8, 1)
