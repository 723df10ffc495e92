"""Real MPI jobs: the same losses as one process, an exact resume, and an end to the whole job when one rank fails."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import charlm
from charlm.files import checkpoint, modelfile
from tests.jobs import MPIEXEC, in_ranks, ranks_of

pytest.importorskip("mpi4py", reason="needs the mpi extra")
pytestmark = pytest.mark.skipif(MPIEXEC is None, reason="needs mpiexec, which the mpi extra brings")

TEXT = "the quick brown fox jumps over the lazy dog and then the dog sleeps\n" * 40
CONFIG = """
corpus: {path: text.txt}
model: {hidden_size: 12, num_layers: 2, dropout: {input: 0.1, between: 0.2, output: 0.3}}
training:
  {batch_size: 6, seq_length: 5, max_steps: 12, eval_every: 6, log_every: 4, sample_every: 0, clip_norm: 0.2,
   checkpoint_every: 4, reset_probability: 0.2}
workers: 1
kernels: numpy
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "text.txt").write_text(TEXT)
    (tmp_path / "run.yaml").write_text(CONFIG)
    return tmp_path


def command(ranks, *arguments):
    return in_ranks(ranks, [sys.executable, "-m", "charlm", "train", *arguments])


def environment():
    here = str(Path(__file__).parent.parent.parent)
    return {**os.environ, "PYTHONPATH": os.pathsep.join([here, os.environ.get("PYTHONPATH", "")])}


def train(folder, ranks, *arguments):
    return subprocess.run(
        command(ranks, *arguments), cwd=folder, env=environment(), capture_output=True, text=True, timeout=120
    )


def losses(folder, name):
    lines = (folder / name / "metrics.jsonl").read_text().splitlines()
    return [json.loads(line)["loss"] for line in lines]


def weights(path):
    return modelfile.load(path).parameters.flat


def test_two_and_three_ranks_train_as_one_process_does(folder):
    for ranks in (1, 2, 3):
        done = train(folder, ranks, "run.yaml", "--out", f"r{ranks}")
        assert done.returncode == 0, done.stderr
    alone = weights(folder / "r1" / "last.safetensors")
    for ranks in (2, 3):
        np.testing.assert_allclose(losses(folder, f"r{ranks}"), losses(folder, "r1"), rtol=1e-6)
        np.testing.assert_allclose(weights(folder / f"r{ranks}" / "last.safetensors"), alone, atol=2e-5)


def test_ranks_train_what_a_preset_chooses_for_all_of_them(folder):
    options = ("--max-steps", "8", "--set", "model.hidden_size=8", "--set", "seed=3")
    for ranks in (1, 2):
        done = train(folder, ranks, "text.txt", "--out", f"r{ranks}", *options)
        assert done.returncode == 0, done.stderr
        assert done.stderr.count("preset auto") == 1
    assert (folder / "r1/config.yaml").read_text() == (folder / "r2/config.yaml").read_text()
    np.testing.assert_allclose(losses(folder, "r2"), losses(folder, "r1"), rtol=1e-4)


def test_ranks_add_the_same_ngram_to_their_network_as_one_process_does(folder):
    for ranks in (1, 2):
        done = train(folder, ranks, "run.yaml", "--out", f"r{ranks}", "--set", "model.ngram.order=3")
        assert done.returncode == 0, done.stderr
    alone, both = (checkpoint.load(folder / f"r{ranks}" / "best.safetensors")[0] for ranks in (1, 2))
    of_ngram = [name for name in alone if name.startswith("ngram.")]
    assert len(of_ngram) > 5
    for name in of_ngram:
        np.testing.assert_allclose(both[name], alone[name], atol=1e-4 if name == "ngram.scales" else 0)
    assert abs(alone["ngram.scales"] - 0.5).max() > 0.1  # they were fitted
    expected = charlm.load(folder / "r1").score(TEXT[:400]).loss
    assert charlm.load(folder / "r2").score(TEXT[:400]).loss == pytest.approx(expected, abs=1e-4)


def test_a_job_cut_and_resumed_ends_in_the_same_bytes(folder):
    long = ("--set", "training.max_steps=400")
    assert train(folder, 2, "run.yaml", "--out", "whole", *long).returncode == 0
    with started(folder, "cut", *long) as job:
        job.send_signal(signal.SIGTERM)
        _, message = job.communicate(timeout=60)
    assert "charlm train --resume cut" in message
    assert 0 < steps_done(folder / "cut") < 400

    with_three = train(folder, 3, "--resume", "cut")
    assert with_three.returncode == 2
    assert "2 MPI ranks" in with_three.stderr

    assert train(folder, 2, "--resume", "cut").returncode == 0
    assert steps_done(folder / "cut") == 400
    whole, cut = (modelfile.load(folder / name / "last.safetensors", training=True) for name in ("whole", "cut"))
    assert whole.parameters.flat.tobytes() == cut.parameters.flat.tobytes()
    assert {name: array.tobytes() for name, array in whole.training.items()} == {
        name: array.tobytes() for name, array in cut.training.items()
    }


def steps_done(run):
    return modelfile.load(run / "last.safetensors").metadata["run"]["standing"]["step"]


@contextlib.contextmanager
def started(folder, name, *arguments):
    """Start a job of two ranks, and give it over when it has taken its first steps."""
    with subprocess.Popen(
        command(2, "run.yaml", "--out", name, *arguments),
        cwd=folder,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as job:
        wait_for_steps(folder / name)
        yield job


def wait_for_steps(run):
    for _ in range(300):
        metrics = run / "metrics.jsonl"
        if metrics.exists() and metrics.stat().st_size:
            return
        time.sleep(0.1)
    pytest.fail("the job did not take its first steps in 30 s")


def test_a_mistake_that_all_ranks_make_is_reported_once(folder):
    done = train(folder, 3, "run.yaml", "--out", "r", "--set", "model.cell=lstmm")
    assert done.returncode == 2
    (message,) = done.stderr.splitlines()
    assert "'lstmm' is not a cell" in message


ONE_FAILS = """
import sys
from charlm.cli import explain
from charlm.errors import UsageError
from charlm.workers.ranks import find_ranks

ranks = find_ranks()
with ranks.together(explain):
    if ranks.rank == 1:
        raise {error}
    ranks.any(False)  # the others wait here for the one that failed
"""


@pytest.mark.parametrize(
    ("error", "status", "message"),
    [
        ("UsageError('no such file')", 2, "charlm: rank 1 of 2: no such file\n"),
        ("OSError(28, 'No space left on device', 'last.safetensors')", 1,
         "charlm: rank 1 of 2: last.safetensors: No space left on device\n"),
        ("KeyError('x')", 1, "charlm: rank 1 of 2: this is a bug in charlm"),
    ],
    ids=["mistake", "full disk", "bug"],
)  # fmt: skip
def test_a_rank_that_fails_alone_says_why_and_ends_the_job(folder, error, status, message):
    (folder / "one.py").write_text(ONE_FAILS.format(error=error))
    command = in_ranks(2, [sys.executable, "one.py"])
    done = subprocess.run(command, cwd=folder, env=environment(), capture_output=True, text=True, timeout=60)
    assert done.returncode == status
    assert done.stderr.count(message) == 1
    assert ("Traceback" in done.stderr) == ("KeyError" in error)


def test_a_killed_rank_ends_the_job_and_leaves_a_whole_checkpoint(folder):
    with started(folder, "killed", "--set", "training.max_steps=100000") as job:
        os.kill(ranks_of(job.pid)[-1], signal.SIGKILL)
        message = "".join(job.communicate(timeout=60))
    assert job.returncode != 0
    assert "Killed (signal 9)" in message
    saved = modelfile.load(folder / "killed" / "last.safetensors", training=True)  # verified by its checksums
    assert saved.training
