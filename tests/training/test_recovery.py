"""What is said and done when a training diverges."""

import io
import json
import re
import shlex
from math import log

import numpy as np
import pytest

import charlm
from charlm import Changes
from charlm.cli import main
from charlm.config import dump_yaml
from charlm.errors import NotFiniteError
from charlm.run import Run
from charlm.training.recovery import MOST_ROLLBACKS, advice, worse_than_guessing
from charlm.workers.ranks import Ranks
from tests.runs import advance, configured, corpus_file, finish, metrics, resume, start, state

DIVERGING = {"optimizer__name": "sgd", "training__clip_norm": None, "training__on_nonfinite": "rollback"}


def test_advice_names_only_what_is_not_done_already():
    assert advice(0.1, 0, None) == (
        "a lower optimizer.learning_rate (it is 0.1), a schedule.warmup_steps or a training.clip_norm may help"
    )
    assert advice(0.1, 50, 1.0) == "a lower optimizer.learning_rate (it is 0.1) may help"
    assert "a tighter training.clip_norm (it is 5)" in advice(0.1, 50, 5.0)


def test_a_loss_a_little_above_guessing_is_where_training_starts():
    assert not worse_than_guessing(log(65) + 0.1, 65)
    assert worse_than_guessing(log(65) + 1, 65)


def poison(run: Run, steps: set[int]) -> None:
    """Let the gradient be infinite at some steps, the first time that they are done at the full rate."""
    batch, compute = run.batch, run.batch.loss_and_gradients

    def poisoned(inputs, targets, initial, step):
        loss, squares, after = compute(inputs, targets, initial, step)
        rolled_back = run.trainer.status.rollbacks
        return loss, np.inf if step in steps and rolled_back == 0 else squares, after

    batch.loss_and_gradients = poisoned  # type: ignore[method-assign]


def poisoned_start(tmp_path, name: str, **changes) -> Run:
    run = start(tmp_path / name, configured(corpus_file(tmp_path), **DIVERGING, **changes))
    poison(run, {13})
    return run


def test_a_run_that_stops_at_numbers_that_are_not_finite_says_what_is_kept(tmp_path):
    run = start(tmp_path / "run", configured(corpus_file(tmp_path), optimizer__name="sgd"))
    poison(run, {13})
    with pytest.raises(NotFiniteError, match=r"step 14: the gradient's norm is not finite .* keeps step 10"):
        finish(run)


def test_a_rollback_goes_on_from_the_last_checkpoint_at_half_the_rate(tmp_path):
    run = poisoned_start(tmp_path, "run")
    rates = {}
    notes = []
    for update in run.train():
        rates[update.progress.step] = update.progress.learning_rate
        notes += update.notes
    run.close()
    assert rates[10] == pytest.approx(2 * rates[11])
    assert rates[24] == rates[11]
    assert len(notes) == 1
    assert re.match(r"went back to step 10 with optimizer.learning_rate 0.001, because at step 14: .*", notes[0])
    lines = [json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines if "event" in line] == [10]
    steps = [line["step"] for line in lines if "event" not in line]
    assert steps == sorted(set(steps))
    assert steps[-1] == 24


def test_a_run_that_is_extended_after_a_rollback_is_told_the_rate_that_it_goes_on_at(tmp_path):
    finish(poisoned_start(tmp_path, "run", optimizer__learning_rate=0.1))
    with Run.resume(tmp_path / "run", Ranks(), Changes(max_steps=48)) as longer:
        assert any(note.endswith("and goes on at a learning rate of 0.05") for note in longer.notes)
        assert next(longer.train()).progress.learning_rate == 0.05


def test_a_length_in_minutes_is_timed_without_diverging(tmp_path):
    run = start(tmp_path / "run", configured(corpus_file(tmp_path), **DIVERGING, training__max_steps=None,
                                             training__max_minutes=0.01, optimizer__learning_rate=1e30))  # fmt: skip
    assert run.record.total_steps > 3
    run.close()


def test_the_best_loss_is_that_of_the_best_model_also_where_a_rollback_took_its_evaluation_back(tmp_path):
    run = start(tmp_path / "run", configured(corpus_file(tmp_path), **DIVERGING, training__checkpoint_every=10,
                                             training__eval_every=6))  # fmt: skip
    poison(run, {13})  # after the evaluation of step 12, and before the checkpoint of step 20
    compute = run.batch.loss_and_gradients

    def worse(*arguments):
        if run.trainer.status.rollbacks:
            run.batch.parameters.flat[...] *= 3
        return compute(*arguments)

    run.batch.loss_and_gradients = worse  # type: ignore[method-assign]
    finish(run)
    found = charlm.train(resume=tmp_path / "run")
    score = found.load().score(found.load().read_part("valid"))
    assert found.best_loss == pytest.approx(score.loss, rel=1e-5)
    assert found.best_loss < min(entry["valid_loss"] for entry in found.history)
    assert charlm.runs(tmp_path)[0].best_loss == found.best_loss


def test_a_run_that_was_cut_after_a_rollback_resumes_exactly(tmp_path):
    uncut = finish(poisoned_start(tmp_path, "uncut"))
    run = poisoned_start(tmp_path, "run")
    advance(run, 16)  # the thirteen before the rollback, and three after it
    run.close()
    assert state(finish(resume(tmp_path / "run"))) == state(uncut)


def scales(path):
    mixture = charlm.load(path).mixture
    assert mixture is not None
    return mixture.scales


def test_a_rollback_after_an_evaluation_that_is_not_finite_takes_the_scales_of_the_checkpoint(tmp_path):
    run = start(tmp_path / "run", configured(corpus_file(tmp_path), **DIVERGING, model__ngram__order=4,
                                         training__checkpoint_every=10, training__eval_every=6))  # fmt: skip
    advance(run, 15)  # with an evaluation after the checkpoint
    kept = scales(tmp_path / "run/last.safetensors")
    batch, compute = run.batch, run.batch.loss_and_gradients

    def poisoned(inputs, targets, initial, step):
        results = compute(inputs, targets, initial, step)
        if step == 17 and run.trainer.status.rollbacks == 0:  # the evaluation after this step has such weights
            batch.parameters.flat[...] = 3e38
        return results

    batch.loss_and_gradients = poisoned  # type: ignore[method-assign]
    advance(run, 3)
    run.close()
    assert (run.trainer.status.rollbacks, run.trainer.status.step) == (1, 11)
    np.testing.assert_array_equal(scales(tmp_path / "run/last.safetensors"), kept)
    assert metrics(finish(resume(tmp_path / "run")))[-1]["step"] == 24


def test_a_run_goes_back_only_so_often(tmp_path):
    run = start(tmp_path / "run", configured(corpus_file(tmp_path), **DIVERGING))
    batch, compute = run.batch, run.batch.loss_and_gradients
    batch.loss_and_gradients = lambda *a: (np.inf, *compute(*a)[1:])  # type: ignore[method-assign]
    with pytest.raises(NotFiniteError, match="not finite"):
        finish(run)
    events = [json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()]
    assert [event["learning_rate"] for event in events] == [0.002 * 0.5**n for n in range(1, MOST_ROLLBACKS + 1)]


def test_a_diverged_training_is_told_and_its_advice_works(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    config = configured(corpus_file(tmp_path), optimizer__learning_rate=1000.0)
    (tmp_path / "c.yaml").write_text(dump_yaml(config))
    assert main(["train", "c.yaml", "--out", "my run"]) == 0
    lines = capsys.readouterr().err.splitlines()
    assert any("worse than guessing" in line for line in lines)
    assert not any("(best so far)" in line for line in lines)
    place = next(n for n, line in enumerate(lines) if line.startswith("the training has diverged"))
    program, *arguments = shlex.split(lines[place + 1])
    assert program == "charlm"
    assert main([*arguments, "--quiet"]) == 0
    assert (tmp_path / "my run-slower" / "last.safetensors").exists()


def test_a_validation_text_of_another_kind_is_no_diverged_training(tmp_path, capsys):
    (tmp_path / "c.txt").write_text("ab" * 2_000 + "".join(map(chr, range(0x4E00, 0x4E40))) * 8, encoding="utf-8")
    split = {"train": 0.9, "valid": 0.1, "test": 0.0, "layout": "tail"}
    changes = {"corpus__split": split, "training__max_steps": 60, "optimizer__learning_rate": 0.05}
    (tmp_path / "c.yaml").write_text(dump_yaml(configured(tmp_path / "c.txt", **changes)), encoding="utf-8")
    assert main(["train", str(tmp_path / "c.yaml"), "--out", str(tmp_path / "run"), "--quiet"]) == 0
    told = capsys.readouterr().err
    assert told.startswith("the model learned the training text (")
    assert told.endswith("so train on more text, or add --set corpus.split.layout=stripes\n")


def test_a_diverged_training_on_standard_input_is_advised_to_read_it_again(tmp_path, capsys, monkeypatch):
    text = corpus_file(tmp_path).read_bytes()
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text)))
    (tmp_path / "c.yaml").write_text(dump_yaml(configured("-", optimizer__learning_rate=1000.0)))
    assert main(["train", str(tmp_path / "c.yaml"), "--out", str(tmp_path / "run"), "--quiet"]) == 0
    assert capsys.readouterr().err.splitlines()[1].endswith("run-slower < TEXT")


@pytest.mark.parametrize("order", [None, 4])
def test_a_diverged_training_is_told_even_when_quiet(tmp_path, capsys, order):
    config = configured(corpus_file(tmp_path), optimizer__learning_rate=1000.0, model__ngram__order=order)
    (tmp_path / "c.yaml").write_text(dump_yaml(config))
    assert main(["train", str(tmp_path / "c.yaml"), "--out", str(tmp_path / "run"), "--quiet"]) == 0
    assert capsys.readouterr().err.startswith("the training has diverged")
