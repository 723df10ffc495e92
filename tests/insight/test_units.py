"""The units of a network by what they follow: a planted one is found, and random weights find none."""

import numpy as np
import pytest

from charlm.cells import CELLS, NAMES
from charlm.insight.saturation import gates_of, saturation
from charlm.insight.traces import Traces, Unit, arrays_of, read, unit_named, units_of
from charlm.insight.units import Chance, Following, bound, correlations, rank, shuffled, steps, strength
from charlm.network.architecture import Architecture
from tests.networks import Network, Variant
from tests.planted import PLANTED, plant, quoted_text

H = 12


TEXT = quoted_text()
SYMBOLS = sorted(set(TEXT))
IDS = np.array([SYMBOLS.index(symbol) for symbol in TEXT])


def network(cell, seed=0, layers=1, spread=0.0):
    """Return an architecture with random weights."""
    architecture = Architecture(cell, len(SYMBOLS), H, layers)
    parameters = architecture.initial_parameters(seed)
    parameters.flat += np.random.default_rng(seed).normal(0, spread, parameters.flat.shape).astype(np.float32)
    return architecture, parameters


def ranked(architecture, parameters, seed=0):
    return rank(architecture, parameters, IDS, TEXT, np.arange(len(IDS)), seed)


@pytest.mark.parametrize("cell", ["gru", "lstm"])
@pytest.mark.parametrize("seed", range(2))
def test_a_unit_that_was_made_to_follow_quotes_is_found_first(cell, seed):
    architecture, parameters = network(cell, seed, layers=2)
    plant(architecture, parameters, SYMBOLS)
    ranking = ranked(architecture, parameters)
    first = ranking.units[0]
    assert (first.unit.layer, first.unit.place, first.feature, first.found) == (0, PLANTED, "inside quotes", True)
    assert first.unit.array in architecture.equations.carried
    assert first.strength > 0.9 > 0.7 > first.chance.bound
    assert ranking.features["inside quotes"] == first == ranking.found[0]


@pytest.mark.parametrize("cell", NAMES)
@pytest.mark.parametrize(("seed", "spread"), [(0, 0.0), (1, 0.3), (2, 1.0)])
def test_random_weights_find_none(cell, seed, spread):
    ranking = ranked(*network(cell, seed, 1 + seed % 2, spread))
    assert ranking.found == []
    assert {"inside quotes", "capitals", "position in the line"} <= set(ranking.features)


def test_a_feature_that_is_shifted_in_time_alone_would_find_meaning_in_random_weights():
    best = ranked(*network("gru")).features["capitals"]
    assert best.chance.shifted < best.strength < best.chance.shuffled


def test_what_is_found_in_one_half_alone_is_no_find():
    half = len(IDS) // 2
    marks = [SYMBOLS.index("“"), SYMBOLS.index("”")]
    architecture, parameters = network("gru")
    plant(architecture, parameters, SYMBOLS)
    without = np.where((np.arange(len(IDS)) >= half) & np.isin(IDS, marks), SYMBOLS.index(" "), IDS)
    ranking = rank(architecture, parameters, without, TEXT, np.arange(len(IDS)))
    assert ranking.features["inside quotes"].found is False


def test_the_units_are_ranked_by_strength_and_those_that_are_found_come_first():
    architecture, parameters = network("gru")
    plant(architecture, parameters, SYMBOLS)
    units = ranked(architecture, parameters).units
    assert {following.unit for following in units} == set(units_of(architecture))
    keys = [(not following.found, -following.strength) for following in units]
    assert keys == sorted(keys)


def test_a_short_text_or_one_without_a_feature_tells_nothing_of_it():
    architecture, parameters = network("gru")
    ranking = rank(architecture, parameters, IDS[:999], TEXT[:999], np.arange(999))
    assert (ranking.units, ranking.features) == ([], {})
    assert len(ranking.missing) == 9
    assert "digits" in ranked(architecture, parameters).missing


def test_the_steps_of_all_networks_are_told():
    architecture, parameters = network("lstm", layers=2)
    done: list[int] = []
    rank(architecture, parameters, IDS, TEXT, np.arange(len(IDS)), 0, done.append)
    assert sum(done) == steps(architecture, len(IDS)) == 17 * 2 * (len(IDS) // 6)


def test_correlations_are_pearsons_of_each_half_and_0_of_what_is_constant():
    rng = np.random.default_rng(0)
    values, features = rng.normal(size=(101, 4)), rng.normal(size=(101, 2)) + 5
    values[:, 3] = 0.25
    got = correlations(values, features)
    for half, rows in enumerate((slice(0, 50), slice(50, 100))):
        expected = np.corrcoef(values[rows, :3], features[rows], rowvar=False)[:3, 3:]
        np.testing.assert_allclose(got[half, :3], expected, atol=1e-6)
    assert (got[:, 3] == 0).all()


def test_the_strength_is_the_weaker_of_two_correlations_of_one_sign():
    pairs = np.array([[0.5, -0.5, 0.5, 0.0], [0.4, -0.8, -0.4, 0.9]])
    assert strength(pairs).tolist() == [0.4, 0.5, 0.0, 0.0]
    of_one = Following(Unit(0, "h", 1), "digits", -0.3, -0.7, Chance(0.1, 0.25))
    assert (of_one.strength, of_one.chance.bound, of_one.found) == (0.3, 0.25, True)
    assert not Following(Unit(0, "h", 1), "digits", 0.3, 0.2, Chance(0.2, 0.1)).found


def test_the_bound_is_five_deviations_above_the_mean_of_fishers_z():
    assert bound(np.array([0.3, 0.3])) == pytest.approx(0.3)
    z = np.arctanh([0.2, 0.4])
    assert bound(np.array([0.2, 0.4])) == pytest.approx(np.tanh(z.mean() + 2.5 * (z[1] - z[0])))
    assert bound(np.array([1.0, 1.0])) < 1.0001


def test_shuffled_weights_are_those_of_the_same_gate():
    architecture, parameters = network("lstm", layers=2)
    got = shuffled(architecture, parameters, np.random.default_rng(0))
    assert list(got) == list(parameters)
    for name, array in parameters.items():
        assert got[name].shape == array.shape
        gates = 4 if name.startswith("rnn") else 1
        for before, after in zip(np.split(array, gates), np.split(got[name], gates), strict=True):
            assert np.sort(before, axis=None).tolist() == np.sort(after, axis=None).tolist()
    assert (got["rnn.weight_hh_l1"] != parameters["rnn.weight_hh_l1"]).mean() > 0.9


@pytest.mark.parametrize("cell", NAMES)
@pytest.mark.parametrize("variant", ["one-hot", "embedding", "lines"])
def test_the_traces_of_h_are_the_states_of_the_network(cell, variant):
    options = {"one-hot": Variant(), "embedding": Variant(embedding=-1), "lines": Variant(lines=True)}[variant]
    other = Network(options.architecture(cell, 2, V=9, H=7))
    ids = other.ids(600, 1)
    architecture = other.model.architecture
    traces = read(architecture, other.parameters, ids[:, 0])
    for n in (1, 258, 600):  # two steps after a window of 256 has ended
        _, state = other.read(ids[:n], architecture.zero_state(1))
        for layer in range(2):
            expected = dict(zip(architecture.equations.carried, state[layer], strict=True))
            for name, array in expected.items():
                got = [traces.of(Unit(layer, name, index))[n - 1] for index in range(7)]
                np.testing.assert_allclose(got, array[0], atol=2e-3, rtol=2e-3)


def test_parts_of_a_text_are_read_from_a_zero_state():
    architecture, parameters = network("gru")
    parts = read(architecture, parameters, IDS[:900], streams=3)
    alone = [read(architecture, parameters, part).values for part in np.split(IDS[:900], 3)]
    np.testing.assert_allclose(parts.values, np.concatenate(alone), atol=2e-3)


def test_units_have_names():
    architecture, _ = network("gru", layers=2)
    units = units_of(architecture)
    assert len(units) == 2 * 4 * H
    assert [str(unit) for unit in (units[0], units[-1])] == ["l0.r.0", f"l1.h.{H - 1}"]
    assert all(unit_named(units, str(unit)) == unit for unit in units)
    assert arrays_of(Architecture("rnn", 5, 4)) == ["h"]
    traces = Traces(units, np.arange(2 * len(units), dtype=np.float16).reshape(2, -1))
    assert traces.of("l1.h.0").tolist() == traces.of(Unit(1, "h", 0)).tolist() == [7 * H, 15 * H]


def test_gates_are_what_is_one_half_at_zero():
    expected = {"rnn": [], "simple-gru": ["u"], "gru": ["r", "z"], "lstm": ["i", "f", "o"], "lstm-1997": ["i", "o"]}
    assert {name: gates_of(cell) for name, cell in CELLS.items() if name in expected} == expected


def test_saturation_is_the_share_of_the_text():
    units = [Unit(layer, array, index) for layer in (0, 1) for array in "rznh" for index in (0, 1)]
    values = np.full((10, len(units)), 0.5, np.float16)
    values[:9, units.index(Unit(1, "z", 0))] = 0.05
    values[:4, units.index(Unit(1, "z", 1))] = 0.95
    values[:, units.index(Unit(0, "r", 1))] = 0.95
    values[:, units.index(Unit(0, "h", 1))] = 0.95
    found = {(gate.layer, gate.gate): gate for gate in saturation(CELLS["gru"], Traces(units, values))}
    assert list(found) == [(0, "r"), (0, "z"), (1, "r"), (1, "z")]
    assert (found[1, "z"].left.tolist(), found[1, "z"].right.tolist()) == ([0.9, 0.0], [0.0, 0.4])
    assert (found[1, "z"].mostly_left, found[1, "z"].mostly_right) == (1, 0)
    assert (found[0, "r"].mostly_left, found[0, "r"].mostly_right) == (0, 1)
    assert found[0, "z"].left.tolist() == [0.0, 0.0]
