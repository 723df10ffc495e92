"""A run that is cut anywhere and resumed ends in the bytes of one that never was."""

import os
import random
import re
import signal
import subprocess
import sys
import time
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import charlm
from charlm.cells import NAMES as CELLS
from charlm.config import dump_yaml
from charlm.errors import CharlmError, CorpusError, UsageError
from charlm.files import checkpoint
from charlm.files.rundir import left_in
from charlm.training.optimizers import NAMES as OPTIMIZERS
from charlm.training.schedules import NAMES as SCHEDULES
from tests.conftest import ROOT
from tests.networks import FUSED
from tests.runs import EVERYTHING, advance, configured, corpus_file, finish, resume, start, state

CASES: dict[str, dict[str, Any]] = {
    **{
        f"{cell} in {mode} mode": {"model__cell": cell, "corpus__mode": mode, **EVERYTHING}
        for cell, mode in product(CELLS, ("stream", "lines"))
    },
    **{f"the schedule {name}": {"schedule__name": name, "schedule__warmup_steps": 5} for name in SCHEDULES},
    **{f"the optimizer {name}": {"optimizer__name": name, "optimizer__learning_rate": 1e-2} for name in OPTIMIZERS},
    "nesterov": {"optimizer__name": "sgd", "optimizer__momentum": 0.9, "optimizer__nesterov": True},
    "two workers": {**EVERYTHING, "workers": 2},
    "three workers of unequal shares": {**EVERYTHING, "workers": 3, "corpus__mode": "lines"},
    "tied weights": {"model__embedding_size": 8, "model__tie_weights": True, "model__dropout": {"input": 0.2}},
    "float64": {**EVERYTHING, "model__dtype": "float64"},
    "bytes": {"corpus__unit": "byte", "corpus__split": {"train": 0.8, "valid": 0.2, "test": 0, "layout": "stripes"}},
    "locked masks": {"model__dropout": {"input": 0.2, "output": 0.2, "locked": True}, "training__ema": 0.5},
    "an epoch in epochs": {"training__max_steps": None, "training__epochs": 0.7},
    "several epochs": {"training__batch_size": 8, "training__seq_length": 24, "training__max_steps": 24},
    "no validation": {"corpus__split": {"train": 1.0, "valid": 0.0, "test": 0.0}},
    "an early end": {"training__early_stopping": 1, "training__eval_every": 2, "optimizer__learning_rate": 0.5},
}


if FUSED:
    for cell, workers in (("lstm", 2), ("gru", 1)):
        CASES[f"fused kernels, {cell}"] = {**EVERYTHING, "model__cell": cell, "kernels": "fused", "workers": workers}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_a_cut_run_ends_as_one_never_cut(tmp_path, case):
    config = configured(corpus_file(tmp_path), **case)
    uncut = state(finish(start(tmp_path / "uncut", config)))
    cut = tmp_path / "cut"
    run = start(cut, config)
    advance(run, 3)
    run.save()  # as after Ctrl-C
    run.close()
    for steps in (4, 9):  # lost without a word, in the middle of an interval of metrics and after a sample
        run = resume(cut)
        advance(run, steps)
        run.close()
    assert state(finish(resume(cut))) == uncut


def test_a_run_can_be_cut_after_every_single_step(tmp_path):
    config = configured(corpus_file(tmp_path), **EVERYTHING, workers=2)
    uncut = state(finish(start(tmp_path / "uncut", config)))
    run = start(tmp_path / "cut", config)
    while not run.finished:
        advance(run, 1)
        run.save()
        run.close()
        run = resume(tmp_path / "cut")
    run.close()
    assert state(tmp_path / "cut") == uncut


def test_the_cases_above_do_what_they_are_there_for(tmp_path):
    path = corpus_file(tmp_path)
    plain = state(finish(start(tmp_path / "plain", configured(path))))["tensors"]
    dropped = state(finish(start(tmp_path / "all", configured(path, **EVERYTHING))))
    assert dropped["metadata"]["run"]["standing"]["plateaus"] >= 1
    assert "training.weights" in dropped["tensors"]
    assert dropped["tensors"]["decoder.weight"] != plain["decoder.weight"]
    early = finish(start(tmp_path / "early", configured(path, **CASES["an early end"])))
    assert left_in(early).stopped
    assert left_in(early).step < left_in(early).total_steps
    several = start(tmp_path / "several", configured(path, **CASES["several epochs"]))
    assert several.record.total_steps > 2 * several.windows.steps_per_epoch
    several.close()


@pytest.mark.parametrize("lost", ["optimizer.mean", "optimizer.square", "state.h_l0", "state.c_l1", "weights"])
def test_a_resume_that_forgot_something_would_be_noticed(tmp_path, lost):
    config = configured(corpus_file(tmp_path), **EVERYTHING, model__cell="lstm")
    uncut = state(finish(start(tmp_path / "uncut", config)))
    run = start(tmp_path / "cut", config)
    advance(run, 10)
    run.close()
    tensors, metadata = checkpoint.load(tmp_path / "cut" / "last.safetensors")
    tensors[f"training.{lost}"] = np.zeros_like(tensors[f"training.{lost}"])
    checkpoint.save(tmp_path / "cut" / "last.safetensors", tensors, metadata)
    assert state(finish(resume(tmp_path / "cut")))["tensors"] != uncut["tensors"]


def test_equal_seeds_give_equal_runs_and_others_do_not(tmp_path):
    path = corpus_file(tmp_path)
    one, same, other = (
        state(finish(start(tmp_path / name, configured(path, seed=seed))))
        for name, seed in [("a", 1), ("b", 1), ("c", 2)]
    )
    assert one == same
    assert one["tensors"] != other["tensors"]


# --- In real processes


def train(arguments, **options):
    """Start `charlm train` in a process of its own, which listens to Ctrl-C whatever this one does."""
    code = "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
    code += f"from charlm.cli import main; sys.exit(main({['train', *map(str, arguments)]!r}))"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "env": environment, **options}
    return subprocess.Popen([sys.executable, "-c", code], **options)


def wait_for_lines(process, directory: Path, lines: int) -> bool:
    """Wait until a run has written so many lines of metrics; False if it ended before."""
    path = directory / "metrics.jsonl"
    while process.poll() is None:
        if path.exists() and path.read_bytes().count(b"\n") >= lines:
            return True
        time.sleep(0.002)
    return False


LONGER = {
    **EVERYTHING,
    "model__hidden_size": 16,
    "training__seq_length": 16,
    "training__max_steps": 500,
    "training__eval_every": 70,
    "training__checkpoint_every": 45,
}


@pytest.fixture(scope="module")
def longer(tmp_path_factory):
    """Return a configuration file of a run of a second or two, and how that run ends when nothing cuts it."""
    folder = tmp_path_factory.mktemp("longer")
    config = configured(corpus_file(folder, 3_000), **LONGER)
    (folder / "longer.yaml").write_text(dump_yaml(config), encoding="utf-8")
    return folder / "longer.yaml", state(finish(start(folder / "uncut", config)))


@pytest.mark.skipif(os.name == "nt", reason="there is no kill -9")
def test_kill_9_at_random_moments_loses_nothing_that_was_saved(tmp_path, longer):
    config, uncut = longer
    random.seed(2)
    run, arguments, kills = tmp_path / "run", [config, "--out", tmp_path / "run", "--quiet"], 0
    for lines in (1, 30, 70):
        process = train(arguments)
        if wait_for_lines(process, run, lines):
            time.sleep(random.random() / 20)
            process.kill()
            kills += 1
        assert process.communicate(timeout=60)[1] == b""
        arguments = ["--resume", run, "--quiet"]
    process = train(arguments)
    assert process.communicate(timeout=60) == (b"", b"")
    assert process.returncode == 0
    assert kills == 3
    assert state(run) == uncut
    assert not list(run.glob(".*")), "a temporary file was left behind"


@pytest.mark.skipif(os.name == "nt", reason="signals cannot be sent to one process there")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_saves_says_how_to_go_on_and_loses_nothing(tmp_path, longer, number):
    config, uncut = longer
    run = tmp_path / "a run"
    process = train([config, "--out", run])
    assert wait_for_lines(process, run, 12)
    process.send_signal(number)
    output, message = process.communicate(timeout=60)
    assert (process.returncode, output) == (128 + number, b"")
    step = left_in(run).step
    lines = message.decode().splitlines()
    assert "stopping after this step; another Ctrl-C stops at once, without saving" in lines
    assert lines[-2:] == [
        f"stopped after step {step:,}, saved; go on with:",
        f"  charlm train --resume '{run}'",
    ]
    assert 0 < step < 500
    again = train(["--resume", run])
    _, message = again.communicate(timeout=60)
    assert again.returncode == 0
    assert f"going on after step {step:,}\n" in message.decode()
    assert state(run) == uncut


@pytest.mark.skipif(os.name == "nt", reason="signals cannot be sent to one process there")
def test_a_second_ctrl_c_stops_at_once_and_tears_nothing(tmp_path, longer):
    config, uncut = longer
    run = tmp_path / "run"
    process = train([config, "--out", run])
    assert wait_for_lines(process, run, 12)
    process.send_signal(signal.SIGINT)
    process.send_signal(signal.SIGINT)
    _, message = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "go on with:\n  charlm train --resume" in message.decode()
    assert "Traceback" not in message.decode()
    assert state(finish(resume(run))) == uncut


# --- What cannot be resumed, and what can


def test_a_run_begins_with_a_checkpoint(tmp_path):
    run = start(tmp_path / "run", configured(corpus_file(tmp_path)))
    run.close()
    assert left_in(tmp_path / "run").step == 0


def test_a_directory_without_a_checkpoint_says_so(tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match=r"empty: holds no run to resume; .* start it again"):
        left_in(tmp_path / "empty")
    (tmp_path / "empty" / "config.yaml").touch()
    with pytest.raises(UsageError, match=r"has config.yaml but no last.safetensors .* start the run anew"):
        left_in(tmp_path / "empty")
    with pytest.raises(UsageError, match="nowhere: no such run or file"):
        left_in(tmp_path / "nowhere")


def test_the_best_checkpoint_holds_no_training_to_resume(tmp_path):
    directory = finish(start(tmp_path / "run", configured(corpus_file(tmp_path))))
    with pytest.raises(UsageError, match=r"best.safetensors: holds a model but no training .* from its weights"):
        resume(directory / "best.safetensors")


def test_a_changed_corpus_is_refused(tmp_path):
    path = corpus_file(tmp_path)
    run = start(tmp_path / "run", configured(path))
    run.close()
    path.write_text(path.read_text().swapcase())
    with pytest.raises(CorpusError, match=r"run: the corpus .*text.txt is not the text .* put that back"):
        resume(tmp_path / "run")


def test_a_missing_corpus_is_told_with_the_run_and_the_folder(tmp_path, monkeypatch):
    corpus_file(tmp_path)
    monkeypatch.chdir(tmp_path)
    start(tmp_path / "run", configured("text.txt")).close()
    (tmp_path / "text.txt").unlink()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    with pytest.raises(CharlmError) as caught:
        resume(tmp_path / "run")
    assert str(caught.value) == (
        f"{tmp_path / 'run'}: its corpus cannot be read again: text.txt: there is no such file "
        f"(paths are relative to {elsewhere}); if it was moved, say where it is now"
    )


def test_a_corpus_named_from_another_directory_is_found_from_the_run(tmp_path, monkeypatch):
    corpus_file(tmp_path)
    monkeypatch.chdir(tmp_path)
    start(Path("runs") / "run", configured("text.txt")).close()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    run = resume(tmp_path / "runs" / "run")
    run.close()
    assert f"corpus read from {tmp_path / 'text.txt'}" in run.notes


def test_a_run_can_be_moved(tmp_path):
    config = configured(corpus_file(tmp_path))
    uncut = state(finish(start(tmp_path / "uncut", config)))
    run = start(tmp_path / "here", config)
    advance(run, 7)
    run.close()
    (tmp_path / "here").rename(tmp_path / "there")
    assert state(finish(resume(tmp_path / "there" / "last.safetensors"))) == uncut


def test_another_number_of_ranks_is_refused(tmp_path):
    run = start(tmp_path / "run", configured(corpus_file(tmp_path)))
    run.record.ranks = 2
    run.save()
    run.close()
    with pytest.raises(UsageError, match="was trained by 2 MPI ranks; resume it with as many, not 1"):
        resume(tmp_path / "run")


@pytest.mark.parametrize("key", ["threads", "standing", "total_steps", "interval"])
def test_training_kept_in_another_way_is_told_in_one_line(tmp_path, key):
    run = start(tmp_path / "run", configured(corpus_file(tmp_path)))
    run.close()
    tensors, metadata = checkpoint.load(tmp_path / "run" / "last.safetensors")
    del metadata["run"][key]
    checkpoint.save(tmp_path / "run" / "last.safetensors", tensors, metadata)
    with pytest.raises(CharlmError, match="another version of charlm"):
        resume(tmp_path / "run")


@pytest.mark.parametrize(
    ("workers", "threads"), [(2, [1, 1, 2]), (2, [2, 1, 1]), (1, [1, 1, 1])], ids=["processes", "threads", "one"]
)
def test_a_run_whose_workers_could_be_processes_goes_on_with_as_many_threads(tmp_path, workers, threads):
    """As the version before wrote it: threads, threads a product, processes."""
    config = configured(corpus_file(tmp_path), workers=workers)
    uncut = start(tmp_path / "uncut", config)
    run = start(tmp_path / "cut", config)
    advance(run, 10)
    run.save()
    run.close()
    tensors, metadata = checkpoint.load(tmp_path / "cut" / "last.safetensors")
    metadata["run"]["threads"] = threads
    checkpoint.save(tmp_path / "cut" / "last.safetensors", tensors, metadata)
    run = resume(tmp_path / "cut")
    assert run.team.workers == workers
    finished, expected = state(finish(run)), state(finish(uncut))
    for each in (finished, expected):
        del each["metadata"]["run"]["threads"]  # how many threads a product may use depends on the machine's cores
    assert finished == expected


def test_lost_lines_of_metrics_are_told_and_do_not_stop_a_resume(tmp_path):
    run = start(tmp_path / "run", configured(corpus_file(tmp_path)))
    advance(run, 10)
    run.save()
    run.close()
    (tmp_path / "run" / "metrics.jsonl").write_text("")
    (tmp_path / "run" / "samples.txt").unlink()
    run = resume(tmp_path / "run")
    told = [note for note in run.warnings if "has lost some of what the run wrote" in note]
    assert len(told) == 2
    finish(run)
    assert (tmp_path / "run" / "metrics.jsonl").read_text().startswith('{"step": 12,')


def test_an_edited_config_is_told_and_a_missing_one_comes_back(tmp_path):
    run = start(tmp_path / "run", configured(corpus_file(tmp_path)))
    run.close()
    path = tmp_path / "run" / "config.yaml"
    written = path.read_bytes()
    path.write_bytes(written.replace(b"max_steps: 24", b"max_steps: 48"))
    run = resume(tmp_path / "run")
    run.close()
    assert f"{path}: was changed; the run keeps the configuration that it began with" in run.warnings
    assert run.record.total_steps == 24
    path.unlink()
    run = resume(tmp_path / "run")
    run.close()
    assert not any("was changed" in note for note in run.warnings)
    assert path.read_bytes() == written


def test_kernels_and_threads_stay_those_of_the_start(tmp_path, monkeypatch):
    run = start(tmp_path / "run", configured(corpus_file(tmp_path), kernels="auto", model__dtype="float64", workers=3))
    run.close()
    monkeypatch.setattr("charlm.workers.split.available_cores", lambda: 64)
    run = resume(tmp_path / "run")
    run.close()
    assert (run.record.kernels, run.model.backend.name, run.record.threads) == ("numpy", "numpy", (3, 1))


def test_a_run_of_a_version_without_separators_goes_on_with_files_joined_as_they_were(tmp_path):
    folder = tmp_path / "texts"
    folder.mkdir()
    for name in "ab":
        (folder / name).write_text((corpus_file(tmp_path).read_text() * 2).strip())
    run = start(tmp_path / "run", configured(folder, corpus__separator=""))
    characters = run.corpus.characters
    run.close()
    last, written = tmp_path / "run" / "last.safetensors", tmp_path / "run" / "config.yaml"
    tensors, metadata = checkpoint.load(last)
    del metadata["config"]["corpus"]["separator"]
    checkpoint.save(last, tensors, metadata)
    written.write_text(re.sub(r"\n *separator: .*", "", written.read_text()))
    run = resume(tmp_path / "run")
    run.close()
    assert run.corpus.characters == characters
    assert not any("was changed" in note for note in run.notes)
    assert charlm.load(last).config.corpus.separator == ""
    assert len(charlm.load(last).read_part("valid")) == len(run.corpus.valid)
