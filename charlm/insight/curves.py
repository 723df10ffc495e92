"""The curves of a run: its lines of metrics as arrays, and their smoothing."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import nan
from pathlib import Path
from typing import Any

import numpy as np

from charlm.arrays import Array
from charlm.atomic import open_regular
from charlm.errors import FileError
from charlm.files import schema
from charlm.files.metrics import lines
from charlm.limits import MOST_COUNT

UNITS = ("char", "byte")
WHOLE = schema.whole(0, MOST_COUNT)


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to a run, such as a rollback.

    Attributes
    ----------
    step : int
        The step from which the run went on.
    kind : str
        What it was.
    """

    step: int
    kind: str


@dataclass(frozen=True, slots=True)
class Curves:
    """What a run has logged: N lines of metrics, each a mean over the steps since the line before.

    A value that a line does not have is NaN, such as the validation loss of most lines.

    Attributes
    ----------
    path : Path
        The file of metrics.
    unit : str
        What is called a character: ``char`` or ``byte``.
    steps, chars, minutes : ndarray
        (N,) The steps, the characters read and the minutes of training up to each line.
    loss : ndarray
        (N,) The training loss in nats per character.
    valid_loss, valid_network_loss : ndarray
        (N,) The validation loss, and that of the network alone where there is an n-gram beside it.
    learning_rate, grad_norm, chars_per_second : ndarray
        (N,) The learning rate, the norm of the gradient before it is clipped, and the speed.
    events : tuple of Event
        What happened on the way.
    """

    path: Path
    unit: str
    steps: Array
    chars: Array
    minutes: Array
    loss: Array
    valid_loss: Array
    valid_network_loss: Array
    learning_rate: Array
    grad_norm: Array
    chars_per_second: Array
    events: tuple[Event, ...] = ()

    def __len__(self) -> int:
        return self.steps.size


def read(path: Path) -> Curves:
    """Read a file of metrics; lines that were cut, or are no metrics, are left out.

    Raises
    ------
    FileError
        If the file cannot be read.
    """
    rows: list[dict[str, Any]] = []
    events: list[Event] = []
    try:
        with open_regular(path, "rb") as file:
            for values, _ in lines(file):
                if not WHOLE(values.get("step")):
                    continue
                if isinstance(kind := values.get("event"), str):
                    events.append(Event(values["step"], kind))
                else:
                    rows.append(values)
    except OSError as error:
        raise FileError(f"{path}: cannot be read: {error.strerror or error}") from error
    unit = "byte" if any("bytes" in row for row in rows) else "char"
    return Curves(
        path=path,
        unit=unit,
        steps=_column(rows, "step"),
        chars=_column(rows, *(f"{name}s" for name in UNITS)),
        minutes=_column(rows, "seconds") / 60,
        loss=_column(rows, "loss"),
        valid_loss=_column(rows, "valid_loss"),
        valid_network_loss=_column(rows, "valid_network_loss"),
        learning_rate=_column(rows, "learning_rate"),
        grad_norm=_column(rows, "grad_norm"),
        chars_per_second=_column(rows, *(f"{name}s_per_second" for name in UNITS)),
        events=tuple(events),
    )


def _column(rows: list[dict[str, Any]], *names: str) -> Array:
    """Return the values under the first of some names that a line has; NaN where there is no number."""
    values: Iterator[Any] = (next((row[name] for name in names if name in row), None) for row in rows)
    return np.array([float(value) if schema.number(value) else nan for value in values], np.float64)


def smoothed(values: Array, memory: float) -> Array:
    """Return the mean of each value and those before it, in which an older one counts `memory` times the next one.

    Parameters
    ----------
    values : ndarray
        (N,) What to smooth. Where it is not finite, so is the result, and it counts for no other.
    memory : float
        From 0, which returns the values, to below 1. The mean is one over some 1 / (1 - memory) values.
    """
    means = np.full(values.shape, nan)
    total = weight = 0.0
    for n, value in enumerate(values.tolist()):
        if np.isfinite(value):
            total, weight = memory * total + value, memory * weight + 1
            means[n] = total / weight
    return means
