"""`charlm runs`: a list of runs, and where two configurations differ."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from charlm.cli.display import duration
from charlm.cli.options import PathOfAFile
from charlm.cli.streams import say, write, write_json
from charlm.errors import UsageError
from charlm.phrases import count, one_line, shown

if TYPE_CHECKING:
    from charlm.api.runs import ListedRun

RUNS = Path("runs")


@click.command(
    epilog="""\b
Examples:
  charlm runs
  charlm runs runs/sweep --json
  charlm runs --diff runs/plays runs/verse
"""
)
@click.argument("directory", metavar="[DIR]", required=False, type=PathOfAFile())
@click.option(
    "--diff", nargs=2, type=PathOfAFile(), metavar="A B", help="Show where the configurations of A and B differ."
)
@click.option("--json", "as_json", is_flag=True, help="Print a JSON array of the runs, or an object of differences.")
def command(directory: Path | None, diff: tuple[Path, Path] | None, as_json: bool) -> None:
    """List the runs in DIR, by default in runs, the lowest validation loss first.

    A is a run directory, a checkpoint file or a configuration, and so is B. Losses are nats per character, or per byte
    of a model of bytes; the time is that of all steps.
    """
    import charlm

    if diff is not None:
        if directory is not None:
            raise UsageError(f"{directory}: --diff takes two configurations and no directory; leave it out")
        _show_differences(diff, charlm.compare_configs(*diff), as_json)
        return
    listed = charlm.runs(directory or RUNS)
    if as_json:
        write_json([{**asdict(run), "path": str(run.path)} for run in listed])
    elif listed:
        for line in _table([_row(run) for run in listed]):
            write(line)
    else:
        say(one_line(f"charlm: {directory or RUNS}: holds no run; `charlm train CONFIG` makes one"))
    for run in listed:
        if run.problem is not None:
            say(f"charlm: {run.problem}")


def _show_differences(paths: tuple[Path, Path], found: dict[str, tuple[object, object]], as_json: bool) -> None:
    if as_json:
        write_json({key: list(values) for key, values in found.items()})
    elif found:
        header = ("", *(one_line(str(path)) for path in paths))
        for line in _aligned([header, *((key, *map(shown, values)) for key, values in found.items())]):
            write(line)
    else:
        say("charlm: the configurations are the same")


def _row(run: "ListedRun") -> tuple[str, ...]:
    """Return what the table shows of a run."""
    known = run.cell is not None
    ngram = f" + {run.ngram_order}-gram" if run.ngram_order else ""
    return (
        "" if run.best_loss is None else f"{run.best_loss:.4f}",
        run.unit or "",
        f"{run.num_layers} x {run.cell} of {run.hidden_size}{ngram}" if known else "",
        f"{run.parameters:,}" if known else "",
        "" if run.seconds is None else duration(run.seconds),
        _state(run),
        one_line(str(run.path)),
    )


def _state(run: "ListedRun") -> str:
    if run.step is None:
        return run.state
    if run.state == "interrupted":
        return f"interrupted at step {run.step:,} of {run.total_steps:,}"
    if run.state == "running":
        return f"running, step {run.step:,} of {run.total_steps:,}"
    return f"{run.state}, {count(run.step, 'step')}"


def _table(rows: Sequence[tuple[str, ...]]) -> list[str]:
    header = ("loss", "per", "network", "parameters", "time", "state", "run")
    return _aligned([header, *rows], right=(0, 3, 4))


def _aligned(rows: Sequence[tuple[str, ...]], right: tuple[int, ...] = ()) -> list[str]:
    """Return the rows of a table with its columns below each other, some of them to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            cell.rjust(width) if n in right else cell.ljust(width)
            for n, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
