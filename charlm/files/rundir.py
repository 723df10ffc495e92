"""A run's directory: which files a run makes, how they grow, and where the run was left."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from charlm.atomic import atomic_file
from charlm.errors import DamagedFileError, FileError, Remedy, UsageError, WriteError
from charlm.files import checkpoint, schema

CONFIG = "config.yaml"  # the resolved configuration, every default written out
METRICS = "metrics.jsonl"  # one JSON object a line
SAMPLES = "samples.txt"  # what the model wrote along the way
BEST = "best.safetensors"  # the model with the lowest validation loss
LAST = "last.safetensors"  # the model and all that an exact resume needs
FILES = (LAST, BEST, CONFIG, METRICS, SAMPLES)  # in the order in which they are removed: half a run cannot be resumed

FILE_NAMES: Mapping[str, tuple[str, ...]] = {
    "best": ("best.safetensors", "last.safetensors"),
    "last": ("last.safetensors",),
}


class RunDirectory:
    """The files of one run.

    Parameters
    ----------
    path : Path
        The directory; it need not exist.

    Attributes
    ----------
    sizes : dict of str to int
        How many bytes of the growing files belong to the run so far.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.sizes = {METRICS: 0, SAMPLES: 0}

    def check_free(self, force: bool) -> None:
        """Raise an error if a new run could not be written here.

        Parameters
        ----------
        force : bool
            Whether a run that is here already may be replaced.
        """
        existing = next(place for place in (self.path, *self.path.absolute().parents) if place.exists())
        if not existing.is_dir():
            raise UsageError(
                f"{self.path}: cannot be a run directory: {existing} is a file; name another directory",
                remedy=Remedy.OTHER_DIRECTORY,
            )
        if not os.access(existing, os.W_OK):
            raise WriteError(f"{self.path}: cannot be made or written to: {existing} is not yours to write in")
        found = [name for name in FILES if (self.path / name).exists()]
        if found and not force:
            resumable = LAST in found
            raise UsageError(
                f"{self.path}: already holds a run ({found[0]}); {'resume it, ' if resumable else ''}replace it, "
                "or name another directory",
                remedy=Remedy.RESUME_OR_REPLACE_RUN if resumable else Remedy.REPLACE_RUN,
                path=self.path,
            )

    def make(self) -> None:
        """Make the directory and remove the run that is in it."""
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            for name in FILES:
                (self.path / name).unlink(missing_ok=True)
            for name in self.sizes:
                (self.path / name).touch()
        except OSError as error:
            raise WriteError(f"{self.path}: cannot be made: {error.strerror or error}") from error

    def write_config(self, text: str) -> None:
        """Write the configuration, whole or not at all."""
        with atomic_file(self.path / CONFIG) as file:
            file.write(text.encode())

    def append(self, name: str, text: str) -> None:
        """Add to a growing file."""
        data = text.encode("utf-8", "backslashreplace")
        try:
            with (self.path / name).open("ab") as file:
                file.write(data)
        except OSError as error:
            raise WriteError(f"{self.path / name}: cannot be written: {error.strerror or error}") from error
        self.sizes[name] += len(data)

    def sync(self) -> None:
        """Put the growing files on the disk, before a checkpoint says how long they are."""
        for name in self.sizes:
            try:
                with (self.path / name).open("ab") as file:
                    os.fsync(file.fileno())
            except OSError as error:
                raise WriteError(f"{self.path / name}: cannot be written: {error.strerror or error}") from error

    def rewind(self, sizes: dict[str, int], config: str) -> list[str]:
        """Cut the growing files back to a checkpoint, so that the steps done again are not in them twice.

        Parameters
        ----------
        sizes : dict of str to int
            How long they were when the checkpoint was written.
        config : str
            What `config.yaml` should say.

        Returns
        -------
        list of str
            What is not as the run left it.
        """
        notes = []
        for name, size in sizes.items():
            path = self.path / name
            try:
                with path.open("ab") as file:
                    self.sizes[name] = min(file.tell(), size)
                    file.truncate(self.sizes[name])
            except OSError as error:
                raise WriteError(f"{path}: cannot be written: {error.strerror or error}") from error
            if self.sizes[name] < size:
                notes.append(f"{path}: has lost some of what the run wrote; going on without it")
        if not (self.path / CONFIG).exists():
            self.write_config(config)
        elif (self.path / CONFIG).read_bytes() != config.encode():
            notes.append(f"{self.path / CONFIG}: was changed; the run keeps the configuration that it began with")
        return notes


@dataclass(frozen=True, slots=True)
class Left:
    """Where a run was left: what its last checkpoint says of it.

    Attributes
    ----------
    path : Path
        The checkpoint.
    step, total_steps : int
        How many steps are done, and how many there are to be.
    stopped : bool
        Whether early stopping has ended the run.
    """

    path: Path
    step: int
    total_steps: int
    stopped: bool

    @property
    def finished(self) -> bool:
        """Whether there is nothing left to do."""
        return self.stopped or self.step >= self.total_steps


def left_in(directory: Path) -> Left:
    """Find out where a run was left, without its corpus or its weights.

    Parameters
    ----------
    directory : Path
        The run directory, or its `last.safetensors`.

    Raises
    ------
    FileError
        If the checkpoint cannot be read.
    UsageError
        If there is none, or it holds no training.
    """
    if directory.is_dir() and not (directory / LAST).exists():
        found = next((name for name in FILES if (directory / name).exists()), None)
        if found:
            raise UsageError(
                f"{directory}: has {found} but no {LAST} to resume from; start the run anew",
                remedy=Remedy.START_ANEW,
                path=directory,
            )
        raise UsageError(
            f"{directory}: holds no run to resume; one that was stopped before its first step has written nothing: "
            "start it again"
        )
    path = resolve(directory, "last")
    metadata = checkpoint.read_metadata(path)
    if "run" not in metadata:
        raise UsageError(
            f"{path}: holds a model but no training to resume; start a run from its weights",
            remedy=Remedy.START_FROM_WEIGHTS,
            path=path,
        )
    try:
        schema.check_run(path, metadata)
    except DamagedFileError as error:
        raise unknown_training(path, str(error)) from error
    standing = metadata["run"]["standing"]
    return Left(path, standing["step"], metadata["run"]["total_steps"], standing["stopped"])


def unknown_training(path: Path, why: str) -> FileError:
    """Return the error for a checkpoint whose training is damaged, or another version of charlm wrote it."""
    reason = why.removeprefix(f"{path}: ").removesuffix("; use another copy of the file")
    return FileError(
        f"{path}: the training in it is damaged, or another version of charlm wrote it ({reason}); resume it with that "
        "version, or start a run from its weights",
        remedy=Remedy.START_FROM_WEIGHTS,
        path=path,
    )


def resolve(path: Path, which: Literal["best", "last"] = "best") -> Path:
    """Find the checkpoint file that a person means by a run directory or a file.

    Parameters
    ----------
    path : pathlib.Path
        A run directory, or a checkpoint file, which is returned as it is.
    which : {"best", "last"}
        The file wanted from a run directory. A run that has no best one yet gives its last one: compare the
        returned name to tell.

    Returns
    -------
    pathlib.Path
        A file that exists.

    Raises
    ------
    UsageError
        When there is none; the message names the runs that there are.
    """
    if path.is_file():
        return path
    for name in FILE_NAMES[which]:
        if (path / name).is_file():
            return path / name
    if path.is_dir():
        wanted = " or ".join(FILE_NAMES[which])
        raise UsageError(f"{path}: no checkpoint in this folder ({wanted}){_or_one_of(_runs_in(path))}")
    raise UsageError(f"{path}: no such run or file{_or_one_of(_runs_near(path))}")


def _runs_in(folder: Path) -> list[Path]:
    """List the run directories right inside a folder."""
    if not folder.is_dir():
        return []
    return [child for child in sorted(folder.iterdir()) if any((child / name).is_file() for name in FILE_NAMES["best"])]


def _runs_near(path: Path) -> list[Path]:
    """List the runs that a person may have meant by a path that does not exist, the likely ones alone if any is."""
    from charlm.phrases import similar  # difflib is needed for this message alone

    runs = _runs_in(path.parent) or _runs_in(path.parent / "runs")
    likely = similar(path.name, [run.name for run in runs])
    return [run for run in runs if run.name in likely] or runs


def _or_one_of(runs: list[Path]) -> str:
    """End a message with the runs to choose from."""
    if not runs:
        return "; `charlm train CONFIG` makes a run"
    if len(runs) == 1:
        return f"; did you mean {runs[0]}?"
    names = ", ".join(str(run) for run in runs[:8]) + (", ..." if len(runs) > 8 else "")
    return f"; the runs there are: {names}"
