"""Trainings that are ended from outside, with whatever standard streams: they are saved and go on to the same bytes."""

import os
import signal
import subprocess
import sys
import time
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from charlm.cli import PIPE_CLOSED
from charlm.config import dump_yaml
from charlm.files.rundir import FILES, left_in
from tests.conftest import ROOT
from tests.runs import configured, corpus_file, finish, resume, start, state

pytestmark = pytest.mark.skipif(os.name == "nt", reason="needs a POSIX shell and POSIX signals")

SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP", "SIGXCPU")
STREAMS = ("", "<&-", "2>&-", "<&- >&- 2>&-", "2>/dev/full")
STEPS = 1000
LONG = {"model__hidden_size": 4, "model__dropout": {"output": 0.2}, "training__ema": 0.9,
        "training__max_steps": STEPS, "training__log_every": 20, "training__checkpoint_every": 10_000,
        "training__eval_every": 300, "training__sample_every": 400, "training__sample_length": 5}  # fmt: skip


@pytest.fixture(scope="module")
def long(tmp_path_factory):
    """Return the configuration of a run of a second, and how that ends when nothing ends it before."""
    folder = tmp_path_factory.mktemp("long")
    config = configured(corpus_file(folder), **LONG)
    (folder / "long.yaml").write_text(dump_yaml(config), encoding="utf-8")
    return folder / "long.yaml", state(finish(start(folder / "uncut", config)))


def begin(config: Path, run: Path, redirection: str = "", **options) -> subprocess.Popen[bytes]:
    """Start a training through a shell, and wait until it has logged some steps."""
    arguments = [sys.executable, "-m", "charlm", "train", str(config), "--out", str(run)]
    script = f'trap - INT; exec "$@" {redirection}'
    process = subprocess.Popen(
        ["sh", "-c", script, "sh", *arguments],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        **{"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options},
    )
    metrics = run / "metrics.jsonl"
    deadline = time.monotonic() + 60
    while not metrics.exists() or not metrics.stat().st_size:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.005)
    return process


def check_saved(run: Path, uncut: dict[str, Any]) -> None:
    """Compare a run that was ended, once it has gone on to its end, with one that never was."""
    assert 0 < left_in(run).step < STEPS
    assert {path.name for path in run.iterdir()} <= set(FILES)
    assert state(finish(resume(run))) == uncut


def check_signal(folder: Path, long, name: str, redirection: str) -> None:
    config, uncut = long
    if "full" in redirection and not Path("/dev/full").exists():
        pytest.skip("the system has no /dev/full")
    process = begin(config, folder / "run", redirection)
    process.send_signal(getattr(signal, name))
    output, message = process.communicate(timeout=60)
    assert (process.returncode, output) == (128 + getattr(signal, name), b"")
    assert (message == b"") == ("2>" in redirection)
    assert b"Traceback" not in message
    check_saved(folder / "run", uncut)


@pytest.mark.parametrize(("name", "redirection"), [*zip((*SIGNALS, "SIGTERM"), STREAMS, strict=True)])
def test_a_training_ended_by_a_signal_goes_on_to_the_same_bytes(tmp_path, long, name, redirection):
    check_signal(tmp_path, long, name, redirection)


@pytest.mark.faults
@pytest.mark.parametrize(("name", "redirection"), [*product(SIGNALS, STREAMS)])
def test_no_signal_and_no_stream_loses_anything(tmp_path, long, name, redirection):
    check_signal(tmp_path, long, name, redirection)


def test_a_training_whose_reader_goes_away_goes_on_to_the_same_bytes(tmp_path, long):
    config, uncut = long
    read_end, write_end = os.pipe()
    process = begin(config, tmp_path / "run", stderr=write_end)
    os.close(write_end)
    os.close(read_end)
    process.communicate(timeout=60)
    assert process.returncode in (PIPE_CLOSED, 0)  # only what writes finds out
    if process.returncode == 0:
        assert state(tmp_path / "run") == uncut
    else:
        check_saved(tmp_path / "run", uncut)
