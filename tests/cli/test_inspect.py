"""`charlm inspect`: what the units of a network do."""

import json
import sys

import pytest

import charlm
from charlm import cli
from charlm.files import modelfile
from tests.planted import PLANTED, plant, quoted_text
from tests.runs import trained

TEXT = quoted_text(8_000)
SHORT = TEXT[:40] + "\n" + TEXT[:5]
SPLIT = {"train": 0.5, "valid": 0.5, "test": 0.0}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    changes = {"model__cell": "gru", "model__hidden_size": 12, "training__max_steps": 1, "corpus__split": SPLIT}
    best = trained(folder, "run", TEXT, model__ngram__order=3, **changes) / "best.safetensors"
    trained(folder, "fresh", TEXT, **changes)
    saved = modelfile.load(best)
    plant(saved.architecture, saved.parameters, saved.vocabulary.symbols)
    modelfile.save(best, saved.architecture, saved.parameters, saved.vocabulary, saved.metadata, mixture=saved.mixture)
    trained(folder, "bytes", "täglich 猫\n" * 200, corpus__unit="byte")
    (folder / "some.txt").write_text(TEXT[:1_200], newline="\n")
    (folder / "short.txt").write_text(SHORT, newline="\n")
    return folder


@pytest.fixture
def inspect(folder, capsys, monkeypatch):
    """Return a function that inspects in this process, in the folder, and gives the output and what is said."""
    monkeypatch.chdir(folder)

    def run(*arguments):
        status = cli.main(["inspect", *map(str, arguments)])
        output, said = capsys.readouterr()
        assert status == 0, said
        return output, said.splitlines()

    return run


def test_without_options_there_is_a_page_and_a_row_for_each_unit_that_is_found(inspect, folder):
    output, said = inspect("run")
    found = charlm.inspect(charlm.load("run")).ranking.found
    assert (found[0].unit.place, found[0].feature) == (PLANTED, "inside quotes")
    rows = [line.split("\t") for line in output.splitlines()]
    assert [row[:2] for row in rows] == [[str(row.unit), row.feature] for row in found]
    first, second, bound = map(float, rows[0][2:])
    assert min(abs(first), abs(second)) > bound
    assert first == pytest.approx(found[0].first, abs=1e-3)
    page = (folder / "inspect.html").read_text("utf-8")
    assert page.startswith("<!DOCTYPE html>")
    assert f"<h1>What the units do in run: 1 x gru of 12 with a 3-gram, {len(set(TEXT))} symbols</h1>" in page
    assert said == [
        "inspect.html: written",
        "the text has too little of: inside brackets, digits, indentation, speaker headings, end of sentence",
    ]


def test_json_has_all_units_and_figures_and_no_page_unless_one_is_named(inspect, folder):
    (folder / "inspect.html").unlink(missing_ok=True)
    output, _ = inspect("run", "--json")
    values = json.loads(output)
    assert list(values) == ["characters", "units", "features", "missing", "saturation"]
    assert len(values["units"]) == 4 * 12
    strongest = values["units"][0]
    assert strongest["found"] is True
    assert strongest == values["features"][strongest["feature"]]
    assert [(gate["layer"], gate["gate"], len(gate["left"])) for gate in values["saturation"]] == [
        (0, "r", 12),
        (0, "z", 12),
    ]
    assert not (folder / "inspect.html").exists()
    again, said = inspect("run", "--json", "--html", "page.html")
    assert again == output
    assert said[0] == "page.html: written"
    assert "l0.h.0" in (folder / "page.html").read_text("utf-8")


def test_a_text_of_ones_own_can_be_short(inspect):
    output, said = inspect("run", "--text", "short.txt", "--json")
    assert json.loads(output)["characters"] == len(SHORT)
    assert said[-1] == "at least 1,000 characters are needed to tell what units follow"


def test_as_many_characters_are_read_as_are_wanted(inspect):
    output, said = inspect("run", "--text", "some.txt", "--characters", 7, "--json")
    assert json.loads(output)["characters"] == 7
    assert "reading the first 7 characters of 1,200" in said
    _, said = inspect("bytes", "--characters", 1, "--json")
    assert any(line.startswith("reading the first 1 byte of ") for line in said)


def test_the_text_is_printed_and_coloured_for_a_terminal_alone(inspect, monkeypatch):
    output, said = inspect("run", "--text", "short.txt", "--ansi", "--unit", "l0.h.3")
    assert output == SHORT
    assert said[-1].startswith("l0.h.3: from -")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    assert inspect("run", "--text", "short.txt", "--ansi", "--unit", "l0.h.3")[0].count("\x1b[38;5;16;48;5;") >= 1
    monkeypatch.setattr(sys.stdout, "isatty", lambda: False, raising=False)
    monkeypatch.setenv("FORCE_COLOR", "1")  # for a pager
    assert "\x1b[38;5;16;48;5;" in inspect("run", "--text", "short.txt", "--ansi", "--unit", "l0.h.3")[0]
    monkeypatch.setenv("NO_COLOR", "1")
    assert inspect("run", "--text", "short.txt", "--ansi", "--unit", "l0.h.3")[0] == SHORT


def test_the_unit_that_is_named_colours_the_page_at_first(inspect, folder):
    inspect("run", "--text", "short.txt", "--unit", "l0.z.11", "--html", "page.html", "--force")
    page = (folder / "page.html").read_text("utf-8")
    assert " selected>l0.z.11" in page


def test_a_network_that_follows_nothing_is_called_so(inspect):
    output, said = inspect("fresh")
    assert output == ""
    assert said[-1] == "no unit follows anything better than chance explains"
