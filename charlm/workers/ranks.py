"""Ranks: the processes of an MPI job, on one machine or several, which share a batch and add up their gradients."""

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import numpy as np

from charlm.arrays import Array
from charlm.errors import CharlmError
from charlm.workers.split import split_streams

R = TypeVar("R")
LAUNCHERS = ("PMI_SIZE", "PMIX_RANK", "OMPI_COMM_WORLD_SIZE")  # what mpiexec of MPICH, PMIx and Open MPI sets
SECONDS_FOR_ALL = 10.0  # within which all ranks of a job meet the same error, if it is one that all meet
SECONDS_TO_PASS_ON = 1.0  # for the launcher to pass on the message of a rank, which an aborted job loses


class Ranks:
    """The processes of an MPI job; without MPI, this process alone.

    Attributes
    ----------
    rank, size : int
        This process's number, and how many there are.
    """

    def __init__(self, communicator: Any = None) -> None:
        self._communicator = communicator
        self.rank: int = 0 if communicator is None else communicator.Get_rank()
        self.size: int = 1 if communicator is None else communicator.Get_size()
        self._failures: Any = None if self.size == 1 else communicator.Dup()  # apart from the messages of the training

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
    def together(self, report: Callable[[Exception, str], int]) -> Iterator[None]:
        """End the whole job when this rank fails, because the other ranks would wait for it for ever.

        If all ranks fail, as they do after a mistake of the person, rank 0 raises its error and the others exit
        silently: the job ends as a single process would, with one message.

        Parameters
        ----------
        report : callable
            Takes an error and the name of the rank, prints a message, and returns the exit status.
        """
        try:
            yield
        except Exception as error:
            if self.size > 1 and not self._all_fail():
                status = report(error, f"rank {self.rank} of {self.size}: ")
                time.sleep(SECONDS_TO_PASS_ON)
                self._communicator.Abort(status)
            if self.rank > 0:
                sys.exit(0)
            raise

    def _all_fail(self) -> bool:
        """Wait a while for the other ranks to fail as well, and return whether all did."""
        arrived = self._failures.Ibarrier()
        deadline = time.monotonic() + SECONDS_FOR_ALL
        while not (all_here := arrived.Test()) and time.monotonic() < deadline:
            time.sleep(0.01)
        return bool(all_here)

    def any(self, flag: bool) -> bool:
        """Return whether the flag is set on any rank."""
        return flag if self._communicator is None else any(self._communicator.allgather(flag))


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
