"""The products of the fused kernels beside NumPy's BLAS: those of the time loops, and the gradients of their weights.

Two threads at once, as in training; the ways to do a product take turns. In a time loop each thread has 32 rows and the
same weights, packed for one product or for seven of halves; for a gradient each has a window of 64 steps of 32 streams.
Operations are counted as for the plain product, two for each multiplication with its addition, also where fewer are
done. Run it with the fast extra on a machine that does nothing else:

    python benchmarks/packed_products.py
"""

from collections.abc import Callable
from functools import partial
from time import perf_counter
from typing import Any

import numpy as np
from numba import njit

from charlm.kernels.fused import packed
from charlm.kernels.fused.weight_gradient import FusedWeightGradient
from charlm.network.products import RowBlock, weight_gradient
from charlm.workers.team import Team

WORKERS, ROWS, STEPS, BESIDE = 2, 32, 64, 16
SHAPES = ((128, 512), (256, 1024), (512, 2048), (2048, 512))
GRADIENTS = ((512, 128), (1024, 256), (512, 512), (2048, 512))
ROUNDS, SECONDS = 15, 0.02
WAYS = {"one product": 10**9, "seven products": 1}  # from which size on there are seven


@njit(nogil=True)
def add_again(a, weights, c, columns, room, times):  # type: ignore[no-untyped-def]
    """Add the same product some times."""
    for _ in range(times):
        packed.add_product(a.ctypes.data, a.shape[1], a.shape[0], weights, c.ctypes.data, c.shape[1], columns, room)


def ways_of_gradient(rows: int, width: int) -> dict[str, Callable[[int, int], Any]]:
    """Return what computes the gradient of a matrix a number of times, for a worker."""
    rng = np.random.default_rng(0)
    windows = [packed.aligned_zeros((STEPS * ROWS, rows + BESIDE)) for _ in range(WORKERS)]
    inputs = [packed.aligned_zeros((STEPS * ROWS, width)) for _ in range(WORKERS)]
    for array in (*windows, *inputs):
        array[...] = rng.standard_normal(array.shape)
    parts = [[RowBlock(slice(0, rows), window[:, :rows])] for window in windows]
    out = np.empty((WORKERS, rows, width), np.float32)
    fused = [FusedWeightGradient(STEPS * ROWS, width) for _ in range(WORKERS)]

    def blas(times: int, worker: int) -> None:
        for _ in range(times):
            weight_gradient(parts[worker], inputs[worker], out[worker])

    def seven(times: int, worker: int) -> None:
        for _ in range(times):
            fused[worker](parts[worker], inputs[worker], out[worker])

    return {"NumPy's BLAS": blas, "seven products": seven}


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
        workspaces = [packed.workspace_for(ROWS, depth) for _ in range(WORKERS)]
        return lambda times, worker: add_again(a[worker], room, c[worker], columns, workspaces[worker], times)

    return {"NumPy's BLAS": blas, **{name: with_packed(least) for name, least in WAYS.items()}}


def measure(team: Team, what: str, runs: dict[str, Callable[[int, int], Any]], operations: int) -> None:
    """Let the ways take turns, and print the median speed of each."""
    times = max(1, round(SECONDS * 1e11 / operations))
    speeds: dict[str, list[float]] = {name: [] for name in runs}
    for round_ in range(ROUNDS + 1):
        for name, run in runs.items():
            started = perf_counter()
            team.map(partial(run, times))
            seconds = perf_counter() - started
            if round_ > 0:  # the first warms up
                speeds[name].append(times * operations / seconds / 1e9)
    found = ", ".join(f"{name} {np.median(values):.0f}" for name, values in speeds.items())
    print(f"{what}, GFLOP/s: {found}")


def main() -> None:
    """Measure and print."""
    team = Team(WORKERS)
    for depth, columns in SHAPES:
        operations = 2 * WORKERS * ROWS * depth * columns
        measure(team, f"{ROWS} rows by {depth} x {columns}", ways(depth, columns), operations)
    for rows, width in GRADIENTS:
        operations = 2 * WORKERS * STEPS * ROWS * rows * width
        measure(team, f"gradient of {rows} x {width}", ways_of_gradient(rows, width), operations)
    team.close()


if __name__ == "__main__":
    main()
