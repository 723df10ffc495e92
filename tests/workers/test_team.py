"""Facts about a team of threads: who is called, in which order, on which core, and what becomes of an error."""

import os
from threading import Event

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


def _fail(worker: int) -> None:
    raise CharlmError("no more")


def test_only_so_many_take_part_as_are_asked_for():
    team = Team(4)
    assert team.map(lambda worker: worker, 1) == [0]
    assert team.map(lambda worker: worker, 3) == [0, 1, 2]
    assert team.map(lambda worker: worker) == [0, 1, 2, 3]
    team.close()
