"""Who computes which streams: plain numbers of streams, cores and workers."""

import os
from itertools import pairwise
from typing import NamedTuple

LEAST_STREAMS = 8  # of a part: with fewer, the difference that an even number makes would be large


def available_cores() -> int:
    """Return how many cores this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def split_streams(count: int, of: int, pairs: bool = False) -> list[slice]:
    """Cut `count` streams into so many parts of about the same size.

    They differ by one at the most; with `pairs`, each but the last has an even number of streams, if there are enough
    for the difference to be small.
    """
    edges = [count * part // of for part in range(of + 1)]
    if pairs and count >= of * LEAST_STREAMS:
        edges = [edge + edge % 2 for edge in edges[:-1]] + [count]
    return [slice(start, stop) for start, stop in pairwise(edges)]


class Split(NamedTuple):
    """How a rank's streams are split.

    Attributes
    ----------
    workers : int
        The threads among which the streams are split.
    blas_threads : int
        How many threads each product may use by itself; 1 where there are several workers.
    """

    workers: int
    blas_threads: int = 1

    def __str__(self) -> str:
        """Say it to a person."""
        if self.workers > 1:
            return f"{self.workers} workers"
        return f"1 worker with {self.blas_threads} thread{'s' * (self.blas_threads > 1)} a product"


def plan_split(
    workers: str | int, streams: int, *, threads_pay: bool, processes: int = 1, cores: int | None = None
) -> Split:
    """Settle how many workers share a rank's streams, and how many threads each one's products use.

    Parameters
    ----------
    workers : int or str
        A number, or ``auto``: one worker a core, as long as each has streams of its own.
    streams : int
        How many streams the rank has.
    threads_pay : bool
        Whether workers save time at all: the calls of NumPy's small networks are so short that threads wait for each
        other's interpreter. Then ``auto`` is one worker.
    processes : int
        How many processes of the job share this machine's cores.
    cores : int, optional
        How many cores there are to use; those of this process where it is not given.
    """
    if cores is None:
        cores = available_cores()
        if cores == os.cpu_count():  # else the launcher has bound this rank to cores of its own
            cores = max(1, cores // processes)
    wanted = int(workers) if workers != "auto" else cores if threads_pay else 1
    count = max(1, min(wanted, streams))
    return Split(1, blas_threads=cores) if count == 1 else Split(count)
