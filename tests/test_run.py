"""A run: what it writes, how it counts its steps, and what it says of what it was given."""

import json
import math
import os
import threading
from itertools import pairwise
from time import sleep

import numpy as np
import pytest

from charlm.config import load
from charlm.errors import NotFiniteError, UsageError, WriteError
from charlm.files import checkpoint, modelfile, rundir
from charlm.files.rundir import left_in
from charlm.inference.scorer import Scorer
from charlm.network.model import Model
from charlm.records import Changes
from charlm.run import Run
from charlm.training.trainer import seconds_per_evaluation
from charlm.workers.ranks import Ranks
from tests.runs import advance, configured, corpus_file, finish, metrics, start

KEYS = ["step", "epoch", "chars", "seconds", "loss", "bits_per_char", "learning_rate", "grad_norm", "chars_per_second"]
VALID_KEYS = ["valid_loss", "valid_bits_per_char"]


@pytest.fixture
def corpus(tmp_path):
    return corpus_file(tmp_path)


# --- The files


def test_a_run_leaves_five_files(tmp_path, corpus):
    directory = finish(start(tmp_path / "deep" / "run", configured(corpus)))
    assert sorted(path.name for path in directory.iterdir()) == [
        "best.safetensors", "config.yaml", "last.safetensors", "metrics.jsonl", "samples.txt"
    ]  # fmt: skip


def test_config_yaml_is_the_configuration_with_every_default(tmp_path, corpus):
    config = configured(corpus)
    directory = finish(start(tmp_path / "run", config))
    assert load(directory / "config.yaml") == config
    assert "reset_probability: 0.02" in (directory / "config.yaml").read_text()


def test_metrics_have_the_keys_of_the_format_at_the_steps_that_were_asked_for(tmp_path, corpus):
    lines = metrics(finish(start(tmp_path / "run", configured(corpus, training__max_steps=26))))
    assert [line["step"] for line in lines] == [4, 6, 8, 12, 16, 18, 20, 24, 26]
    for line in lines:
        scored = line["step"] % 6 == 0 or line["step"] == 26
        assert list(line) == KEYS + VALID_KEYS * scored
        assert line["chars"] == line["step"] * 4 * 8
        assert line["bits_per_char"] == pytest.approx(line["loss"] / math.log(2))
    assert all(early["seconds"] <= late["seconds"] for early, late in pairwise(lines))


def test_metrics_are_means_over_the_steps_since_the_line_before(tmp_path, corpus):
    options = {"training__eval_every": 100, "training__max_steps": 8}
    each = metrics(finish(start(tmp_path / "each", configured(corpus, training__log_every=1, **options))))
    four = metrics(finish(start(tmp_path / "four", configured(corpus, training__log_every=4, **options))))
    for key in ("loss", "grad_norm"):
        assert [line[key] for line in four] == pytest.approx(
            [np.mean([line[key] for line in each[:4]]), np.mean([line[key] for line in each[4:]])]
        )


def test_samples_come_when_they_were_asked_for_and_can_be_turned_off(tmp_path, corpus):
    text = (finish(start(tmp_path / "run", configured(corpus, training__max_steps=20))) / "samples.txt").read_text()
    headings = [line for line in text.splitlines() if line.startswith("--- step ")]
    assert [heading.split(",")[0] for heading in headings] == ["--- step 8", "--- step 16", "--- step 20"]
    assert len(text) == sum(len(heading) + 1 for heading in headings) + 3 * (20 + 2)
    assert (
        finish(start(tmp_path / "none", configured(corpus, training__sample_every=0))) / "samples.txt"
    ).read_text() == ""


def test_the_best_checkpoint_is_that_of_the_lowest_validation_loss(tmp_path, corpus):
    config = configured(corpus, training__eval_every=2, optimizer__learning_rate=1.0)
    directory = finish(start(tmp_path / "run", config))
    scored = {line["step"]: line["valid_loss"] for line in metrics(directory) if "valid_loss" in line}
    history = checkpoint.read_metadata(directory / "best.safetensors")["history"]
    best = min(scored, key=lambda step: scored[step])
    assert 2 < best < 24, "the case shows nothing: choose another learning rate"
    assert history[-1]["step"] == best
    assert [entry["step"] for entry in history] == list(range(2, best + 1, 2))
    last = checkpoint.read_metadata(directory / "last.safetensors")
    assert {entry["step"]: entry["valid_loss"] for entry in last["history"]} == scored


def test_without_validation_there_is_no_best_checkpoint(tmp_path, corpus):
    split = {"train": 0.9, "valid": 0.0, "test": 0.1}
    directory = finish(start(tmp_path / "run", configured(corpus, corpus__split=split)))
    assert not (directory / "best.safetensors").exists()
    assert not any("valid_loss" in line for line in metrics(directory))
    assert rundir.resolve(directory).name == "last.safetensors"


def test_checkpoints_hold_the_average_of_the_weights_where_there_is_one(tmp_path, corpus):
    run = start(tmp_path / "run", configured(corpus, training__ema=0.9))
    directory = finish(run)
    saved = modelfile.load(directory / "last.safetensors", training=True)
    assert np.array_equal(saved.parameters.flat, run.trainer.average.flat)
    assert np.array_equal(saved.training["weights"], run.trainer.parameters.flat)
    assert not np.array_equal(saved.parameters.flat, saved.training["weights"])


def test_the_loss_falls(tmp_path, corpus):
    lines = metrics(finish(start(tmp_path / "run", configured(corpus, training__max_steps=150))))
    assert lines[-1]["valid_loss"] < lines[1]["valid_loss"] - 0.1


# --- The directory


def test_a_run_is_not_replaced_unless_forced(tmp_path, corpus):
    finish(start(tmp_path / "run", configured(corpus)))
    (tmp_path / "run" / "mine.txt").write_text("keep me")
    with pytest.raises(UsageError, match=r"already holds a run .* resume it, replace it, or name another directory"):
        start(tmp_path / "run", configured(corpus))
    start(tmp_path / "run", configured(corpus), force=True).close()
    assert left_in(tmp_path / "run").step == 0
    assert (tmp_path / "run" / "metrics.jsonl").read_text() == ""
    assert not (tmp_path / "run" / "best.safetensors").exists()
    assert (tmp_path / "run" / "mine.txt").read_text() == "keep me"


def test_somebody_elses_config_yaml_is_not_replaced_unless_forced(tmp_path, corpus):
    (tmp_path / "config.yaml").write_text("mine")
    with pytest.raises(UsageError) as caught:
        start(tmp_path, configured(corpus))
    assert "resume" not in str(caught.value)
    assert (tmp_path / "config.yaml").read_text() == "mine"


def test_a_file_in_the_way_is_told_before_the_corpus_is_read(tmp_path):
    (tmp_path / "file").touch()
    for place in (tmp_path / "file", tmp_path / "file" / "run"):
        with pytest.raises(UsageError, match="is a file; name another directory"):
            start(place, configured("nowhere.txt"))


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_is_not_ones_own_is_told_before_the_corpus_is_read(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(WriteError, match="not yours to write in"):
        start(tmp_path / "run", configured("nowhere.txt"))
    tmp_path.chmod(0o700)


def test_planning_writes_nothing(tmp_path, corpus):
    run = Run.plan(tmp_path / "run", configured(corpus), Ranks())
    run.settle()
    run.seconds_per_step(0.01)
    run.close()
    assert [path.name for path in tmp_path.iterdir()] == ["text.txt"]


# --- The length


def test_epochs_become_steps_rounded_up(tmp_path, corpus):
    run = start(tmp_path / "run", configured(corpus, training__max_steps=None, training__epochs=1.01))
    run.close()
    assert run.windows.steps_per_epoch == 1350 // 4 // 8
    assert run.record.total_steps == 43


def test_more_evaluations_than_a_checkpoint_holds_are_refused_before_anything_is_written(tmp_path, corpus):
    many = {"training__max_steps": 1_000_000, "training__eval_every": 2}
    with pytest.raises(UsageError, match=r"eval_every: 2 leads to 500,000 evaluations in 1,000,000 steps, .* to 7$"):
        start(tmp_path / "run", configured(corpus, **many))
    assert not (tmp_path / "run").exists()
    start(tmp_path / "run", configured(corpus, **{**many, "training__eval_every": 7})).close()
    none = {"corpus__split": {"train": 1.0, "valid": 0.0, "test": 0.0}}
    start(tmp_path / "other", configured(corpus, **many, **none)).close()


def test_a_run_is_not_extended_to_more_evaluations_than_a_checkpoint_holds(tmp_path, corpus):
    directory = finish(start(tmp_path / "run", configured(corpus)))
    with pytest.raises(UsageError, match="a checkpoint holds at most 150,000"):
        Run.resume(directory, Ranks(), Changes(max_steps=10**8))
    assert left_in(directory).total_steps == 24


def test_without_a_length_there_are_ten_epochs(tmp_path, corpus):
    run = start(tmp_path / "run", configured(corpus, training__max_steps=None))
    run.close()
    assert run.record.total_steps == 420


def test_minutes_become_steps_by_what_steps_and_evaluations_take_and_are_kept(tmp_path, corpus, monkeypatch):
    monkeypatch.setattr("charlm.run.seconds_per_step", lambda *_: 0.01)
    monkeypatch.setattr("charlm.run.seconds_per_evaluation", lambda _: 0.05)
    config = configured(corpus, training__max_steps=None, training__max_minutes=0.02, training__eval_every=50,
                        training__sample_every=0, schedule__name="linear")  # fmt: skip
    run = start(tmp_path / "run", config)
    total = run.record.total_steps
    assert total == 104, "1.2 seconds less 0.05 for the last evaluation, 0.011 for a step with its share of one"
    assert left_in(tmp_path / "run").total_steps == total
    directory = finish(run)
    assert left_in(directory).step == total
    assert metrics(directory)[-1]["learning_rate"] == pytest.approx(2e-3 / total)


@pytest.mark.parametrize(("other", "steps"), [({"max_steps": 30}, 30), ({"epochs": 2}, 84)])
def test_minutes_beside_another_length_are_the_most_that_it_may_take(tmp_path, corpus, other, steps):
    def total(name, minutes):
        lengths = {f"training__{key}": value for key, value in {"max_steps": None, **other}.items()}
        with start(tmp_path / name, configured(corpus, **lengths, training__max_minutes=minutes)) as run:
            return run.record.total_steps

    assert total("many", 60) == steps
    assert total("few", 1e-9) == 1


def test_minutes_count_what_an_evaluation_with_an_ngram_takes(tmp_path, corpus, monkeypatch):
    fit = Scorer.fit

    def slow(*arguments):
        sleep(0.1)
        fit(*arguments)

    monkeypatch.setattr(Scorer, "fit", slow)
    config = configured(corpus, training__max_steps=None, training__max_minutes=1 / 60, training__eval_every=1,
                        model__ngram__order=3)  # fmt: skip
    run = start(tmp_path / "run", config)
    run.close()
    assert 1 < run.record.total_steps <= 9


def test_what_an_evaluation_takes_is_timed_with_as_many_streams_as_it_has(tmp_path, monkeypatch):
    score, streams = Scorer.score, []

    def watched(*arguments):
        found = score(*arguments)
        streams.append(found.streams)
        return found

    monkeypatch.setattr(Scorer, "score", watched)
    split = {"train": 0.5, "valid": 0.5, "test": 0.0}
    with start(tmp_path / "run", configured(corpus_file(tmp_path, 90_000), corpus__split=split)) as run:
        assert seconds_per_evaluation(run.trainer) > 0
        whole = run.trainer.scorer.score(run.trainer.average, run.trainer.valid).streams
    assert streams[1:] == [whole, whole]
    assert whole == 22


def test_minutes_without_a_validation_text_are_spent_on_steps(tmp_path, corpus):
    split = {"train": 1.0, "valid": 0.0, "test": 0.0}
    run = start(tmp_path / "run", configured(corpus, training__max_steps=None, training__max_minutes=0.002,
                                             corpus__split=split))  # fmt: skip
    assert seconds_per_evaluation(run.trainer) == 0
    assert run.record.total_steps > 1
    assert metrics(finish(run))[-1]["step"] == run.record.total_steps


def test_too_few_minutes_are_one_step(tmp_path, corpus):
    run = start(tmp_path / "run", configured(corpus, training__max_steps=None, training__max_minutes=1e-9))
    run.close()
    assert run.record.total_steps == 1


def test_timing_changes_nothing(tmp_path, corpus):
    run = Run.plan(tmp_path / "run", configured(corpus, training__ema=0.9), Ranks())
    before = run.batch.parameters.flat.copy()
    run.settle()
    assert run.seconds_per_step(0.01) > 0
    run.close()
    assert np.array_equal(run.batch.parameters.flat, before)
    assert np.array_equal(run.trainer.average.flat, before)
    assert run.trainer.status.step == 0
    moments = [array for name, array in run.trainer.snapshot()[0].items() if name.startswith("optimizer.")]
    assert moments
    assert not any(moment.any() for moment in moments)


# --- What is told


def test_a_warm_up_that_never_ends_is_told(tmp_path, corpus):
    config = configured(corpus, training__max_steps=None, training__epochs=1, schedule__warmup_steps=42)
    run = start(tmp_path / "run", config)
    run.close()
    assert any(note.startswith("schedule.warmup_steps is 42 and the run has 42 steps") for note in run.notes)


def test_fewer_workers_than_asked_for_are_told(tmp_path, corpus):
    run = start(tmp_path / "run", configured(corpus, workers=9))
    run.close()
    assert "4 workers, not 9: there are only 4 streams to share" in run.notes


@pytest.mark.parametrize("workers", [1, 2])
def test_numbers_that_run_away_stop_the_run_and_the_last_checkpoint_stays(tmp_path, corpus, workers):
    config = configured(corpus, optimizer__name="sgd", optimizer__learning_rate=1e3, optimizer__weight_decay=1e3,
                        training__checkpoint_every=1, training__eval_every=100, training__sample_every=0,
                        workers=workers)  # fmt: skip
    run = start(tmp_path / "run", config)
    with pytest.raises(NotFiniteError) as caught:
        finish(run)
    run.close()
    kept = left_in(tmp_path / "run").step
    message = str(caught.value)
    assert message.startswith(f"{tmp_path / 'run'}: step {kept + 1}: the weights of ")
    assert "are no longer finite" in message
    assert message.endswith(f"last.safetensors keeps step {kept}")
    assert np.isfinite(modelfile.load(tmp_path / "run" / "last.safetensors").parameters.flat).all()


def test_weights_that_run_away_between_checkpoints_are_seen_in_the_next_loss(tmp_path, corpus):
    config = configured(corpus, optimizer__name="sgd", optimizer__learning_rate=1e3, optimizer__weight_decay=1e3,
                        training__checkpoint_every=100, training__eval_every=100, training__sample_every=0)  # fmt: skip
    run = start(tmp_path / "run", config)
    with pytest.raises(
        NotFiniteError, match=r"step \d+: the .* is not finite \(loss .*\); .*safetensors keeps step 0$"
    ):
        finish(run)
    run.close()


def test_a_gradient_that_is_not_finite_is_named(tmp_path, corpus, monkeypatch):
    run = start(tmp_path / "run", configured(corpus))
    advance(run, 2)
    compute = run.batch.loss_and_gradients

    def broken(*arguments):
        loss, _, state = compute(*arguments)
        run.batch.gradients["decoder.weight"][3, 1] = np.nan
        return loss, run.batch.sum_of_squares(), state

    monkeypatch.setattr(run.batch, "loss_and_gradients", broken)
    with pytest.raises(NotFiniteError, match=r"step 3: the gradient of decoder.weight is not finite \(loss 2\.\d+\)"):
        finish(run)
    run.close()


def test_a_full_disk_is_told_in_one_line(tmp_path, corpus):
    run = start(tmp_path / "run", configured(corpus))
    (tmp_path / "run" / "metrics.jsonl").unlink()
    (tmp_path / "run" / "metrics.jsonl").mkdir()
    with pytest.raises(WriteError, match=r"metrics.jsonl: cannot be written: "):
        finish(run)
    run.close()


def test_metrics_are_json_that_any_reader_reads(tmp_path, corpus):
    directory = finish(start(tmp_path / "run", configured(corpus)))

    def refuse(constant):
        raise AssertionError(constant)

    for line in (directory / "metrics.jsonl").read_text().splitlines():
        json.loads(line, parse_constant=refuse)


def test_a_run_that_cannot_begin_ends_its_threads(tmp_path, corpus):
    before = threading.active_count()
    start(tmp_path / "small", configured(corpus)).close()
    with pytest.raises(UsageError):
        start(tmp_path / "run", configured(corpus, workers=2, model__hidden_size=12), init_from=tmp_path / "small")
    assert threading.active_count() == before


def test_a_run_that_cannot_be_put_together_ends_its_threads(tmp_path, corpus, monkeypatch):
    before = threading.active_count()
    compute = Model.workspace

    def too_large(model, seq_length, batch_size, dropout=None, first_stream=0):
        if first_stream > 0 or dropout is None:
            return compute(model, seq_length, batch_size, dropout, first_stream)
        raise MemoryError

    monkeypatch.setattr(Model, "workspace", too_large)
    with pytest.raises(MemoryError):
        Run.plan(tmp_path / "run", configured(corpus, workers=2), Ranks())
    assert threading.active_count() == before


def test_a_summary_says_what_a_run_is_and_how_far_it_has_come(tmp_path, corpus):
    config = configured(corpus, training__early_stopping=9, training__epochs=2, training__max_steps=None)
    with start(tmp_path / "run", config) as run:
        first = run.summary()
        assert (first.directory, first.kernels, first.split.workers, first.ranks) == (tmp_path / "run", "numpy", 1, 1)
        assert (first.architecture.cell, first.architecture.hidden_size, first.parameters) == ("lstm", 8, 780)
        assert (first.window, first.steps_per_epoch, first.total_steps, first.epochs) == (32, 42, 84, 2)
        assert (first.step, first.best_loss, first.has_validation, first.early_stopping) == (0, None, True, 9)
        advance(run, 7)
        later = run.summary()
        assert (later.step, later.total_steps, later.stopped_early) == (7, 84, False)
        assert later.best_loss == run.history[0]["valid_loss"]


def test_a_run_is_closed_when_its_block_ends(tmp_path, corpus):
    before = threading.active_count()
    with start(tmp_path / "run", configured(corpus, workers=2)) as run:
        assert threading.active_count() > before
    run.close()
    assert threading.active_count() == before
