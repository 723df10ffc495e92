"""A run directory has one writer, a new run replaces an old one whole, and nothing is written through links."""

import errno
import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

import charlm
from charlm.cli import main
from charlm.errors import CharlmError, FileError, UsageError, WriteError
from charlm.files import checkpoint
from charlm.files.lock import Lock, is_held
from charlm.run import Run
from charlm.workers.ranks import Ranks
from tests.conftest import ROOT
from tests.runs import advance, configured, corpus_file, finish, metrics, resume, start, state

POSIX = pytest.mark.skipif(os.name == "nt", reason="there are no such files")
HOLD = """
import sys, time
from pathlib import Path
from charlm.files.lock import Lock, is_held
lock = Lock(Path(sys.argv[1]))
print("held", flush=True)
time.sleep(60)
"""


@pytest.fixture
def run(tmp_path):
    """Return the directory of a run that was cut after some steps."""
    cut = start(tmp_path / "run", configured(corpus_file(tmp_path)))
    advance(cut, 13)
    cut.save()
    cut.close()
    return tmp_path / "run"


@pytest.fixture
def holder(run):
    """Return another process that has the lock of the run."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(run)], stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": str(ROOT)}
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"held\n"
    yield process
    process.kill()
    process.communicate()


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file() and path.name != ".lock"}


# --- One writer


def test_a_second_resume_is_refused_and_told_who_writes(run, holder):
    before = contents(run)
    with pytest.raises(
        WriteError, match=rf"is in use: process {holder.pid} on .* writes to it; wait until it has ended"
    ):
        resume(run)
    assert contents(run) == before


def test_a_run_that_somebody_writes_is_not_replaced(run, holder):
    before = contents(run)
    with pytest.raises(WriteError, match="is in use"):
        start(run, configured(run.parent / "text.txt"), force=True)
    assert contents(run) == before


def test_readers_are_never_refused(run, holder):
    assert checkpoint.read_metadata(run / "last.safetensors")["run"]["standing"]["step"] == 13


@POSIX
def test_a_lock_ends_with_its_process_however_that_ends(run, holder):
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    resume(run).close()


def test_a_second_run_of_the_same_process_is_refused_too(run):
    with resume(run), pytest.raises(WriteError, match="which is this process, writes to it"):
        resume(run)
    resume(run).close()


def test_a_finished_run_leaves_no_lock(run):
    finish(resume(run))
    assert not (run / ".lock").exists()


@pytest.mark.parametrize(
    "again",
    [lambda run: main(["train", "--resume", str(run)]), lambda run: charlm.train(resume=run)],
    ids=["command", "library"],
)
def test_what_a_kill_left_beside_a_finished_run_goes_when_that_is_resumed(run, again):
    finish(resume(run))
    before = contents(run)
    for name in (".lock", ".config.yaml.new"):
        (run / name).touch()
    again(run)
    assert contents(run) == before
    assert not list(run.glob(".*"))


def test_a_finished_run_that_somebody_writes_is_left_alone(run):
    finish(resume(run))
    writer = Lock(run)
    (run / ".config.yaml.new").touch()
    assert main(["train", "--resume", str(run)]) == 0
    assert {file.name for file in run.glob(".*")} == {".lock", ".config.yaml.new"}
    writer.release()


def test_what_a_lock_file_says_reaches_no_terminal_raw(run, holder):
    (run / ".lock").write_text(json.dumps({"host": "\x1b[31m", "process": 1, "space": "x", "boot": "", "since": "\n"}))
    with pytest.raises(WriteError) as caught:
        Lock(run)
    assert str(caught.value).isprintable()


# --- A new run in the place of an old one


def no_space(monkeypatch, after: int) -> None:
    """Let every synchronisation of a file after the first few fail as on a full disk."""
    sync, calls = os.fsync, []

    def fail(descriptor):
        calls.append(descriptor)
        if len(calls) > after:
            raise OSError(errno.ENOSPC, "No space left on device")
        sync(descriptor)

    monkeypatch.setattr("os.fsync", fail)


@pytest.mark.parametrize("after", [0, 1])
def test_a_full_disk_leaves_the_run_that_was_to_be_replaced(run, monkeypatch, after):
    before = contents(run)
    no_space(monkeypatch, after)
    with pytest.raises(WriteError, match="No space left on device"):
        Run.start(run, configured(run.parent / "text.txt"), Ranks(), force=True)
    monkeypatch.undo()
    assert contents(run) == before
    resume(run).close()


def test_a_replaced_run_leaves_nothing_behind(run):
    config = configured(run.parent / "text.txt", training__max_steps=12)
    new = finish(start(run, config, force=True))
    assert state(new) == state(finish(start(run.parent / "fresh", config)))


# --- What lies in a directory that came from somebody else


@POSIX
@pytest.mark.parametrize("name", ["metrics.jsonl", "samples.txt"])
def test_growing_files_are_not_written_through_links(run, name):
    precious = run.parent / "thesis.txt"
    precious.write_text("years of work\n" * 100)
    (run / name).unlink()
    (run / name).symlink_to(precious)
    with pytest.raises(WriteError, match="is a symbolic link, not a file; remove it"):
        resume(run)
    assert precious.read_text() == "years of work\n" * 100


@POSIX
@pytest.mark.parametrize("name", ["metrics.jsonl", "samples.txt", "config.yaml", "last.safetensors"])
def test_named_pipes_are_not_waited_for(run, name):
    (run / name).unlink()
    os.mkfifo(run / name)
    with pytest.raises(CharlmError):
        resume(run)


@POSIX
def test_a_run_directory_may_be_a_link(run):
    (run.parent / "link").symlink_to("run")
    finish(resume(run.parent / "link"))
    assert metrics(run)[-1]["step"] == 24


@pytest.mark.parametrize(
    "sizes",
    [
        {"metrics.jsonl": 0, "samples.txt": 0, "../thesis.txt": 5},
        {"../thesis.txt": 5},
        {"metrics.jsonl": -1, "samples.txt": 0},
        {"metrics.jsonl": 0},
    ],
)
def test_a_checkpoint_names_no_other_file_that_is_cut(run, sizes):
    precious = run.parent / "thesis.txt"
    precious.write_text("years of work")
    tensors, metadata = checkpoint.load(run / "last.safetensors")
    metadata["run"]["sizes"] = sizes
    checkpoint.save(run / "last.safetensors", tensors, metadata)
    with pytest.raises(FileError):
        resume(run)
    assert precious.read_text() == "years of work"


# --- Checkpoints and metrics that are not as the run left them


def test_a_copy_in_the_directory_of_another_run_is_not_resumed(run, tmp_path):
    other = finish(start(tmp_path / "other", configured(tmp_path / "text.txt", seed=9)))
    before = contents(other)
    (other / "last.safetensors").write_bytes((run / "last.safetensors").read_bytes())
    with pytest.raises(UsageError, match="is not the checkpoint of the run in"):
        resume(other)
    assert contents(other) == {**before, "last.safetensors": (run / "last.safetensors").read_bytes()}


def test_a_checkpoint_in_a_directory_of_its_own_goes_on(run, tmp_path):
    alone = tmp_path / "alone"
    alone.mkdir()
    (alone / "last.safetensors").write_bytes((run / "last.safetensors").read_bytes())
    finish(resume(alone))
    assert (alone / "best.safetensors").exists()


def test_edited_metrics_are_cut_at_the_end_of_a_line_and_that_is_told(run):
    path = run / "metrics.jsonl"
    path.write_text(path.read_text().replace('"step": 4,', '"step": 4, "remark": "here it began to learn",'))
    again = resume(run)
    assert any("metrics.jsonl: was changed" in warning for warning in again.warnings)
    finish(again)
    assert [line["step"] for line in metrics(run)] == [4, 6, 8, 12, 16, 18, 20, 24]


def test_half_a_line_that_a_kill_left_is_cut(run):
    with (run / "metrics.jsonl").open("a") as file:
        file.write('{"step": 14, "lo')
    finish(resume(run))
    assert [line["step"] for line in metrics(run)] == [4, 6, 8, 12, 16, 18, 20, 24]


def test_warnings_are_printed_to_those_who_want_no_progress(run, tmp_path, capsys):
    config = run / "config.yaml"
    config.write_text(config.read_text().replace("max_steps: 24", "max_steps: 48"))
    assert main(["train", "--resume", str(run), "--quiet"]) == 0
    assert "config.yaml: was changed" in capsys.readouterr().err


# --- Asking whether somebody writes


def test_a_writer_is_seen_and_not_disturbed(run, holder):
    lock = (run / ".lock").read_bytes()
    assert is_held(run)
    assert (run / ".lock").read_bytes() == lock
    holder.kill()
    holder.wait()
    assert (run / ".lock").exists()
    assert not is_held(run)
    assert (run / ".lock").exists(), "a reader removes nothing"


def test_a_writer_in_this_process_is_seen(run):
    assert not is_held(run)
    lock = Lock(run)
    assert is_held(run)
    lock.release()
    assert not is_held(run)


@POSIX
def test_a_reader_that_asks_at_the_same_instant_keeps_no_writer_out(run):
    import fcntl

    with open(run / ".lock", "w+b") as file:
        fcntl.flock(file, fcntl.LOCK_SH)
        instant = threading.Timer(0.01, lambda: fcntl.flock(file, fcntl.LOCK_UN))
        instant.start()
        Lock(run).release()
        instant.join()
