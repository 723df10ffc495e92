"""A file system of two megabytes that is really full: the last checkpoint stays, and nothing else does."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from charlm.config import dump_yaml
from charlm.errors import CharlmError
from charlm.files import modelfile
from charlm.files.rundir import FILES, LAST
from charlm.run import Run
from charlm.workers.ranks import Ranks
from tests.runs import configured, corpus_file, finish, resume, start, state

SIZE = 2 << 20
PLAN = {"model__hidden_size": 96, "training__max_steps": 8, "training__checkpoint_every": 4, "training__eval_every": 3,
        "training__log_every": 2, "training__sample_every": 5}  # fmt: skip


@pytest.fixture
def disk(tmp_path) -> Iterator[Path]:
    """Return a small file system of its own."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(folder)]
    try:
        subprocess.run(mount, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("no file system can be mounted here; root can on Linux")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def leave_free(disk: Path, size: int) -> None:
    """Fill the file system up to so many bytes."""
    filler = disk / "filler"
    filler.unlink(missing_ok=True)
    free = os.statvfs(disk).f_bavail * os.statvfs(disk).f_frsize
    with filler.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, max(1, free - size))


def test_a_training_that_does_not_fit_keeps_its_last_checkpoint_and_goes_on_when_there_is_space(tmp_path, disk):
    config = configured(corpus_file(tmp_path), **PLAN)
    uncut = finish(start(tmp_path / "uncut", config))
    needed = sum((uncut / name).stat().st_size for name in FILES) + (uncut / LAST).stat().st_size
    assert needed < SIZE
    outcomes = set()
    for share in range(0, 21):
        leave_free(disk, needed * share // 16)
        run, error = disk / "run", None
        try:
            with Run.start(run, config, Ranks()) as training:
                for _ in training.train():
                    pass
        except CharlmError as caught:
            error = caught
            assert "No space left on device" in str(error)
            assert "\n" not in str(error)
        (disk / "filler").unlink()
        if not (run / LAST).exists():
            assert error is not None
            assert not run.exists()
            outcomes.add("not begun")
            continue
        assert not list(run.glob(".*"))
        left = modelfile.load(run / LAST, training=True).metadata["run"]["standing"]["step"]
        assert (left == 8) == (error is None)
        outcomes.add(left)
        assert state(finish(resume(run)) if error else run) == state(uncut)
        for file in run.iterdir():
            file.unlink()
        run.rmdir()
    assert outcomes >= {"not begun", 0, 8}


def test_a_run_that_cannot_be_replaced_for_lack_of_space_is_whole(tmp_path, disk):
    old = finish(start(disk / "run", configured(corpus_file(tmp_path), **PLAN)))
    before = {file.name: file.read_bytes() for file in old.iterdir()}
    leave_free(disk, (old / LAST).stat().st_size // 2)
    with pytest.raises(CharlmError, match="No space left on device; what was there before is unchanged"):
        Run.start(old, configured(tmp_path / "text.txt", **PLAN, seed=9), Ranks(), force=True)
    assert {file.name: file.read_bytes() for file in old.iterdir()} == before


def test_the_command_tells_a_full_disk_in_one_line(tmp_path, disk, run_charlm):
    plan = tmp_path / "plan.yaml"
    plan.write_text(dump_yaml(configured(corpus_file(tmp_path), **PLAN)), encoding="utf-8")
    leave_free(disk, 100_000)
    done = run_charlm("train", plan, "--out", disk / "run", "--quiet")
    assert done.returncode == 1
    assert done.stderr.decode().count("\n") == 1
    assert "No space left on device" in done.stderr.decode()
    assert not (disk / "run").exists()
