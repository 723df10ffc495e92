"""Threads that work in step on one batch."""

import os
import weakref
from collections.abc import Callable
from contextlib import suppress
from threading import Lock, Thread
from typing import Any, TypeVar

import numpy as np

from charlm.arrays import OVERFLOW
from charlm.workers.blas import BlasLimit

R = TypeVar("R")
PATIENCE = 1.0  # seconds that closing a team waits for a function that a thread still calls


class Team:
    """A fixed number of threads that work in step: the calling one and `workers` - 1 more.

    If there are as many threads as cores, each runs on a core of its own while it works: an operating system that wakes
    a thread on the core of another may leave both there for tenths of a second.

    Parameters
    ----------
    workers : int
        How many there are.
    blas_threads : int or None
        How many threads each product may use by itself until the team is closed; None leaves that alone.
    """

    def __init__(self, workers: int, blas_threads: int | None = 1) -> None:
        self.workers = workers
        cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_setaffinity") else []
        self._cores = cores if 1 < workers == len(cores) else []
        self._helpers = [_Helper(number, self._core(number)) for number in range(1, workers)]
        # A team that is forgotten instead of closed, as after an error, must not limit the rest of the program.
        self._unlimit = weakref.finalize(self, BlasLimit(blas_threads).release) if blas_threads else None

    def _core(self, number: int) -> list[int]:
        """Return the one core that a worker is bound to, or an empty list if it may run on any."""
        return self._cores[number : number + 1]

    def map(self, function: Callable[[int], R], workers: int | None = None) -> list[R]:
        """Call the function with every worker's number, all at once, and return the results in that order.

        With `workers`, only the first so many are called. An error of the calling thread is raised at once, that of
        another worker when its result is collected.
        """
        helpers = self._helpers if workers is None else self._helpers[: workers - 1]
        for helper in helpers:
            helper.start(function)
        bound = bool(self._cores) and bool(helpers)
        if bound:
            os.sched_setaffinity(0, self._core(0))
        try:
            with np.errstate(**OVERFLOW):
                mine = function(0)
        finally:
            if bound:
                os.sched_setaffinity(0, self._cores)
        return [mine, *(helper.result() for helper in helpers)]

    def close(self) -> None:
        """End the threads, and let products use as many cores as before.

        After Ctrl-C in the middle of a step, a thread may still compute its share. It ends after that; this waits for
        it, but never long.
        """
        for helper in self._helpers:
            helper.end()
        if self._unlimit is not None:
            self._unlimit()


class _Helper:
    """One of the threads of a team, which waits at a lock for a function to call.

    A training step calls the team several times, sometimes for a tenth of a millisecond. The thread pool of the
    standard library needs about 30 microseconds to start a function and to see its end; two locks need half of that.

    Parameters
    ----------
    number : int
        The argument of the functions: the number of this worker.
    cores : list of int
        The cores that it may run on; all if empty.
    """

    def __init__(self, number: int, cores: list[int]) -> None:
        self._number, self._cores = number, cores
        self._called, self._returned = Lock(), Lock()  # released when a function is there, when it has returned
        self._called.acquire()
        self._returned.acquire()
        self._busy = self._ending = False
        self._thread: Thread | None = None

    def start(self, function: Callable[[int], Any]) -> None:
        """Let the thread call a function; the first call makes the thread."""
        if self._thread is None:
            self._ending = False
            thread = Thread(target=self._serve, name=f"charlm-worker-{self._number}", daemon=True)
            thread.start()
            self._thread = thread
        self._wait()
        self._function = function
        self._busy = True
        self._called.release()

    def result(self) -> Any:
        """Wait for the function to return, and return its result or raise its error."""
        self._wait()
        if self._error is not None:
            raise self._error
        return self._value

    def end(self) -> None:
        """End the thread after the function that it is calling; Ctrl-C may have come between any two lines above."""
        self._ending = True
        if self._thread is not None:
            with suppress(RuntimeError):  # released already, for a function that the thread has not yet begun
                self._called.release()
            self._thread.join(PATIENCE)
            self._thread = None

    def _wait(self) -> None:
        """Wait for a function that is still running, perhaps from a call of the team that ended with an error."""
        if self._busy:
            self._returned.acquire()
            self._busy = False

    def _serve(self) -> None:
        np.seterr(**OVERFLOW)
        if self._cores:
            os.sched_setaffinity(0, self._cores)
        while True:
            self._called.acquire()
            if self._ending:
                return
            self._value, self._error = None, None
            try:
                self._value = self._function(self._number)
            except BaseException as error:
                self._error = error
            self._returned.release()
