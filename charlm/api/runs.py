"""Runs beside each other: a list of them with their states, where their configurations differ, and their curves."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from charlm.arguments import check, path_of
from charlm.errors import CharlmError, UsageError
from charlm.files import checkpoint, schema
from charlm.files.lock import is_held
from charlm.files.rundir import LAST, METRICS, left_in, metrics_of, resolve, runs_in
from charlm.insight import curves as curves_of_a_run
from charlm.insight.curves import Curves
from charlm.insight.plot import SMOOTH, X_AXES, Plot
from charlm.insight.plot import plot as plot_of
from charlm.network.architecture import Architecture
from charlm.paths import refuse_twice
from charlm.phrases import as_written, suggestion

if TYPE_CHECKING:
    from charlm.config import Config


@dataclass(frozen=True, slots=True)
class ListedRun:
    """A run as a list of runs shows it; None stands for what is not known.

    Attributes
    ----------
    path : Path
        Its directory.
    state : str
        ``running``, ``interrupted``, ``finished``, ``model`` (there is no training to resume) or ``unreadable``.
    step, total_steps : int or None
        How many steps are done, and how many there are to be. A running run has done those of its last line of
        metrics, another one those of its last checkpoint.
    best_loss : float or None
        The lowest validation loss in nats per character.
    unit : str or None
        What is called a character: ``char`` or ``byte``.
    cell : str or None
        The cell.
    num_layers, hidden_size : int or None
        L and H.
    ngram_order : int or None
        The order of the n-gram beside the network, if there is one.
    parameters : int or None
        How many numbers the network has learned.
    seconds : float or None
        The time of all steps.
    problem : str or None
        Why it is unreadable.
    """

    path: Path
    state: str
    step: int | None = None
    total_steps: int | None = None
    best_loss: float | None = None
    unit: str | None = None
    cell: str | None = None
    num_layers: int | None = None
    hidden_size: int | None = None
    ngram_order: int | None = None
    parameters: int | None = None
    seconds: float | None = None
    problem: str | None = None


def runs(directory: str | Path = "runs") -> list[ListedRun]:
    """List the runs right inside a directory, or the one that the directory is, the lowest loss first.

    Nothing is locked and nothing is written; a run may go on meanwhile.

    Parameters
    ----------
    directory : str or Path
        A directory of runs, or a run.

    Raises
    ------
    UsageError
        If there is no such directory.

    Examples
    --------
    >>> [(run.state, run.step) for run in charlm.runs("runs/plays")]
    [('finished', 24)]
    """
    folder = path_of("directory", directory)
    if not folder.is_dir():
        raise UsageError(f"{folder}: is {'no directory' if folder.exists() else 'not there'}; name a directory of runs")
    listed = [_listed(run) for run in (runs_in(folder) or [folder] * (folder / LAST).exists())]
    return sorted(listed, key=lambda run: (run.best_loss is None, run.best_loss or 0.0))


def _listed(folder: Path) -> ListedRun:
    """Read what a list shows of a run."""
    try:
        path = resolve(folder, "last") if (folder / LAST).exists() else resolve(folder)
        metadata = checkpoint.read_metadata(path)
        schema.check_model(path, metadata)
        if "run" not in metadata:
            return ListedRun(folder, "model", **_of_model(metadata))
        left = left_in(folder)
    except CharlmError as error:
        return ListedRun(folder, "unreadable", problem=str(error))
    state = "running" if is_held(folder) else "finished" if left.finished else "interrupted"
    run = metadata["run"]  # whose history a rollback cuts, but not what was the best
    best_loss = run["standing"]["best_loss"]
    known = {**_of_model(metadata), "best_loss": best_loss, "step": left.step, "seconds": run["seconds"]}
    if state == "running":
        known |= _since(folder / METRICS, known["best_loss"])
    return ListedRun(folder, state, total_steps=left.total_steps, **known)


def _of_model(metadata: Mapping[str, Any]) -> dict[str, Any]:
    architecture = Architecture.from_dict(metadata["architecture"])
    return {
        "best_loss": min((entry["valid_loss"] for entry in metadata.get("history", [])), default=None),
        "unit": metadata["vocabulary"]["unit"],
        "cell": architecture.cell,
        "num_layers": architecture.num_layers,
        "hidden_size": architecture.hidden_size,
        "ngram_order": metadata.get("ngram", {}).get("order"),
        "parameters": sum(map(prod, architecture.shapes.values())),
    }


def _since(metrics: Path, best_loss: float | None) -> dict[str, Any]:
    """Return what a running run has come to since its last checkpoint."""
    try:
        found = curves_of_a_run.read(metrics)
    except CharlmError:
        return {}
    if not len(found):
        return {}
    losses = found.valid_loss[np.isfinite(found.valid_loss)].tolist()
    minutes = float(found.minutes[-1])
    return {
        "step": int(found.steps[-1]),
        "best_loss": min([*losses, *([] if best_loss is None else [best_loss])], default=None),
        **({"seconds": 60 * minutes} if np.isfinite(minutes) else {}),
    }


def compare_configs(first: str | Path, second: str | Path) -> dict[str, tuple[Any, Any]]:
    """Find where two configurations differ.

    Parameters
    ----------
    first, second : str or Path
        Run directories, checkpoint files, or configurations in YAML.

    Returns
    -------
    dict of str to tuple
        By dotted key, such as ``model.hidden_size``: both values, of the keys whose values differ.

    Raises
    ------
    CharlmError
        If one of them cannot be read.
    UsageError
        If one of them leaves keys to a preset, which chooses them by a text.

    Examples
    --------
    >>> charlm.compare_configs("runs/plays", "runs/bytes")["corpus.unit"]
    ('char', 'byte')
    """
    of_first, of_second = (
        dict(_flat(_configuration(path_of(name, path)).to_dict()))
        for name, path in (("first", first), ("second", second))
    )
    return {key: (value, of_second[key]) for key, value in of_first.items() if value != of_second[key]}


def _configuration(path: Path) -> "Config":
    from charlm import config

    if path.suffix.lower() in config.SUFFIXES and not path.is_dir():
        found = config.load_of_run(path)
        config.refuse_preset(found, f"{path}: ")
        return found
    file = resolve(path, "last") if (path / LAST).exists() else resolve(path)
    return config.from_checkpoint(file, checkpoint.read_metadata(file))


def _flat(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in values.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def curves(run: str | Path) -> Curves:
    """Read what a run has logged, as arrays.

    Parameters
    ----------
    run : str or Path
        A run directory, or a file of metrics. The run may go on meanwhile.

    Raises
    ------
    CharlmError
        If there is none, or it cannot be read.

    Examples
    --------
    >>> found = charlm.curves("runs/plays")
    >>> float(found.steps[-1])
    24.0
    """
    return curves_of_a_run.read(metrics_of(path_of("run", run)))


def plot(*runs: str | Path, x: str = "steps", smooth: float = SMOOTH, raw: bool = True, start: float = 0.0) -> Plot:
    """Plot the losses of one or several runs, and their learning rates and gradient norms below.

    Parameters
    ----------
    *runs : str or Path
        Run directories or files of metrics, which may grow meanwhile.
    x : str
        What the curves are drawn against: ``steps``, ``characters`` or ``minutes``.
    smooth : float
        How much an older value counts in the mean that is drawn, relative to the one after it: from 0, which draws
        the values themselves, to below 1.
    raw : bool
        Whether to draw the values beside their means.
    start : float
        The x before which nothing is drawn.

    Returns
    -------
    Plot
        Its panels are values; `Plot.text` gives a chart of characters, and `Plot.save` writes a picture.

    Raises
    ------
    UsageError
        If there is nothing to draw, or an argument is wrong.
    CharlmError
        If a file cannot be read.

    Examples
    --------
    >>> plot = charlm.plot("runs/plays", x="minutes")
    >>> plot.panels[0].title
    'loss, nats per character'
    """
    check(smooth=smooth, start=start)
    if x not in list(X_AXES):
        raise UsageError(f"x: must be {_or(list(X_AXES))}, got {as_written(x)}{suggestion(str(x), X_AXES)}")
    if not runs:
        raise UsageError("runs: there are none; name a run directory")
    refuse_twice([path_of("run", run) for run in runs])
    return plot_of({str(run): curves(run) for run in runs}, x=x, smooth=smooth, raw=raw, start=start)


def _or(names: Sequence[str]) -> str:
    return f"{', '.join(names[:-1])} or {names[-1]}"
