"""`charlm plot`: the curves of runs, in the terminal or as a picture."""

import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path

import click

from charlm.cli.options import FiniteRange, PathOfAFile, check_output, is_given, picture_option
from charlm.cli.streams import has_colours, is_terminal, say, write
from charlm.errors import UsageError
from charlm.limits import MOST_COUNT
from charlm.phrases import one_line

WIDEST = 160  # columns of a chart
MOST_SECONDS = 86_400  # a day


@click.command(
    epilog="""\b
Examples:
  charlm plot runs/plays
  charlm plot runs/plays runs/verse --x minutes --from 0.5
  charlm plot runs/plays --follow
  charlm plot runs/plays -o curves.svg
"""
)
@click.argument("runs", metavar="RUN...", nargs=-1, required=True, type=PathOfAFile())
@click.option(
    "--x",
    type=click.Choice(["steps", "characters", "minutes"]),
    default="steps",
    help="What the curves are drawn against.",
)
@click.option(
    "--smooth",
    type=FiniteRange(min=0, max=0.999),
    default=0.8,
    metavar="S",
    help="How much an older value counts in the mean that is drawn, against the next one; 0 draws no mean.",
)
@click.option("--no-raw", is_flag=True, help="Draw the means alone, without the values.")
@click.option(
    "--from",
    "start",
    type=FiniteRange(min=0, max=MOST_COUNT),
    default=0,
    metavar="X",
    help="Leave out what is before X.",
)
@click.option("--follow", is_flag=True, help="Draw anew whenever a run that is going on has logged something.")
@click.option(
    "--every",
    type=FiniteRange(min=0, min_open=True, max=MOST_SECONDS),
    default=2,
    metavar="SECONDS",
    help="How often to look with --follow.",
)
@picture_option
def command(
    runs: tuple[Path, ...], x: str, smooth: float, no_raw: bool, start: float, follow: bool, every: float,
    out: Path | None, force: bool,
) -> None:  # fmt: skip
    """Plot the losses of each RUN, and its learning rate and gradient norm below.

    RUN is a run directory or its metrics.jsonl. The chart is as wide as the terminal; COLUMNS sets another width.
    It has colours on a terminal, and elsewhere with FORCE_COLOR in the environment, but none with NO_COLOR: every run
    has markers of its own, but for the loss of a network without its n-gram, which is + in all of them.
    """
    import charlm

    if is_given("every") and not follow:
        raise UsageError("--every: has no effect without --follow; add that, or leave it out")
    check_output("--out", out, "curves.svg", force, runs)
    on_screen = out is None and is_terminal(sys.stdout)
    if follow and out is None and not on_screen:
        raise UsageError("--follow: standard output is no terminal; write a picture with --out FILE")
    units = {charlm.curves(run).unit for run in runs}
    if len(units) > 1:
        say("charlm: some runs are of characters and some of bytes: their losses cannot be compared")

    def draw() -> None:
        plot = charlm.plot(*runs, x=x, smooth=smooth, raw=not no_raw, start=start)
        if out is not None:
            plot.save(out, overwrite=True)  # which was asked for above; with --follow it is its own
            say(f"{one_line(str(out))}: written")
            return
        text = plot.text(min(WIDEST, shutil.get_terminal_size().columns), coloured=has_colours())
        write(f"\x1b[2J\x1b[H{text}" if follow else text, raw=True)  # names in it are of printable characters

    if follow:
        _follow(runs, every, draw)
    else:
        draw()


def _follow(runs: tuple[Path, ...], seconds: float, draw: Callable[[], None]) -> None:
    """Draw whenever a file of metrics has changed, until no run is going on."""
    from charlm.files.lock import is_held
    from charlm.files.rundir import metrics_of
    from charlm.insight.plot import NothingToDrawError

    files = [metrics_of(run) for run in runs]
    drawn: list[int] = []
    while True:
        going = any(is_held(file.parent) for file in files)  # asked first, so that the last line is drawn
        sizes = [file.stat().st_size if file.exists() else 0 for file in files]
        if sizes != drawn:
            try:
                draw()
            except NothingToDrawError as error:
                if not going:
                    raise
                say(f"charlm: {error}; waiting for more")
            drawn = sizes
        if not going:
            return
        time.sleep(seconds)
