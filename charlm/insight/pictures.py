"""Plots as pictures, drawn by Matplotlib, which the `plot` extra brings."""

import html
import io
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from charlm.atomic import atomic_file
from charlm.errors import CharlmError, UsageError

if TYPE_CHECKING:
    from charlm.insight.plot import Plot, Series

# How a kind of curve is drawn; a run, or a network, has a colour.
STYLES: Mapping[str, Mapping[str, Any]] = {
    "measured": {"linewidth": 0.8, "alpha": 0.35},
    "smoothed": {"linewidth": 1.4},
    "network alone": {"linewidth": 1.2, "linestyle": ":"},
    "validation": {"linewidth": 1.4, "linestyle": "--", "marker": "o", "markersize": 3},
    "untrained": {"linewidth": 1.2, "linestyle": "--"},
    "trained": {"linewidth": 1.6},
    "analytic": {"linewidth": 1.2, "linestyle": "--"},
    "computed": {"linewidth": 4, "alpha": 0.35},
}
ALONE: Mapping[str, Any] = {"linewidth": 1.2}  # the style of measured values that have no mean beside them
SETTINGS: dict[Any, Any] = {
    "svg.hashsalt": "charlm",  # the same plot gives the same file
    "svg.fonttype": "none",  # text stays text, for small files and readers of screens
    "text.parse_math": False,  # a dollar in a name is a dollar
}
INCHES = (8.0, 3.5, 1.3)  # the width, the height of a panel, and that of a low one


def check(path: Path) -> None:
    """Raise what `save` would raise, whatever the plot, for the name of a file or for want of Matplotlib."""
    if path.suffix.lower() not in FORMATS:
        names = list(FORMATS)
        raise UsageError(f"{path}: must end with {', '.join(names[:-1])} or {names[-1]}")
    try:
        import matplotlib.figure  # noqa: F401
    except ImportError as error:
        raise CharlmError(
            f"pictures need Matplotlib, which does not import ({error}); install it: `pip install 'charlm[plot]'`"
        ) from error


def save(plot: "Plot", path: Path) -> None:
    """Write a plot to a file in the format that its name ends with; see `Plot.save`."""
    check(path)
    data = FORMATS[path.suffix.lower()](plot)
    with atomic_file(path) as file:
        file.write(data)


def _drawn(plot: "Plot", kind: str) -> bytes:
    """Return a picture in a format of Matplotlib's."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure
    from matplotlib.ticker import LogFormatter

    heights = [INCHES[2] if panel.low else INCHES[1] for panel in plot.panels]
    buffer = io.BytesIO()
    with rc_context(SETTINGS):
        figure = Figure(figsize=(INCHES[0], sum(heights)), layout="constrained")
        all_axes = figure.subplots(len(heights), sharex=True, squeeze=False, height_ratios=heights)[:, 0]
        for axes, panel in zip(all_axes, plot.panels, strict=True):
            axes.set_ylabel(panel.title)
            axes.grid(alpha=0.3)
            if panel.logarithmic:
                axes.set_yscale("log")
                axes.yaxis.set_major_formatter(LogFormatter())  # those of Matplotlib's choice need the markup of TeX
                axes.yaxis.set_minor_formatter(LogFormatter(labelOnlyBase=False))
            smoothed = {series.run for series in panel.series if series.kind == "smoothed"}
            for series in panel.series:
                axes.plot(series.x, series.y, color=f"C{series.run}", **_style(series, smoothed))
        all_axes[-1].set_xlabel(plot.x)
        for run, name in enumerate(plot.names):
            all_axes[0].plot([], [], color=f"C{run}", label=name)
        for kind_of_curve in dict.fromkeys(series.kind for series in plot.panels[0].series):
            all_axes[0].plot([], [], color="0.4", label=kind_of_curve, **STYLES[kind_of_curve])
        all_axes[0].legend(fontsize="small")
        figure.savefig(buffer, format=kind, dpi=100, metadata={"Date": None} if kind == "svg" else None)
    return buffer.getvalue()


def _style(series: "Series", smoothed: set[int]) -> Mapping[str, Any]:
    return ALONE if series.kind == "measured" and series.run not in smoothed else STYLES[series.kind]


def _page(plot: "Plot") -> bytes:
    """Return a page that holds the picture and the legend, and fetches nothing."""
    picture = _drawn(plot, "svg").decode()
    title = html.escape(", ".join(plot.names))
    legend = "".join(f"<li>{html.escape(line)}</li>\n" for line in plot.legend)
    return (
        '<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        f"<title>{title}</title>\n<style>body {{ font-family: sans-serif; margin: 1em }} "
        "svg { max-width: 100%; height: auto; background: white } "
        "ul { padding: 0; list-style: none; font-family: monospace; white-space: pre; overflow-x: auto }</style>\n"
        f"<h1>{title}</h1>\n<figure>\n{picture[picture.index('<svg') :]}</figure>\n<ul>\n{legend}</ul>\n</html>\n"
    ).encode()


FORMATS: Mapping[str, Callable[["Plot"], bytes]] = {
    ".png": lambda plot: _drawn(plot, "png"),
    ".svg": lambda plot: _drawn(plot, "svg"),
    ".html": _page,
}
