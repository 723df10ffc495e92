"""What a run says of itself: each step to whoever shows it, a summary, what may be changed, what a resume needs."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from numbers import Integral
from pathlib import Path

from charlm import config
from charlm.config import Config
from charlm.errors import UsageError
from charlm.files.metrics import Interval
from charlm.network.architecture import Architecture
from charlm.phrases import count
from charlm.training.trainer import Progress
from charlm.workers.split import Split


@dataclass(slots=True)
class Update:
    """What a step of a run came to, for whoever shows it.

    Attributes
    ----------
    progress : Progress
        The step.
    sample : str or None
        What the model wrote after it, if it did.
    stopped_early : bool
        Whether early stopping ended the run with it.
    notes : list of str
        What happened before the step that a person should know.
    """

    progress: Progress
    sample: str | None = None
    stopped_early: bool = False
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Summary:
    """What a run is and how far it has come, for whoever shows or returns it.

    Attributes
    ----------
    directory : Path
        Where its files are.
    architecture : Architecture
        The network.
    parameters : int
        How many numbers the network learns.
    kernels : str
        What computes it: ``numpy`` or ``fused``.
    split : Split
        How the streams of a rank are split over workers.
    ranks : int
        How many MPI processes share the batch.
    unit : str
        What is called a character: ``char`` or ``byte``.
    batch_size, seq_length : int
        Streams, and characters of each in a window.
    steps_per_epoch, total_steps : int
        The length of an epoch and of the run.
    step : int
        How many steps are done; after a resume, that of the checkpoint.
    has_ngram : bool
        Whether an n-gram stands beside the network.
    has_validation : bool
        Whether there is validation text, and so a best model.
    best_loss : float or None
        The lowest validation loss so far, in nats.
    evaluations_since_best : int
        Evaluations since then.
    advice : str
        What may keep the training from diverging.
    early_stopping : int or None
        After how many evaluations without a better loss the run ends.
    stopped_early : bool
        Whether it has ended so.
    """

    directory: Path
    architecture: Architecture
    parameters: int
    kernels: str
    split: Split
    ranks: int
    unit: str
    batch_size: int
    seq_length: int
    steps_per_epoch: int
    total_steps: int
    step: int
    has_ngram: bool
    has_validation: bool
    best_loss: float | None
    evaluations_since_best: int
    advice: str
    early_stopping: int | None
    stopped_early: bool

    @property
    def window(self) -> int:
        """How many characters a step reads."""
        return self.batch_size * self.seq_length

    @property
    def epochs(self) -> float:
        """How often the whole run reads the training text."""
        return self.total_steps / self.steps_per_epoch


@dataclass(frozen=True, slots=True)
class Changes:
    """What may be changed of a run that is taken up again; each that is None stays as it was.

    Attributes
    ----------
    epochs : float or None
        The new length of the whole run in epochs; not beside `max_steps`.
    max_steps : int or None
        The same in steps.
    max_minutes : float or None
        The same in minutes of training, those already spent included; beside another length, the most.
    corpus : str, Path, sequence of them or None
        Where the text is now; it must be the same text.
    kernels : str or None
        What computes the model from here on; another choice rounds differently.
    """

    epochs: float | None = None
    max_steps: int | None = None
    max_minutes: float | None = None
    corpus: str | Path | Sequence[str | Path] | None = None
    kernels: str | None = None

    @property
    def lengths(self) -> dict[str, float]:
        """The lengths that are given, by the name of their key."""
        every = {"epochs": self.epochs, "max_steps": self.max_steps, "max_minutes": self.max_minutes}
        return {name: value for name, value in every.items() if value is not None}

    def applied(self, settings: Config, where: str) -> Config:
        """Return a configuration with the changes in it."""
        values = settings.to_dict()
        if self.epochs is not None and self.max_steps is not None:
            raise UsageError(f"{where}: only one of epochs and max_steps may be given")
        if self.lengths:
            values["training"].update({"epochs": None, "max_steps": None, "max_minutes": None, **self.lengths})
        if self.corpus is not None:
            values["corpus"]["path"] = self.corpus
        if self.kernels is not None:
            values["kernels"] = self.kernels
        warmup = settings.schedule.warmup_steps
        if isinstance(self.max_steps, Integral) and 0 < self.max_steps <= warmup:
            steps = count(int(self.max_steps), "step")
            raise UsageError(f"{where}: a length of {steps} ends within the warm-up of {warmup:,}; give more")
        return config.from_dict(config.plain(values), where)


@dataclass(slots=True)
class Record:
    """What a run has to remember beyond the status of the trainer.

    Attributes
    ----------
    ranks : int
        How many MPI processes.
    threads : Split
        How a rank's streams are split.
    kernels : str
        What computes the model, settled at the start: ``numpy`` or ``fused``.
    total_steps : int
        The length of the run, settled at the start; 0 before.
    seconds : float
        Spent on steps so far.
    interval : Interval
        Since the last line of metrics.
    provenance : dict
        What its last digits depend on; see `charlm.provenance`. Empty in old checkpoints.
    """

    ranks: int
    threads: Split
    kernels: str
    total_steps: int = 0
    seconds: float = 0.0
    interval: Interval = field(default_factory=Interval)
    provenance: dict[str, list[str]] = field(default_factory=dict)


UNCHANGED = Changes()
