"""Facts about a team of threads: who is called, in which order, on which core, and what becomes of an error."""

import os
import sys
import threading
from contextlib import suppress
from itertools import count
from threading import Event, Thread

import pytest

from charlm.errors import CharlmError
from charlm.workers.team import Team


def test_a_team_calls_every_worker_and_keeps_their_order():
    team = Team(5)
    assert team.map(lambda worker: worker**2) == [0, 1, 4, 9, 16]
    team.close()


@pytest.mark.parametrize("culprit", [0, 2])
def test_an_error_of_a_worker_is_the_teams(culprit):
    team = Team(3)

    def work(worker: int) -> None:
        if worker == culprit:
            raise CharlmError("no more")

    with pytest.raises(CharlmError, match="no more"):
        team.map(work)
    assert team.map(lambda worker: worker) == [0, 1, 2]
    team.close()


def test_after_an_error_the_next_call_waits_for_the_workers_of_the_last():
    team, slow, ended = Team(3), Event(), []

    def work(worker: int) -> None:
        if worker == 0:
            raise CharlmError("no more")
        slow.wait(10)
        ended.append(worker)

    with pytest.raises(CharlmError, match="no more"):
        team.map(work)
    slow.set()
    assert team.map(lambda worker: worker) == [0, 1, 2]
    assert sorted(ended) == [1, 2]
    team.close()


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="this system does not say where a thread may run")
def test_as_many_workers_as_cores_are_bound_to_one_each_while_they_work():
    cores = os.sched_getaffinity(0)
    team = Team(len(cores))
    bound = team.map(lambda worker: os.sched_getaffinity(0))
    assert sorted(bound, key=min) == [{core} for core in sorted(cores)] or len(cores) == 1
    assert os.sched_getaffinity(0) == cores
    with pytest.raises(CharlmError):
        team.map(_fail)
    assert os.sched_getaffinity(0) == cores
    team.close()
    larger = Team(len(cores) + 1)
    assert larger.map(lambda worker: os.sched_getaffinity(0)) == [cores] * (len(cores) + 1)
    larger.close()


def test_a_team_can_be_closed_wherever_ctrl_c_has_interrupted_it():
    before, code = threading.active_count(), sys.modules[Team.__module__].__file__
    for lines_until_ctrl_c in count(1):
        team, lines = Team(3), 0
        team.map(lambda worker: worker)

        def trace(frame, event, argument, after=lines_until_ctrl_c):
            nonlocal lines
            if frame.f_code.co_filename != code:
                return None
            lines += event == "line"
            if event == "line" and lines == after:
                raise KeyboardInterrupt
            return trace

        sys.settrace(trace)
        with suppress(KeyboardInterrupt):
            team.map(lambda worker: worker)
        sys.settrace(None)
        closing = Thread(target=team.close, daemon=True)
        closing.start()
        closing.join(10)
        assert not closing.is_alive(), f"interrupted after {lines_until_ctrl_c} lines"
        assert threading.active_count() == before
        if lines < lines_until_ctrl_c:
            break
    assert lines > 20, "the case shows nothing"


def test_closing_a_team_does_not_wait_for_a_long_calculation():
    team, long = Team(2), Event()

    def work(worker: int) -> None:
        if worker == 0:
            raise KeyboardInterrupt
        long.wait(60)

    with pytest.raises(KeyboardInterrupt):
        team.map(work)
    closing = Thread(target=team.close, daemon=True)
    closing.start()
    closing.join(10)
    assert not closing.is_alive()
    long.set()


def _fail(worker: int) -> None:
    raise CharlmError("no more")


def test_only_so_many_take_part_as_are_asked_for():
    team = Team(4)
    assert team.map(lambda worker: worker, 1) == [0]
    assert team.map(lambda worker: worker, 3) == [0, 1, 2]
    assert team.map(lambda worker: worker) == [0, 1, 2, 3]
    team.close()
