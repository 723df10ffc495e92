"""The lines of metrics that a run writes, and their reading."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from math import log
from pathlib import Path
from typing import Any, BinaryIO

LONGEST_LINE = 1 << 16  # bytes


@dataclass(slots=True)
class Interval:
    """The steps since the last line of metrics, added up.

    Attributes
    ----------
    loss, grad_norm, seconds : float
        The sums over the steps: of the mean losses in nats per character, of the gradient's norms, and of the times.
    """

    steps: int = 0
    loss: float = 0.0
    grad_norm: float = 0.0
    seconds: float = 0.0

    def add(self, loss: float, grad_norm: float, seconds: float) -> None:
        """Count one more step."""
        self.steps += 1
        self.loss += loss
        self.grad_norm += grad_norm
        self.seconds += seconds

    def line(
        self,
        *,
        step: int,
        epoch: float,
        window: int,
        unit: str = "char",
        seconds: float,
        learning_rate: float,
        valid_loss: float | None,
        network_loss: float | None = None,
    ) -> str:
        """Return the line of metrics: means over the steps of the interval.

        Parameters
        ----------
        step, epoch
            Where the run is after them.
        window : int
            How many characters a step reads.
        unit : str
            What is called a character: ``char`` or ``byte``, for the names of the figures.
        seconds : float
            The time of all steps of the run so far.
        learning_rate : float
            That of the last step.
        valid_loss : float or None
            The mean validation loss in nats per character, if the last step was followed by an evaluation.
        network_loss : float or None
            That of the network alone, if there is an n-gram beside it.
        """
        loss = self.loss / self.steps
        line: dict[str, Any] = {
            "step": step,
            "epoch": round(epoch, 6),
            f"{unit}s": step * window,
            "seconds": round(seconds, 3),
            "loss": loss,
            f"bits_per_{unit}": loss / log(2),
            "learning_rate": learning_rate,
            "grad_norm": self.grad_norm / self.steps,
            f"{unit}s_per_second": round(self.steps * window / max(self.seconds, 1e-9), 1),
        }
        if valid_loss is not None:
            line["valid_loss"] = valid_loss
            line[f"valid_bits_per_{unit}"] = valid_loss / log(2)
        if network_loss is not None:
            line["valid_network_loss"] = network_loss
        return json.dumps(line) + "\n"


def read(path: Path) -> list[dict[str, Any]]:
    """Return the lines of a file of metrics, each as its values by name."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


@dataclass(frozen=True, slots=True)
class Logged:
    """What the resume of a run needs to know of a line of metrics.

    Attributes
    ----------
    step : int
        After how many steps it was written.
    valid_loss : float or None
        The validation loss in nats per character, if there was an evaluation.
    end : int
        Where the line ends in the file.
    """

    step: int
    valid_loss: float | None
    end: int


def lines(file: BinaryIO) -> Iterator[tuple[dict[str, Any], int]]:
    """Yield the values of each line and where it ends; lines that were cut, or are no JSON objects, are left out."""
    end = 0
    while line := file.readline(LONGEST_LINE):
        end += len(line)
        try:
            values = json.loads(line) if line.endswith(b"\n") else None
        except (ValueError, RecursionError):
            continue
        if isinstance(values, dict):
            yield values, end


def logged(file: BinaryIO) -> Iterator[Logged]:
    """Yield what a resume needs of the lines of metrics that can be read."""
    for values, end in lines(file):
        if isinstance(step := values.get("step"), int):
            loss = values.get("valid_loss")
            yield Logged(step, loss if isinstance(loss, float) else None, end)


def end_of_step(file: BinaryIO, step: int, size: int) -> int:
    """Return where the lines of the steps up to `step` end in a file of metrics, which was so long after that step."""
    end = 0
    for line in logged(file):
        if line.step > step or end == size:
            break
        end = line.end
    return end
