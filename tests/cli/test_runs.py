"""`charlm runs`: the table, the JSON, and the differences of two configurations."""

import json

import pytest

import charlm
from charlm import cli
from tests.runs import configured, corpus_file, finish, start, trained


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    corpus = corpus_file(folder)
    finish(start(folder / "runs/whole", configured(corpus, model__cell="gru")))
    start(folder / "runs/cut\x1b[2J", configured(corpus)).close()
    trained(folder, "mixed", "abcab " * 300, model__ngram={"order": 3}).rename(folder / "runs/mixed")
    (folder / "void").mkdir()
    return folder


@pytest.fixture
def run(folder, capsys, monkeypatch):
    """Return a function that lists runs in this process and gives both outputs."""
    monkeypatch.chdir(folder)

    def run(*arguments):
        assert cli.main(["runs", *arguments]) == 0
        return capsys.readouterr()

    return run


def test_a_row_for_each_run(run, folder):
    output, message = run()
    header, *rows = output.splitlines()
    assert header.split() == ["loss", "per", "network", "parameters", "time", "state", "run"]
    best = {path.path.name: path.best_loss for path in charlm.runs(folder / "runs")}
    assert [" ".join(row.split()) for row in rows[:2]] == [
        f"{best['mixed']:.4f} char 1 x lstm of 8 + 3-gram 452 0 s finished, 24 steps runs/mixed",
        f"{best['whole']:.4f} char 1 x gru of 8 620 0 s finished, 24 steps runs/whole",
    ]
    assert " ".join(rows[2].split()) == r"char 1 x lstm of 8 780 0 s interrupted at step 0 of 24 runs/cut\x1b[2J"
    assert message == ""
    assert rows[0].index("finished") == rows[2].index("interrupted") == header.index("state")


def test_json_is_the_same_list(run, folder):
    output, _ = run("runs", "--json")
    found = json.loads(output)
    assert [(each["path"], each["state"], each["step"], each["best_loss"]) for each in found] == [
        (f"runs/{each.path.name}", each.state, each.step, each.best_loss) for each in charlm.runs(folder / "runs")
    ]


def test_a_folder_without_runs_is_said_and_is_no_error(run):
    assert run("void") == ("", "charlm: void: holds no run; `charlm train CONFIG` makes one\n")
    assert run("void", "--json") == ("[]\n", "")


def test_an_unreadable_run_is_listed_and_said(run, folder):
    (folder / "odd/x").mkdir(parents=True)
    (folder / "odd/x/last.safetensors").touch()
    output, message = run("odd")
    assert output.splitlines()[1].split() == ["unreadable", "odd/x"]
    assert message.startswith("charlm: odd/x/last.safetensors: damaged, or not a checkpoint: it is empty")
    assert len(message.splitlines()) == 1


def test_differences_are_a_table_or_an_object(run, folder):
    names = ("runs/whole", "runs/cut\x1b[2J")
    output, _ = run("--diff", *names)
    assert [line.split() for line in output.splitlines()] == [
        ["runs/whole", r"runs/cut\x1b[2J"],
        ["model.cell", "'gru'", "'lstm'"],
    ]
    assert json.loads(run("--diff", *names, "--json").out) == {"model.cell": ["gru", "lstm"]}
    assert run("--diff", names[0], names[0]) == ("", "charlm: the configurations are the same\n")
