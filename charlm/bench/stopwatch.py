"""Takes the time of the kernels inside whole training steps."""

from collections.abc import Callable
from dataclasses import replace
from time import perf_counter
from typing import Any, TypeVar, cast

from charlm.bench.products import BACKWARD, FORWARD, WEIGHTS
from charlm.network.backend import Backend
from charlm.network.recurrence import Recurrence

R = TypeVar("R")

SOFTMAX = "softmax and loss"
LOOK_UP = "look-up gradient"
OPTIMIZER = "optimizer"


class Stopwatch:
    """Adds up the time spent in functions by name, from any thread."""

    def __init__(self) -> None:
        self._laps: list[tuple[str, float]] = []

    def timed(self, name: str, function: Callable[..., R]) -> Callable[..., R]:
        """Return the function with its time taken at every call."""

        def call(*arguments: Any, **named: Any) -> R:
            started = perf_counter()
            result = function(*arguments, **named)
            self._laps.append((name, perf_counter() - started))
            return result

        return call

    def clear(self) -> None:
        """Forget all laps."""
        self._laps.clear()

    def total(self, name: str) -> float:
        """Return the seconds spent under a name, by all threads together."""
        return sum(seconds for lap, seconds in self._laps if lap == name)

    def watch(self, backend: Backend) -> Backend:
        """Return the kernels with their time taken."""

        def recurrences(*arguments: Any) -> list[Recurrence]:
            return [cast(Recurrence, _TimedLoop(loop, self)) for loop in backend.recurrences(*arguments)]

        def weight_gradient(*arguments: Any) -> Callable[..., None]:
            return self.timed(WEIGHTS, backend.weight_gradient(*arguments))

        def elementwise(*arguments: Any, **named: Any) -> Any:
            return self.timed(OPTIMIZER, backend.elementwise(*arguments, **named))

        return replace(
            backend,
            recurrences=recurrences,
            weight_gradient=weight_gradient,
            cross_entropy_with_gradient=self.timed(SOFTMAX, backend.cross_entropy_with_gradient),
            sum_by_symbol=self.timed(LOOK_UP, backend.sum_by_symbol),
            elementwise=elementwise,
        )


class _TimedLoop:
    """A time loop under a stopwatch."""

    def __init__(self, loop: Recurrence, stopwatch: Stopwatch) -> None:
        self._loop = loop
        self.forward = stopwatch.timed(FORWARD, loop.forward)
        self.backward = stopwatch.timed(BACKWARD, loop.backward)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loop, name)
