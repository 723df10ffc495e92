"""Threads that work in step on one batch."""

import os
from collections.abc import Callable
from threading import Lock, Thread
from typing import Any, TypeVar

import numpy as np
from threadpoolctl import ThreadpoolController

R = TypeVar("R")
# Numbers that run away end in a loss that is not finite, which is told once; warnings on the way would only bury it.
OVERFLOW: dict[str, Any] = {"over": "ignore", "invalid": "ignore"}


class Team:
    """A fixed number of threads that work in step: the calling one and `workers` - 1 more.

    Where they are as many as the cores there are, each keeps to a core of its own while it works: a system that wakes
    one on the core where another is busy may leave both there for tenths of a second.

    Parameters
    ----------
    workers, blas_threads : int
        As in `charlm.workers.split.Split`.
    """

    def __init__(self, workers: int, blas_threads: int = 1) -> None:
        self.workers = workers
        cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_setaffinity") else []
        self._cores = cores if 1 < workers == len(cores) else []
        self._helpers = [_Helper(number, self._core(number)) for number in range(1, workers)]
        self._limit = ThreadpoolController().limit(limits=blas_threads, user_api="blas")

    def _core(self, number: int) -> list[int]:
        """Return where a worker is to run: one core, or none where any will do."""
        return self._cores[number : number + 1]

    def map(self, function: Callable[[int], R], workers: int | None = None) -> list[R]:
        """Call the function with every worker's number, all at once, and return the results in that order.

        With `workers`, only so many of them take part. An error of the calling thread is raised at once, the others'
        when their turn comes.
        """
        helpers = self._helpers if workers is None else self._helpers[: workers - 1]
        for helper in helpers:
            helper.start(function)
        keeping = bool(self._cores) and bool(helpers)
        if keeping:
            os.sched_setaffinity(0, self._core(0))
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
