"""`charlm gradflow`: how a gradient fades or explodes through time, in networks, models and textbook units."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from charlm.arguments import MOST_LAGS, MOST_TOY_WEIGHT, MOST_WINDOWS
from charlm.cli.options import (
    FiniteRange,
    PathOfAFile,
    WholeRange,
    check_output,
    is_given,
    longest,
    options_in_messages,
    overrides_option,
    picture_option,
)
from charlm.cli.streams import has_colours, say, write, write_json
from charlm.cli.waiting import progress
from charlm.errors import UsageError
from charlm.limits import MOST_LAYERS
from charlm.phrases import one_line

if TYPE_CHECKING:
    from charlm.api.gradients import GradientFlow, ToyFlow
    from charlm.insight.plot import Plot

WIDEST = 160  # columns of a chart
OF_NETWORKS = ("sources", "cells", "overrides", "text", "windows", "layer", "along_state")
OF_TOYS = ("weights", "gates")


@click.command(
    epilog="""\b
Examples:
  charlm gradflow runs/plays
  charlm gradflow configs/plays.yaml --cell rnn --cell gru --cell lstm
  charlm gradflow runs/lstm runs/lstm-1997 --along-state
  charlm gradflow runs/rnn runs/gru -o gradients.svg
  charlm gradflow --toy --weight 0.9 --weight 1.1 --gate 0.99
"""
)
@click.argument("sources", metavar="[CONFIG|RUN ...]", nargs=-1, type=PathOfAFile())
@click.option("--cell", "cells", multiple=True, metavar="CELL", help="Compare CONFIG with this cell; repeatable.")
@overrides_option
@click.option(
    "--text", multiple=True, metavar="FILE", help="Read this, not the validation part of the corpus; repeatable."
)
@click.option("--lags", type=WholeRange(1, MOST_LAGS), default=50, help="How many steps to go back.")
@click.option("--windows", type=WholeRange(1, MOST_WINDOWS), default=64, help="Windows of the text that are averaged.")
@click.option("--layer", type=WholeRange(0, MOST_LAYERS), metavar="L", help="The layer, from 0.  [default: the last]")
@click.option("--along-state", is_flag=True, help="Leave out what goes back through the recurrent weights.")
@click.option("--toy", is_flag=True, help="Show networks of one unit beside the analytic values.")
@click.option(
    "--weight",
    "weights",
    multiple=True,
    type=FiniteRange(-MOST_TOY_WEIGHT, MOST_TOY_WEIGHT),
    metavar="W",
    help="The recurrent weight of a linear toy unit; repeatable.  [default: 0.9, 1.1]",
)
@click.option(
    "--gate",
    "gates",
    multiple=True,
    type=FiniteRange(0, 1),
    metavar="G",
    help="The share of its state that a gated toy unit keeps; repeatable.  [default: 0.731, 0.99]",
)
@click.option("--json", "as_json", is_flag=True, help="Print everything, in every layer, as a JSON object.")
@picture_option
def command(
    sources: tuple[Path, ...],
    cells: tuple[str, ...],
    overrides: tuple[str, ...],
    text: tuple[str, ...],
    lags: int,
    windows: int,
    layer: int | None,
    along_state: bool,
    toy: bool,
    weights: tuple[float, ...],
    gates: tuple[float, ...],
    as_json: bool,
    out: Path | None,
    force: bool,
) -> None:
    """Show how the gradient of a step's loss fades or explodes on its way back through time.

    For each lag k it is the norm of d loss_t / d h_(t-k), and of d loss_t / d c_(t-k) where a cell has a c, averaged
    over windows of the validation text. A RUN is shown untrained and trained, the network of a CONFIG untrained.
    The last column of the table is the factor a step back, the geometric mean from lag 1 on.

    With --toy there is no RUN: an input at time tau contributes w^(t - tau) to an error at time t in a linear unit
    with the recurrent weight w; the state of a gated unit has the factor that its gate keeps, which in lstm-1997 is 1.
    """
    import charlm
    from charlm.api.gradients import GATES, WEIGHTS

    if not sources and not toy:
        raise click.MissingParameter(param_type="argument", param_hint="'CONFIG|RUN ...', or --toy")
    _check_alone(toy)
    if as_json and out is not None:
        raise UsageError("--json: shows something else than --out; leave one of them out")
    check_output("--out", out, "gradients.svg", force, (*sources, *text))
    with options_in_messages():
        if toy:
            units = charlm.toy_gradflow(weights or WEIGHTS, gates or GATES, lags)
            _show(units, units.plot, as_json, out, force)
            return
        with progress("windows") as tell:
            flow = charlm.gradflow(
                *sources, cells=cells, overrides=overrides, text=text or None, lags=lags, windows=windows,
                on_windows=tell,
            )  # fmt: skip
        _show(flow, lambda: flow.plot(layer, along_state), as_json, out, force)


def _check_alone(toy: bool) -> None:
    """Refuse what belongs to the other of the two things that the command shows."""
    context = click.get_current_context()
    other, words = (OF_NETWORKS, "networks; leave it out, or --toy") if toy else (OF_TOYS, "toy units; add --toy")
    for param in context.command.params:
        name = str(param.name)
        if name in other and is_given(name):
            if name == "sources" and not context.params[name]:
                continue
            shown = context.params[name][0] if name == "sources" else longest(param.opts)
            raise UsageError(f"{shown}: is for {words}")


def _show(
    flow: "GradientFlow | ToyFlow", plot: "Callable[[], Plot]", as_json: bool, out: Path | None, force: bool
) -> None:
    """Print the figures or a chart, or write a picture."""
    if as_json:
        write_json(flow.to_dict())
    elif out is not None:
        plot().save(out, overwrite=force)
        say(f"{one_line(str(out))}: written")
    else:
        columns = min(WIDEST, shutil.get_terminal_size().columns)
        text = plot().text(columns, coloured=has_colours())
        write(text, raw=True)  # names in it are of printable characters
