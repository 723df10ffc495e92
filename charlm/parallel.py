"""Who works beside whom: threads in this process, processes that help it, and the processes of an MPI job."""

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from threading import Lock, Thread
from typing import Any, NamedTuple, TypeVar

import numpy as np
from threadpoolctl import ThreadpoolController

from charlm.errors import CharlmError
from charlm.kernels import Array
from charlm.model import Model

R = TypeVar("R")
LAUNCHERS = ("PMI_SIZE", "PMIX_RANK", "OMPI_COMM_WORLD_SIZE")  # what mpiexec of MPICH, PMIx and Open MPI sets
# Numbers that run away end in a loss that is not finite, which is told once; warnings on the way would only bury it.
OVERFLOW: dict[str, Any] = {"over": "ignore", "invalid": "ignore"}
ENOUGH_FOR_PAIRS = 8  # streams of a part: of fewer the kernels make no pairs
UNITS_FOR_THREADS = 256  # from which on NumPy's calls are long enough for threads not to wait for the interpreter
NUMBERS_FOR_PROCESSES = 2048  # of the streams' states; with fewer a step is so short that nobody waits for it
SECONDS_FOR_ALL = 10.0  # in which every rank of a job stumbles over what one stumbled over, if all will
SECONDS_TO_PASS_ON = 1.0  # for the launcher to read what a rank said, which it throws away once the job is aborted


def available_cores() -> int:
    """Return how many cores this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def split_streams(count: int, of: int, even: bool = False) -> list[slice]:
    """Cut `count` streams into so many parts of about the same size.

    They differ by one at the most; with `even`, each but the last has an even number of streams, if there are enough
    for the difference to be small.
    """
    edges = [count * part // of for part in range(of + 1)]
    if even and count >= of * ENOUGH_FOR_PAIRS:
        edges = [edge + edge % 2 for edge in edges[:-1]] + [count]
    return [slice(start, stop) for start, stop in pairwise(edges)]


class Split(NamedTuple):
    """How a rank's streams are split.

    Attributes
    ----------
    workers : int
        The threads among which this process's streams are split.
    blas_threads : int
        How many threads each product may use by itself; 1 where there are several workers or processes.
    processes : int
        This process and those that only help it; where there are several, each has one worker.
    """

    workers: int
    blas_threads: int = 1
    processes: int = 1

    def __str__(self) -> str:
        """Say it to a person."""
        if self.processes > 1:
            return f"{self.processes} worker processes"
        if self.workers > 1:
            return f"{self.workers} workers"
        return f"1 worker with {self.blas_threads} thread{'s' * (self.blas_threads > 1)} a product"


class Team:
    """A fixed number of threads that work in step: the calling one and `workers` - 1 more.

    Where they, or the processes that each have one, are as many as the cores there are, each keeps to a core of its
    own while it works: a system that wakes one on the core where another is busy may leave both there for tenths of a
    second.

    Parameters
    ----------
    workers, blas_threads, processes : int
        As in `Split`.

    Attributes
    ----------
    workers : int
        The threads.
    shares : int
        Into how many parts they and the other processes split the streams.
    """

    def __init__(self, workers: int, blas_threads: int = 1, processes: int = 1) -> None:
        self.workers, self.shares = workers, workers * processes
        cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_setaffinity") else []
        self._cores = cores if 1 < self.shares == len(cores) else []
        self._helpers = [_Helper(number, self.core(number)) for number in range(1, workers)]
        self._blas = ThreadpoolController()
        self._limit = self._blas.limit(limits=blas_threads, user_api="blas")

    def core(self, number: int) -> list[int]:
        """Return where a worker, of this process or of another, is to run: one core, or none where any will do."""
        return self._cores[number : number + 1]

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Let products use the cores of other processes while these have nothing to do."""
        if self.shares == self.workers:
            yield
        else:
            with self._blas.limit(limits=min(self.shares, available_cores()), user_api="blas"):
                yield

    def map(self, function: Callable[[int], R], workers: int | None = None) -> list[R]:
        """Call the function with every worker's number, all at once, and return the results in that order.

        With `workers`, only so many of them take part. An error of the calling thread is raised at once, the others'
        when their turn comes.
        """
        helpers = self._helpers if workers is None else self._helpers[: workers - 1]
        for helper in helpers:
            helper.start(function)
        keeping = bool(self._cores) and (bool(helpers) or self.shares > self.workers)
        if keeping:
            os.sched_setaffinity(0, self.core(0))
        try:
            with np.errstate(**OVERFLOW):
                mine = function(0)
        finally:
            if keeping:
                os.sched_setaffinity(0, self._cores)
        return [mine, *(helper.result() for helper in helpers)]

    def close(self) -> None:
        """End the threads, and let products use all cores again."""
        for helper in self._helpers:
            helper.end()
        self._limit.restore_original_limits()


class _Helper:
    """One of a team's threads, which waits at a lock for something to do.

    A training step has a handful of rounds, some of a tenth of a millisecond. The standard library's pool of threads
    takes some thirty microseconds to start one and to see its end, two locks half as long.

    Parameters
    ----------
    number : int
        What it calls functions with.
    cores : list of int
        Where it runs; anywhere if empty.
    """

    def __init__(self, number: int, cores: list[int]) -> None:
        self._number, self._cores = number, cores
        self._called, self._returned = Lock(), Lock()  # each held by whoever is to wait for it
        self._called.acquire()
        self._returned.acquire()
        self._busy = False
        self._thread: Thread | None = None

    def start(self, function: Callable[[int], Any]) -> None:
        """Let the thread call a function; the first time, make the thread."""
        if self._thread is None:
            self._thread = Thread(target=self._serve, name=f"charlm-worker-{self._number}", daemon=True)
            self._thread.start()
        self._wait()
        self._function: Callable[[int], Any] | None = function
        self._busy = True
        self._called.release()

    def result(self) -> Any:
        """Wait for the function to end and return its result, or raise its error."""
        self._wait()
        if self._error is not None:
            raise self._error
        return self._value

    def end(self) -> None:
        """End the thread when it has done its work."""
        if self._thread is not None:
            self._wait()
            self._function = None
            self._called.release()
            self._thread.join()
            self._thread = None

    def _wait(self) -> None:
        """Wait for a function that has not ended, maybe of a round that another thread's error cut short."""
        if self._busy:
            self._returned.acquire()
            self._busy = False

    def _serve(self) -> None:
        np.seterr(**OVERFLOW)
        if self._cores:
            os.sched_setaffinity(0, self._cores)
        while True:
            self._called.acquire()
            if self._function is None:
                return
            self._value, self._error = None, None
            try:
                self._value = self._function(self._number)
            except BaseException as error:
                self._error = error
            self._returned.release()


class Ranks:
    """The processes of an MPI job, or, without MPI, the one there is.

    Attributes
    ----------
    rank, size : int
        This process's number, and how many there are.
    """

    def __init__(self, communicator: Any = None) -> None:
        self._communicator = communicator
        self.rank: int = 0 if communicator is None else communicator.Get_rank()
        self.size: int = 1 if communicator is None else communicator.Get_size()
        self._failures: Any = None if self.size == 1 else communicator.Dup()  # no message of the training's is on it

    def share(self, count: int) -> slice:
        """Return which of `count` streams are this rank's."""
        return split_streams(count, self.size)[self.rank]

    def sum(self, array: Array) -> None:
        """Replace the array by its sum over all ranks."""
        if self._communicator is not None:
            from mpi4py import MPI

            self._communicator.Allreduce(MPI.IN_PLACE, array)

    def gather_streams(self, array: Array) -> Array:
        """Return all ranks' rows of a (B, H) array, in order; on every rank."""
        if self._communicator is None:
            return array
        return np.concatenate(self._communicator.allgather(array))

    def agree(self, value: R) -> R:
        """Return rank 0's value on every rank."""
        return value if self._communicator is None else self._communicator.bcast(value)

    def on_this_machine(self) -> int:
        """Return how many of the ranks run on this machine."""
        if self._communicator is None:
            return 1
        from mpi4py import MPI

        return int(self._communicator.Split_type(MPI.COMM_TYPE_SHARED).Get_size())

    @contextmanager
    def together(self, tell: Callable[[Exception, str], int]) -> Iterator[None]:
        """End the whole job when this rank fails, as the others would wait for it for ever.

        Where every rank fails, which is what a mistake of the person does, the error is the first rank's to raise and
        the others leave quietly: the job ends as one process would, and says so once.

        Parameters
        ----------
        tell : callable
            Of an error and the name of who met it; tells it and returns the exit status.
        """
        try:
            yield
        except Exception as error:
            if self.size > 1 and not self._all_fail():
                status = tell(error, f"rank {self.rank} of {self.size}: ")
                time.sleep(SECONDS_TO_PASS_ON)
                self._communicator.Abort(status)
            if self.rank > 0:
                sys.exit(0)
            raise

    def _all_fail(self) -> bool:
        """Wait for the other ranks to fail as well, and return whether all did."""
        arrived = self._failures.Ibarrier()
        deadline = time.monotonic() + SECONDS_FOR_ALL
        while not (all_here := arrived.Test()) and time.monotonic() < deadline:
            time.sleep(0.01)
        return bool(all_here)

    def any(self, flag: bool) -> bool:
        """Return whether the flag is set on any rank."""
        return flag if self._communicator is None else any(self._communicator.allgather(flag))


def plan_split(workers: str | int, model: Model, batch_size: int, ranks: Ranks) -> Split:
    """Settle how many workers share a rank's streams, what they are, and how many threads each one's products use.

    Threads of NumPy's short calls wait for each other's interpreter, so that with few units the workers are processes.

    Parameters
    ----------
    workers : int or str
        A number, or ``auto``: one worker a core, as long as each has streams of its own; only one where a step is over
        before others could help.
    model : Model
        The network.
    batch_size : int
        B of all ranks together.
    ranks : Ranks
        The processes of the job; those on one machine share its cores.
    """
    from multiprocessing import current_process  # not for those who only sample

    cores = available_cores()
    if cores == os.cpu_count():  # else the launcher has bound this rank to cores of its own
        cores = max(1, cores // ranks.on_this_machine())
    streams = batch_size // ranks.size
    units = model.architecture.hidden_size
    short_calls = model.backend.name == "numpy" and units < UNITS_FOR_THREADS
    sizable = units * streams >= NUMBERS_FOR_PROCESSES and not current_process().daemon  # which may not have any
    best = 1 if short_calls and not sizable else cores
    count = max(1, min(best if workers == "auto" else int(workers), streams))
    if count == 1:
        return Split(1, blas_threads=cores)
    return Split(1, processes=count) if short_calls and sizable else Split(count)


def find_ranks() -> Ranks:
    """Return the ranks of the MPI job that this process belongs to, or the one rank of no job.

    Raises
    ------
    CharlmError
        If mpiexec started this process and mpi4py is not installed.
    """
    if not any(name in os.environ for name in LAUNCHERS):
        return Ranks()
    try:
        from mpi4py import MPI
    except ImportError as error:
        raise CharlmError(
            "this process was started by mpiexec, which needs mpi4py: pip install 'charlm[mpi]'"
        ) from error
    return Ranks(MPI.COMM_WORLD)
