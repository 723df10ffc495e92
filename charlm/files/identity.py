"""Whether a checkpoint belongs to the run whose files are beside it.

Runs of equal configurations are equal to the last byte, so no random name can tell runs apart; their evaluations do.
"""

from collections.abc import Iterable, Mapping
from math import inf
from pathlib import Path
from typing import Any

from charlm.errors import FileError, WriteError
from charlm.files import checkpoint
from charlm.files.rundir import BEST, CONFIG, METRICS, RunDirectory, another_run


def check_same_run(path: Path, metadata: Mapping[str, Any], config: str) -> None:
    """Raise an error if resuming a checkpoint would write over the files of another run.

    The evaluations in the metrics decide; where they share none with the checkpoint, those in the best checkpoint;
    where these share none either, and there is something to lose, the configuration has to be the same.

    Parameters
    ----------
    path : Path
        The checkpoint.
    metadata : mapping
        What it says of its history and its corpus.
    config : str
        What `config.yaml` says in its run.

    Raises
    ------
    WriteError
        If a file beside it is no file that the run could go on with.
    UsageError
        If they are another run's.
    """
    if (path.parent / BEST).is_dir():
        raise WriteError(f"{path.parent / BEST}: cannot be written: it is a directory, not a file; remove it")
    directory, own = RunDirectory(path.parent), _scores(metadata.get("history"))
    lines = directory.metrics()
    if _agree(path, own, {line.step: line.valid_loss for line in lines if line.valid_loss is not None}, METRICS):
        return
    best = _metadata(path.parent / BEST)
    if best and best.get("corpus") != metadata.get("corpus"):
        raise another_run(path, f"{BEST} there learned from another corpus")
    if _agree(path, own, _scores(best.get("history")), BEST):
        return
    if (lines or best) and directory.config() not in (None, config.encode()):
        raise another_run(path, f"{CONFIG} there is another one, or was edited: if it was, put it back")


def remarks_on_best(directory: Path, metadata: Mapping[str, Any]) -> list[str]:
    """Return what a person should know of `best.safetensors`, which stays until the validation loss falls further.

    Parameters
    ----------
    directory : Path
        The run.
    metadata : mapping
        What its last checkpoint says.
    """
    path, standing, own = directory / BEST, metadata["run"]["standing"], _scores(metadata["history"])
    if (lowest := standing["best_loss"]) is None:
        return []
    until = f"a new one is written when the validation loss falls below {lowest:.4f} nats"
    if not path.exists():
        return [f"{path}: is missing; {until}"]
    try:
        found = _scores(checkpoint.read_metadata(path).get("history"))
    except FileError:
        return [f"{path}: is damaged; {until}"]
    step, loss = max(found.items(), default=(0, inf))
    # A kill between an evaluation and the next checkpoint leaves a model that is better than the checkpoint knows.
    later = step > standing["step"] and loss < lowest and all(found.get(at) == own[at] for at in own)
    return [] if loss == lowest or later else [f"{path}: is not the best model of this run; {until}"]


def _agree(path: Path, own: Mapping[int, float], others: Mapping[int, float], name: str) -> bool:
    """Tell whether some evaluations are in both, and raise an error if one of those came to something else."""
    common = own.keys() & others.keys()
    for step in sorted(common):
        if own[step] != others[step]:
            raise another_run(path, f"{name} there has another evaluation of step {step:,}")
    return bool(common)


def _scores(history: object) -> dict[int, float]:
    """Return the validation loss of each evaluated step, as far as a history can be read."""
    entries: Iterable[Any] = history if isinstance(history, list) else []
    found = [(entry.get("step"), entry.get("valid_loss")) for entry in entries if isinstance(entry, dict)]
    return {step: loss for step, loss in found if isinstance(step, int) and isinstance(loss, float)}


def _metadata(path: Path) -> dict[str, Any]:
    """Return the metadata of a checkpoint; nothing if it is missing or damaged, for then there is nothing to lose."""
    try:
        return checkpoint.read_metadata(path) if path.is_file() else {}
    except FileError:
        return {}
