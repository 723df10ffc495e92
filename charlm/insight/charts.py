"""Charts of characters: points in a grid of cells between two axes, for any terminal and any text file."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor, log10

import numpy as np

from charlm.arrays import Array

STEPS = (1, 2, 2.5, 5, 10)  # between ticks, times a power of ten
ROWS_OF_A_LABEL, COLUMNS_OF_A_LABEL = 2, 12  # at the least, from one tick to the next
COLOURS = (34, 31, 32, 35, 36, 33)  # blue, red, green, magenta, cyan, yellow: of SGR, ECMA-48


@dataclass(frozen=True, slots=True)
class Points:
    """Points that are shown by the same character.

    Attributes
    ----------
    x, y : ndarray
        (N,) Where they are; those that are not finite are left out.
    marker : str
        The character, one column wide.
    colour : int
        A number for each of several colours, which come again after the last one.
    """

    x: Array
    y: Array
    marker: str
    colour: int = 0


@dataclass(frozen=True, slots=True)
class Axis:
    """An axis of some cells, the first of which has its middle at `low` and the last one at `high`."""

    low: float
    high: float
    cells: int

    @classmethod
    def around(cls, values: Array, cells: int) -> "Axis":
        """Return the axis from the least value to the greatest, or around the only one."""
        low, high = float(values.min()), float(values.max())
        if low == high:
            low, high = low - (abs(low) / 10 or 1), high + (abs(high) / 10 or 1)
        return cls(low, high, cells)

    def cell(self, value: float) -> int:
        """Return the number of the cell that a value is in."""
        return floor((value - self.low) / (self.high - self.low) * (self.cells - 1) + 0.5)

    def ticks(self, most: int, whole: bool = False) -> dict[int, float]:
        """Return round values, or whole ones, by the cells that they are in, at most so many, if it is possible."""
        least = max(1.0 if whole else 0.0, (self.high - self.low) / max(1, most))
        power = 10.0 ** floor(log10(least))
        steps = [step * power for step in STEPS if not whole or (step * power).is_integer()]
        step = next(step for step in steps if step >= least * (1 - 1e-9))
        first, last = ceil(self.low / step - 1e-9), floor(self.high / step + 1e-9)
        return {self.cell(number * step): number * step for number in range(first, last + 1)}


def chart(
    points: Sequence[Points],
    *,
    columns: int,
    rows: int,
    margin: int = 8,
    between: tuple[float, float] | None = None,
    logarithmic: bool = False,
    coloured: bool = False,
) -> list[str]:
    """Draw points, the later ones over the earlier ones.

    Parameters
    ----------
    points : sequence of Points
        What to draw; at least one point is finite.
    columns, rows : int
        The size of the grid, without the axes and their labels.
    margin : int
        Columns for the labels of y and a space; it is wider where a label is.
    between : tuple of float, optional
        The least and the greatest x of the axis; by default those of the points.
    logarithmic : bool
        Whether equal distances are equal ratios of y; what is not positive is left out then.
    coloured : bool
        Whether to write a terminal's escapes for colours.

    Returns
    -------
    list of str
        The rows, from the top, then the axis below and its labels.
    """
    drawn = [_finite(series, logarithmic) for series in points]
    across = Axis.around(np.concatenate([x for x, _ in drawn]) if between is None else np.array(between), columns)
    up = Axis.around(np.concatenate([y for _, y in drawn]), rows)
    grid = [[" "] * columns for _ in range(rows)]
    for series, (xs, ys) in zip(points, drawn, strict=True):
        cell = f"\x1b[{COLOURS[series.colour % len(COLOURS)]}m{series.marker}\x1b[0m" if coloured else series.marker
        for x, y in zip(xs.tolist(), ys.tolist(), strict=True):
            grid[up.cell(y)][across.cell(x)] = cell
    ticks = up.ticks(rows // ROWS_OF_A_LABEL, whole=logarithmic)
    if len(ticks) < 2:
        ticks = {0: up.low, rows - 1: up.high}
    labels = {row: label(10**tick, 0.0) if logarithmic else label(tick) for row, tick in ticks.items()}
    width = max(margin - 1, *map(len, labels.values()))
    lines = [
        f"{labels.get(row, ''):>{width}} {'┤' if row in labels else '│'}{''.join(grid[row])}".rstrip()
        for row in reversed(range(rows))
    ]
    whole = all((x == np.round(x)).all() for x, _ in drawn)
    return lines + [" " * (width + 1) + line for line in _below(across, whole)]


def _finite(points: Points, logarithmic: bool) -> tuple[Array, Array]:
    """Return the points that can be drawn, y as it is drawn."""
    wanted = np.isfinite(points.x) & np.isfinite(points.y) & ((points.y > 0) | (not logarithmic))
    x, y = points.x[wanted], points.y[wanted]
    return x, np.log10(y) if logarithmic else y


def _below(across: Axis, whole: bool) -> list[str]:
    """Return the axis and its labels, each in the middle below its tick, at whole numbers where all x are."""
    ticks = across.ticks(across.cells // COLUMNS_OF_A_LABEL, whole)
    line = "".join("┬" if column in ticks else "─" for column in range(across.cells))
    labels = ""
    for column, tick in ticks.items():
        text = label(tick)
        labels = labels.ljust(column + 1 - len(text) // 2) + text  # the corner is one column
    return [f"└{line}", labels]


def label(value: float, zero: float = 1e-12) -> str:
    """Return a number as an axis shows it; what is smaller than `zero` is a zero that was rounded."""
    if abs(value) >= 1e6:
        return f"{value / 1e6:,.6g}M"
    return f"{value:,.0f}" if abs(value) >= 1e3 else f"{0.0 if abs(value) < zero else value:.4g}"
