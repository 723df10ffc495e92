"""`charlm gradflow`: the figures are the library's, of runs, of configurations and of units."""

import json
import math

import numpy as np
import pytest

import charlm
from charlm import cli
from charlm.config import dump_yaml
from tests.runs import configured, corpus_file, finish, start, trained

FEW = ("--lags", "4", "--windows", "3")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("gradflow")
    text = corpus_file(folder)
    finish(start(folder / "run", configured(text)))
    finish(start(folder / "deep", configured(text, model__cell="lstm", model__num_layers=2)))
    (folder / "small.yaml").write_text(dump_yaml(configured(text)))
    return folder


@pytest.fixture
def gradflow(folder, monkeypatch, capsys):
    """Return a function that runs the command in the folder and gives what it prints."""
    monkeypatch.chdir(folder)
    monkeypatch.setenv("COLUMNS", "90")

    def run(*arguments):
        assert cli.main(["gradflow", *map(str, arguments)]) == 0
        return capsys.readouterr().out

    return run


def test_the_chart_and_the_values_are_the_librarys(gradflow):
    flow = charlm.gradflow("run", "deep", lags=4, windows=3)
    assert gradflow("run", "deep", *FEW) == flow.plot().text(90) + "\n"
    assert gradflow("run", "deep", *FEW, "--layer", 0) == flow.plot(layer=0).text(90) + "\n"
    assert gradflow("run", "deep", *FEW, "--along-state") == flow.plot(along_state=True).text(90) + "\n"
    assert json.loads(gradflow("run", "deep", *FEW, "--json")) == flow.to_dict()


def test_a_caller_is_told_how_many_windows_are_done(gradflow):
    told: list[tuple[int, int]] = []
    charlm.gradflow("run", lags=4, windows=20, on_windows=lambda done, total: told.append((done, total)))
    assert told == sorted(told)
    assert len(told) > 2
    assert told[-1] == (40, 40), "both networks of a run"


def test_json_has_every_layer_and_no_nan(gradflow):
    document = json.loads(gradflow("deep", *FEW, "--json"), parse_constant=pytest.fail)
    assert document["lags"] == [0, 1, 2, 3, 4]
    first, second = document["networks"]
    assert (first["name"], first["cell"], first["trained"], second["trained"]) == ("deep", "lstm", False, True)
    assert first["windows"] == [3] * 5
    for network in document["networks"]:
        for part in ("gradient", "along_state"):
            assert [len(row) for row in network[part]["h"]] == [5, 5]
            assert [row[0] for row in network[part]["c"]] == [None, None]
    assert first["gradient"]["h"] != second["gradient"]["h"]


def test_an_untrained_run_is_its_configuration(gradflow):
    run = json.loads(gradflow("run", *FEW, "--json"))["networks"][0]
    (config,) = json.loads(gradflow("small.yaml", *FEW, "--json"))["networks"]
    assert config["trained"] is False
    assert config["gradient"] == run["gradient"]


def test_a_configuration_is_shown_with_each_cell(gradflow):
    found = json.loads(gradflow("small.yaml", *FEW, "--json", "--cell", "rnn", "--cell", "lstm"))["networks"]
    assert [(one["name"], one["cell"]) for one in found] == [("small.yaml, rnn", "rnn"), ("small.yaml, lstm", "lstm")]
    (alone,) = json.loads(gradflow("small.yaml", *FEW, "--json", "--set", "model.cell=rnn"))["networks"]
    assert (alone["name"], alone["gradient"]) == ("small.yaml", found[0]["gradient"])


def test_another_text_gives_other_figures(gradflow, folder):
    whole = json.loads(gradflow("run", *FEW, "--json"))["networks"]
    (folder / "other.txt").write_text("a" * 30)
    other = json.loads(gradflow("run", *FEW, "--json", "--text", "other.txt"))["networks"]
    assert other[1]["gradient"] != whole[1]["gradient"]
    assert len(np.unique(other[1]["windows"])) == 1


def test_a_run_whose_corpus_is_gone_asks_for_a_text(folder, tmp_path, capsys):
    run = trained(tmp_path, "gone", (folder / "text.txt").read_bytes())
    (tmp_path / "gone.txt").unlink()
    assert cli.main(["gradflow", str(run), *FEW]) == 1
    assert capsys.readouterr().err.endswith("f it was moved, say where it is now (--text)\n")
    assert cli.main(["gradflow", str(run), *FEW, "--text", str(folder / "text.txt")]) == 0


def test_a_configuration_can_read_another_text(gradflow):
    (found,) = json.loads(gradflow("small.yaml", *FEW, "--json", "--text", "text.txt"))["networks"]
    assert found["gradient"] == json.loads(gradflow("small.yaml", *FEW, "--json"))["networks"][0]["gradient"]


def test_a_model_of_lines_counts_the_windows_within_a_line(gradflow, folder):
    trained(folder, "names", "ann\nbob\nabba\nbanna\n" * 60, corpus__mode="lines")
    windows = json.loads(gradflow("names", "--lags", 6, "--windows", 200, "--json"))["networks"][0]["windows"]
    assert windows == sorted(windows, reverse=True)
    assert windows[0] > windows[3] > windows[6] == 0, "no line has six characters"


def test_a_run_that_was_trained_without_a_validation_text_reads_its_training_text(gradflow, folder):
    split = {"train": 1.0, "valid": 0.0, "test": 0.0}
    trained(folder, "whole", "ab ba " * 100, corpus__split=split)
    assert json.loads(gradflow("whole", *FEW, "--json"))["networks"][1]["windows"] == [3] * 5


def test_the_toy_shows_powers_beside_what_was_computed(gradflow):
    document = json.loads(gradflow("--toy", "--weight", 2, "--weight", -0.5, "--gate", 0.75, "--lags", 3, "--json"))
    units = {unit["name"]: unit for unit in document["units"]}
    assert list(units) == ["w = 2", "w = -0.5", "lstm-1997", "lstm, f = 0.75", "simple-gru, u = 0.25"]
    assert units["w = 2"]["computed"] == units["w = 2"]["analytic"] == [1, 2, 4, 8]
    assert units["w = -0.5"]["computed"] == [1, -0.5, 0.25, -0.125]
    assert units["lstm-1997"]["computed"] == [None, 1, 1, 1]
    assert units["lstm, f = 0.75"]["analytic"] == [1, 0.75, 0.75**2, 0.75**3]
    assert gradflow("--toy", "--lags", 3) == charlm.toy_gradflow(lags=3).plot().text(90) + "\n"
    exact, read = charlm.toy_gradflow([np.float64(0.5)], np.array([0.5]), 3), charlm.toy_gradflow([0.5], [0.5], 3)
    assert exact.to_dict() == read.to_dict()


def test_a_gradient_that_overflows_is_no_number_in_json(gradflow):
    output = gradflow("--toy", "--weight", 1000, "--lags", 200, "--json")
    computed = json.loads(output, parse_constant=pytest.fail)["units"][0]["computed"]
    assert computed[-1] is None
    assert math.isclose(computed[100], 1e300, rel_tol=1e-12)


def test_a_picture_is_written_and_nothing_printed(gradflow, tmp_path):
    pytest.importorskip("matplotlib")
    path = tmp_path / "x.svg"
    assert gradflow("deep", *FEW, "-o", path) == ""
    text = path.read_text("utf-8")
    assert all(words in text for words in ("untrained", "trained", "|d loss(t) / d c(t-k)|", "k, steps back"))
    assert "mathdefault" not in text, "the labels of a logarithmic axis are plain numbers"
