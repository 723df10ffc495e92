"""A plot: what its panels show, as values; as text, or as a picture; and the plot of runs."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from charlm.arguments import check, check_flags
from charlm.arrays import Array
from charlm.errors import UsageError
from charlm.files.newfile import new_file
from charlm.insight.charts import Points, chart
from charlm.insight.curves import Curves, smoothed
from charlm.phrases import one_line

# Of a terminal, for each run: the markers of its training loss and of its validation loss.
MARKERS = tuple(zip("○△□◇☆▽abcdef", "●▲■◆★▼ABCDEF", strict=True))
MOST_RUNS = len(MARKERS)
MEASURED, NETWORK = "·", "+"  # the markers of values that are not smoothed, and of a network without its n-gram
SMOOTH = 0.8
WIDE = 100  # a gradient's norms have a logarithmic axis when the greatest is so many times the least
TALL, LOW = 16, 5  # rows of a panel
MARGIN = 10  # columns for the labels of an axis

X_AXES: Mapping[str, Callable[[Curves], Array]] = {
    "steps": lambda curves: curves.steps,
    "characters": lambda curves: curves.chars,
    "minutes": lambda curves: curves.minutes,
}
UNITS = {"char": "character", "byte": "byte"}


class NothingToDrawError(UsageError):
    """There is nothing that a plot could show, as where runs have logged nothing yet."""


@dataclass(frozen=True, slots=True)
class Series:
    """A curve of a panel.

    Attributes
    ----------
    run : int
        The number of its run in the plot, from 0.
    kind : str
        How it is drawn in a picture: a key of `charlm.insight.pictures.STYLES`, such as ``validation``.
    x, y : ndarray
        (N,) Its points, all of them finite.
    marker : str
        The character of its points in a chart of characters.
    """

    run: int
    kind: str
    x: Array
    y: Array
    marker: str


@dataclass(frozen=True, slots=True)
class Panel:
    """Curves with the same axes.

    Attributes
    ----------
    title : str
        What y is.
    series : tuple of Series
        The curves.
    logarithmic : bool
        Whether equal distances are equal ratios of y.
    low : bool
        Whether it is less high than what it is below.
    """

    title: str
    series: tuple[Series, ...]
    logarithmic: bool = False
    low: bool = False


@dataclass(frozen=True, slots=True)
class Plot:
    """Panels one below the other, with the same x.

    Attributes
    ----------
    x : str
        What x is, such as ``steps``.
    names : tuple of str
        The runs, or what else has a colour of its own, in printable characters.
    panels : tuple of Panel
        Of runs: the losses first, then the learning rate and the gradient's norm.
    legend : tuple of str
        Of runs: a line for each, with its markers, its name, its best loss, and what happened to it.
    """

    x: str
    names: tuple[str, ...]
    panels: tuple[Panel, ...]
    legend: tuple[str, ...]

    def text(self, columns: int = 80, coloured: bool = False) -> str:
        """Return a chart of characters.

        Parameters
        ----------
        columns : int
            Its width; at least 40 are used.
        coloured : bool
            Whether to write a terminal's escapes for colours.

        Raises
        ------
        UsageError
            If an argument is of another type, or the width is below 0.
        """
        check(columns=columns)
        check_flags(coloured=coloured)
        xs = np.concatenate([series.x for panel in self.panels for series in panel.series])
        lines: list[str] = []
        for panel in self.panels:
            points = [Points(series.x, series.y, series.marker, series.run) for series in panel.series]
            *drawn, numbers = chart(
                points,
                columns=max(40, columns) - MARGIN - 1,
                rows=LOW if panel.low else TALL,
                margin=MARGIN,
                between=(float(xs.min()), float(xs.max())),
                logarithmic=panel.logarithmic,
                coloured=coloured,
            )
            lines += [panel.title, *drawn]
        return "\n".join([*lines, numbers, f"{self.x:>{max(40, columns)}}", "", *self.legend])

    def save(self, path: str | Path, *, overwrite: bool = False) -> None:
        """Write a picture.

        Parameters
        ----------
        path : str or Path
            A file whose name ends with ``.png``, ``.svg`` or ``.html``; its folder exists.
        overwrite : bool
            Whether to replace a file of that name.

        Raises
        ------
        UsageError
            If there is such a file, or no such folder, or the name has another end.
        CharlmError
            If Matplotlib is not installed, or the file cannot be written.
        """
        from charlm.insight.pictures import save

        save(self, new_file(path, "curves.svg", overwrite=overwrite))


def plot(
    runs: Mapping[str, Curves], *, x: str = "steps", smooth: float = SMOOTH, raw: bool = True, start: float = 0.0
) -> Plot:
    """Return the plot of some runs.

    Parameters
    ----------
    runs : mapping of str to Curves
        The runs by their names.
    x : str
        What the curves are drawn against: ``steps``, ``characters`` or ``minutes``.
    smooth : float
        How much an older value counts in the mean that is drawn, as `charlm.insight.curves.smoothed` has it; 0 draws
        the values themselves.
    raw : bool
        Whether to draw the values beside their means.
    start : float
        The x before which nothing is drawn.

    Raises
    ------
    NothingToDrawError
        If there is nothing to draw.
    UsageError
        If there are more runs than markers.
    """
    if len(runs) > MOST_RUNS:
        raise UsageError(f"{len(runs)} runs are too many for one plot; choose at most {MOST_RUNS} of them")
    numbered = list(enumerate(runs.values()))
    units = sorted({UNITS[curves.unit] for curves in runs.values() if len(curves)}, reverse=True)
    losses = [series for run, curves in numbered for series in _losses(run, curves, x, smooth, raw)]
    rates = [_series(run, "measured", MARKERS[run][0], curves, x, curves.learning_rate) for run, curves in numbered]
    norms = [
        series for run, curves in numbered
        for series in _trained(run, curves, x, curves.grad_norm, smooth, raw)
    ]  # fmt: skip
    panels = [
        Panel(f"loss, nats per {' or '.join(units)}", _after(losses, start)),
        Panel("learning rate", _after(rates, start), low=True),
        Panel("gradient norm", _after(norms, start), _is_wide(_after(norms, start)), low=True),
    ]
    if not panels[0].series:
        raise NothingToDrawError(_nothing(runs, x, start))
    return Plot(x, tuple(map(one_line, runs)), tuple(panel for panel in panels if panel.series), tuple(_legend(runs)))


def _series(run: int, kind: str, marker: str, curves: Curves, x: str, y: Array) -> Series:
    """Return the points of a curve that are numbers."""
    across = X_AXES[x](curves)
    there = np.isfinite(across) & np.isfinite(y)
    return Series(run, kind, across[there], y[there], marker)


def _trained(run: int, curves: Curves, x: str, y: Array, smooth: float, raw: bool) -> Iterator[Series]:
    """Yield what was measured in training, and its mean over it."""
    if raw and smooth:
        yield _series(run, "measured", MEASURED, curves, x, y)
    yield _series(run, "smoothed" if smooth else "measured", MARKERS[run][0], curves, x, smoothed(y, smooth))


def _losses(run: int, curves: Curves, x: str, smooth: float, raw: bool) -> Iterator[Series]:
    yield from _trained(run, curves, x, curves.loss, smooth, raw)
    yield _series(run, "network alone", NETWORK, curves, x, curves.valid_network_loss)
    yield _series(run, "validation", MARKERS[run][1], curves, x, curves.valid_loss)


def _after(series: Sequence[Series], start: float) -> tuple[Series, ...]:
    """Return the curves from some x on, without those that have no point there; what is measured is drawn first."""
    order = ("measured", "smoothed", "network alone", "validation")
    cut = [
        Series(one.run, one.kind, one.x[one.x >= start], one.y[one.x >= start], one.marker)
        for one in sorted(series, key=lambda one: order.index(one.kind))
    ]
    return tuple(one for one in cut if one.x.size)


def _is_wide(series: Sequence[Series]) -> bool:
    """Tell whether values are all positive and differ by orders of magnitude."""
    y = np.concatenate([np.empty(0), *(one.y for one in series)])
    return bool(y.size and y.min() > 0 and y.max() > WIDE * y.min())


def _nothing(runs: Mapping[str, Curves], x: str, start: float) -> str:
    """Say why there is nothing to draw."""
    names = ", ".join(runs)
    if not any(map(len, runs.values())):
        return f"{names}: no figures yet; the first line of metrics is written after training.log_every steps"
    if start > 0:
        return f"{names}: no figures from {start:g} {x} on; begin earlier"
    return f"{names}: the lines of metrics have no loss by {x}; choose another x"


def _legend(runs: Mapping[str, Curves]) -> Iterator[str]:
    """Yield a line about each run."""
    for (training, validation), (name, curves) in zip(MARKERS, runs.items(), strict=False):
        has_validation = np.isfinite(curves.valid_loss).any()
        markers = f"{training} training" + (f"  {validation} validation" if has_validation else "")
        alone = f"  {NETWORK} without the n-gram" if np.isfinite(curves.valid_network_loss).any() else ""
        yield f"{markers}{alone}  {one_line(name)}: {_best(curves)}{_happened(curves)}"


def _best(curves: Curves) -> str:
    if not len(curves):
        return "no figures yet"
    if np.isfinite(curves.valid_loss).any():
        best = int(np.nanargmin(curves.valid_loss))
        loss = f"lowest validation loss {curves.valid_loss[best]:.4f}"
    elif np.isfinite(curves.loss).any():
        best = int(np.nanargmin(curves.loss))
        loss = f"no validation; lowest training loss {curves.loss[best]:.4f}"
    else:
        return "no loss"
    return f"{loss} nats at step {curves.steps[best]:,.0f}"


def _happened(curves: Curves) -> str:
    if not curves.events:
        return ""
    last, number = curves.events[-1], len(curves.events)
    return f"; {one_line(last.kind)} to step {last.step:,}" + (f", the last of {number:,}" if number > 1 else "")
