"""Who computes which streams: how a batch is cut, and how many workers share it."""

import os
from itertools import pairwise
from typing import NamedTuple

from charlm.workers.cores import available_cores, blas_cores

MOST_THREADS_OF_A_CORE = 32  # so that a run of a large machine goes on, to the same bytes, on a small one
LEAST_STREAMS = 8  # of a share: with fewer, shares of even numbers would be too different in size


def split_streams(count: int, of: int, pairs: bool = False) -> list[slice]:
    """Cut `count` streams into `of` shares of about the same size.

    Their sizes differ by one at the most. With `pairs`, each share but the last has an even number of streams, if there
    are enough streams for the difference to be small.
    """
    edges = [count * share // of for share in range(of + 1)]
    if pairs and count >= of * LEAST_STREAMS:
        edges = [edge + edge % 2 for edge in edges[:-1]] + [count]
    return [slice(start, stop) for start, stop in pairwise(edges)]


class Split(NamedTuple):
    """How the streams of a rank are split.

    Attributes
    ----------
    workers : int
        How many threads share the streams.
    blas_threads : int
        How many threads each matrix product may use; 1 if there are several workers.
    """

    workers: int
    blas_threads: int = 1

    def __str__(self) -> str:
        """Return the split in words."""
        if self.workers > 1:
            return f"{self.workers} workers"
        return f"1 worker with {self.blas_threads} thread{'s' * (self.blas_threads > 1)} a product"


def plan_split(
    workers: str | int, streams: int, *, threads_pay: bool, processes: int = 1, cores: int | None = None
) -> Split:
    """Return how many workers share the streams of a rank, and how many threads their products use.

    Parameters
    ----------
    workers : int or str
        A number, or ``auto``: one worker a core, as long as each has streams of its own.
    streams : int
        How many streams the rank has.
    threads_pay : bool
        Whether several workers save time; if not, ``auto`` is one. For small networks, NumPy's calls are so short that
        threads mostly wait for the interpreter's lock.
    processes : int
        How many processes of the job share this machine's cores.
    cores : int, optional
        How many cores there are to use; by default, those that this process may run on.
    """
    if cores is None:
        cores = available_cores(processes)
    wanted = int(workers) if workers != "auto" else cores if threads_pay else 1
    count = max(1, min(wanted, streams))
    return bounded(Split(1, blas_threads=blas_cores(cores)) if count == 1 else Split(count))


def bounded(split: Split, cores: int | None = None) -> Split:
    """Return a split with no more threads than a machine of some cores, by default this one, could make use of.

    A run that began elsewhere keeps its split, as its last digits depend on it; a file can ask for any.
    """
    most = MOST_THREADS_OF_A_CORE * (cores or os.cpu_count() or 1)
    return Split(min(split.workers, most), min(split.blas_threads, most))
