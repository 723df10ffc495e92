"""A training run: put together from a configuration, written to its directory, and taken up again where it was left."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, replace
from itertools import chain
from math import ceil, inf, prod
from numbers import Integral
from pathlib import Path
from typing import Any, Self, TypeVar

import numpy as np

from charlm import assemble, config
from charlm.arrays import Array
from charlm.config import Config
from charlm.corpus.facts import facts
from charlm.corpus.loading import Corpus, check_fits, read_again
from charlm.corpus.loading import load as load_corpus
from charlm.corpus.windows import Windows
from charlm.errors import CharlmError, DamagedFileError, NotFiniteError, Remedy, UsageError
from charlm.files import modelfile, rundir, schema, transfer
from charlm.files.identity import check_same_run, remarks_on_best
from charlm.files.logs import LOGS
from charlm.files.metrics import Interval
from charlm.files.rundir import BEST, LAST, METRICS, SAMPLES, Left, RunDirectory, left_in
from charlm.inference.filters import Filter
from charlm.inference.sampler import Sampler, beginning
from charlm.kernels.choice import choose, load_backend
from charlm.network.model import Model
from charlm.ngram.mixture import Mixture
from charlm.phrases import amount, count
from charlm.provenance import differences, provenance
from charlm.records import UNCHANGED, Changes, Record, Summary, Update
from charlm.training.recovery import MOST_ROLLBACKS, RATE_FACTOR
from charlm.training.trainer import Progress, Trainer, seconds_per_evaluation, seconds_per_step
from charlm.workers.cores import available_cores
from charlm.workers.ranks import Ranks
from charlm.workers.split import Split, bounded
from charlm.workers.team import Team

R = TypeVar("R")
DEFAULT_EPOCHS = 10
TIMING_SECONDS = 3.0  # how long steps are timed at the most before minutes become a number of steps
FORECAST_SECONDS = 1.0  # how long to tell what a run would take
FOREVER = 1 << 40  # steps
ALONE = Ranks()


class Run:
    """A run of training, from a configuration or from where its directory was left.

    `Run.start` and `Run.resume` make one that can `train`. What `start` does is also there one by one: `Run.plan`
    reads and checks, `settle` fixes the length, and `begin` is the first to write.

    Attributes
    ----------
    directory : RunDirectory
        Its files.
    config : Config
        The resolved configuration.
    corpus : Corpus
        The text.
    trainer : Trainer
        The loop.
    record : Record
        What was done so far.
    history : list of dict
        Step, epoch and validation loss of every evaluation.
    saved_step : int
        The step of the last checkpoint.
    notes : list of str
        What a person should know before it begins.
    warnings : list of str
        What a person has to know before it begins.
    """

    def __init__(
        self, directory: RunDirectory, config: Config, ranks: Ranks, corpus: Corpus, record: Record | None = None,
        mixture: Mixture | None = None,
    ) -> None:  # fmt: skip
        self.directory = directory
        self.config, self.ranks, self.corpus = config, ranks, corpus
        self.history: list[dict[str, Any]] = []
        self.saved_step = 0
        self._closed = False
        self._happened: list[str] = []
        c = config
        self._logs = [LOGS[name](directory.path) for name in c.training.log_to if ranks.rank == 0]
        self.notes = list(corpus.report)
        self.warnings: list[str] = []
        check_fits(len(corpus.train), c.training.batch_size, c.training.seq_length)
        if ranks.size > c.training.batch_size:
            raise UsageError(
                f"{ranks.size} ranks cannot share training.batch_size {c.training.batch_size}; "
                "start at most so many, or raise it"
            )
        start_symbol = corpus.vocabulary.id_of("\n") if c.corpus.mode == "lines" else None
        kernels = None if record is None else record.kernels
        self.model = assemble.network(c, len(corpus.vocabulary), start_symbol, kernels)
        self.record = record or Record(ranks.size, assemble.split(c, self.model, ranks), self.model.backend.name)
        before, self.record.provenance = self.record.provenance, provenance(self.model.backend)
        if different := differences(before, self.record.provenance):
            self.warnings.append(
                f"{directory.path / LAST}: was trained with {', '.join(different)}: the run goes on, but its bytes may "
                "differ from those of an uncut run"
            )
        self.windows = Windows(
            corpus.train,
            batch_size=c.training.batch_size,
            seq_length=c.training.seq_length,
            seed=c.seed,
            mode=c.corpus.mode,
            newline_id=start_symbol,
        )
        self.team = Team(*self.record.threads)
        with closed_on_error(self):
            self.batch = assemble.batch(c, self.model, self.team, ranks)
            self._mixture = mixture
            if mixture is None:
                self._mixture, note = assemble.mixture(c, corpus.train, len(corpus.vocabulary), start_symbol)
                self.notes += filter(None, [note])

    @classmethod
    def plan(
        cls, directory: Path, config: Config, ranks: Ranks, *, force: bool = False, init_from: Path | None = None
    ) -> "Run":
        """Put a run together: everything is read and checked, nothing is written.

        Parameters
        ----------
        directory : Path
            Where its files will go; made by `begin` if need be.
        config : Config
            What to do.
        ranks : Ranks
            The processes that do it; the first one writes.
        force : bool
            Whether the files of a run that is there already will be replaced.
        init_from : Path, optional
            A checkpoint whose weights to start from.

        Raises
        ------
        CharlmError
            If the corpus cannot be read or is too small, or the directory cannot be written.
        UsageError
            If the directory holds a run, or the checkpoint has another architecture.
        """
        files = RunDirectory(directory)
        path = config.corpus.path
        files.check_free(force, [path] if isinstance(path, str) else path)
        saved = None if init_from is None else modelfile.load(rundir.resolve(init_from))
        corpus = load_corpus(**config.corpus.model_dump(), seed=config.seed)
        if saved is not None and config.preset is not None:
            config = _with_network(config, saved)
        config, corpus, reasons = chosen(config, corpus, init_from, ranks)
        run = cls(files, config, ranks, corpus)
        run.notes += reasons
        workers = run.team.workers
        if config.workers != "auto" and workers < config.workers:
            streams = config.training.batch_size // ranks.size
            few = f"there are only {streams} streams to share" if workers == streams else "the machine has few cores"
            run.notes.append(f"{workers} workers, not {config.workers}: {few}")
        if saved is not None and init_from is not None:
            with closed_on_error(run):
                run.notes += transfer.take_over(
                    saved, run.model.architecture, run.batch.parameters, corpus.vocabulary, init_from
                )
        return run

    def settle(self) -> None:
        """Turn the run's length into a number of steps; a length in minutes takes some seconds of timing."""
        total, every = self._length(0), self.config.training.eval_every
        self._set_length(total, f"set it to {ceil(total / schema.MOST_EVALUATIONS):,}")
        self.trainer = self._new_trainer(total, every)

    def _set_length(self, total: int, remedy: str) -> None:
        """Give the run a length, unless no checkpoint could hold its history, and say if its warm-up is longer."""
        every, most = self.config.training.eval_every, schema.MOST_EVALUATIONS
        if len(self.corpus.valid) and total // every > most:
            raise UsageError(
                f"training.eval_every: {every:,} leads to {total // every:,} evaluations in {total:,} steps, and a "
                f"checkpoint holds at most {most:,}; {remedy}"
            )
        if (warmup := self.config.schedule.warmup_steps) >= total:
            self.notes.append(
                f"schedule.warmup_steps is {warmup:,} and the run has {count(total, 'step')}: it ends before the "
                "learning rate reaches its peak"
            )
        self.record.total_steps = total

    def _length(self, done: int) -> int:
        """Return the length of the run in steps, of which some are done."""
        t = self.config.training
        epochs = DEFAULT_EPOCHS if t.epochs is None and t.max_minutes is None else t.epochs
        steps: float = inf if epochs is None else max(1, ceil(epochs * self.windows.steps_per_epoch))
        if t.max_steps is not None:
            steps = t.max_steps
        if t.max_minutes is not None:
            steps = min(steps, done + self._steps_in(60 * t.max_minutes, steps - done))
        return int(steps)

    def _steps_in(self, seconds: float, most: float) -> int:
        """Return how many more steps, with their evaluations, fit into the seconds of a whole run, of some at most.

        What comes before the first step, such as compiling the kernels and timing some steps, is not part of them.
        """
        evaluation = seconds_per_evaluation(self._new_trainer(FOREVER, FOREVER))
        spent = self.record.seconds + len(self.history) * evaluation
        if (left := self.ranks.agree(seconds - spent)) <= 0:
            minutes = amount(round(spent / 60, 4), "minute")
            raise UsageError(f"{self.directory.path}: has trained for {minutes}; give more than that")
        step = self.seconds_per_step(min(TIMING_SECONDS, left / 10), most / 10)  # at most a tenth of a short run
        fit = (left - evaluation) / (step + evaluation / self.config.training.eval_every)  # there is one at the end
        return self.ranks.agree(max(1, int(fit)))

    def seconds_per_step(self, seconds: float = FORECAST_SECONDS, most: float = inf) -> float:
        """Return what a step takes, from doing some and undoing them."""
        weights, trainer = self.batch.parameters.flat.copy(), self._new_trainer(FOREVER, FOREVER)
        trainer.plan = replace(trainer.plan, learning_rate=0.0)  # so that no timing diverges
        time = seconds_per_step(trainer, seconds, most)
        self.batch.parameters.flat[...] = weights
        return time

    def begin(self) -> None:
        """Make the run directory and write its first files; from here on the run can be resumed.

        Raises
        ------
        WriteError
            If the files cannot be written, or another process writes there; a run that was there is unchanged then.
        """
        self.warnings += _on_first(self.ranks, self.directory.claim) or []
        with self.directory.begin(config.dump_yaml(self.config)) if self.ranks.rank == 0 else nullcontext():
            self.save()

    @classmethod
    def start(
        cls, directory: Path, config: Config, ranks: Ranks, *, force: bool = False, init_from: Path | None = None
    ) -> "Run":
        """Begin a run in a new directory: `plan`, `settle` and `begin`."""
        run = cls.plan(directory, config, ranks, force=force, init_from=init_from)
        with closed_on_error(run):
            run.settle()
            run.begin()
        return run

    @classmethod
    def resume(cls, directory: Path, ranks: Ranks, changes: Changes = UNCHANGED) -> "Run":
        """Take up a run where its last checkpoint left it; it goes on as if it had never stopped.

        With another length the schedule runs to the new end; everything else goes on exactly. The changes are saved,
        so that the next resume need not be given them again.

        Parameters
        ----------
        directory : Path
            The run.
        ranks : Ranks
            The processes, as many as before.
        changes : Changes
            What is to be another way from here on.

        Raises
        ------
        CharlmError
            If the checkpoint cannot be read, or the corpus is no longer the same.
        UsageError
            If there is none, or the run was made by another number of MPI ranks.
        """
        files = RunDirectory(left_in(directory).path.parent)
        warnings = _on_first(ranks, files.claim) or []
        try:
            run = cls._resume(files, left_in(directory), ranks, changes)
        except BaseException:
            files.release()
            raise
        run.warnings += warnings
        return run

    @classmethod
    def _resume(cls, files: RunDirectory, left: Left, ranks: Ranks, changes: Changes) -> "Run":
        """Take up the run of a directory in which nobody else writes."""
        path = left.path
        saved = modelfile.load(path, training=True)
        run_data = dict(saved.metadata["run"])
        standing, sizes, digest = run_data.pop("standing"), run_data.pop("sizes"), saved.metadata["corpus"]
        record = Record(**run_data)
        record.interval, record.threads = Interval(**run_data["interval"]), _split(run_data["threads"])
        if record.ranks != ranks.size:
            raise UsageError(
                f"{path}: was trained by {record.ranks} MPI ranks; resume it with as many, not {ranks.size}",
                remedy=Remedy.RESUME_WITH_RANKS if record.ranks > 1 else Remedy.RESUME_ALONE,
                path=path.parent,
                ranks=record.ranks,
            )
        began = config.from_checkpoint(path, saved.metadata)
        if record.threads.workers > began.training.batch_size:
            raise DamagedFileError(
                f"{path}: damaged: it wants {record.threads.workers} workers for {began.training.batch_size} streams; "
                "use another copy of the file"
            )
        trained, record.threads = record.threads, bounded(record.threads)
        a = saved.architecture
        if assemble.architecture(began, a.vocabulary_size, a.start_symbol) != a:
            raise DamagedFileError(
                f"{path}: damaged: its network is not that of its configuration; use another copy of the file"
            )
        if (began.model.ngram.order is None) != (saved.mixture is None):
            raise DamagedFileError(
                f"{path}: damaged: it has an n-gram and its configuration none, or the other way round; "
                "use another copy of the file"
            )
        _on_first(ranks, lambda: files.settle(left.step, config.dump_yaml(began)))
        written = _as_written(files, began)
        check_same_run(path, saved.metadata, written)
        if isinstance(changes.max_steps, Integral) and changes.max_steps > 0:  # before it is compared with the warm-up
            _check_length(files.path, standing["step"], changes.max_steps)
        settings = changes.applied(began, str(path))
        if settings != began and files.config() not in (None, written.encode()):
            raise UsageError(
                f"{files.path / rundir.CONFIG}: was changed, and what is changed now would be written over it; "
                "the run keeps the configuration that it began with, so move the file away first"
            )
        remedy = Remedy.NAME_CORPUS_OR_START_FROM_WEIGHTS
        corpus = read_again(settings.corpus.model_dump(), settings.seed, digest, path.parent, remedy)
        notes = []
        if changes.kernels is not None and (kernels := choose(changes.kernels, settings.model.dtype)) != record.kernels:
            notes.append(f"{kernels} kernels in place of {record.kernels}: from here on the last digits are others")
            record.kernels = kernels
        run = cls(files, settings, ranks, corpus, record, saved.mixture)
        run.notes += notes
        if record.threads != trained:
            run.warnings.append(
                f"{path}: was trained by {trained}, which are too many for this machine: the run goes on with "
                f"{record.threads}, but its bytes may differ from those of an uncut run"
            )
        if run.model.architecture != a:
            run.close()
            raise DamagedFileError(
                f"{path}: damaged: its network has other symbols than its corpus; use another copy of the file"
            )
        run.history, run.saved_step = list(saved.metadata["history"]), standing["step"]
        with closed_on_error(run):
            run.batch.parameters.flat[...] = saved.parameters.flat
            before = record.total_steps
            if changes.lengths:
                run._extend(standing)
            run.trainer = run._new_trainer(record.total_steps, settings.training.eval_every)
            try:
                run.trainer.restore(saved.training, standing)
            except ValueError as error:
                raise DamagedFileError(f"{path}: damaged: {error}; use another copy of the file") from error
            if changes.lengths:
                run._tell_new_length(before)
            if ranks.rank == 0:
                run.warnings += files.rewind(sizes, left.step, written)
                for log in run._logs:
                    log.rewind(left.step)
                run.warnings += remarks_on_best(files.path, saved.metadata)
            if settings != began:
                with files.change(config.dump_yaml(settings)) if ranks.rank == 0 else nullcontext():
                    run.save()
        return run

    def _extend(self, standing: dict[str, Any]) -> None:
        """Settle the new length of a run that has come to some standing."""
        total = self._length(standing["step"])
        _check_length(self.directory.path, standing["step"], total)
        most = schema.MOST_EVALUATIONS * self.config.training.eval_every
        self._set_length(total, f"give at most {most:,} steps")
        if standing["stopped"]:
            standing.update(stopped=False, evaluations_since_best=0)
            self.notes.append("early stopping had ended the run: its evaluations are counted anew")

    def _tell_new_length(self, before: int) -> None:
        """Say how the schedule runs in a run that has another length than before."""
        total, name, rate = self.record.total_steps, self.config.schedule.name, self.trainer.learning_rate
        length, end = f"{count(total, 'step')} instead of {before:,}", "new end"
        if total == before:
            length, end = f"{count(total, 'step')}, as before", "end"
        course = f"the {name} schedule runs to the {end} and goes on at a learning rate of {rate:.3g}"
        self.notes.append(f"{length}: {course}")

    def _new_trainer(self, total_steps: int, eval_every: int) -> Trainer:
        return assemble.trainer(
            self.config, self.batch, self.windows, self.corpus.valid, total_steps, eval_every, self._mixture
        )

    def close(self) -> None:
        """End the threads of the run and let others write to its directory; once it is closed, this does nothing."""
        if not self._closed:
            self._closed = True
            self.team.close()
            for log in self._logs:
                log.close()
            self.directory.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def when_compiling(self, tell: Callable[[], None]) -> None:
        """Have a function called once, before kernels are compiled that no earlier run has compiled."""
        self.model.backend.when_compiling(tell)

    def summary(self) -> Summary:
        """Return what the run is and how far it has come; its length must be settled."""
        t, status, record = self.config.training, self.trainer.status, self.record
        return Summary(
            directory=self.directory.path,
            architecture=self.model.architecture,
            parameters=self.batch.parameters.flat.size,
            kernels=self.model.backend.name,
            split=record.threads,
            ranks=self.ranks.size,
            unit=self.corpus.vocabulary.unit,
            batch_size=t.batch_size,
            seq_length=t.seq_length,
            steps_per_epoch=self.windows.steps_per_epoch,
            total_steps=record.total_steps,
            step=status.step,
            has_ngram=self.config.model.ngram.order is not None,
            has_validation=len(self.corpus.valid) > 1,
            best_loss=None if status.best_loss == inf else status.best_loss,
            evaluations_since_best=status.evaluations_since_best,
            advice=self.trainer.plan.advice,
            early_stopping=t.early_stopping,
            stopped_early=status.stopped,
        )

    @property
    def finished(self) -> bool:
        """Whether all steps are done, or early stopping has ended the run."""
        standing = self.trainer.status
        return standing.stopped or standing.step >= self.record.total_steps

    def train(self) -> Iterator[Update]:
        """Train to the end, writing the run's files on the way, and yield after each step.

        Whoever stops listening before the end calls `save` to keep the steps since the last checkpoint.

        Raises
        ------
        CharlmError
            If the numbers are no longer finite, or a file cannot be written.
        """
        t = self.config.training
        for progress in self._steps():
            update = Update(progress, stopped_early=self.trainer.status.stopped, notes=self._happened)
            self._happened = []
            self.record.seconds += progress.seconds
            self.record.interval.add(progress.loss, progress.grad_norm, progress.seconds)
            step = progress.step
            logs = progress.score is not None or step % t.log_every == 0 or self.finished
            samples = t.sample_every and (step % t.sample_every == 0 or self.finished)
            saves = step % t.checkpoint_every == 0 or self.finished
            if progress.score is not None:
                self._note_score(progress)
            if logs:
                self._log(progress)
            if samples:
                update.sample = self._write_sample(progress)
            if saves:
                self.save()
            yield update

    def _check_weights(self, step: int) -> None:
        """Refuse to keep weights that the step has made infinite; the next step's loss would tell, too late."""
        if (name := self.trainer.average.first_not_finite()) is not None:
            raise NotFiniteError(f"step {step}: the weights of {name} are no longer finite; {self.trainer.plan.advice}")

    def _keeps(self, progress: Progress) -> bool:
        """Return whether something of the model after a step is written to a file."""
        t, step = self.config.training, progress.step
        writes = [t.checkpoint_every, *([t.sample_every] if t.sample_every else [])]
        return progress.improved or self.finished or any(step % every == 0 for every in writes)

    def _failed(self, what: str) -> NotFiniteError:
        last = f"{self.directory.path / LAST} keeps step {self.saved_step}"
        return NotFiniteError(f"{self.directory.path}: {what}; {last}")

    def _steps(self) -> Iterator[Progress]:
        """Pass on the trainer's steps; when they diverge, go back if that is wished, or say what is kept."""
        while True:
            try:
                for progress in self.trainer.run():
                    if self._keeps(progress):
                        self._check_weights(progress.step)
                    yield progress
                return
            except NotFiniteError as error:
                allowed = self.config.training.on_nonfinite == "rollback"
                if not allowed or self.trainer.status.rollbacks == MOST_ROLLBACKS:
                    raise self._failed(str(error)) from error
                self._roll_back(str(error))

    def _roll_back(self, why: str) -> None:
        """Go on from the last checkpoint at a lower learning rate; the next resume would do the same."""
        saved = modelfile.load(self.directory.path / LAST, training=True)
        run, status = saved.metadata["run"], self.trainer.status
        best = status.best_loss
        self.batch.parameters.flat[...] = saved.parameters.flat
        self.trainer.restore(saved.training, {**run["standing"], "rollbacks": status.rollbacks + 1})
        self.trainer.scorer.mixture = saved.mixture
        self.trainer.status.best_loss = best
        self.history = list(saved.metadata["history"])
        self.record.seconds, self.record.interval = run["seconds"], Interval(**run["interval"])
        rate = self.config.optimizer.learning_rate * RATE_FACTOR**self.trainer.status.rollbacks
        note = f"went back to step {self.trainer.status.step:,} with optimizer.learning_rate {rate:g}, because at {why}"
        self._happened.append(note)
        if self.ranks.rank == 0:
            self.directory.rewind(run["sizes"], run["standing"]["step"], _as_written(self.directory, self.config))
            event = {"step": self.trainer.status.step, "event": "rollback", "learning_rate": rate, "reason": why}
            self.directory.append(METRICS, json.dumps(event) + "\n")
        for log in self._logs:
            log.rewind(self.trainer.status.step)
        self.save()

    def _note_score(self, progress: Progress) -> None:
        """Remember an evaluation, and keep the model if it is the best so far."""
        assert progress.score is not None
        self.history.append({"step": progress.step, "epoch": progress.epoch, "valid_loss": progress.score.loss})
        if progress.improved:
            self._write_model(BEST, {}, {})

    def _log(self, progress: Progress) -> None:
        """Write a line of metrics: means over the steps since the one before."""
        t, score = self.config.training, progress.score
        line = self.record.interval.line(
            step=progress.step,
            epoch=progress.epoch,
            window=t.batch_size * t.seq_length,
            unit=self.corpus.vocabulary.unit,
            seconds=self.record.seconds,
            learning_rate=progress.learning_rate,
            valid_loss=None if score is None else score.loss,
            network_loss=None if score is None else score.network_loss,
        )
        self.record.interval = Interval()
        if self.ranks.rank == 0:
            self.directory.append(METRICS, line)
        for log in self._logs:
            log.figures(progress.step, json.loads(line))

    def _write_sample(self, progress: Progress) -> str | None:
        """Let the model write a little, and keep it."""
        if self.ranks.rank != 0:
            return None
        t, vocabulary = self.config.training, self.corpus.vocabulary
        sampler = Sampler(Model(self.model.architecture, load_backend("numpy")), self.trainer.average,
                          never=vocabulary.unknown, mixture=self.trainer.mixture)  # fmt: skip
        drawn = sampler.write(
            [beginning(vocabulary.symbols, self.model.architecture.start_symbol)],
            t.sample_length,
            Filter(temperature=t.sample_temperature),
            self.config.seed + progress.step,
        )
        text = vocabulary.decode(np.array(list(chain.from_iterable(d.ids for d in drawn))))
        self.directory.append(SAMPLES, f"--- step {progress.step}, epoch {progress.epoch:.2f}\n{text}\n\n")
        for log in self._logs:
            log.sample(progress.step, text)
        return text

    def save(self) -> None:
        """Write `last.safetensors`: the model, and all that an exact resume needs."""
        arrays, standing = self.trainer.snapshot()
        if self.ranks.rank == 0:
            self.directory.sync()
        run = {**asdict(self.record), "sizes": self.directory.sizes, "standing": standing}
        self._write_model(LAST, {"run": run}, arrays)
        self.saved_step = self.trainer.status.step

    def _write_model(self, name: str, more: Mapping[str, Any], training: Mapping[str, Array]) -> None:
        """Write a checkpoint of the weights that are evaluated."""
        if self.ranks.rank == 0:
            metadata = {"config": self.config.to_dict(), "corpus": self.corpus.digest, "history": self.history}
            path = self.directory.path / name
            modelfile.save(
                path,
                self.model.architecture,
                self.trainer.average,
                self.corpus.vocabulary,
                {**metadata, **more},
                training,
                self.trainer.mixture,
            )


def _with_network(settings: Config, saved: modelfile.Saved) -> Config:
    """Return settings with the network of saved weights where no other is given, for a preset to choose the rest."""
    values = settings.to_dict()
    network = {name: getattr(saved.architecture, name) for name in transfer.MUST_AGREE}
    return config.from_dict({**values, "model": network | values.get("model", {})}, "")


def chosen(
    settings: Config, corpus: Corpus, source: Path | None = None, ranks: Ranks = ALONE
) -> tuple[Config, Corpus, list[str]]:
    """Choose what `preset: auto` leaves open, and read the text again if that changes how it is read.

    Settings may have the network of a `source`; the reasons name it. The cores are those of all ranks.
    """
    if settings.preset is None:
        return settings, corpus, []
    kernels, cores = choose(settings.kernels, settings.model.dtype), available_cores(ranks.on_this_machine())
    if kernels == "fused" and settings.workers != "auto":  # a product of NumPy's has threads besides
        cores = min(cores, settings.workers)
    kernels, cores = ranks.agree((kernels, cores * ranks.size))
    about = facts(corpus.train, corpus.vocabulary)
    resolved, reasons = config.resolve(settings, about, kernels, cores, source)
    if resolved.corpus != settings.corpus:
        corpus = load_corpus(**resolved.corpus.model_dump(), seed=resolved.seed)
    return resolved, corpus, reasons


def _on_first(ranks: Ranks, action: Callable[[], R]) -> R | None:
    """Do something on the first rank alone; if it fails, every rank raises the error, and it is reported once."""
    result: R | None = None
    refusal: CharlmError | None = None
    if ranks.rank == 0:
        try:
            result = action()
        except CharlmError as error:
            refusal = error
    if (refusal := ranks.agree(refusal)) is not None:
        raise refusal
    return result


def _check_length(directory: Path, done: int, total: int) -> None:
    """Refuse a new length of a run that has done as many steps."""
    if total <= done:
        steps = count(done, "step")
        raise UsageError(f"{directory}: has done {steps}; a length of {total:,} leaves nothing to do; give more")


@contextmanager
def closed_on_error(run: Run) -> Iterator[None]:
    """Close a run if it cannot be put together, for then nobody holds it who could."""
    try:
        yield
    except BaseException:
        run.close()
        raise


def _as_written(directory: RunDirectory, settings: Config) -> str:
    """Return `config.yaml` as it is written if it says the same as the settings, else what it should say."""
    written = directory.config()
    try:
        if written is not None and config.load_of_run(directory.path / rundir.CONFIG) == settings:
            return written.decode()
    except (CharlmError, OSError, UnicodeDecodeError):
        pass
    return config.dump_yaml(settings)


def _split(threads: Sequence[int]) -> Split:
    """Return how streams were split, also as charlm wrote it when workers could be processes; the sums are the same."""
    workers, blas_threads, *processes = threads
    return Split(workers * prod(processes), blas_threads)
