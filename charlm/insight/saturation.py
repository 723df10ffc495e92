"""How often the gates of a network are shut or open: Karpathy, Johnson & Fei-Fei (2016), section 4.2."""

from typing import NamedTuple

import numpy as np

from charlm.arrays import Array
from charlm.cells import Cell
from charlm.insight.traces import Traces

SHUT, OPEN = 0.1, 0.9  # a gate is left-saturated below the one and right-saturated above the other
MOSTLY = 0.9  # share of the text


class Saturation(NamedTuple):
    """The H units of a gate.

    Attributes
    ----------
    layer : int
        From 0.
    gate : str
        Its letter.
    left, right : ndarray, shape (H,)
        The share of the text at which each unit is below 0.1, and above 0.9.
    """

    layer: int
    gate: str
    left: Array
    right: Array

    @property
    def mostly_left(self) -> int:
        """How many units are below 0.1 at nine tenths of the text or more."""
        return int((self.left >= MOSTLY).sum())

    @property
    def mostly_right(self) -> int:
        """How many units are above 0.9 at nine tenths of the text or more."""
        return int((self.right >= MOSTLY).sum())


def gates_of(cell: Cell) -> list[str]:
    """Return the letters of a cell's gates in the narrow sense, which are sigmoids: 1/2 where they get 0."""
    zeros = [np.zeros(1)] * (cell.columns + len(cell.carried))
    at_zero = cell.forward(*zeros)
    return [gate.name for gate, value in zip(cell.gates, at_zero, strict=False) if value == 0.5]


def saturation(cell: Cell, traces: Traces) -> list[Saturation]:
    """Return the statistics of every gate of every layer."""
    layers = range(traces.units[-1].layer + 1)
    return [_of(traces, layer, gate) for layer in layers for gate in gates_of(cell)]


def _of(traces: Traces, layer: int, gate: str) -> Saturation:
    columns = [place for place, unit in enumerate(traces.units) if unit[:2] == (layer, gate)]
    values = traces.values[:, columns[0] : columns[-1] + 1]
    return Saturation(layer, gate, (values < SHUT).mean(axis=0), (values > OPEN).mean(axis=0))
