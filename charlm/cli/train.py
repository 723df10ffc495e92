"""`charlm train`: a corpus and a configuration in, a run directory out."""

import signal
from collections.abc import Iterable, Mapping
from math import inf, log
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from charlm.cli import PIPE_CLOSED, explain
from charlm.cli.advice import quoted
from charlm.cli.display import COMPILING
from charlm.cli.options import FiniteRange, PathOfAFile, WholeRange, overrides_option
from charlm.cli.signals import Signals
from charlm.cli.streams import reader_gone, say
from charlm.errors import ConfigError, Remedy, UsageError
from charlm.phrases import amount, count, one_line

if TYPE_CHECKING:
    from charlm.config import Config
    from charlm.files.rundir import Left
    from charlm.inference.scorer import Score
    from charlm.records import Summary
    from charlm.run import Run
    from charlm.workers.ranks import Ranks

RUNS = Path("runs")
KEYS = {
    "--corpus": "corpus.path",
    "--column": "corpus.column",
    "--max-minutes": "training.max_minutes",
    "--max-steps": "training.max_steps",
    "--epochs": "training.epochs",
    "--kernels": "kernels",
}
LENGTHS = ("--max-steps", "--epochs")  # of which one excludes the other
MEGABYTE = 1_000_000


@click.command(
    epilog="""\b
Examples:
  charlm train mine.txt
  charlm train mine.txt --max-minutes 30
  charlm train films.csv --column title
  charlm train configs/plays.yaml
  charlm train configs/plays.yaml --corpus mine.txt --set model.hidden_size=512
  charlm train --resume runs/plays
  charlm train --resume runs/plays --epochs 60
  charlm train configs/plays.yaml --init-from runs/plays --out runs/tuned
"""
)
@click.argument("config", metavar="[CONFIG|TEXT]", type=PathOfAFile(), nargs=-1)
@click.option(
    "--corpus", multiple=True, metavar="PATH", help="Text to train on instead of corpus.path, or -; repeatable."
)
@click.option("--column", metavar="NAME", help="The column of .csv, .tsv or .jsonl files to read, as items.")
@click.option(
    "--out",
    type=PathOfAFile(),
    metavar="DIR",
    help="The run directory.  [default: runs/, the name of CONFIG or TEXT]",
)
@overrides_option
@click.option(
    "--max-minutes",
    type=FiniteRange(min=0, min_open=True),
    metavar="M",
    help="Train for M minutes, whatever CONFIG says; beside --epochs or --max-steps, at the most.",
)
@click.option("--max-steps", type=WholeRange(min=1), metavar="N", help="Train for N steps.")
@click.option("--epochs", type=FiniteRange(min=0, min_open=True), metavar="N", help="Train for N passes over the text.")
@click.option(
    "--kernels", type=click.Choice(["auto", "numpy", "fused"]), help="What computes the model, whatever CONFIG says."
)
@click.option("--resume", type=PathOfAFile(), metavar="RUN", help="Go on with a run.")
@click.option("--init-from", type=PathOfAFile(), metavar="MODEL", help="Start from the weights of a run or file.")
@click.option("--force", is_flag=True, help="Replace the run that is in the run directory.")
@click.option("--dry-run", is_flag=True, help="Read and check everything, say what would be done, write nothing.")
@click.option("--quiet", is_flag=True, help="No progress, notes or samples; warnings and errors only.")
@click.pass_context
def command(
    context: click.Context,
    config: tuple[Path, ...],
    corpus: tuple[str, ...],
    column: str | None,
    out: Path | None,
    overrides: tuple[str, ...],
    max_minutes: float | None,
    max_steps: int | None,
    epochs: float | None,
    kernels: str | None,
    resume: Path | None,
    init_from: Path | None,
    force: bool,
    dry_run: bool,
    quiet: bool,
) -> None:
    """Train a model on a text, as the file CONFIG says, and leave a run directory.

    In place of CONFIG, a YAML file, you can give a TEXT, a file whose name ends in .txt, .text, .md, .csv, .tsv,
    .jsonl, .gz, .bz2 or .xz, or - for standard input, or --corpus alone. The text and the minutes (at most
    --max-minutes, 5 by default) then choose the configuration. What they chose is printed, with the reasons, and
    stands in the run's config.yaml.

    Ctrl-C ends the run after the step at hand and saves it; `--resume` goes on from there, exactly. So do SIGTERM, a
    closed terminal (SIGHUP) and the end of whatever reads standard error through a pipe; the exit status is 128 and the
    signal's number. A full disk behind standard error ends nothing.

    With `--resume`, --max-steps, --epochs or --max-minutes give the whole run another length, what is done included,
    so that a finished run goes on; --corpus says where the same text is now; --kernels may change what computes.
    """
    from charlm.workers.ranks import find_ranks

    new_run = {"CONFIG": config, "--column": column, "--out": out, "--set": overrides, "--init-from": init_from,
               "--force": force, "--dry-run": dry_run}  # fmt: skip
    given = {"--corpus": list(corpus) or None, "--column": column, "--max-minutes": max_minutes,
             "--max-steps": max_steps, "--epochs": epochs, "--kernels": kernels}  # fmt: skip
    ranks = find_ranks()
    silent = quiet or ranks.rank != 0
    with ranks.together(explain):
        if len(lengths := [option for option in LENGTHS if given[option] is not None]) > 1:
            raise UsageError(f"{', '.join(lengths)}: give one of them")
        if resume is not None:
            if wrong := [name for name, value in new_run.items() if value]:
                raise UsageError(
                    f"--resume goes on as the run began; leave out {', '.join(wrong)}, or start a new run from its "
                    f"weights: `charlm train CONFIG --init-from {quoted(resume)}`"
                )
            status = _resume(resume, given, ranks, silent)
        else:
            with _plan(_only(config), given, out, overrides, init_from, force, ranks) as run:
                _tell_notes(run, silent)
                status = _start(run, dry_run, silent)
    context.exit(status)


def _only(named: tuple[Path, ...]) -> Path | None:
    """Return the one CONFIG or TEXT that is given, if any is."""
    from charlm.config import is_text

    if len(named) < 2:
        return next(iter(named), None)
    texts = [f"--corpus {quoted(path)}" for path in named if is_text(str(path))] or ["--corpus TEXT"]
    config = [quoted(path) for path in named if not is_text(str(path))][:1]
    raise UsageError(
        f"{one_line(str(named[1]))}: is one too many; give at most one configuration, and several texts as in "
        f"`{' '.join(['charlm train', *config, *texts[:2]])}`"
    )


def _plan(
    config: Path | None,
    given: Mapping[str, Any],
    out: Path | None,
    overrides: tuple[str, ...],
    init_from: Path | None,
    force: bool,
    ranks: "Ranks",
) -> "Run":
    """Put a new run together."""
    from charlm.config import Override, is_configuration, is_text, load, name_of
    from charlm.run import Run

    texts = given["--corpus"]
    if config is not None and is_text(str(config)):
        if texts:
            raise UsageError(f"{config}: is no YAML file, so it is a text, as --corpus is; give one of them")
        texts, config = [str(config)], None
    if config is None and not texts:
        raise UsageError(
            "a text or a configuration is missing: `charlm train mine.txt`, `charlm train configs/plays.yaml`, or "
            "`--resume RUN` to go on with a run"
        )
    given = {option: value for option, value in {**given, "--corpus": texts}.items() if value is not None}
    _check_twice(given, overrides)
    extra = [Override(KEYS[option], value, option) for option, value in given.items()]
    if config is None:
        overrides = ("preset=auto", *overrides)
    try:
        settings = load(config, overrides, extra)
    except ConfigError as error:
        if config is not None and not is_configuration(config) and _may_be_text(config):
            error.remedy, error.path = Remedy.TRAIN_ON_TEXT, config
        raise
    name = config.stem if config is not None else name_of(texts[0])
    return Run.plan(out or RUNS / name, settings, ranks, force=force, init_from=init_from)


def _check_twice(given: Iterable[str], overrides: tuple[str, ...]) -> None:
    """Refuse a key that both an option and ``--set`` give."""
    keys = {text.partition("=")[0] for text in overrides}
    for option in given:
        if (key := KEYS[option]) in keys:
            what = f"{option}, or the TEXT, gives" if option == "--corpus" else f"{option} gives"
            raise UsageError(f"--set {key}: {what} the same key; leave one of them out")


def _may_be_text(path: Path) -> bool:
    """Tell whether what is no configuration may be a text, or a folder of texts."""
    from charlm.config import SUFFIXES, is_text
    from charlm.corpus.signatures import HEAD
    from charlm.files.rundir import CONFIG

    try:
        if path.is_dir():
            return not (path / CONFIG).exists() and any(is_text(str(inside)) for inside in path.iterdir())
        if not path.is_file() or path.suffix.lower() in SUFFIXES:  # a pipe would be waited for
            return False
        with path.open("rb") as file:
            return b"\0" not in file.read(HEAD)
    except OSError:
        return False


def _start(run: "Run", dry_run: bool, silent: bool) -> int:
    """Begin a run, or only say what it would be; return the exit status."""
    _announce_compiling(run, silent)
    if run.config.training.max_minutes is not None:
        _say("timing the first steps", silent)
    run.settle()
    _introduce(run, silent)
    if dry_run:
        _forecast(run, silent)
        return 0
    run.begin()
    _tell_notes(run, silent)
    return _train(run, silent)


def _resume(directory: Path, given: Mapping[str, Any], ranks: "Ranks", silent: bool) -> int:
    """Take up a run, or say that there is nothing left to do; return the exit status."""
    from charlm.config import from_checkpoint
    from charlm.files.rundir import RunDirectory, left_in
    from charlm.records import UNCHANGED, Changes
    from charlm.run import Run

    left = left_in(directory)
    changes = Changes(
        epochs=given["--epochs"],
        max_steps=given["--max-steps"],
        max_minutes=given["--max-minutes"],
        corpus=None if given["--corpus"] is None else tuple(given["--corpus"]),
        kernels=given["--kernels"],
    )
    if left.finished and changes == UNCHANGED:
        if ranks.rank == 0:
            RunDirectory(left.path.parent).tidy()
        _say_finished(directory, left, from_checkpoint(left.path, left.metadata), silent)
        return 0
    with Run.resume(directory, ranks, changes) as run:
        _announce_compiling(run, silent)
        if run.finished:
            _tell_notes(run, silent)
            _say_finished(directory, left, run.config, silent)
            return 0
        _introduce(run, silent)
        return _train(run, silent)


def _say_finished(directory: Path, left: "Left", settings: "Config", silent: bool) -> None:
    """Say that a run has nothing left to do, and how to train on."""
    reason = "early stopping ended it" if left.stopped else "all steps are done"
    # As long as it was planned, if it was stopped; else twice as long, and past the end of the warm-up.
    steps = left.total_steps if left.step < left.total_steps else 2 * max(left.step, settings.schedule.warmup_steps)
    _say(f"{one_line(str(directory))}: is finished: {reason} ({left.step:,} of {left.total_steps:,}); to train on:\n"
         f"  {_resuming(directory, settings, left.ranks, f'--max-steps {steps}')}", silent)  # fmt: skip


def _announce_compiling(run: "Run", silent: bool) -> None:
    """Have it said, should the kernels not be compiled yet, why nothing happens for a while."""
    run.when_compiling(lambda: _say(COMPILING, silent))


def _tell_notes(run: "Run", silent: bool) -> None:
    """Say what there is to say so far, once; warnings are said however silent a run is to be."""
    for note in run.notes:
        _say(one_line(note), silent)
    for warning in run.warnings:
        _say(one_line(warning), run.ranks.rank != 0)
    run.notes.clear()
    run.warnings.clear()


def _introduce(run: "Run", silent: bool) -> None:
    """Say what is about to happen."""
    from charlm.corpus.vocabulary import UNITS

    _tell_notes(run, silent)
    s = run.summary()
    a, ranks = s.architecture, f", {s.ranks} MPI ranks" if s.ranks > 1 else ""
    _say(
        f"{a.num_layers} x {a.cell} of {a.hidden_size}, {s.parameters:,} parameters; {s.kernels} kernels, "
        f"{s.split}{ranks}",
        silent,
    )
    _say(
        f"{count(s.total_steps, 'step')} of {s.batch_size} x {s.seq_length} {UNITS[s.unit].noun}s, "
        f"{s.steps_per_epoch:,} an epoch: {amount(round(s.epochs, 3), 'epoch')}",
        silent,
    )
    if not s.has_validation:
        unfitted = "; the n-gram's scales stay at a half each" if s.has_ngram else ""
        _say(f"no validation text, so no best.safetensors: last.safetensors is the model{unfitted}", silent)
    if s.step:
        _say(f"going on after step {s.step:,}", silent)


def _forecast(run: "Run", silent: bool) -> None:
    """Say what a run would take, after trying a few steps."""
    from charlm.cli.display import duration, rounded
    from charlm.memory import peak_memory

    s, step = run.summary(), run.seconds_per_step()
    speed = rounded(s.window / step)
    memory = peak_memory()
    used = f"; {memory / MEGABYTE:,.0f} MB of memory" if memory else ""
    _say(f"some {duration(step * s.total_steps)} of training at {speed} {s.unit}s/s{used}", silent)
    _say(f"a dry run: nothing was written; the run would be in {one_line(str(s.directory))}", silent)


def _train(run: "Run", silent: bool) -> int:
    """Run to the end, or to the first signal, and return the exit status."""
    from charlm.cli.display import choose

    stopped = False
    best: Score | None = None
    trained = inf
    with Signals(silent) as signals:
        display = choose(run.summary(), silent)
        try:
            for update in run.train():
                display.show(update)
                best = update.progress.score if update.progress.improved else best
                trained = update.progress.loss
                stopped = run.ranks.any(signals.received is not None or reader_gone()) and not run.finished
                if stopped:
                    signals.saving = True
                    run.save()
                    break
        except KeyboardInterrupt:
            display.close()
            _say_how_to_go_on(run, f"stopped at once; the last checkpoint is of step {run.saved_step:,}; go on with:")
            return 128 + signal.SIGINT
        finally:
            display.close()
    done = run.summary()
    if stopped:
        _say_how_to_go_on(run, f"stopped after step {done.step:,}, saved; go on with:")
        return PIPE_CLOSED if signals.received is None and reader_gone() else 128 + (signals.received or signal.SIGINT)
    if done.best_loss is not None:
        both = " with the n-gram" if done.has_ngram else ""
        bits = f"{done.best_loss / log(2):.4f} bits/{done.unit}"
        _say(f"best validation {done.best_loss:.4f} nats, {bits}{both}", silent)
        _warn_of_the_loss(run, done, done.best_loss if best is None else best.highest, trained)
    _say(f"write with it: charlm sample {quoted(done.directory)}", silent)
    return 0


def _warn_of_the_loss(run: "Run", done: "Summary", loss: float, trained: float) -> None:
    """Say what is no success, also to those who want no progress: a model that guesses better, or a rising loss.

    Parameters
    ----------
    run, done
        The run, and what it has come to.
    loss : float
        Of the best model, in nats; that of the network alone, if it is the higher one.
    trained : float
        That of the last step, on training text.
    """
    from charlm.training.recovery import MANY_EVALUATIONS, worse_than_guessing

    if run.ranks.rank != 0:
        return
    symbols, directory = done.architecture.vocabulary_size, done.directory
    guessing = f"guessing among {symbols} symbols costs {log(symbols):.4f} nats"
    if worse_than_guessing(loss, symbols) and not worse_than_guessing(trained, symbols):
        c = run.config.corpus
        stripes = ", or add --set corpus.split.layout=stripes" * (c.mode == "stream" and c.split.layout == "tail")
        _say(
            f"the model learned the training text ({trained:.4f} nats) and fails on the validation text: {guessing}; "
            f"that text is too short or of another kind, so train on more text{stripes}"
        )
    elif worse_than_guessing(loss, symbols):
        rate = run.config.optimizer.learning_rate / 10
        slower = quoted(directory.with_name(directory.name + "-slower"))
        words = quoted(directory / "config.yaml"), f"--set optimizer.learning_rate={rate:g}", "--out", slower
        advice = f"{done.advice}:\n  {_training(run.config, run.ranks.size, *words)}"
        _say(f"the training has diverged: {guessing}; {advice}")
    elif done.evaluations_since_best >= MANY_EVALUATIONS:
        _say(
            f"the validation loss has not fallen for {done.evaluations_since_best} evaluations: best.safetensors is "
            "the model of the lowest, and training.early_stopping ends such a run"
        )


def _say_how_to_go_on(run: "Run", what: str) -> None:
    if run.ranks.rank == 0:
        _say(f"{what}\n  {_resuming(run.directory.path, run.config, run.ranks.size)}")


def _resuming(directory: Path, settings: "Config", ranks: int, *options: str) -> str:
    """Return the command that goes on with a run."""
    return _training(settings, ranks, "--resume", quoted(directory), *options)


def _training(settings: "Config", ranks: int, *words: str) -> str:
    """Return a command that trains on the same text, by as many ranks."""
    from charlm.corpus.sources import is_standard_input

    again = ["< TEXT"] if is_standard_input(settings.corpus.path) else []
    processes = ["mpiexec", "-n", str(ranks)] if ranks > 1 else []
    return " ".join([*processes, "charlm train", *words, *again])


def _say(text: str, silent: bool = False) -> None:
    if not silent:
        say(text)
