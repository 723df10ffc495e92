"""A training run: put together from a configuration, kept in a directory, and taken up again where it was left.

    runs/NAME/
      config.yaml          the resolved configuration, every default written out
      metrics.jsonl        one JSON object a line
      samples.txt          what the model wrote along the way
      best.safetensors     the model with the lowest validation loss
      last.safetensors     the model and all that an exact resume needs
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from math import ceil, log
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from charlm import checkpoint, config, modelfile, transfer
from charlm.backends import choose
from charlm.config import Config
from charlm.corpus import Corpus, check_fits
from charlm.corpus import load as load_corpus
from charlm.dropout import Dropout
from charlm.errors import CharlmError, UsageError
from charlm.model import Architecture, Model
from charlm.optimizers import Optimizer, Options
from charlm.parallel import Batch, Ranks, Team, plan_threads
from charlm.sampler import Filter, Sampler, beginning
from charlm.schedules import Schedule
from charlm.scorer import Scorer
from charlm.trainer import Plan, Progress, Trainer, steps_in
from charlm.windows import Windows

DEFAULT_EPOCHS = 10
FILES = ("config.yaml", "metrics.jsonl", "samples.txt", "best.safetensors", "last.safetensors")


@dataclass(slots=True)
class Interval:
    """The steps since the last line of metrics, added up.

    Attributes
    ----------
    steps : int
        How many.
    loss, grad_norm, seconds : float
        The sums of theirs.
    """

    steps: int = 0
    loss: float = 0.0
    grad_norm: float = 0.0
    seconds: float = 0.0

    def add(self, progress: Progress) -> None:
        """Count one more step."""
        self.steps += 1
        self.loss += progress.loss
        self.grad_norm += progress.grad_norm
        self.seconds += progress.seconds


@dataclass(slots=True)
class Update:
    """What a step of a run came to, for whoever shows it.

    Attributes
    ----------
    progress : Progress
        The step.
    sample : str or None
        What the model wrote after it, if it did.
    """

    progress: Progress
    sample: str | None = None


@dataclass(slots=True)
class Record:
    """What a run has to remember beyond the trainer's standing.

    Attributes
    ----------
    total_steps : int
        The length of the run, settled at its start.
    threads : tuple of int
        Workers and threads a product.
    seconds : float
        Spent on steps so far.
    interval : Interval
        Since the last line of metrics.
    sizes : dict of str to int
        How much of `metrics.jsonl` and `samples.txt` belongs to the steps done.
    history : list of dict
        Step, epoch and validation loss of every evaluation.
    """

    total_steps: int = 0
    threads: tuple[int, int] = (1, 1)
    seconds: float = 0.0
    interval: Interval = field(default_factory=Interval)
    sizes: dict[str, int] = field(default_factory=lambda: {"metrics.jsonl": 0, "samples.txt": 0})
    history: list[dict[str, Any]] = field(default_factory=list)


class Run:
    """A run of training, from a configuration or from where its directory was left.

    Use `start`, `resume` or `dry` to make one.

    Attributes
    ----------
    directory : Path
        Where its files are.
    config : Config
        The resolved configuration.
    corpus : Corpus
        The text.
    trainer : Trainer
        The loop.
    record : Record
        What was done so far.
    notes : list of str
        What a person should know before it begins.
    """

    def __init__(self, directory: Path, config: Config, ranks: Ranks, record: Record | None = None) -> None:
        self.directory, self.config, self.ranks = directory, config, ranks
        c = config
        self.corpus: Corpus = load_corpus(**c.corpus.model_dump(), seed=c.seed)
        self.notes = list(self.corpus.report)
        check_fits(len(self.corpus.train), c.training.batch_size, c.training.seq_length)
        if ranks.size > c.training.batch_size:
            raise UsageError(
                f"{ranks.size} ranks cannot share training.batch_size {c.training.batch_size}; "
                "start at most so many, or raise it"
            )
        vocabulary = self.corpus.vocabulary
        start_symbol = vocabulary.id_of("\n") if c.corpus.mode == "lines" else None
        self.model = Model(
            Architecture(
                cell=c.model.cell,
                vocabulary_size=len(vocabulary),
                hidden_size=c.model.hidden_size,
                num_layers=c.model.num_layers,
                embedding_size=c.model.embedding_size,
                tie_weights=c.model.tie_weights,
                dtype=c.model.dtype,
                start_symbol=start_symbol,
            ),
            choose(c.kernels, c.model.dtype),
        )
        self.record = record or Record(
            threads=plan_threads(c.workers, self.model, c.training.batch_size, ranks),
        )
        self.team = Team(*self.record.threads)
        self.windows = Windows(
            self.corpus.train,
            batch_size=c.training.batch_size,
            seq_length=c.training.seq_length,
            seed=c.seed,
            mode=c.corpus.mode,
            newline_id=start_symbol,
        )
        self.batch = Batch(
            self.model,
            self.model.initial_parameters(c.seed),
            c.training.seq_length,
            c.training.batch_size,
            Dropout(**c.model.dropout.model_dump()),
            c.seed,
            self.team,
            ranks,
        )

    @classmethod
    def start(
        cls, directory: Path, config: Config, ranks: Ranks, *, force: bool = False, init_from: Path | None = None
    ) -> "Run":
        """Begin a run in a new directory.

        Parameters
        ----------
        directory : Path
            Where its files go; made if need be.
        config : Config
            What to do.
        ranks : Ranks
            The processes that do it; the first one writes.
        force : bool
            Whether the files of a run that is there already are replaced.
        init_from : Path, optional
            A checkpoint whose weights to start from.

        Raises
        ------
        CharlmError
            If the corpus cannot be read or is too small, or the directory cannot be written.
        UsageError
            If the directory holds a run, or the checkpoint has another architecture.
        """
        there = [name for name in FILES if (directory / name).exists()]
        if there and not force:
            raise UsageError(
                f"{directory}: already holds a run ({there[0]}); continue it with --resume {directory}, "
                "replace it with --force, or name another directory with --out"
            )
        run = cls(directory, config, ranks)
        if init_from is not None:
            saved = modelfile.load(checkpoint.resolve(init_from))
            run.notes += transfer.take_over(saved, run.model, run.batch.parameters, run.corpus.vocabulary, init_from)
        run._settle_length()
        run._make_trainer()
        if ranks.rank == 0:
            run._make_directory(there)
        run.save()
        return run

    @classmethod
    def resume(cls, directory: Path, ranks: Ranks) -> "Run":
        """Take up a run where its last checkpoint left it; it goes on as if it had never stopped.

        Raises
        ------
        CharlmError
            If the checkpoint cannot be read, or the corpus is no longer the same.
        UsageError
            If there is none, or the run was made by another number of MPI ranks.
        """
        path = checkpoint.resolve(directory, "last")
        saved = modelfile.load(path, training=True)
        if "run" not in saved.metadata:
            raise UsageError(f"{path}: holds a model but no training to resume; --init-from starts from its weights")
        kept = dict(saved.metadata["run"])
        if kept.pop("ranks") != ranks.size:
            raise UsageError(
                f"{path}: was trained by {saved.metadata['run']['ranks']} MPI ranks; resume it with as many, "
                f"not {ranks.size}"
            )
        standing, digest = kept.pop("standing"), kept.pop("corpus")
        kept["interval"] = Interval(**kept["interval"])
        kept["threads"] = tuple(kept["threads"])
        run = cls(path.parent, Config.from_dict(saved.metadata["config"], str(path)), ranks, Record(**kept))
        if run.corpus.digest != digest:
            raise CharlmError(
                f"{path}: the corpus is no longer the text that this run was reading; put it back to resume, "
                "or start a new run on it with --init-from"
            )
        run.batch.parameters.flat[...] = saved.parameters.flat
        run._make_trainer()
        run.trainer.restore(saved.training, standing)
        if ranks.rank == 0:
            for name, size in run.record.sizes.items():
                _cut(run.directory / name, size)
        return run

    @classmethod
    def dry(cls, directory: Path, config: Config, ranks: Ranks) -> "Run":
        """Put a run together without starting it: everything is read and checked, nothing is written."""
        run = cls(directory, config, ranks)
        run._settle_length()
        run._make_trainer()
        return run

    def _settle_length(self) -> None:
        """Turn the run's length into a number of steps."""
        t = self.config.training
        if t.max_steps is not None:
            self.record.total_steps = t.max_steps
        elif t.max_minutes is not None:
            self.record.total_steps = steps_in(
                t.max_minutes, self.batch, self.windows, len(self.corpus.valid), t.eval_every
            )
        else:
            self.record.total_steps = max(1, ceil((t.epochs or DEFAULT_EPOCHS) * self.windows.steps_per_epoch))

    def _make_trainer(self) -> None:
        c, t = self.config, self.config.training
        options = c.optimizer.model_dump(exclude={"name", "learning_rate"})
        optimizer = Optimizer(
            c.optimizer.name, Options(**options), self.batch.parameters, self.batch.gradients, self.model.backend
        )
        plan = Plan(
            total_steps=self.record.total_steps,
            learning_rate=c.optimizer.learning_rate,
            schedule=Schedule(**c.schedule.model_dump()),
            clip_norm=t.clip_norm,
            clip_value=t.clip_value,
            ema=t.ema,
            reset_probability=t.reset_probability,
            eval_every=t.eval_every,
            early_stopping=t.early_stopping,
            seed=c.seed,
        )
        scorer = Scorer(self.model, t.batch_size, self.team)
        self.trainer = Trainer(plan, self.batch, optimizer, self.windows, scorer, self.corpus.valid)

    def _make_directory(self, there: Sequence[str]) -> None:
        try:
            self.directory.mkdir(parents=True, exist_ok=True)
            for name in there:
                (self.directory / name).unlink()
            for name in self.record.sizes:
                (self.directory / name).touch()
        except OSError as error:
            raise CharlmError(f"{self.directory}: cannot be made: {error.strerror or error}") from error
        with checkpoint.atomic_file(self.directory / "config.yaml") as file:
            file.write(config.dump_yaml(self.config).encode())

    @property
    def finished(self) -> bool:
        """Whether all steps are done, or early stopping has ended the run."""
        standing = self.trainer.standing
        return standing.stopped or standing.step >= self.record.total_steps

    def train(self) -> Iterator[Update]:
        """Train to the end, writing the run's files on the way, and yield after each step.

        Whoever stops listening before the end calls `save` to keep the steps since the last checkpoint.
        """
        t = self.config.training
        for progress in self.trainer.run():
            update = Update(progress)
            self.record.seconds += progress.seconds
            self.record.interval.add(progress)
            step = progress.step
            if progress.score is not None:
                self._note_score(progress)
            if progress.score is not None or step % t.log_every == 0 or self.finished:
                self._log(progress)
            if t.sample_every and (step % t.sample_every == 0 or self.finished):
                update.sample = self._write_sample(progress)
            if step % t.checkpoint_every == 0 or self.finished:
                self.save()
            yield update

    def _note_score(self, progress: Progress) -> None:
        assert progress.score is not None
        self.record.history.append(
            {"step": progress.step, "epoch": progress.epoch, "valid_loss": progress.score.loss}
        )
        if progress.improved and self.ranks.rank == 0:
            modelfile.save(
                self.directory / "best.safetensors",
                self.model,
                self.trainer.average,
                self.corpus.vocabulary,
                {"config": self.config.to_dict(), "history": self.record.history},
            )

    def _log(self, progress: Progress) -> None:
        """Write a line of metrics: means over the steps since the one before."""
        interval, t = self.record.interval, self.config.training
        window = t.batch_size * t.seq_length
        loss = interval.loss / interval.steps
        line: dict[str, Any] = {
            "step": progress.step,
            "epoch": round(progress.epoch, 6),
            "chars": progress.step * window,
            "seconds": round(self.record.seconds, 3),
            "loss": loss,
            "bits_per_char": loss / log(2),
            "learning_rate": progress.learning_rate,
            "grad_norm": interval.grad_norm / interval.steps,
            "chars_per_second": round(interval.steps * window / max(interval.seconds, 1e-9), 1),
        }
        if progress.score is not None:
            line["valid_loss"] = progress.score.loss
            line["valid_bits_per_char"] = progress.score.bits_per_char
        self.record.interval = Interval()
        self._append("metrics.jsonl", json.dumps(line) + "\n")

    def _write_sample(self, progress: Progress) -> str:
        """Let the model write a little, and keep it."""
        t, vocabulary = self.config.training, self.corpus.vocabulary
        sampler = Sampler(Model(self.model.architecture), self.trainer.average)
        drawn = sampler.write(
            [beginning(vocabulary.symbols, self.model.architecture.start_symbol)],
            t.sample_length,
            Filter(temperature=t.sample_temperature),
            self.config.seed + progress.step,
        )
        text = vocabulary.decode(np.array(list(chain.from_iterable(d.ids for d in drawn))))
        self._append("samples.txt", f"--- step {progress.step}, epoch {progress.epoch:.2f}\n{text}\n\n")
        return text

    def _append(self, name: str, text: str) -> None:
        """Add to one of the run's growing files, and count what is there."""
        data = text.encode("utf-8", "backslashreplace")
        self.record.sizes[name] += len(data)
        if self.ranks.rank == 0:
            try:
                with (self.directory / name).open("ab") as file:
                    file.write(data)
            except OSError as error:
                raise CharlmError(f"{self.directory / name}: cannot be written: {error.strerror or error}") from error

    def save(self) -> None:
        """Write `last.safetensors`: the model, and all that an exact resume needs."""
        arrays, standing = self.trainer.snapshot()
        if self.ranks.rank != 0:
            return
        record = self.record
        run = {
            "standing": standing,
            "total_steps": record.total_steps,
            "threads": list(record.threads),
            "ranks": self.ranks.size,
            "corpus": self.corpus.digest,
            "seconds": record.seconds,
            "interval": {name: getattr(record.interval, name) for name in Interval.__dataclass_fields__},
            "sizes": record.sizes,
            "history": record.history,
        }
        modelfile.save(
            self.directory / "last.safetensors",
            self.model,
            self.trainer.average,
            self.corpus.vocabulary,
            {"config": self.config.to_dict(), "history": record.history, "run": run},
            arrays,
        )


def _cut(path: Path, size: int) -> None:
    """Cut a growing file back to what belongs to the steps done, so that the steps done again are not there twice."""
    try:
        with path.open("ab") as file:
            if file.tell() < size:
                raise CharlmError(f"{path}: is shorter than when the checkpoint was written; put it back to resume")
            file.truncate(size)
    except OSError as error:
        raise CharlmError(f"{path}: cannot be written: {error.strerror or error}") from error
