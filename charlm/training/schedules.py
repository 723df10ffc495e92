"""How the learning rate changes over a run: a schedule is a function from a position in the run to a factor."""

from dataclasses import dataclass, replace
from math import cos, floor, inf, pi
from typing import Any, ClassVar, Protocol


@dataclass(frozen=True, slots=True)
class Position:
    """The position of a run before a step.

    Attributes
    ----------
    step : int
        Steps done, from 0.
    total_steps : int
        Steps that the run will have.
    steps_per_epoch : int
        Steps in a pass over the text.
    plateaus : int
        How many plateaus the validation loss has had so far.
    warmup_steps : int
        How many of the first steps belong to the warm-up.
    """

    step: int
    total_steps: int
    steps_per_epoch: int
    plateaus: int = 0
    warmup_steps: int = 0

    def epochs_after(self, epochs: float) -> float:
        """Return how many epochs have been done beyond the first so many; fractions count."""
        return max(0.0, self.step / self.steps_per_epoch - epochs)

    @property
    def remaining(self) -> float:
        """The share of the steps after the warm-up that is still to come, from 1 to 0."""
        length = self.total_steps - self.warmup_steps
        return 1 - min(1.0, max(0, self.step - self.warmup_steps) / max(1, length))


class Schedule(Protocol):
    """A function from the position of a run to the factor by which the next step multiplies the learning rate."""

    @property
    def patience(self) -> float:
        """How many evaluations without a better loss make a plateau; infinite if plateaus change nothing."""

    def __call__(self, position: Position) -> float:
        """Return the factor, from 0 to 1."""


@dataclass(frozen=True, slots=True)
class Constant:
    """No change."""

    patience: ClassVar[float] = inf

    def __call__(self, position: Position) -> float:
        """Return 1."""
        return 1.0


@dataclass(frozen=True, slots=True)
class Cosine:
    """Half a cosine from 1 to the final ratio (Loshchilov & Hutter 2017, without restarts).

    Attributes
    ----------
    final_ratio : float
        The last factor.
    """

    final_ratio: float = 0.0
    patience: ClassVar[float] = inf

    def __call__(self, position: Position) -> float:
        """Return the height of the cosine between its ends."""
        height = (1 - cos(pi * position.remaining)) / 2
        return self.final_ratio + (1 - self.final_ratio) * height


@dataclass(frozen=True, slots=True)
class Exponential:
    """A factor an epoch, a little of it at every step.

    Attributes
    ----------
    factor : float
        What an epoch multiplies the rate by.
    after : float
        How many epochs pass before the decay begins.
    """

    factor: float = 0.97
    after: float = 0.0
    patience: ClassVar[float] = inf

    def __call__(self, position: Position) -> float:
        """Return the factor to the power of the epochs."""
        return float(self.factor ** position.epochs_after(self.after))


@dataclass(frozen=True, slots=True)
class Linear:
    """A straight line from 1 to the final ratio.

    Attributes
    ----------
    final_ratio : float
        The last factor.
    """

    final_ratio: float = 0.0
    patience: ClassVar[float] = inf

    def __call__(self, position: Position) -> float:
        """Return the height of the line between its ends."""
        return self.final_ratio + (1 - self.final_ratio) * position.remaining


@dataclass(frozen=True, slots=True)
class Plateau:
    """A drop whenever the validation loss has stopped to fall.

    Attributes
    ----------
    factor : float
        What a drop multiplies the rate by.
    final_ratio : float
        The least factor of all drops together.
    patience : int
        How many evaluations without a better loss make a plateau.
    """

    factor: float = 0.97
    final_ratio: float = 0.0
    patience: int = 3

    def __call__(self, position: Position) -> float:
        """Return the factor to the power of the plateaus, or the final ratio if that is more."""
        return float(max(self.final_ratio, self.factor**position.plateaus))


@dataclass(frozen=True, slots=True)
class Step:
    """A drop every few epochs.

    Attributes
    ----------
    factor : float
        What a drop multiplies the rate by.
    every : int
        Epochs between two drops.
    after : float
        How many epochs pass before these are counted.
    """

    factor: float = 0.97
    every: int = 1
    after: float = 0.0
    patience: ClassVar[float] = inf

    def __call__(self, position: Position) -> float:
        """Return the factor to the power of the drops."""
        return float(self.factor ** floor(position.epochs_after(self.after) / self.every))


SCHEDULES: dict[str, type[Any]] = {
    "constant": Constant,
    "cosine": Cosine,
    "exponential": Exponential,
    "linear": Linear,
    "plateau": Plateau,
    "step": Step,
}
NAMES = tuple(SCHEDULES)


@dataclass(frozen=True, slots=True)
class WarmUp:
    """A linear rise over the first steps, around any schedule.

    The first step has 1 / steps of the rate, and the step after the last of them the whole of it.

    Attributes
    ----------
    schedule : Schedule
        What the rise is multiplied by; `Cosine` and `Linear` fall over the steps after the warm-up.
    steps : int
        The length of the rise; 0 is none.
    """

    schedule: Schedule = Constant()
    steps: int = 0

    @property
    def patience(self) -> float:
        """The patience of the schedule."""
        return self.schedule.patience

    def __call__(self, position: Position) -> float:
        """Return the factor of the schedule, multiplied by the share of the rise that is reached."""
        reached = min(1.0, (position.step + 1) / self.steps) if self.steps else 1.0
        return reached * self.schedule(replace(position, warmup_steps=self.steps))
