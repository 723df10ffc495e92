"""A text as a network reads it: its characters, its guesses, its colours in a terminal, and the page of it."""

import json
import re

import numpy as np
import pytest

import charlm
from charlm.insight.inspection import Inspection, Scale
from charlm.insight.shades import shaded_lines
from charlm.insight.traces import Traces, Unit, read
from charlm.insight.unitdata import DIGITS, chosen_units, digits, text_data, unit_data
from charlm.insight.unitpage import unit_page
from charlm.insight.units import Chance, Following, Ranking
from tests.runs import text, trained

TEXT = text(3_000)
HIDDEN = 8


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    runs = {
        "stream": trained(folder, "stream", TEXT),
        "lines": trained(folder, "lines", TEXT, corpus__mode="lines", model__cell="lstm"),
        "ngram": trained(folder, "ngram", TEXT, model__ngram__order=4),
        "bytes": trained(folder, "bytes", "täglich 猫 na\n" * 200, corpus__unit="byte"),
    }
    return {name: charlm.load(run) for name, run in runs.items()}


def made(characters, columns, gates=(), followed=(), guesses=1):
    """Return an inspection with given values of units, and made-up guesses."""
    n = len(characters)
    symbols = tuple(sorted(set(characters)))
    rng = np.random.default_rng(0)
    return Inspection(
        characters=list(characters),
        bits=np.append(np.nan, np.full(n - 1, 2.5)),
        guesses=rng.integers(0, len(symbols), (n, guesses)),
        probabilities=rng.random((n, guesses)),
        symbols=symbols,
        traces=Traces(list(columns), np.stack(list(columns.values()), axis=1).astype(np.float16)),
        gates=list(gates),
        states=["h", "c"],
        ranking=Ranking(list(followed), {following.feature: following for following in followed}, []),
        saturation=[],
    )


def data_of(page):
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    assert found is not None
    return json.loads(found[1])


@pytest.mark.parametrize("name", ["stream", "lines", "ngram"])
def test_the_surprise_and_the_guesses_are_those_of_the_scores(models, name):
    lines = TEXT.splitlines()[:30]
    found = charlm.inspect(models[name], "\n".join(lines) + "\n")
    scores = list(models[name].score_lines(lines, context="carry", guesses=5))
    assert "".join(found.characters) == "".join(line + "\n" for line in lines)
    np.testing.assert_allclose(found.bits, np.concatenate([score.bits for score in scores]), atol=1e-4)
    expected = [guesses for score in scores for guesses in score.expected]
    for place in (1, 100, len(expected) - 1):
        assert [found.symbols[index] for index in found.guesses[place]] == [guess.symbol for guess in expected[place]]
        likely = [guess.probability for guess in expected[place]]
        np.testing.assert_allclose(found.probabilities[place], likely, atol=1e-4)


def test_the_characters_of_a_model_of_bytes_are_whole(models):
    found = charlm.inspect(models["bytes"], "täglich 猫 na\n".encode() + b"\xe7\x8c")
    assert found.characters == [*"täglich 猫 na\n", "�"]
    whole = models["bytes"].score("täglich 猫 na\n")
    assert np.nansum(found.bits[:-1]) / whole.chars == pytest.approx(whole.bits_per_char, abs=1e-4)
    model = models["bytes"]
    of_bytes = read(model.architecture, model.parameters, model.encode("täglich 猫".encode()))
    last = [0, 2, 3, 4, 5, 6, 7, 8, 11]
    np.testing.assert_array_equal(found.traces.values[:9], of_bytes.values[last])


def test_the_text_is_the_validation_part_or_as_much_of_it_as_is_wanted(models):
    valid = models["stream"].read_part("valid")
    found = charlm.inspect(models["stream"], characters=30)
    assert found.characters == [models["stream"].vocabulary.symbols[index] for index in valid[:30]]
    np.testing.assert_array_equal(found.traces.values, charlm.inspect(models["stream"], valid[:30]).traces.values)


def test_a_line_of_a_model_of_lines_is_read_as_if_it_followed_a_line_end(models):
    alone, after = (charlm.inspect(models["lines"], given).traces.values for given in ("tin", "\ntin"))
    np.testing.assert_array_equal(alone, after[1:])
    np.testing.assert_array_equal(charlm.inspect(models["lines"], "ea ra\ntin").traces.values[-3:], alone)


def test_progress_is_told_to_its_end(models):
    told = []
    charlm.inspect(models["stream"], TEXT[:2_000], on_progress=lambda done, total: told.append((done, total)))
    assert told == sorted(told)
    assert told[-1][0] == told[-1][1]
    assert len({total for _, total in told}) == 1


def test_the_scale_of_a_gate_is_0_to_1_and_of_a_state_as_large_as_its_largest_value():
    gate, state, silent = Unit(0, "z", 0), Unit(0, "c", 0), Unit(0, "h", 0)
    found = made("abcd", {gate: [0, 0.25, 0.5, 1], state: [-4, 2, 0, 1], silent: [0, 0, 0, 0]}, gates="z")
    assert (found.scale(gate), found.scale(state), found.scale(silent)) == (Scale(0, 1), Scale(-4, 4), Scale(-1, 1))
    assert found.deviations(gate).tolist() == [-1, -0.5, 0, 1]
    assert found.deviations(state).tolist() == [-1, 0.5, 0, 0.25]


def test_the_colours_of_a_terminal_follow_the_values():
    unit = Unit(0, "h", 0)
    found = made("abcd\nef\x1b", {unit: [-1, -0.5, 0, 0.5, 0, 1, 1, 0]})
    paint = "\x1b[38;5;16;48;5;{}m{}\x1b[0m".format
    assert list(shaded_lines(found, unit)) == [
        paint(202, "a") + paint(216, "b") + "c" + paint(147, "d"),
        paint(33, "ef") + "\\x1b",
    ]
    assert list(shaded_lines(made("a\n", {unit: [0, 0]}), unit)) == ["a"]


def test_numbers_are_written_in_base_64():
    assert digits(np.array([0, 25.4, 63]), 1) == "AZ_"
    assert digits(np.array([0, 63, 64, 4095]), 2) == "AAA_BA__"
    assert digits(np.array([1 << 17]), 3) == "gAA"
    assert len(set(DIGITS)) == 64


def test_the_data_of_a_page_are_the_values():
    unit, gate = Unit(1, "c", 3), Unit(0, "z", 0)
    found = made("a b\n", {gate: [0, 0.5, 1, 1], unit: [-3, 0, 1.5, 3]}, gates="z", guesses=3)
    data = text_data(found)
    assert (data["text"], data["bits"]) == ("a b\n", "__" + digits(np.array([25]), 2) * 3)
    assert data["symbols"] == [{"\n": "line end", " ": "space"}.get(s, s) for s in found.symbols]
    assert [DIGITS.index(digit) for digit in data["guesses"]] == found.guesses.ravel().tolist()
    shares = [DIGITS.index(a) * 64 + DIGITS.index(b) for a, b in zip(*[iter(data["shares"])] * 2, strict=True)]
    np.testing.assert_allclose(np.array(shares) / 4095, found.probabilities.ravel(), atol=2e-4)
    assert unit_data(found, unit) == {"name": "l1.c.3", "low": -3, "high": 3, "levels": "Agv_"}
    assert unit_data(found, gate)["levels"] == "Ag__"


def test_what_cannot_be_seen_has_a_picture():
    assert text_data(made("a\t\x07\u202eé", {Unit(0, "h", 0): [0] * 5}))["text"] == "a\t␇\ufffdé"


def following(unit, strength, feature="digits"):
    return Following(unit, feature, strength, strength, Chance(0.1, 0.5))


def test_a_page_holds_the_units_that_are_wanted_and_of_all_arrays_as_many_as_fit():
    units = [Unit(layer, array, index) for layer in (0, 1) for array in "zh" for index in range(30)]
    followed = [following(unit, 0.4) for unit in reversed(units)]
    found = made("ab" * 50, {unit: np.zeros(100) for unit in units}, followed=followed)
    chosen = chosen_units(found, [units[0]], 43 * 160)
    assert len(chosen) == 43
    assert chosen == sorted(chosen, key=units.index)
    assert units[0] in chosen
    for layer in (0, 1):
        for array in "zh":
            of_array = [unit.place for unit in chosen if unit[:2] == (layer, array) and unit != units[0]]
            assert set(range(20, 30)) <= set(of_array)
    assert len(chosen_units(found, [], 0)) == 40
    assert chosen_units(found, [], 10**6) == units


@pytest.mark.parametrize("symbols", [60, 5_000])
def test_a_page_of_20_000_characters_is_below_3_megabytes(symbols):
    rng = np.random.default_rng(0)
    characters = [chr(0x4E00 + index) for index in rng.integers(0, symbols, 20_000)]
    units = [Unit(0, array, index) for array in "rznh" for index in range(60)]
    columns = {unit: rng.normal(size=20_000) for unit in units}
    found = made(characters, columns, followed=[following(unit, 0.9) for unit in units], guesses=5)
    page = "".join(unit_page(found, "A title"))
    assert len(page.encode()) < 3_000_000
    data = data_of(page)
    assert data["width"] == (1 if symbols == 60 else 3)
    assert len(data["units"]) > 100
    assert f"holds {len(data['units'])} of 240 gates and states" in page


def test_the_tables_of_a_page_have_the_figures():
    one, other = Unit(0, "h", 0), Unit(0, "h", 1)
    followed = [following(one, 0.75), following(other, -0.25, "inside <quotes>")]
    page = "".join(unit_page(made("abc", {one: [0, 0, 1], other: [1, 0, 0]}, followed=followed), "A title"))
    assert "<td>0.75<td>0.75<td>0.10<td>0.50<td>yes" in page
    assert '<th scope="row">inside &lt;quotes&gt;<td>' in page
    assert "<td>−0.25<td>−0.25<td>0.10<td>0.50<td>no" in page
    assert "Of 2 units, one is beyond chance" in page
    assert "This page holds" not in page
    assert data_of(page)["units"][data_of(page)["shown"]]["name"] == "l0.h.0"
    none = "".join(unit_page(made("abc", {other: [1, 0, 0]}, followed=followed[1:]), "A title"))
    assert "Of 1 unit, none is; the strongest are below" in none


def test_the_page_of_a_short_text_shows_it_all_the_same(models):
    found = charlm.inspect(models["stream"], "tin ra\n")
    page = "".join(unit_page(found, "A title", Unit(0, "o", 3)))
    data = data_of(page)
    assert data["text"] == "tin ra\n"
    assert data["units"][data["shown"]]["name"] == "l0.o.3"
    assert len(data["units"]) == 6 * HIDDEN
    assert "too short" in page
    groups = re.findall(r'<optgroup label="layer 0, (\w+ \w)">', page)
    assert groups == ["gate i", "gate f", "candidate g", "gate o", "state h", "state c"]
    assert "layer 0, gate f: " in page
