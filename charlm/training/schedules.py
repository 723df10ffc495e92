"""How the learning rate changes over a run: a factor for every step."""

from collections.abc import Callable
from dataclasses import dataclass
from math import cos, floor, pi


@dataclass(frozen=True, slots=True)
class Schedule:
    """A schedule's name and numbers.

    Attributes
    ----------
    name : str
        A name from `NAMES`.
    warmup_steps : int
        The rate grows linearly from 0 over so many first steps.
    factor : float
        What the rate is multiplied by: an epoch (exponential), a drop (step), a plateau (plateau).
    every : int
        Epochs between the drops of ``step``.
    after : float
        Epochs before the decay of ``step`` and ``exponential`` begins.
    final_ratio : float
        The last rate over the learning rate (cosine, linear), or the least it falls to (plateau).
    patience : int
        How many evaluations without a better loss make a plateau.
    """

    name: str = "constant"
    warmup_steps: int = 0
    factor: float = 0.97
    every: int = 1
    after: float = 0
    final_ratio: float = 0.0
    patience: int = 3


@dataclass(frozen=True, slots=True)
class Position:
    """Where a run stands when it asks for a rate.

    Attributes
    ----------
    step : int
        Steps done, from 0.
    total : int
        Steps the run will have.
    steps_per_epoch : int
        Steps in an epoch.
    plateaus : int
        How many plateaus the validation loss has had so far.
    """

    step: int
    total: int
    steps_per_epoch: int
    plateaus: int = 0


def _constant(schedule: Schedule, position: Position) -> float:
    return 1.0


def _decaying_epochs(schedule: Schedule, position: Position) -> float:
    return max(0.0, position.step / position.steps_per_epoch - schedule.after)


def _step(schedule: Schedule, position: Position) -> float:
    return float(schedule.factor ** floor(_decaying_epochs(schedule, position) / schedule.every))


def _exponential(schedule: Schedule, position: Position) -> float:
    return float(schedule.factor ** _decaying_epochs(schedule, position))


def _remaining(schedule: Schedule, position: Position) -> float:
    """Return the share of the steps after the warm-up that is still to come, 1 to 0."""
    length = position.total - schedule.warmup_steps
    return 1 - min(1.0, max(0, position.step - schedule.warmup_steps) / max(1, length))


def _cosine(schedule: Schedule, position: Position) -> float:
    """Half a cosine from 1 to the final ratio (Loshchilov & Hutter 2017, without restarts)."""
    height = (1 - cos(pi * _remaining(schedule, position))) / 2
    return schedule.final_ratio + (1 - schedule.final_ratio) * height


def _linear(schedule: Schedule, position: Position) -> float:
    return schedule.final_ratio + (1 - schedule.final_ratio) * _remaining(schedule, position)


def _plateau(schedule: Schedule, position: Position) -> float:
    return float(max(schedule.final_ratio, schedule.factor**position.plateaus))


SCHEDULES: dict[str, Callable[[Schedule, Position], float]] = {
    "constant": _constant,
    "cosine": _cosine,
    "exponential": _exponential,
    "linear": _linear,
    "plateau": _plateau,
    "step": _step,
}
NAMES = tuple(SCHEDULES)


def ratio(schedule: Schedule, position: Position) -> float:
    """Return the factor of the learning rate for the next step, warm-up included.

    The warm-up's first step has 1 / warmup_steps of the rate, and the step after the last of them the whole of it.
    """
    warmup = min(1.0, (position.step + 1) / schedule.warmup_steps) if schedule.warmup_steps else 1.0
    return warmup * SCHEDULES[schedule.name](schedule, position)
