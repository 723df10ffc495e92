"""`charlm train`: a corpus and a configuration in, a run directory out."""

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from math import log
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

import click

from charlm.cli.options import overrides_option
from charlm.errors import UsageError

if TYPE_CHECKING:
    from tqdm import tqdm

    from charlm.run import Run, Update

RUNS = Path("runs")
SHOWN = 100  # characters of a sample on the terminal


@click.command(
    epilog="""\b
Examples:
  charlm train configs/plays.yaml
  charlm train configs/plays.yaml --corpus mine.txt --set model.hidden_size=512
  charlm train --resume runs/plays
  charlm train configs/plays.yaml --init-from runs/plays --out runs/tuned
"""
)
@click.argument("config", type=click.Path(path_type=Path), required=False)
@click.option("--corpus", multiple=True, metavar="PATH", help="Text to train on instead of corpus.path; repeatable.")
@click.option("--out", type=click.Path(path_type=Path), help="The run directory.  [default: runs/NAME of CONFIG]")
@overrides_option
@click.option("--max-minutes", type=float, metavar="M", help="Train for M minutes, whatever CONFIG says.")
@click.option("--resume", type=click.Path(path_type=Path), metavar="RUN", help="Go on with a run, exactly.")
@click.option(
    "--init-from", type=click.Path(path_type=Path), metavar="FILE", help="Start from the weights of a run or file."
)
@click.option("--force", is_flag=True, help="Replace the run that is in the run directory.")
@click.option("--dry-run", is_flag=True, help="Read and check everything, say what would be done, write nothing.")
@click.option("--quiet", is_flag=True, help="No progress bar, notes or samples.")
def command(
    config: Path | None,
    corpus: tuple[str, ...],
    out: Path | None,
    overrides: tuple[str, ...],
    max_minutes: float | None,
    resume: Path | None,
    init_from: Path | None,
    force: bool,
    dry_run: bool,
    quiet: bool,
) -> None:
    """Train a model on a text, as the file CONFIG says, and leave a run directory.

    Ctrl-C ends the run after the step at hand and saves it; `--resume` goes on from there.
    """
    from charlm.config import Override, load
    from charlm.parallel import find_ranks
    from charlm.run import Run

    ranks = find_ranks()
    if resume is not None:
        others = {"CONFIG": config, "--corpus": corpus, "--out": out, "--set": overrides, "--max-minutes": max_minutes,
                  "--init-from": init_from, "--force": force, "--dry-run": dry_run}  # fmt: skip
        given = [name for name, value in others.items() if value]
        if given:
            raise UsageError(
                f"--resume goes on exactly as the run began; leave out {', '.join(given)}, "
                "or start a new run from its weights with --init-from"
            )
        run = Run.resume(resume, ranks)
    else:
        if config is None:
            raise UsageError("CONFIG is missing: `charlm train configs/plays.yaml`, or `--resume RUN` to go on with a run")
        extra = [Override("corpus.path", list(corpus), "--corpus")] if corpus else []
        if max_minutes is not None:
            extra.append(Override("training.max_minutes", max_minutes, "--max-minutes"))
        settings = load(config, overrides, extra)
        directory = out or RUNS / config.stem
        if dry_run:
            run = Run.dry(directory, settings, ranks)
        else:
            run = Run.start(directory, settings, ranks, force=force, init_from=init_from)
    silent = quiet or ranks.rank != 0
    if not silent:
        _introduce(run, resumed=resume is not None)
    if not dry_run:
        _train(run, silent)


def _introduce(run: "Run", resumed: bool) -> None:
    """Say what is about to happen."""
    for note in run.notes:
        _say(note)
    a, t = run.model.architecture, run.config.training
    workers, threads = run.record.threads
    where = f"{workers} workers" if workers > 1 else f"1 worker, {threads} threads a product"
    ranks = f", {run.ranks.size} MPI ranks" if run.ranks.size > 1 else ""
    _say(
        f"{a.num_layers} x {a.cell} of {a.hidden_size}, {run.batch.parameters.flat.size:,} parameters, "
        f"{run.model.backend.name} kernels, {where}{ranks}"
    )
    left_out = len(run.corpus.train) - run.windows.steps_per_epoch * t.batch_size * t.seq_length
    _say(
        f"{run.record.total_steps:,} steps of {t.batch_size} x {t.seq_length} characters, "
        f"{run.windows.steps_per_epoch:,} an epoch; the {left_out:,} characters left over differ from epoch to epoch"
    )
    if len(run.corpus.valid) < 2:
        _say("no validation text, so no best.safetensors: last.safetensors is the model")
    if resumed:
        _say(f"going on after step {run.trainer.standing.step:,} of {run.record.total_steps:,}")


def _train(run: "Run", silent: bool) -> None:
    """Run to the end, or to the first signal."""
    from tqdm import tqdm

    total, done = run.record.total_steps, run.trainer.standing.step
    with _signals() as received, tqdm(
        total=total, initial=done, disable=silent, unit="step", dynamic_ncols=True, bar_format=BAR, file=sys.stderr,
        mininterval=0.1 if sys.stderr.isatty() else 10,
    ) as bar:  # fmt: skip
        smooth = Smooth()
        for update in run.train():
            smooth.add(update.progress.loss, update.progress.seconds)
            if not silent:
                _show(run, update, bar, smooth)
            if run.ranks.any(bool(received)):
                run.save()
                break
    if run.ranks.any(bool(received)) and not run.finished:
        _say_first(run, f"stopped after step {run.trainer.standing.step:,}, saved; go on with:")
        _say_first(run, f"  charlm train --resume {run.directory}")
        raise click.exceptions.Exit(128 + received[0] if received else 130)
    _conclude(run, silent)


BAR = "{percentage:3.0f}% |{bar:24}| {n_fmt}/{total_fmt} [{elapsed}<{remaining}] {desc}{postfix}"


class Smooth:
    """The recent loss and speed, for the progress bar: means that forget over some fifty steps."""

    def __init__(self) -> None:
        self._weight = self._loss = self._seconds = 0.0

    def add(self, loss: float, seconds: float) -> None:
        """Count a step."""
        self._weight = 0.98 * self._weight + 1
        self._loss = 0.98 * self._loss + loss
        self._seconds = 0.98 * self._seconds + seconds

    @property
    def loss(self) -> float:
        """The mean loss in nats."""
        return self._loss / self._weight

    @property
    def seconds(self) -> float:
        """The mean time of a step."""
        return self._seconds / self._weight


def _show(run: "Run", update: "Update", bar: "tqdm[None]", smooth: Smooth) -> None:
    """Bring the bar up to date, and write lines above it for an evaluation and a sample."""
    progress, t = update.progress, run.config.training
    speed = t.batch_size * t.seq_length / smooth.seconds
    bar.set_description_str(
        f"loss {smooth.loss:.3f} ({smooth.loss / log(2):.3f} bits/char), {_thousands(speed)} chars/s", refresh=False
    )
    bar.update()
    if progress.score is not None:
        score = progress.score
        best = ", the best so far" if progress.improved else ""
        _line(
            bar,
            f"step {progress.step:,}, epoch {progress.epoch:.2f}: validation {score.loss:.4f} nats, "
            f"{score.bits_per_char:.4f} bits/char{best}",
        )
        if score.far_apart:
            _line(bar, f"  one stream is at {score.worst_stream:.2f} nats: its state has run away; "
                       "training.reset_probability above 0 cures that")  # fmt: skip
    if update.sample is not None:
        _line(bar, f"  {update.sample[:SHOWN]!r}")
    if run.trainer.standing.stopped:
        _line(bar, f"no better validation in {t.early_stopping} evaluations: stopped early")


def _line(bar: "tqdm[None]", text: str) -> None:
    bar.write(text, file=sys.stderr)


def _conclude(run: "Run", silent: bool) -> None:
    """Say what came out and what to do with it."""
    if silent:
        return
    best = run.trainer.standing.best_loss
    if best < float("inf"):
        _say(f"best validation {best:.4f} nats, {best / log(2):.4f} bits/char")
    _say(f"write with it: charlm sample {run.directory}")


def _thousands(number: float) -> str:
    return f"{number / 1000:.0f}k" if number >= 10_000 else f"{number:.0f}"


@contextmanager
def _signals() -> Iterator[list[int]]:
    """Collect Ctrl-C and SIGTERM instead of dying of them; a second one is not collected."""
    received: list[int] = []
    before = {}

    def note(number: int, frame: FrameType | None) -> None:
        received.append(number)
        for each, handler in before.items():
            signal.signal(each, handler)

    for number in (signal.SIGINT, signal.SIGTERM):
        before[number] = signal.getsignal(number)
        signal.signal(number, note)
    try:
        yield received
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _say(text: str) -> None:
    click.echo(text, err=True)


def _say_first(run: "Run", text: str) -> None:
    if run.ranks.rank == 0:
        _say(text)
