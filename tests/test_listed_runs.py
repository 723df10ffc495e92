"""Facts about lists of runs: their states, figures and order, and the keys in which configurations differ."""

import json
import shutil

import pytest
import yaml

import charlm
from charlm.errors import CharlmError, UsageError
from charlm.files import checkpoint
from charlm.files.lock import Lock
from tests.runs import advance, configured, corpus_file, finish, metrics, start, trained

ALL = {"train": 1.0, "valid": 0.0, "test": 0.0}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Return a folder of runs of all states."""
    folder = tmp_path_factory.mktemp("listed")
    corpus = corpus_file(folder)
    runs = folder / "runs"
    runs.mkdir()
    finish(start(runs / "whole", configured(corpus, model__cell="gru", model__num_layers=2)))
    cut = start(runs / "cut", configured(corpus))
    advance(cut, 13)
    cut.save()
    cut.close()
    trained(folder, "bytes", b"ab\xff" * 300, corpus__unit="byte", corpus__split=ALL).rename(runs / "bytes")
    (runs / "alone").mkdir()
    shutil.copy(runs / "whole/best.safetensors", runs / "alone")
    (runs / "damaged").mkdir()
    (runs / "damaged/last.safetensors").write_text("no")
    (runs / "other").mkdir()
    (runs / "notes.txt").touch()
    return runs


def listed(folder):
    return {run.path.name: run for run in charlm.runs(folder)}


def test_every_run_has_its_state(folder):
    assert {name: (run.state, run.step, run.total_steps) for name, run in listed(folder).items()} == {
        "whole": ("finished", 24, 24),
        "cut": ("interrupted", 13, 24),
        "bytes": ("finished", 24, 24),
        "alone": ("model", None, None),
        "damaged": ("unreadable", None, None),
    }


def test_a_run_that_somebody_writes_is_running_and_as_far_as_its_metrics(folder):
    lock = Lock(folder / "cut")
    path = folder / "cut/metrics.jsonl"
    before = path.read_bytes()
    try:
        assert (listed(folder)["cut"].state, listed(folder)["cut"].step) == ("running", 12)
        path.write_bytes(before + json.dumps({"step": 20, "seconds": 90, "valid_loss": 0.125}).encode() + b'\n{"st')
        run = listed(folder)["cut"]
        assert (run.step, run.total_steps, run.seconds, run.best_loss) == (20, 24, pytest.approx(90), 0.125)
        path.write_bytes(b"")
        assert (listed(folder)["cut"].state, listed(folder)["cut"].step) == ("running", 13)
        path.unlink()
        assert listed(folder)["cut"].state == "running"
    finally:
        path.write_bytes(before)
        lock.release()
    assert listed(folder)["cut"].state == "interrupted"


def test_a_run_has_the_figures_of_its_network_and_its_training(folder):
    run = listed(folder)["whole"]
    model = charlm.load(run.path)
    assert (run.cell, run.num_layers, run.hidden_size, run.unit, run.ngram_order) == ("gru", 2, 8, "char", None)
    assert run.parameters == sum(array.size for array in model.parameters.values())
    assert run.best_loss == min(line["valid_loss"] for line in metrics(run.path) if "valid_loss" in line)
    assert run.seconds == pytest.approx(metrics(run.path)[-1]["seconds"], abs=0.001)
    assert listed(folder)["alone"].best_loss is not None
    assert (listed(folder)["bytes"].unit, listed(folder)["bytes"].best_loss) == ("byte", None)


def test_the_lowest_loss_comes_first_and_runs_without_one_last(folder):
    losses = [run.best_loss for run in charlm.runs(folder)]
    known = [loss for loss in losses if loss is not None]
    assert known == sorted(known)
    assert losses[len(known) :] == [None, None]


def test_why_a_run_is_unreadable_is_said(folder):
    problem = listed(folder)["damaged"].problem
    assert problem is not None
    assert "last.safetensors: damaged, or not a checkpoint" in problem


def test_a_run_with_an_ngram_names_its_order(tmp_path):
    trained(tmp_path, "mixed", "abcab " * 300, model__ngram={"order": 3})
    run = charlm.runs(tmp_path / "mixed")[0]
    assert run.ngram_order == 3
    assert run.best_loss == min(line["valid_loss"] for line in metrics(run.path) if "valid_loss" in line)


def test_a_run_is_a_list_of_itself(folder):
    assert [run.path for run in charlm.runs(folder / "cut")] == [folder / "cut"]


def test_a_folder_without_runs_is_an_empty_list_and_none_is_an_error(folder):
    assert charlm.runs(folder / "other") == []
    with pytest.raises(UsageError, match="is not there; name a directory of runs"):
        charlm.runs(folder / "nowhere")
    with pytest.raises(UsageError, match="is no directory; name a directory of runs"):
        charlm.runs(folder / "notes.txt")


# --- Configurations


def test_exactly_the_keys_whose_values_differ_are_found(folder, tmp_path):
    corpus = str(folder.parent / "text.txt")
    assert charlm.compare_configs(folder / "cut", folder / "whole") == {
        "model.cell": ("lstm", "gru"),
        "model.num_layers": (1, 2),
    }
    assert charlm.compare_configs(folder / "cut", folder / "cut/last.safetensors") == {}
    (tmp_path / "mine.yaml").write_text((folder / "cut/config.yaml").read_text().replace("seed: 1", "seed: 2"))
    assert charlm.compare_configs(tmp_path / "mine.yaml", folder / "cut") == {"seed": (2, 1)}
    found = charlm.compare_configs(folder / "cut", folder / "bytes")
    assert list(found) == [
        "corpus.path",
        "corpus.unit",
        "corpus.split.train",
        "corpus.split.valid",
        "corpus.split.test",
    ]
    assert found["corpus.path"][0] == corpus


def test_a_configuration_may_be_json_and_one_that_a_text_completes_has_no_values_to_compare(folder, tmp_path):
    values = yaml.safe_load((folder / "cut/config.yaml").read_text())
    (tmp_path / "mine.json").write_text(json.dumps({**values, "seed": 2}))
    assert charlm.compare_configs(folder / "cut", tmp_path / "mine.json") == {"seed": (1, 2)}
    (tmp_path / "auto.yaml").write_text("corpus: {path: text.txt}\npreset: auto\n")
    for pair in ((folder / "cut", tmp_path / "auto.yaml"), (tmp_path / "auto.yaml", folder / "cut")):
        with pytest.raises(UsageError, match=r"auto\.yaml: preset: auto chooses by a text, and none is read here"):
            charlm.compare_configs(*pair)


def test_a_checkpoint_of_a_version_without_a_key_has_what_was_meant_then(folder, tmp_path):
    tensors, metadata = checkpoint.load(folder / "cut/last.safetensors")
    del metadata["config"]["model"]["ngram"]
    checkpoint.save(tmp_path / "old.safetensors", tensors, metadata)
    assert charlm.compare_configs(tmp_path / "old.safetensors", folder / "cut") == {}
    metadata["config"]["model"]["attention"] = 8
    checkpoint.save(tmp_path / "later.safetensors", tensors, metadata)
    with pytest.raises(CharlmError, match="attention"):
        charlm.compare_configs(tmp_path / "later.safetensors", folder / "cut")
