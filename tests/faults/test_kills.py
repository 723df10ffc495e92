"""Trainings that are killed at random instants, again and again, and end in the bytes of one that never was."""

import contextlib
import os
import random
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Any, Protocol
from unittest.mock import patch

import pytest

from charlm.cells import NAMES as CELLS
from charlm.config import Config, dump_yaml, load
from charlm.files.rundir import FILES, LAST, STAGED, left_in
from charlm.training.optimizers import NAMES as OPTIMIZERS
from charlm.training.schedules import NAMES as SCHEDULES
from tests.jobs import MPIEXEC, Forked, Started, job, ranks_of
from tests.networks import FUSED
from tests.runs import EVERYTHING, configured, corpus_file, finish, start, state

pytestmark = [
    pytest.mark.skipif(os.name == "nt", reason="there is no SIGKILL and no fork"),
    pytest.mark.filterwarnings("ignore:.*use of fork:DeprecationWarning"),  # the forked process leaves threads alone
]

# Every file is written several times in a run, at steps that coincide and that do not.
BUSY: dict[str, Any] = {
    "training__max_steps": 30,
    "training__log_every": 2,
    "training__checkpoint_every": 3,
    "training__eval_every": 5,
    "training__sample_every": 7,
    "training__sample_length": 10,
}
DIVERGING: dict[str, Any] = {  # four times, and then no longer
    "training__on_nonfinite": "rollback",
    "training__clip_norm": None,
    "training__checkpoint_every": 6,
    "training__log_every": 4,
    "optimizer__name": "sgd",
    "optimizer__momentum": 0.9,
    "optimizer__learning_rate": 3e38,
    "schedule__name": "cosine",
}
MOMENT = 0.01  # seconds that it takes to replace the files of a run
LONGER = 50  # steps of a run that gets another length


class Process(Protocol):
    """A training in a process of its own."""

    pid: int
    output: Path

    def kill(self) -> None: ...

    def wait(self) -> int: ...


Launch = Callable[[list[str | Path], Path], Process]


@dataclass
class Life:
    """A run that is killed and taken up again, until it has come to its end.

    Attributes
    ----------
    run : Path
        Its directory.
    config : Path
        Its configuration.
    launch : callable
        Starts a training in a process.
    seconds : float
        How long it takes when nothing kills it.
    chance : random.Random
        The source of the instants.
    kills : list of str
        What was there when it was killed.
    """

    run: Path
    config: Path
    launch: Launch
    seconds: float
    chance: random.Random
    kills: list[str] = field(default_factory=list)

    def command(self) -> list[str | Path]:
        """Return what a person does now."""
        if (self.run / LAST).exists():
            return ["--resume", self.run, "--quiet"]
        return [self.config, "--out", self.run, "--quiet"]

    def instant(self, process: Process) -> None:
        """Wait until the process is to be killed."""
        time.sleep(self.chance.uniform(0, self.seconds))

    def strike(self, process: Process) -> bool:
        """Kill the process, and return whether that ended it; an end of its own must be a good one."""
        process.kill()
        status = process.wait()
        assert status in (0, -signal.SIGKILL), (self.kills, process.output.read_text())
        return status != 0

    def live(self, kills: int) -> list[str]:
        """Kill the run at most so many times, let it end, and return what was there at each kill."""
        for _ in range(kills):
            process = self.launch(self.command(), self.run.with_suffix(".txt"))
            self.instant(process)
            if not self.strike(process):
                break
            hidden = [path.name for path in self.run.glob(".*")]
            done = f"step {left_in(self.run).step}" if (self.run / LAST).exists() else "nothing"
            self.kills.append(" ".join([done, *hidden]))
        else:
            process = self.launch(self.command(), self.run.with_suffix(".txt"))
            assert process.wait() == 0, (self.kills, process.output.read_text())
        return self.kills


@dataclass
class Replacement(Life):
    """A run that replaces another one, and is killed while it does, or later."""

    def __post_init__(self) -> None:
        old = configured(self.config.with_name("text.txt"), **BUSY, seed=9)
        finish(start(self.run, old))
        self.before = contents(self.run)

    def command(self) -> list[str | Path]:
        if (self.run / LAST).read_bytes() != self.before[LAST]:
            return ["--resume", self.run, "--quiet"]
        assert contents(self.run) == self.before, self.kills
        return [self.config, "--out", self.run, "--force", "--quiet"]

    def instant(self, process: Process) -> None:
        wait_for(self.run / STAGED, 2 * self.seconds)
        time.sleep(self.chance.uniform(0, MOMENT))


@dataclass
class Change(Life):
    """A finished run that gets another length, and is killed while it does, or later."""

    def __post_init__(self) -> None:
        finish(start(self.run, load(self.config)))

    def command(self) -> list[str | Path]:
        return ["--resume", self.run, "--max-steps", str(LONGER), "--quiet"]

    def instant(self, process: Process) -> None:
        if self.chance.random() < 0.5:
            wait_for(self.run / STAGED, self.seconds)
        time.sleep(self.chance.uniform(0, MOMENT))


@dataclass
class Job(Life):
    """An MPI job of which one rank is killed, or all of it."""

    def strike(self, process: Process) -> bool:
        everybody = job(process.pid)
        if self.chance.random() < 0.5:
            victims, good = ranks_of(process.pid), range(256)  # the launcher tells in its own way
            victims = [self.chance.choice(victims)] if victims else []
        else:
            victims, good = self.chance.sample(everybody, len(everybody)), range(-signal.SIGKILL, 1)
        for pid in victims:
            kill(pid)
        status = process.wait()
        assert status in good, (self.kills, process.output.read_text())
        for pid in everybody:
            wait_for_the_end_of(pid)
        return status != 0


@dataclass
class Interruption(Life):
    """A run that is asked to end, once or several times, by signals that can be handled."""

    def strike(self, process: Process) -> bool:
        numbers = self.chance.choices([signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGXCPU], k=3)
        numbers = numbers[: self.chance.choice([1, 1, 2, 3])]
        for number in numbers:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process.pid, number)
        status = process.wait()
        assert status in {0, *numbers_of(numbers)}, (self.kills, process.output.read_text())
        assert "Traceback" not in process.output.read_text()
        assert status < 0 or not list(self.run.glob(".*")), (self.kills, status)
        return status != 0


def numbers_of(signals: list[signal.Signals]) -> set[int]:
    """Return the exit statuses that tell of signals; the negative ones are of those that came before they mattered."""
    return {128 + number for number in signals} | {-number for number in signals}


def kill(pid: int) -> None:
    """Kill a process that may have ended by now."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def contents(run: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in run.iterdir() if path.name[0] != "."}


def wait_for(path: Path, seconds: float) -> None:
    """Wait until a file is there, but not longer than some time."""
    deadline = time.monotonic() + seconds
    while not path.exists() and time.monotonic() < deadline:
        pass


def wait_for_the_end_of(pid: int) -> None:
    """Wait until a process, which may not be a child of this one, does nothing any more."""
    for _ in range(1000):
        shown = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False)
        if shown.stdout.strip()[:1] in ("", "Z"):
            return
        time.sleep(0.01)
    pytest.fail(f"process {pid} does not end")


@dataclass(frozen=True)
class Case:
    """What is trained, how it is started and killed, and how often in the long test."""

    changes: dict[str, Any]
    kills: int
    life: type[Life] = Life
    launch: Launch = Forked


def two_ranks(arguments: list[str | Path], output: Path) -> Process:
    return Started(arguments, output, ranks=2)


def various(number: int) -> dict[str, Any]:
    """Return settings in which optimizers, schedules and what else a run carries take turns."""
    return {
        **(EVERYTHING if number % 3 else {"schedule__name": SCHEDULES[number // 3 % len(SCHEDULES)]}),
        "training__ema": (0.9, None)[number % 2],
        "optimizer__name": OPTIMIZERS[number % len(OPTIMIZERS)],
        "optimizer__learning_rate": 0.01,
        "workers": 1 + number % 2,
    }


CASES = {
    f"{cell}, {mode}, {kernels}": Case(
        {**various(number), "model__cell": cell, "corpus__mode": mode, "kernels": kernels},
        20 if kernels == "numpy" else 10,
    )
    for number, (kernels, cell, mode) in enumerate(product(("numpy", "fused"), CELLS, ("stream", "lines")))
}
CASES["files of megabytes"] = Case({"model__hidden_size": 192, "model__cell": "lstm"}, 30)
CASES["a replacement"] = Case(EVERYTHING, 60, Replacement)
CASES["another length"] = Case({"model__cell": "lstm", "training__ema": 0.9}, 40, Change)
CASES["rollbacks"] = Case(DIVERGING, 40)
CASES["an n-gram"] = Case({**EVERYTHING, "model__ngram__order": 4, "workers": 2}, 20)
CASES["the command line"] = Case(EVERYTHING, 10, launch=Started)
CASES["signals"] = Case(EVERYTHING, 50, Interruption)
CASES["two ranks"] = Case({**EVERYTHING, "model__ngram__order": 3}, 20, Job, two_ranks)


def check(folder: Path, name: str, kills: int, seed: int) -> None:
    """Kill runs of a case so many times in all, and compare what each comes to."""
    if "fused" in name and not FUSED:
        pytest.skip("needs Numba")
    if "ranks" in name:
        pytest.importorskip("mpi4py", reason="needs the mpi extra")
        if MPIEXEC is None:
            pytest.skip("needs mpiexec, which the mpi extra brings")
    case = CASES[name]
    chance, killed, lives = random.Random(f"{name} {seed}"), list[str](), 0
    config = configured(corpus_file(folder), **{**BUSY, **case.changes})
    (folder / "run.yaml").write_text(dump_yaml(config), encoding="utf-8")
    uncut, seconds = the_uncut(folder, case, config)
    while len(killed) < kills:
        life = case.life(folder / f"run-{lives}", folder / "run.yaml", case.launch, seconds, chance)
        killed += life.live(min(kills - len(killed), chance.randint(1, 6)))
        where = f"{name}, seed {seed}, run {lives}, killed at {life.kills}"
        assert state(life.run) == uncut, where
        assert {path.name for path in life.run.iterdir()} == set(FILES), where
        lives += 1
        assert lives < 10 + 10 * kills, "no kill hits"
    writing = sum(".tmp" in state for state in killed)
    print(f"{name}, seed {seed}: {kills} kills in {lives} runs, {writing} while a file was written")


def the_uncut(folder: Path, case: Case, config: Config) -> tuple[dict[str, Any], float]:
    """Return how a run ends that nothing kills, and how long that takes a process."""
    if config.kernels == "fused":
        finish(start(folder / "first", config))  # what is compiled here is so in the forked processes
    began = time.monotonic()
    assert case.launch([folder / "run.yaml", "--out", folder / "uncut"], folder / "uncut.txt").wait() == 0
    seconds = time.monotonic() - began
    if case.life is Change:
        process = case.launch(["--resume", folder / "uncut", "--max-steps", str(LONGER)], folder / "uncut.txt")
        assert process.wait() == 0
    return state(folder / "uncut"), seconds


QUICK = {name: 2 if "stream" in name else 1 for name in CASES if "fused" not in name}
QUICK |= {"lstm, lines, fused": 2, "a replacement": 6, "signals": 6}


@pytest.mark.parametrize("name", QUICK)
@patch("os.fsync", lambda descriptor: None)
def test_a_killed_run_ends_as_one_never_killed(tmp_path, name):
    check(tmp_path, name, QUICK[name], seed=1)


@pytest.mark.faults
@pytest.mark.parametrize("name", CASES)
def test_500_kills_lose_nothing(tmp_path, name):
    check(tmp_path, name, CASES[name].kills, seed=2)
