"""Facts about worker processes: they compute what threads do, bit for bit, and end when nobody needs them."""

import errno
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from multiprocessing import active_children
from pathlib import Path

import numpy as np
import pytest

from charlm import memory
from charlm.batch import Batch
from charlm.errors import CharlmError
from charlm.model import Architecture
from charlm.parallel import Ranks, Team, available_cores
from charlm.shards import PROCESSES, Shard, ShardElsewhere, Share
from tests.conftest import ROOT
from tests.networks import FRESH, LOCKED, NO_DROPOUT, START, Network, Training, arrays_of, copied

T, B, V, H = 5, 7, 6, 4
SMALL = Architecture("lstm", V, H, 2, embedding_size=3)
NETWORKS = {
    "lstm": SMALL,
    "gru of float64": replace(SMALL, cell="gru", dtype="float64"),
    "rnn that reads lines": replace(SMALL, cell="rnn", embedding_size=None, start_symbol=START),
}
posix = pytest.mark.skipif(os.name == "nt", reason="signals are a POSIX matter")


@pytest.mark.parametrize("dropout", [NO_DROPOUT, FRESH, LOCKED], ids=["none", "fresh", "locked"])
@pytest.mark.parametrize("architecture", NETWORKS.values(), ids=NETWORKS)
@pytest.mark.parametrize("number", [2, 3])
def test_processes_compute_the_bits_of_as_many_threads(number, architecture, dropout):
    def computed(team: Team):
        net = Network(architecture, dropout=dropout)
        batch = Batch(net.model, net.parameters, T, B, dropout, 1, team, Ranks())
        text, state, found = net.ids(2 * T + 1, B), net.state(B), []
        for step in range(2):
            start = step * T
            inputs, targets = text[start : start + T], text[start + 1 : start + T + 1]
            loss, square, state = batch.loss_and_gradients(inputs, targets, state, step)
            found += [loss, square, *arrays_of(copied(state)), batch.gradients.flat.copy()]
            net.parameters.flat -= batch.gradients.flat
        batch.close()
        team.close()
        return found

    for one, other in zip(computed(Team(1, 1, number)), computed(Team(number)), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.fixture
def elsewhere():
    """Return a share of a network in a process of its own, and the same in this one."""
    net = Network(SMALL)
    share = Share(T, B, first=0, streams=B, dropout=NO_DROPOUT, seed=1)
    shard = ShardElsewhere(net.model, share, [])
    yield net, shard, Shard(net.model, share)
    shard.close()


def window(net: Network, seed: int = 1):
    text = net.ids(T + 1, B, seed)
    return text[:-1], text[1:], net.state(B, seed), 0


def helper_process() -> int:
    """Return the number that the system has given to the one process that helps."""
    (process,) = active_children()
    assert process.pid is not None
    return process.pid


def assert_computes(net: Network, shard: ShardElsewhere, here: Shard, seed: int) -> None:
    """Compare a result that was asked for with what this process computes."""
    loss, state = shard.result()
    expected, expected_state = here.compute(net.parameters, net.prepared(), *window(net, seed))
    assert loss == expected
    for one, other in zip(arrays_of(state), arrays_of(expected_state), strict=True):
        np.testing.assert_array_equal(one, other)
    np.testing.assert_array_equal(shard.gradients, here.workspace.gradients.flat)


def test_an_error_over_there_is_raised_here_and_ends_nothing(elsewhere):
    net, shard, here = elsewhere
    inputs, targets, _, step = window(net)
    shard.start(net.parameters, inputs, targets, net.state(B + 1), step)
    with pytest.raises(ValueError, match="broadcast"):
        shard.result()
    shard.start(net.parameters, *window(net))
    assert_computes(net, shard, here, 1)


def test_a_window_that_nobody_asks_for_any_more_is_forgotten(elsewhere):
    net, shard, here = elsewhere
    shard.start(net.parameters, *window(net, 1))
    shard.start(net.parameters, *window(net, 2))
    assert_computes(net, shard, here, 2)


@posix
def test_signals_that_ask_the_training_to_stop_do_not_stop_the_step_at_hand(elsewhere):
    net, shard, here = elsewhere
    helper = helper_process()
    for number in (signal.SIGINT, signal.SIGTERM):
        os.kill(helper, number)
        shard.start(net.parameters, *window(net))
        os.kill(helper, number)
        assert_computes(net, shard, here, 1)


@posix
@pytest.mark.parametrize("busy", [False, True])
def test_a_process_that_is_no_more_is_told_in_one_line(busy):
    net = Network(SMALL)
    with Training(net, net.ids(3 * T + 1, B), T, processes=2) as trainer:
        run = trainer.run()
        next(run)
        helper = helper_process()
        if busy:
            os.kill(helper, signal.SIGSTOP)
        os.kill(helper, signal.SIGKILL)
        with pytest.raises(CharlmError) as error:
            next(run)
        assert str(error.value) == "a worker process was ended by signal 9; a new run with workers: 1 does without"


def test_a_process_that_cannot_be_started_is_told_in_one_line(monkeypatch):
    def refuse(self):
        raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))

    monkeypatch.setattr(PROCESSES.Process, "start", refuse)
    net = Network(SMALL)
    with pytest.raises(CharlmError) as error:
        Batch(net.model, net.parameters, T, B, NO_DROPOUT, 1, Team(1, 1, 2), Ranks())
    said = os.strerror(errno.EAGAIN)
    assert str(error.value) == f"a worker process cannot be started: {said}; a new run with workers: 1 does without"


def test_processes_end_with_their_batch_whether_it_is_closed_or_forgotten():
    net, team = Network(SMALL), Team(1, 1, 3)
    batches = [Batch(net.model, net.parameters, T, B, NO_DROPOUT, 1, team, Ranks()) for _ in range(2)]
    assert len(active_children()) == 4
    batches[0].close()
    batches[0].close()  # nothing left to do
    assert len(active_children()) == 2
    batches.clear()
    assert active_children() == []
    team.close()


# As a person would write it who knows nothing of processes: no guard, and no end to the run.
SCRIPT = """
import sys
from tempfile import TemporaryDirectory
folder = TemporaryDirectory()  # whose end at exit puts all others' behind the end of multiprocessing
from multiprocessing import active_children
import numpy as np
from charlm.batch import Batch
from charlm.dropout import Dropout
from charlm.model import Architecture, Model
from charlm.parallel import Ranks, Team

print("begins", flush=True)
model = Model(Architecture("lstm", 6, 4))
batch = Batch(model, model.initial_parameters(1), 5, 7, Dropout(), 1, Team(1, 1, 2), Ranks())
ids = np.zeros((5, 7), int)
batch.loss_and_gradients(ids, ids, batch.zero_state(), 0)
print(active_children()[0].pid, flush=True)
if len(sys.argv) > 1:
    sys.stdin.read()
"""


def test_a_script_runs_once_and_ends_without_a_word(tmp_path):
    (tmp_path / "script.py").write_text(SCRIPT)
    done = subprocess.run(
        [sys.executable, "script.py"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, "")
    begins, pid = done.stdout.splitlines()
    assert begins == "begins"
    assert not Path("/proc", pid).exists()


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="processes are looked for in /proc")
def test_processes_end_when_the_one_they_help_is_killed(tmp_path):
    (tmp_path / "script.py").write_text(SCRIPT)
    with subprocess.Popen(
        [sys.executable, str(tmp_path / "script.py"), "wait"],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as parent:
        assert parent.stdout is not None
        helper = Path("/proc", [parent.stdout.readline() for _ in range(2)][1].strip())
        assert helper.exists()
        parent.kill()
    deadline = time.monotonic() + 20
    while helper.exists() and "Z" not in (helper / "stat").read_text().split()[2]:
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="this system does not say where a thread may run")
def test_as_many_processes_as_cores_keep_to_one_each():
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) == 1:
        pytest.skip("there is one core")
    net = Network(SMALL)
    with Training(net, net.ids(2 * T + 1, 2 * len(cores)), T, processes=len(cores)) as trainer:
        next(trainer.run())
        kept = [os.sched_getaffinity(child.pid or 0) for child in active_children()]
        assert sorted(kept, key=min) == [{core} for core in cores[1:]]
        assert trainer.batch.team.map(lambda worker: os.sched_getaffinity(0)) == [{cores[0]}]
        assert os.sched_getaffinity(0) == set(cores)


def test_products_have_one_thread_beside_other_processes_and_all_cores_alone():
    from threadpoolctl import threadpool_info

    def threads() -> set[int]:
        return {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}

    before = threads()
    team = Team(1, 1, 2)
    assert threads() <= {1}
    with team.alone():
        assert threads() <= {min(2, available_cores())}
    assert threads() <= {1}
    team.close()
    assert threads() == before
    team = Team(2)
    with team.alone():  # threads stay beside each other
        assert threads() <= {1}
    team.close()


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only Linux tells of other processes' memory")
def test_the_memory_of_processes_is_counted(elsewhere):
    net, shard, _ = elsewhere
    shard.start(net.parameters, *window(net))
    shard.result()
    with_it = memory.peak_memory()
    shard.close()
    assert with_it - memory.peak_memory() > 15e6  # an interpreter and NumPy
