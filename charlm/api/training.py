"""Training by one function call: a configuration in, a run directory out."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from charlm.api.language_model import LanguageModel, load
from charlm.arguments import check_flags, path_of
from charlm.errors import UsageError
from charlm.files import modelfile
from charlm.files.rundir import RunDirectory, left_in
from charlm.phrases import as_written
from charlm.workers.ranks import find_ranks

if TYPE_CHECKING:
    from charlm.config import Config
    from charlm.records import Changes, Update
    from charlm.run import Run


def load_config(
    path: str | Path | None = None, overrides: Mapping[str, object] | Sequence[str] | None = None
) -> "Config":
    """Read a configuration file and what is given beside it.

    Parameters
    ----------
    path : str or Path, optional
        A YAML file in UTF-8; without one, every key has its default.
    overrides : mapping or sequence of str, optional
        Values that win over the file's: by dotted key, or as texts such as ``model.hidden_size=512``. A length of
        training (``epochs``, ``max_steps`` or ``max_minutes``) replaces whatever length the file gives.

    Returns
    -------
    Config
        The checked configuration, every default filled in.

    Raises
    ------
    ConfigError
        With a line for each mistake, also in its `mistakes`.

    Examples
    --------
    >>> config = charlm.load_config("configs/plays.yaml", {"model.hidden_size": 512})
    >>> config.model.hidden_size
    512
    """
    from charlm import config

    if isinstance(overrides, Mapping):
        given = [config.Override(str(key), config.plain(value), str(key)) for key, value in overrides.items()]
    elif isinstance(overrides, str) or not all(isinstance(text, str) for text in overrides or ()):
        raise UsageError(
            f"overrides: must be a mapping, or a list of texts such as ['seed=2'], got {as_written(overrides)}"
        )
    else:
        given = [config.parse_override(text) for text in overrides or ()]
    return config.load(None if path is None else path_of("config", path), extra=given)


@dataclass(frozen=True, slots=True)
class TrainedRun:
    """What a training has come to.

    Attributes
    ----------
    path : Path
        The run directory.
    step, total_steps : int
        How many steps are done, and how many the run has.
    stopped_early : bool
        Whether early stopping has ended the run.
    best_loss : float or None
        The lowest validation loss, in nats per character, which is that of the model that `load` reads; with an n-gram
        that of both together. None where there was no evaluation.
    history : list of dict
        `step`, `epoch` and `valid_loss`, in nats per character, of every evaluation that no rollback took back; with an
        n-gram that of both together.
    notes : list of str
        What was read, and what a person should know.
    """

    path: Path
    step: int
    total_steps: int
    stopped_early: bool
    best_loss: float | None
    history: list[dict[str, Any]]
    notes: list[str]

    @property
    def finished(self) -> bool:
        """Whether there is nothing left to train; otherwise `train` goes on with ``resume=run.path``."""
        return self.stopped_early or self.step >= self.total_steps

    def load(self, **options: Any) -> LanguageModel:
        """Read the best model, or the newest before the first evaluation; the options are those of `load`."""
        return load(self.path, **options)


def train(
    config: "Config | Mapping[str, Any] | str | Path | None" = None,
    out: str | Path | None = None,
    *,
    resume: str | Path | None = None,
    init_from: str | Path | None = None,
    replace: bool = False,
    changes: "Changes | None" = None,
    on_step: Callable[["Update"], object] | None = None,
    on_compiling: Callable[[], None] | None = None,
) -> TrainedRun:
    """Train a model and leave a run directory, or go on with one.

    Parameters
    ----------
    config : Config, mapping, str or Path
        What to do: a configuration, nested dictionaries with the same keys as a file, a YAML file, or a text to train
        on, for five minutes at the most, with a configuration that it chooses itself; in dictionaries,
        ``"preset": "auto"`` does so for every key that is not given.
    out : str or Path, optional
        The run directory; for a file or a text it is ``runs/NAME`` by default.
    resume : str or Path, optional
        Instead of the two: the directory of a run to go on with, exactly as if it had never stopped.
    init_from : str or Path, optional
        A run or checkpoint file whose weights to start from.
    replace : bool
        Whether to replace a run that is in the run directory.
    changes : Changes, optional
        With `resume`, what is to be another way from here on: a new length of the whole run in epochs, steps or
        minutes, so that a finished run goes on; where the same text is now; other kernels.
    on_step : callable, optional
        Called after each step with an `Update`: its `progress` has the step's number, loss and speed and maybe a
        validation score, its `sample` what the model wrote. If it returns something true, the run is saved and ends
        there.
    on_compiling : callable, optional
        Called before the compiled kernels are made for this machine, once, which takes up to half a minute.

    Returns
    -------
    TrainedRun
        How far it came; its `load` reads the model.

    Raises
    ------
    ConfigError
        If the configuration has mistakes.
    UsageError
        If the run directory holds a run already, or there is none to resume.
    CharlmError
        If the corpus cannot be read or is too small, a file cannot be written, or numbers are no longer finite.

    Notes
    -----
    An exception that interrupts the training, such as Ctrl-C, loses what was done since the last checkpoint
    (`training.checkpoint_every`) and nothing else.

    Examples
    --------
    >>> run = charlm.train({"corpus": {"path": "mine.txt"}, "training": {"max_steps": 20}}, out="runs/mine")
    >>> run.finished, run.step
    (True, 20)
    >>> text = run.load().sample(length=100)
    """
    from charlm.records import UNCHANGED, Changes
    from charlm.run import Run

    check_flags(replace=replace)
    if not isinstance(changes, Changes | None):
        raise UsageError(f"changes: must be charlm.Changes(...), got {as_written(changes)}")
    if on_step is not None and not callable(on_step):
        raise UsageError(f"on_step: must be a function of an Update, got {as_written(on_step)}")
    ranks, changes = find_ranks(), changes or UNCHANGED
    if resume is None:
        if changes != UNCHANGED:
            raise UsageError("changes: are of a run that is resumed; a new one has its configuration")
        settings, directory = _settings(config, out)
        weights = None if init_from is None else path_of("init_from", init_from)
        run = Run.plan(directory, settings, ranks, force=replace, init_from=weights)
    else:
        if config is not None or out is not None or init_from is not None or replace:
            raise UsageError("resume: goes on exactly as the run began; leave out config, out, init_from and replace")
        directory = path_of("resume", resume)
        left = left_in(directory)
        if left.finished and changes == UNCHANGED:
            if ranks.rank == 0:
                RunDirectory(left.path.parent).tidy()
            history = list(modelfile.load(left.path).metadata["history"])
            best = left.metadata["run"]["standing"]["best_loss"]
            return TrainedRun(left.path.parent, left.step, left.total_steps, left.stopped, best, history, [])
        run = Run.resume(directory, ranks, changes)
    with run:
        if on_compiling is not None:
            run.when_compiling(on_compiling)
        if resume is None:
            run.settle()
            run.begin()
        if on_step is None:
            for _ in run.train():
                pass
        else:
            _train_until(run, on_step)
        done = run.summary()
        return TrainedRun(
            done.directory,
            done.step,
            done.total_steps,
            done.stopped_early,
            done.best_loss,
            list(run.history),
            [*run.notes, *run.warnings],
        )


def _settings(
    config: "Config | Mapping[str, Any] | str | Path | None", out: str | Path | None
) -> tuple["Config", Path]:
    """Return what to do and where."""
    from charlm.config import Config, from_dict, is_text, name_of, plain

    if config is None:
        raise UsageError("config: is missing; give a configuration or a text, or resume a run")
    if isinstance(config, str | Path) and is_text(str(config)):
        text = str(path_of("config", config))
        settings = load_config(None, {"corpus.path": text, "preset": "auto"})
        return settings, Path("runs") / name_of(text) if out is None else path_of("out", out)
    if isinstance(config, str | Path):
        return load_config(config), Path("runs") / Path(config).stem if out is None else path_of("out", out)
    if out is None:
        raise UsageError("out: is missing; name the run directory, such as runs/mine")
    if not isinstance(config, Mapping | Config):
        raise UsageError(f"config: must be a Config, a mapping or a file, got {as_written(config)}")
    return from_dict(plain(config), "") if isinstance(config, Mapping) else config, path_of("out", out)


def _train_until(run: "Run", on_step: Callable[["Update"], object]) -> None:
    """Train to the end, or until the caller has had enough, with all that was done saved."""
    for update in run.train():
        if run.ranks.any(bool(on_step(update))):
            if not run.finished:
                run.save()
            return
