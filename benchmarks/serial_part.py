"""How much of a training step runs on one thread however many there are, and what that means for more cores.

    python benchmarks/serial_part.py

A step is a few rounds of team work (`charlm.workers.team.Team.map`) with a little in between. What is in between, and
what it costs to start a round and wait for its end, is serial; everything else is split over the workers. The speed-up
that Amdahl's law then allows (1967) is an upper bound: memory and caches are shared, too.
"""

import argparse
from collections.abc import Callable
from itertools import islice
from statistics import median
from time import perf_counter
from typing import Any, TypeVar

from charlm import bench
from charlm.config import from_dict
from charlm.workers.cores import available_cores
from charlm.workers.team import Team

R = TypeVar("R")
SHAPES = [("rnn", 1, 128), ("lstm", 1, 128), ("lstm", 2, 256), ("lstm", 2, 512)]
CORES = (2, 8, 16)


class TimedTeam(Team):
    """A team that adds up the time of its rounds, and of the longest worker in each."""

    rounds = 0
    inside = 0.0
    working = 0.0

    def map(self, function: Callable[[int], R], workers: int | None = None) -> list[R]:
        """Call the function with every worker's number, and take the time."""
        lasted = [0.0] * self.workers

        def timed(worker: int) -> R:
            started = perf_counter()
            result = function(worker)
            lasted[worker] = perf_counter() - started
            return result

        started = perf_counter()
        results = super().map(timed, workers)
        self.inside += perf_counter() - started
        self.working += max(lasted)
        self.rounds += 1
        return results


def measure(cell: str, layers: int, hidden: int, steps: int) -> None:
    """Train some steps and print where their time went."""
    values = {"cell": cell, "num_layers": layers, "hidden_size": hidden}
    config = from_dict({"corpus": {"path": "-"}, "model": values, "kernels": "fused"}, "serial_part")
    team = TimedTeam(available_cores())
    model = bench.network(config, 65)
    trainer: Any = bench.training(config, model, team, bench.random_symbols(config, 65))
    list(islice(trainer.run(), 3))
    serial, whole = [], []
    for _ in range(steps):
        team.inside = team.working = 0.0
        team.rounds = 0
        started = perf_counter()
        next(trainer.run())
        whole.append(perf_counter() - started)
        serial.append(whole[-1] - team.working)
    team.close()
    one_thread, parallel = median(serial), (median(whole) - median(serial)) * team.workers
    bounds = [(one_thread + parallel) / (one_thread + parallel / cores) for cores in CORES]
    print(
        f"{f'{cell} {layers} x {hidden}':<14}{1000 * median(whole):>8.1f} ms{1000 * one_thread:>8.2f} ms"
        f"{one_thread / (one_thread + parallel):>8.2%}" + "".join(f"{bound:>8.1f}" for bound in bounds)
    )


def main() -> None:
    """Measure every shape."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=40, help="of each network (default 40)")
    arguments = parser.parse_args()
    bounds = "".join(f"{f'{cores} c.':>8}" for cores in CORES)
    print(f"{'network':<14}{'a step':>11}{'serial':>11}{'share':>8}{bounds}   (speed-up over one core, at most)")
    for cell, layers, hidden in SHAPES:
        measure(cell, layers, hidden, arguments.steps)


if __name__ == "__main__":
    main()
