"""Curves of gradients over lags: a chart or a picture, and a table."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count

import numpy as np

from charlm.arrays import Array
from charlm.errors import UsageError
from charlm.insight.plot import MARKERS, MOST_RUNS, NothingToDrawError, Panel, Plot, Series
from charlm.phrases import one_line

TITLE = "|d loss(t) / d {state}(t-k)|"
KINDS = {"untrained": 0, "trained": 1, "analytic": 0, "computed": 1}  # the place in a pair of markers


@dataclass(frozen=True, slots=True)
class Fading:
    """A gradient over lags.

    Attributes
    ----------
    name : str
        What it is the gradient of.
    state : str
        What it is the gradient by, such as ``h``.
    kind : str
        A key of `KINDS`; a name has at most one curve of each kind and state.
    values : ndarray, shape (lags + 1,)
        By lag, from 0 on; NaN where there is none.
    """

    name: str
    state: str
    kind: str
    values: Array

    @property
    def factor(self) -> float:
        """By what the gradient is multiplied a step back: the geometric mean from lag 1 to the last; NaN without one.

        It is 0 where the gradient has vanished altogether.
        """
        first, last = abs(float(self.values[1])), abs(float(self.values[-1]))
        if len(self.values) < 3 or not 0 < first < np.inf or not last < np.inf:
            return np.nan
        return float((last / first) ** (1 / (len(self.values) - 2)))


def plot(curves: Sequence[Fading], title: str = TITLE) -> Plot:
    """Return the plot of curves, with their table as its legend.

    Parameters
    ----------
    curves : sequence of Fading
        What to draw.
    title : str
        That of a panel, in which ``{state}`` stands for a state: each title that this gives has a panel.

    Raises
    ------
    NothingToDrawError
        If no value is positive, as an axis of ratios needs.
    UsageError
        If there are more names than markers.
    """
    names = list(dict.fromkeys(curve.name for curve in curves))
    if len(names) > MOST_RUNS:
        raise UsageError(f"{len(names)} curves are too many for one plot; choose at most {MOST_RUNS} of them")
    marked = [(names.index(curve.name), curve) for curve in curves]
    panels: dict[str, list[tuple[int, Fading]]] = {}
    for number, curve in marked:
        panels.setdefault(title.format(state=curve.state), []).append((number, curve))
    drawn = [Panel(text, tuple(_series(here)), logarithmic=True) for text, here in panels.items()]
    shown = tuple(panel for panel in drawn if panel.series)
    if not shown:
        raise NothingToDrawError("every gradient is zero at every lag: there is nothing to draw")
    markers = [MARKERS[number][KINDS[curve.kind]] for number, curve in marked]
    return Plot("k, steps back", tuple(map(one_line, names)), shown, tuple(table(curves, markers)))


def _series(marked: Sequence[tuple[int, Fading]]) -> Iterator[Series]:
    """Yield the points of a panel: absolute values, where they are positive and finite."""
    for number, curve in marked:
        y = np.abs(curve.values)
        there = np.isfinite(y) & (y > 0)
        if there.any():
            lags = np.arange(len(y), dtype=float)
            yield Series(number, curve.kind, lags[there], y[there], MARKERS[number][KINDS[curve.kind]])


def table(curves: Sequence[Fading], markers: Sequence[str]) -> Iterator[str]:
    """Yield a line of headings, and a line for each curve: its marker, its name, and its values at some lags."""
    lags = shown_lags(len(curves[0].values) - 1)
    rows = [["", "", "", "", *(f"lag {lag:,}" for lag in lags), "a step"]]
    for marker, curve in zip(markers, curves, strict=True):
        values = [_number(curve.values[lag]) for lag in lags]
        rows.append([marker, one_line(curve.name), curve.kind, curve.state, *values, _number(curve.factor)])
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        left = [text.ljust(width) for text, width in zip(row[:4], widths[:4], strict=True)]
        yield "  ".join([*left, *(text.rjust(width) for text, width in zip(row[4:], widths[4:], strict=True))])


def shown_lags(lags: int) -> list[int]:
    """Return the lags of a table: 0, 1, 2, 5, 10, 20, 50 and so on, and the last."""
    series = (digit * 10**power for power in count() for digit in (1, 2, 5))
    found = [0]
    while (lag := next(series)) < lags:
        found.append(lag)
    return [*found, lags]


def _number(value: float) -> str:
    return "" if np.isnan(value) else f"{value:.3g}"
