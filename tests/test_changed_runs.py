"""A run that is taken up again with something changed: its length, where its text is, what computes it."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import charlm as library
from charlm import Changes, cli, train
from charlm.errors import CorpusError, UsageError
from charlm.files import modelfile
from charlm.files.rundir import left_in
from charlm.run import Run
from charlm.workers.ranks import Ranks
from tests.networks import FUSED
from tests.runs import advance, configured, corpus_file, finish, metrics, start, state, unsynced


@unsynced
def changed(directory: Path, **changes: object) -> Run:
    return Run.resume(directory, Ranks(), Changes(**changes))  # type: ignore[arg-type]


@pytest.fixture
def text(tmp_path):
    return corpus_file(tmp_path)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"optimizer__name": "sgd"},
        {"model__ngram__order": 4},
        {"model__ngram__order": 4, "corpus__mode": "lines", "training__ema": 0.9},
    ],
    ids=["adam", "sgd", "with an n-gram", "with an n-gram of lines and an average"],
)
def test_an_extended_run_ends_as_one_that_was_as_long_from_the_start(tmp_path, text, options):
    several = {**options, "training__checkpoint_every": 6}
    longer = finish(start(tmp_path / "longer", configured(text, **several, training__max_steps=48)))
    run = finish(start(tmp_path / "run", configured(text, **several)))
    assert state(run)["tensors"] != state(longer)["tensors"]
    finish(changed(run, max_steps=48))
    assert state(run) == state(longer)


def test_a_run_in_the_middle_can_get_another_length(tmp_path, text):
    longer = finish(start(tmp_path / "longer", configured(text, training__max_steps=48)))
    run = start(tmp_path / "run", configured(text))
    advance(run, 13)
    run.close()
    finish(changed(tmp_path / "run", max_steps=48))
    assert state(tmp_path / "run")["tensors"] == state(longer)["tensors"]


def test_the_new_length_is_kept_for_the_next_resume(tmp_path, text):
    run = finish(start(tmp_path / "run", configured(text)))
    changed(run, max_steps=40).close()
    again = changed(run)
    assert again.record.total_steps == 40
    assert not any("was changed" in note for note in again.notes)
    finish(again)
    assert metrics(run)[-1]["step"] == 40
    assert "max_steps: 40\n" in (run / "config.yaml").read_text()


def test_a_length_in_epochs_counts_the_whole_run(tmp_path, text):
    run = finish(start(tmp_path / "run", configured(text)))
    with changed(run, epochs=3) as longer:
        assert longer.record.total_steps == 3 * longer.windows.steps_per_epoch
        assert (longer.config.training.epochs, longer.config.training.max_steps) == (3, None)


def test_a_length_in_minutes_counts_what_was_spent(tmp_path, text):
    run = finish(start(tmp_path / "run", configured(text)))
    with changed(run, max_minutes=0.02) as longer:
        assert longer.record.total_steps > 24
    with pytest.raises(UsageError, match=r"has trained for .* minutes; give more than that"):
        changed(run, max_minutes=1e-9)


def test_a_length_in_minutes_counts_the_evaluations_that_were_made(tmp_path, text, monkeypatch):
    run = finish(start(tmp_path / "run", configured(text)))
    monkeypatch.setattr("charlm.run.seconds_per_evaluation", lambda _: 60)
    evaluations = sum("valid_loss" in line for line in metrics(run))
    with pytest.raises(UsageError, match=rf"has trained for {evaluations}\S* minutes; give more than that"):
        changed(run, max_minutes=evaluations)


def test_epochs_of_a_run_that_is_extended_may_have_minutes_as_a_bound(tmp_path, text):
    run = finish(start(tmp_path / "run", configured(text)))
    with changed(run, epochs=3, max_minutes=60) as longer:
        assert longer.record.total_steps == 3 * longer.windows.steps_per_epoch


def test_the_new_course_of_the_schedule_is_reported(tmp_path, text):
    run = finish(start(tmp_path / "run", configured(text, schedule__name="cosine", optimizer__learning_rate=0.004)))
    with changed(run, max_steps=48) as longer:
        course = "48 steps instead of 24: the cosine schedule runs to the new end and goes on at a learning rate of "
        assert f"{course}0.002" in longer.notes
        assert next(longer.train()).progress.learning_rate == pytest.approx(0.002)


def test_the_length_that_was_planned_before_early_stopping_is_told_as_such(tmp_path, text):
    early = {"training__early_stopping": 1, "optimizer__name": "sgd", "optimizer__learning_rate": 30.0}
    run = finish(start(tmp_path / "run", configured(text, **early, training__max_steps=240)))
    with changed(run, max_steps=240) as again:
        told = "240 steps, as before: the constant schedule runs to the end and goes on at"
        assert any(note.startswith(told) for note in again.notes)


def test_a_new_length_within_the_warmup_is_told(tmp_path, text):
    start(tmp_path / "run", configured(text, schedule__warmup_steps=20)).close()
    for steps, length in ((1, "1 step"), (20, "20 steps")):
        with pytest.raises(UsageError, match=rf"a length of {length} ends within the warm-up of 20; give more$"):
            changed(tmp_path / "run", max_steps=steps)
    epochs = {"training__max_steps": None, "training__epochs": 1, "schedule__warmup_steps": 9_000}
    other = start(tmp_path / "other", configured(text, **epochs))
    advance(other, 2)
    other.close()
    with changed(tmp_path / "other", epochs=2) as longer:
        assert any("it ends before the learning rate reaches its peak" in note for note in longer.notes)


def test_more_evaluations_than_a_checkpoint_holds_are_refused_with_a_length_that_it_does_hold(tmp_path, text):
    run = finish(start(tmp_path / "run", configured(text)))
    with pytest.raises(UsageError, match=r"holds at most 150,000; give at most ([\d,]+) steps$") as refused:
        changed(run, max_steps=10**12)
    most = int(str(refused.value).split()[-2].replace(",", ""))
    with changed(run, max_steps=most) as longer:
        assert longer.record.total_steps == most


def test_a_configuration_that_somebody_edited_is_not_written_over(tmp_path, text):
    run = finish(start(tmp_path / "run", configured(text)))
    before = state(run)
    file = run / "config.yaml"
    written = file.read_text()
    edited = written.replace("max_steps: 24", "max_steps: 60")
    file.write_text(edited)
    with pytest.raises(UsageError, match=r"config\.yaml: was changed, and .*; .* so move the file away first"):
        changed(run, max_steps=30)
    assert file.read_text() == edited
    file.write_text(written)
    assert state(run) == before
    file.rename(run / "mine.yaml")
    changed(run, max_steps=30).close()
    assert "max_steps: 30\n" in file.read_text()


@pytest.mark.parametrize("order", [None, 4])
def test_the_best_model_stays_until_it_is_beaten(tmp_path, text, order):
    config = configured(text, optimizer__learning_rate=0.2, training__eval_every=4, model__ngram__order=order)
    run = finish(start(tmp_path / "run", config))
    best = (run / "best.safetensors").read_bytes()
    improved = []
    with changed(run, max_steps=48) as longer:
        assert (run / "best.safetensors").read_bytes() == best
        loss = longer.trainer.status.best_loss
        assert loss == min(entry["valid_loss"] for entry in longer.history)
        for update in longer.train():
            before, best = best, (run / "best.safetensors").read_bytes()
            assert (best != before) == update.progress.improved
            improved += [update.progress.improved] if update.progress.score else []
        loss = min(entry["valid_loss"] for entry in longer.history)
    assert set(improved) == {False, True}
    model = library.load(run)
    assert model.path.name == "best.safetensors"
    assert model.score(model.read_part("valid")).loss == pytest.approx(loss, abs=1e-5)


def test_timing_a_new_length_changes_neither_the_weights_nor_the_scales_of_an_ngram(tmp_path, text):
    run = start(tmp_path / "run", configured(text, model__ngram__order=4))
    advance(run, 9)  # three steps after the scales were fitted
    run.save()
    run.close()
    before = state(run.directory.path)["tensors"]
    changed(run.directory.path, max_minutes=0.02).close()
    assert state(run.directory.path)["tensors"] == before


def test_a_run_that_the_preset_began_goes_on_to_a_new_length(tmp_path, capsys):
    text = corpus_file(tmp_path, 9_000)
    run = tmp_path / "run"
    keys = "kernels=numpy", "model.hidden_size=8", "training.eval_every=4", "training.sample_every=0"
    words = ["--epochs", "1", "--quiet", *(word for key in keys for word in ("--set", key))]
    assert cli.main(["train", str(text), "--out", str(run), *words]) == 0
    began, once = library.load_config(run / "config.yaml"), left_in(run)
    best = (run / "best.safetensors").read_bytes()
    assert (began.preset, began.schedule.name, began.model.ngram.order) == (None, "cosine", "auto")
    capsys.readouterr()
    assert cli.main(["train", "--resume", str(run), "--epochs", "3"]) == 0
    told = capsys.readouterr().err
    total, course = 3 * once.total_steps, "the cosine schedule runs to the new end and goes on at a learning rate of "
    assert f"{total} steps instead of {once.total_steps}: {course}" in told
    assert "preset auto" not in told  # it chose once
    assert (left_in(run).step, left_in(run).total_steps) == (total, total)
    longer = library.load_config(run / "config.yaml").to_dict()
    lengths = {"epochs": 3.0, "max_steps": None, "max_minutes": None}
    assert longer == began.to_dict() | {"training": began.to_dict()["training"] | lengths}
    loss, step = min((line["valid_loss"], line["step"]) for line in metrics(run) if "valid_loss" in line)
    assert step > once.step
    assert (run / "best.safetensors").read_bytes() != best
    model = library.load(run)
    assert model.score(model.read_part("valid")).loss == pytest.approx(loss, abs=1e-4)
    assert np.exp(model.log_probabilities("tin ra")).sum(axis=1) == pytest.approx(1, abs=1e-12)


def test_a_run_that_early_stopping_ended_goes_on_with_evaluations_counted_anew(tmp_path, text):
    early = {"training__early_stopping": 1, "optimizer__name": "sgd", "optimizer__learning_rate": 30.0}
    run = finish(start(tmp_path / "run", configured(text, **early, training__max_steps=240)))
    with changed(run, max_steps=480) as longer:
        assert any("early stopping had ended the run" in note for note in longer.notes)
        done = longer.trainer.status.step
        assert next(longer.train()).progress.step == done + 1


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"max_steps": 24}, "has done 24 steps; a length of 24 leaves nothing to do"),
        ({"max_steps": 3}, "has done 24 steps; a length of 3 leaves nothing to do"),
        ({"max_steps": 1}, "has done 24 steps; a length of 1 leaves nothing to do"),
        ({"max_steps": 30, "epochs": 2.0}, "only one of epochs and max_steps may be given"),
        ({"epochs": -1.0}, "training.epochs: must be above 0"),
    ],
)
def test_a_length_that_makes_no_sense_is_refused_and_the_run_stays(tmp_path, text, changes, message):
    run = finish(start(tmp_path / "run", configured(text, schedule__warmup_steps=2)))
    before = state(run)
    with pytest.raises(UsageError, match=message):
        changed(run, **changes)
    assert state(run) == before


def test_a_moved_corpus_can_be_named(tmp_path, text):
    uncut = finish(start(tmp_path / "uncut", configured(text)))
    run = start(tmp_path / "run", configured(text))
    advance(run, 13)
    run.close()
    moved = text.rename(tmp_path / "moved.txt")
    with pytest.raises(CorpusError, match="if it was moved, say where it is now"):
        changed(tmp_path / "run")
    changed(tmp_path / "run", corpus=[moved]).close()
    finish(changed(tmp_path / "run"))  # which remembers it
    assert state(tmp_path / "run")["tensors"] == state(uncut)["tensors"]


def test_another_text_is_refused_in_the_place_of_a_moved_corpus(tmp_path, text):
    start(tmp_path / "run", configured(text)).close()
    other = tmp_path / "other.txt"
    other.write_text(text.read_text().swapcase())
    with pytest.raises(CorpusError, match="is not the text that this run was reading"):
        changed(tmp_path / "run", corpus=(str(other),))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes")
def test_a_device_that_a_checkpoint_names_as_its_corpus_is_not_read(tmp_path, text):
    start(tmp_path / "run", configured(text)).close()
    text.unlink()
    os.mkfifo(text)
    with pytest.raises(CorpusError, match="is neither a file nor a directory"):
        changed(tmp_path / "run")


@pytest.mark.skipif(not FUSED, reason="needs Numba")
def test_other_kernels_are_used_and_reported(tmp_path, text):
    run = start(tmp_path / "run", configured(text, kernels="fused"))
    advance(run, 3)
    run.close()
    with changed(tmp_path / "run", kernels="numpy") as other:
        assert other.model.backend.name == "numpy"
        assert "numpy kernels in place of fused: from here on the last digits are others" in other.notes
    with changed(tmp_path / "run") as again:
        assert again.record.kernels == "numpy"


def charlm(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "charlm", *arguments]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent)}
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)


def advised(message: str) -> list[str]:
    """Return the words of the command that stands on a message's last line."""
    return message.splitlines()[-1].split()


def test_the_command_that_a_finished_run_advises_works(tmp_path, text):
    finish(start(tmp_path / "my run", configured(text)))
    (tmp_path / "run").symlink_to("my run")
    said = charlm("train", "--resume", "run", cwd=tmp_path)
    assert said.returncode == 0
    program, *arguments = advised(said.stderr)
    assert program == "charlm"
    assert charlm(*arguments, "--quiet", cwd=tmp_path).returncode == 0
    assert modelfile.load(tmp_path / "run" / "last.safetensors").metadata["run"]["standing"]["step"] == 48


def test_a_finished_run_remembers_where_its_corpus_is_now(tmp_path, text):
    finish(start(tmp_path / "run", configured(text)))
    moved = text.rename(tmp_path / "moved.txt")
    refused = charlm("train", "--resume", "run", "--corpus", "nothing.txt", cwd=tmp_path)
    assert refused.returncode == 1
    assert "nothing.txt: there is no such file" in refused.stderr
    said = charlm("train", "--resume", "run", "--corpus", str(moved), cwd=tmp_path)
    assert (said.returncode, "run: is finished: all steps are done" in said.stderr) == (0, True)
    program, *arguments = advised(said.stderr)
    assert program == "charlm"
    assert charlm(*arguments, "--quiet", cwd=tmp_path).returncode == 0


def test_the_library_remembers_it_too(tmp_path, text):
    run = finish(start(tmp_path / "run", configured(text)))
    moved = text.rename(tmp_path / "moved.txt")
    assert train(resume=run, changes=Changes(corpus=moved)).finished
    assert train(resume=run, changes=Changes(max_steps=26)).step == 26


def test_a_run_that_was_stopped_early_is_advised_the_length_that_was_planned(tmp_path, text):
    early = {"training__early_stopping": 1, "optimizer__name": "sgd", "optimizer__learning_rate": 30.0}
    finish(start(tmp_path / "run", configured(text, **early, training__max_steps=240)))
    said = charlm("train", "--resume", "run", cwd=tmp_path)
    assert "early stopping ended it" in said.stderr
    assert advised(said.stderr)[-2:] == ["--max-steps", "240"]


def test_a_copy_of_a_checkpoint_beside_its_run_is_not_resumed(tmp_path, text):
    run = finish(start(tmp_path / "run", configured(text)))
    copy = run / "copy.safetensors"
    copy.write_bytes((run / "last.safetensors").read_bytes())
    with pytest.raises(UsageError, match=r"copy\.safetensors: is not the checkpoint of the run in "):
        train(resume=copy)


def test_a_run_without_its_last_checkpoint_goes_on_from_its_best_weights(tmp_path, text):
    run = finish(start(tmp_path / "run", configured(text)))
    (run / "last.safetensors").unlink()
    said = charlm("train", "--resume", "run", "--max-steps", "40", cwd=tmp_path)
    assert said.returncode == 2
    assert "start a run from its weights (`charlm train CONFIG --init-from run`)" in said.stderr
    again = charlm("train", "run/config.yaml", "--init-from", "run", "--out", "again", "--quiet", cwd=tmp_path)
    assert (again.returncode, again.stderr) == (0, "")


def test_eval_reads_a_corpus_that_was_moved_from_where_it_is_now(tmp_path, text):
    run = finish(start(tmp_path / "run", configured(text)))
    before = charlm("eval", str(run), cwd=tmp_path)
    moved = text.rename(tmp_path / "moved.txt")
    gone = charlm("eval", str(run), cwd=tmp_path)
    assert gone.returncode == 1
    assert gone.stderr.rstrip().endswith("if it was moved, say where it is now (--corpus)")
    again = charlm("eval", str(run), "--corpus", str(moved), cwd=tmp_path)
    assert (again.returncode, again.stdout) == (0, before.stdout)
