"""How many cores this process may use: by its affinity, by the quota of its container, by the environment."""

import os
from collections.abc import Iterator, Mapping
from math import inf
from pathlib import Path

FOR_BLAS = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")


def available_cores(processes: int = 1, *, root: Path = Path("/"), environment: Mapping[str, str] = os.environ) -> int:
    """Return how many cores this process may use for its threads, at least 1.

    That is the least of the cores that the operating system lets it run on, of the CPU quota of its control group (as
    of a container with ``--cpus 2``) and of OMP_NUM_THREADS.

    Parameters
    ----------
    processes : int
        How many processes of a job share this machine; a launcher may have bound each to cores of its own already.
    root : Path
        Where the file systems ``/proc`` and ``/sys`` are.
    environment : mapping
        The environment variables.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if cores == os.cpu_count():
        cores //= processes
    limits = [cores, min(_quotas(root), default=inf) / processes, _asked(environment, ("OMP_NUM_THREADS",))]
    return max(1, int(min(limits)))


def blas_cores(cores: int, environment: Mapping[str, str] = os.environ) -> int:
    """Return how many threads a product may use, of some cores: no more than the BLAS's own variables allow."""
    return max(1, int(min(cores, _asked(environment, FOR_BLAS))))


def _asked(environment: Mapping[str, str], names: tuple[str, ...]) -> float:
    """Return the least number of threads that variables ask for; infinity if none does."""
    values = [environment.get(name, "").split(",")[0].strip() for name in names]  # OpenMP: one for each nested level
    return min((int(value) for value in values if value.isdecimal() and int(value) > 0), default=inf)


def _quotas(root: Path) -> Iterator[float]:
    """Yield the CPU quota, in cores, of each control group that this process is in, and of those above it."""
    for line in _words(root / "proc/self/cgroup"):
        _, controllers, group = [*line.split(":", 2), "", ""][:3]
        if controllers == "":  # version 2
            for folder in _upwards(root / "sys/fs/cgroup", group):
                yield from _quota(" ".join(_words(folder / "cpu.max")))
        elif "cpu" in controllers.split(","):
            for folder in _upwards(root / "sys/fs/cgroup/cpu", group):
                numbers = [*_words(folder / "cpu.cfs_quota_us"), *_words(folder / "cpu.cfs_period_us")]
                yield from _quota(" ".join(numbers))


def _upwards(top: Path, group: str) -> Iterator[Path]:
    """Yield the folder of a control group and those above it, up to the top; inside a container some may not exist."""
    parts = [part for part in group.split("/") if part not in ("", "..")]
    for length in range(len(parts), -1, -1):
        yield top.joinpath(*parts[:length])


def _quota(text: str) -> Iterator[float]:
    """Yield a quota of "microseconds period"; none for "max" and for -1, which stand for no limit."""
    numbers = text.split()
    if len(numbers) == 2 and all(number.isdecimal() for number in numbers) and int(numbers[1]) > 0:
        yield int(numbers[0]) / int(numbers[1])


def _words(path: Path) -> list[str]:
    """Return the lines of a file of the kernel, none if it is not there."""
    try:
        return path.read_text().splitlines()
    except (OSError, ValueError):
        return []
