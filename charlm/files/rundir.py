"""A run's directory: which files a run makes, how they grow, and where the run was left."""

import contextlib
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Literal

from charlm.atomic import atomic_file, open_regular, remove_temporaries, replace, synchronise
from charlm.errors import CharlmError, DamagedFileError, FileError, Remedy, UsageError, WriteError
from charlm.files import checkpoint, schema
from charlm.files.lock import NAME as LOCK
from charlm.files.lock import Lock
from charlm.files.metrics import Logged, end_of_step, logged
from charlm.files.tensorfile import SOUND
from charlm.paths import nearest, same_file

CONFIG = "config.yaml"  # the resolved configuration, every default written out
METRICS = "metrics.jsonl"  # one JSON object a line
SAMPLES = "samples.txt"  # what the model wrote along the way
BEST = "best.safetensors"  # the model with the lowest validation loss
LAST = "last.safetensors"  # the model and all that an exact resume needs
FILES = (LAST, BEST, CONFIG, METRICS, SAMPLES)  # the one that can be resumed comes first
STAGED = ".config.yaml.new"  # the configuration of a run that is about to replace another one
BLOCK = 1 << 16  # bytes read at once
LONGEST_CONFIG = 10_000_000  # bytes

FILE_NAMES: Mapping[str, tuple[str, ...]] = {
    "best": (BEST, LAST),
    "last": (LAST,),
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
        self._unsynced: set[str] = set()
        self._lock: Lock | None = None
        self._made: list[Path] = []  # the directories made for the run, the innermost first

    def check_free(self, force: bool, read: Iterable[str] = ()) -> None:
        """Raise an error if a new run could not be written here.

        Parameters
        ----------
        force : bool
            Whether a run that is here already may be replaced.
        read : iterable of str
            The texts that the new run learns from; no file of the run that is replaced may be one of them.
        """
        existing = nearest(self.path)
        if not existing.is_dir():
            raise UsageError(
                f"{self.path}: cannot be a run directory: {existing} is a file; name another directory",
                remedy=Remedy.OTHER_DIRECTORY,
            )
        if not os.access(existing, os.W_OK):
            raise WriteError(
                f"{self.path}: cannot be made or written to: {existing} is not yours to write in; "
                "name another directory",
                remedy=Remedy.OTHER_DIRECTORY,
            )
        found = [name for name in FILES if os.path.lexists(self.path / name)]
        if found and not force:
            resumable = LAST in found
            raise UsageError(
                f"{self.path}: already holds a run ({found[0]}); {'resume it, ' if resumable else ''}replace it, "
                "or name another directory",
                remedy=Remedy.RESUME_OR_REPLACE_RUN if resumable else Remedy.REPLACE_RUN,
                path=self.path,
            )
        texts = tuple(read)
        for name in found:
            if text := same_file(self.path / name, texts):
                raise UsageError(
                    f"{self.path}: the text {text} is a file of the run that would be replaced; "
                    "copy it to another place, or name another directory",
                    remedy=Remedy.OTHER_DIRECTORY,
                )

    def claim(self) -> list[str]:
        """Make the directory and become its one writer.

        Returns
        -------
        list of str
            What the lock cannot see here, if anything.

        Raises
        ------
        WriteError
            If another process, or another run of this one, writes here, or the directory cannot be written.
        """
        try:
            self._made = [place for place in (self.path, *self.path.absolute().parents) if not place.exists()]
            self.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise WriteError(
                f"{self.path}: cannot be made: {error.strerror or error}; name another directory",
                remedy=Remedy.OTHER_DIRECTORY,
            ) from error
        try:
            self._lock = Lock(self.path)
        except CharlmError:
            self.release()
            raise
        if self._lock.note is None:
            remove_temporaries(self.path, (*FILES, STAGED))
            return []
        return [self._lock.note]

    def release(self) -> None:
        """Let others write, and remove the directory if it was made for a run that did not begin."""
        if self._lock is not None:
            self._lock.release()
            self._lock = None
        with contextlib.suppress(OSError):  # a directory with something in it stays
            for place in self._made:
                place.rmdir()
        self._made = []

    def tidy(self) -> None:
        """Remove what a process that was killed left beside the files of a finished run, which has no next writer."""
        if os.path.lexists(self.path / LOCK):
            with contextlib.suppress(CharlmError, OSError):  # somebody writes here, or the files are not one's own
                self.claim()
                (self.path / STAGED).unlink(missing_ok=True)
            self.release()

    @contextlib.contextmanager
    def begin(self, config: str) -> Iterator[None]:
        """Replace the run that is here by a new one, whose first checkpoint the block writes.

        The run before is whole until that checkpoint takes its name; an error before leaves all of it. From then on
        the new run can be resumed, and `settle` does what is left to do here when a process is killed.

        Parameters
        ----------
        config : str
            The text of `config.yaml`.

        Raises
        ------
        WriteError
            If a file cannot be written.
        """
        for name in FILES:
            if (self.path / name).is_dir():
                raise WriteError(f"{self.path / name}: cannot be written: it is a directory; move it away")
        with self._staged(config):
            yield
        self._complete()

    @contextlib.contextmanager
    def change(self, config: str) -> Iterator[None]:
        """Replace `config.yaml` by that of a run that goes on in another way, once the block has saved it so."""
        with self._staged(config):
            yield
        with self._completing():
            replace(self.path / STAGED, self.path / CONFIG)

    def settle(self, step: int, config: str) -> None:
        """Finish what a process was killed in, the beginning or the change of a run, or forget that it was planned.

        Parameters
        ----------
        step : int
            The step of the last checkpoint.
        config : str
            The configuration in that checkpoint, as `begin` and `change` were given it.

        Raises
        ------
        WriteError
            If a file cannot be written.
        """
        staged = self._read(STAGED)
        if staged == config.encode() and step == 0:
            self._complete()
        elif staged is not None:
            with self._completing():
                if staged == config.encode():
                    replace(self.path / STAGED, self.path / CONFIG)
                else:
                    (self.path / STAGED).unlink()

    @contextlib.contextmanager
    def _staged(self, config: str) -> Iterator[None]:
        """Write a configuration beside the present one; it stays if the block replaced the last checkpoint."""
        before = self._identity(LAST)
        try:
            self._write(STAGED, config)
            yield
        except BaseException:
            if self._identity(LAST) == before:
                with contextlib.suppress(OSError):  # the first error is the one to report
                    (self.path / STAGED).unlink(missing_ok=True)
            raise

    def _complete(self) -> None:
        """Replace the other files of the run before; the first checkpoint of the new one is there by now."""
        with self._completing():
            (self.path / BEST).unlink(missing_ok=True)
            for name in self.sizes:
                (self.path / name).unlink(missing_ok=True)
                open_regular(self.path / name, "xb").close()
            replace(self.path / STAGED, self.path / CONFIG)

    @contextlib.contextmanager
    def _completing(self) -> Iterator[None]:
        """Say in one line that a checkpoint is saved and the files beside it are not yet those of its run."""
        try:
            yield
        except OSError as error:
            raise WriteError(
                f"{self.path}: {LAST} is saved, but the files beside it cannot be replaced: "
                f"{error.strerror or error}; resume the run when they can"
            ) from error

    def _identity(self, name: str) -> tuple[int, int] | None:
        """Return what tells a file from another one that takes its name later."""
        try:
            status = (self.path / name).stat()
        except OSError:
            return None
        return status.st_dev, status.st_ino

    def _write(self, name: str, text: str) -> None:
        with atomic_file(self.path / name) as file:
            file.write(text.encode())

    def write_config(self, text: str) -> None:
        """Write the configuration, whole or not at all."""
        self._write(CONFIG, text)

    def append(self, name: str, text: str) -> None:
        """Add to a growing file."""
        data = text.encode("utf-8", "backslashreplace")
        with self._open(name, "ab") as file:
            file.write(data)
        self._unsynced.add(name)
        self.sizes[name] += len(data)

    def sync(self) -> None:
        """Put what was added to the growing files on the disk, before a checkpoint says how long they are."""
        for name in sorted(self._unsynced):
            with self._open(name, "ab") as file:
                synchronise(file.fileno())
        self._unsynced.clear()

    @contextlib.contextmanager
    def _open(self, name: str, mode: str) -> Iterator[BinaryIO]:
        """Open a file of the run, and say in one line what goes wrong with it."""
        try:
            with open_regular(self.path / name, mode) as file:
                yield file
        except OSError as error:
            raise WriteError(f"{self.path / name}: cannot be written: {error.strerror or error}") from error

    def metrics(self) -> list[Logged]:
        """Return what can be read of the lines of metrics."""
        if not os.path.lexists(self.path / METRICS):
            return []
        with self._open(METRICS, "rb") as file:
            return list(logged(file))

    def config(self) -> bytes | None:
        """Return what `config.yaml` says, or None if it is missing."""
        return self._read(CONFIG)

    def _read(self, name: str) -> bytes | None:
        """Return a small file, cut where no configuration is longer."""
        if not os.path.lexists(self.path / name):
            return None
        with self._open(name, "rb") as file:
            return file.read(LONGEST_CONFIG)

    def rewind(self, sizes: Mapping[str, int], step: int, config: str) -> list[str]:
        """Cut the growing files back to a checkpoint, so that the steps done again are not in them twice.

        Parameters
        ----------
        sizes : mapping of str to int
            How long they were when the checkpoint was written.
        step : int
            The step of the checkpoint.
        config : str
            What `config.yaml` should say.

        Returns
        -------
        list of str
            What is not as the run left it.
        """
        notes = []
        for name in self.sizes:
            size = sizes[name]
            with self._open(name, "a+b") as file:
                length = file.tell()
                file.seek(0)
                end = end_of_step(file, step, size) if name == METRICS else end_of_line(file, min(size, length))
                file.truncate(end)
            self.sizes[name] = end
            if end < size:
                notes.append(f"{self.path / name}: has lost some of what the run wrote; going on with the lines it has")
            elif end > size:
                notes.append(
                    f"{self.path / name}: was changed; going on after its last line of step {step:,} or before"
                )
        found = self.config()
        if found is None:
            self.write_config(config)
        elif found != config.encode():
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
    ranks : int
        How many MPI processes trained it.
    metadata : dict
        What else the checkpoint says; its configuration is unchecked.
    """

    path: Path
    step: int
    total_steps: int
    stopped: bool
    ranks: int
    metadata: dict[str, Any]

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
        If there is none, or it holds no training, or has another name than in its run.
    """
    if directory.is_dir() and not (directory / LAST).exists():
        found = next((name for name in FILES if (directory / name).exists()), None)
        if found == BEST:
            raise UsageError(
                f"{directory}: has {BEST} but no {LAST} to resume from; start a run from its weights",
                remedy=Remedy.START_FROM_WEIGHTS,
                path=directory,
            )
        if found:
            raise UsageError(
                f"{directory}: has {found} but no {LAST} to resume from; start the run anew",
                remedy=Remedy.START_ANEW,
                path=directory,
            )
        if runs := runs_in(directory):
            raise UsageError(f"{directory}: holds no run itself{_or_one_of(runs)}")
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
    if path.name != LAST:
        raise another_run(path, f"a run goes on with the {LAST} in its directory")
    try:
        schema.check_run(path, metadata)
    except DamagedFileError as error:
        raise unknown_training(path, str(error)) from error
    run, standing = metadata["run"], metadata["run"]["standing"]
    return Left(path, standing["step"], run["total_steps"], standing["stopped"], run["ranks"], metadata)


def another_run(path: Path, why: str) -> UsageError:
    """Return the error for a checkpoint that is not that of the run beside it."""
    return UsageError(
        f"{path}: is not the checkpoint of the run in {path.parent}: {why}; to go on with it, put it as {LAST} into "
        "a directory of its own"
    )


def end_of_line(file: BinaryIO, size: int) -> int:
    """Return where the last whole line ends within the first bytes of a file."""
    while size:
        start = max(0, size - BLOCK)
        file.seek(start)
        if (found := file.read(size - start).rfind(b"\n")) >= 0:
            return start + found + 1
        size = start
    return 0


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
        if path.name in (CONFIG, METRICS, SAMPLES) and (path.parent / LAST).is_file():
            raise UsageError(f"{path}: is no checkpoint, but lies in a run; did you mean {path.parent}?")
        return path
    for name in FILE_NAMES[which]:
        if (path / name).is_file():
            return path / name
    if path.is_dir():
        wanted = " or ".join(FILE_NAMES[which])
        raise UsageError(f"{path}: no checkpoint in this folder ({wanted}){_or_one_of(runs_in(path))}")
    if os.path.lexists(path):
        raise UsageError(f"{path}: is no ordinary file; {SOUND}")
    raise UsageError(f"{path}: no such run or file{_or_one_of(_runs_near(path))}")


def runs_in(folder: Path) -> list[Path]:
    """List the run directories right inside a folder."""
    if not folder.is_dir():
        return []
    return [child for child in sorted(folder.iterdir()) if any((child / name).is_file() for name in FILE_NAMES["best"])]


def metrics_of(path: Path) -> Path:
    """Find the file of metrics that a person means by a run directory or by the file itself.

    Raises
    ------
    UsageError
        When there is none; the message names the runs that there are.
    """
    if path.is_dir():
        if (path / METRICS).is_file():
            return path / METRICS
        raise UsageError(f"{path}: no {METRICS} in this folder{_or_one_of(runs_in(path))}")
    if path.is_file():
        if path.suffix == Path(METRICS).suffix:
            return path
        meant = f"; did you mean {path.parent}?" if (path.parent / METRICS).is_file() else ""
        raise UsageError(f"{path}: is no run directory and no {METRICS}{meant}")
    if os.path.lexists(path):
        raise UsageError(f"{path}: is no ordinary file; name a run directory or its {METRICS}")
    raise UsageError(f"{path}: no such run or file{_or_one_of(_runs_near(path))}")


def _runs_near(path: Path) -> list[Path]:
    """List the runs that a person may have meant by a path that does not exist, the likely ones alone if any is."""
    from charlm.phrases import similar  # difflib is needed for this message alone

    runs = runs_in(path.parent) or runs_in(path.parent / "runs")
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
