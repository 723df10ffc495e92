"""Processes that want to train in one directory at once: one does, the others say so and harm nothing."""

import os
import time
from pathlib import Path

import pytest

from charlm.config import dump_yaml
from charlm.files.rundir import FILES
from tests.jobs import Forked
from tests.runs import EVERYTHING, advance, configured, corpus_file, finish, start, state

pytestmark = [
    pytest.mark.skipif(os.name == "nt", reason="there is no fork"),
    pytest.mark.filterwarnings("ignore:.*use of fork:DeprecationWarning"),
]
PLAN = {**EVERYTHING, "training__max_steps": 60, "training__checkpoint_every": 3}


class Contest:
    """A configuration, how its run ends, and processes that contend for a directory."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.run = folder, folder / "run"
        self.config = configured(corpus_file(folder), **PLAN)
        (folder / "run.yaml").write_text(dump_yaml(self.config), encoding="utf-8")
        self.uncut = state(finish(start(folder / "uncut", self.config)))
        self.begin: list[str | Path] = [folder / "run.yaml", "--out", self.run, "--quiet"]
        self.resume: list[str | Path] = ["--resume", self.run, "--quiet"]

    def at_once(self, number: int, arguments: list[str | Path], pause: float = 0.0) -> list[tuple[int, str]]:
        """Start so many trainings with a pause between them, and return how each ends and what it says."""
        trainings = []
        for each in range(number):
            trainings.append(Forked(arguments, self.folder / f"{each}.txt"))
            time.sleep(pause)
        return [(training.wait(), training.output.read_text()) for training in trainings]


@pytest.fixture
def contest(tmp_path):
    return Contest(tmp_path)


IN_USE = ("is in use: process", "is in use: another process writes to it")  # the second, before the first has said who


def check(contest: Contest, ends: list[tuple[int, str]], refusals: tuple[str, ...]) -> None:
    """Check that what was trained is right, and that whoever did not train it said why."""
    assert any(status == 0 for status, _ in ends), ends
    for status, message in ends:
        if status:
            assert status in (1, 2), ends
            assert any(refusal in message for refusal in refusals), ends
            assert "Traceback" not in message
    assert state(contest.run) == contest.uncut
    assert {path.name for path in contest.run.iterdir()} == set(FILES)


@pytest.mark.parametrize("pause", [0.0, 0.03])
def test_resumes_at_once(contest, pause):
    run = start(contest.run, contest.config)
    advance(run, 7)
    run.close()
    check(contest, contest.at_once(3, contest.resume, pause), IN_USE)


@pytest.mark.parametrize("pause", [0.0, 0.03])
def test_beginnings_at_once(contest, pause):
    ends = contest.at_once(3, contest.begin, pause)
    check(contest, ends, (*IN_USE, "already holds a run"))


@pytest.mark.parametrize("pause", [0.0, 0.03])
def test_replacements_of_a_run_that_is_being_trained(contest, pause):
    check(contest, contest.at_once(3, [*contest.begin, "--force"], pause), IN_USE)
