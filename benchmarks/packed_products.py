"""The products of the fused time loops: NumPy's BLAS, weights packed for one product, and for seven of halves.

Two threads at once, as in training, each with 32 rows and the same weights; the three ways take turns. Operations are
counted as for the plain product, two for each multiplication with its addition, also where fewer are done. Run it with
the fast extra on a machine that does nothing else:

    python benchmarks/packed_products.py
"""

from collections.abc import Callable
from functools import partial
from time import perf_counter
from typing import Any

import numpy as np
from numba import njit

from charlm.kernels import packed
from charlm.parallel import Team

WORKERS, ROWS, BESIDE = 2, 32, 16
SHAPES = ((128, 512), (256, 1024), (512, 2048), (2048, 512))
ROUNDS, SECONDS = 15, 0.02
WAYS = {"one product": 10**9, "seven products": 1}  # from which size on there are seven


@njit(nogil=True)
def add_again(a, weights, c, columns, room, times):  # type: ignore[no-untyped-def]
    """Add the same product some times."""
    for _ in range(times):
        packed.add_product(a.ctypes.data, a.shape[1], a.shape[0], weights, c.ctypes.data, c.shape[1], columns, room)


def ways(depth: int, columns: int) -> dict[str, Callable[[int, int], Any]]:
    """Return what does the product a number of times, for a worker."""
    rng = np.random.default_rng(0)
    weights = rng.standard_normal((depth, columns)).astype(np.float32)
    a = rng.standard_normal((WORKERS, ROWS, depth + BESIDE)).astype(np.float32)
    c = np.zeros((WORKERS, ROWS, columns + BESIDE), np.float32)

    def blas(times: int, worker: int) -> None:
        for _ in range(times):
            np.matmul(a[worker, :, :depth], weights, out=c[worker, :, :columns])

    def with_packed(least: int) -> Callable[[int, int], Any]:
        packed.LEAST = least
        room = packed.panels_for(depth, columns)
        packed.pack(weights, room, 0, 1)
        rooms = [packed.room_for(ROWS, depth) for _ in range(WORKERS)]
        return lambda times, worker: add_again(a[worker], room, c[worker], columns, rooms[worker], times)

    return {"NumPy's BLAS": blas, **{name: with_packed(least) for name, least in WAYS.items()}}


def main() -> None:
    """Measure and print."""
    team = Team(WORKERS)
    for depth, columns in SHAPES:
        operations = 2 * WORKERS * ROWS * depth * columns
        times = max(1, round(SECONDS * 1e11 / operations))
        runs = ways(depth, columns)
        speeds: dict[str, list[float]] = {name: [] for name in runs}
        for round_ in range(ROUNDS + 1):
            for name, run in runs.items():
                started = perf_counter()
                team.map(partial(run, times))
                seconds = perf_counter() - started
                if round_ > 0:  # the first warms up
                    speeds[name].append(times * operations / seconds / 1e9)
        found = ", ".join(f"{name} {np.median(values):.0f}" for name, values in speeds.items())
        print(f"{ROWS} rows by {depth} x {columns}, GFLOP/s: {found}")
    team.close()


if __name__ == "__main__":
    main()
