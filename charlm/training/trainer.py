"""The training loop: for each window, loss and gradients, clipping, the optimizer's update, the average of the weights.

The trainer is a generator and does no input or output: it yields what happened after every step, and whoever runs it
decides what to print and what to save. All that it needs to go on later is in `Trainer.snapshot`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from math import inf, isfinite, sqrt
from time import perf_counter
from typing import Any

import numpy as np

from charlm.arrays import Array, Ids
from charlm.corpus.windows import Window, Windows
from charlm.errors import NotFiniteError
from charlm.inference.scorer import Score, Scorer, streams_of
from charlm.network.architecture import State
from charlm.ngram.mixture import Mixture
from charlm.randomness import Purpose, generator
from charlm.training.average import MovingAverage
from charlm.training.batch import Batch
from charlm.training.clipping import clip_by_norm, clip_by_value
from charlm.training.optimizers import Optimizer
from charlm.training.recovery import RATE_FACTOR, advice
from charlm.training.schedules import Position, Schedule

TIMED = 20_000  # symbols that are scored, at the most, to tell what an evaluation takes


@dataclass(frozen=True, slots=True)
class Plan:
    """How a run trains.

    Attributes
    ----------
    total_steps : int
        The length of the run.
    learning_rate : float
        The rate that the schedule's factor applies to.
    schedule : Schedule
        The factor at each step.
    clip_norm : float or None
        The largest norm of the gradient; see `charlm.training.clipping`.
    clip_value : float or None
        The largest absolute value of an element of the gradient, limited before the norm is taken.
    ema : float or None
        How much of the weights' moving average is kept each step; the average is what is evaluated and sampled.
    reset_probability : float
        How likely each stream's state is zeroed before a window.
    eval_every : int
        Steps between two evaluations.
    early_stopping : int or None
        After how many evaluations without a better loss training ends.
    seed : int
        The seed of the resets.
    warmup_steps : int
        The length of the schedule's warm-up, for advice.
    """

    total_steps: int
    learning_rate: float
    schedule: Schedule
    clip_norm: float | None
    clip_value: float | None
    ema: float | None
    reset_probability: float
    eval_every: int
    early_stopping: int | None
    seed: int
    warmup_steps: int = 0

    @property
    def advice(self) -> str:
        """What may keep this training from diverging."""
        return advice(self.learning_rate, self.warmup_steps, self.clip_norm)


@dataclass(slots=True)
class Status:
    """How far a run has come: the numbers that a resume needs, beside the arrays.

    Attributes
    ----------
    step : int
        Steps done.
    best_loss : float
        The lowest validation loss, in nats; infinite before the first.
    evaluations_since_best : int
        Evaluations since then, for early stopping.
    evaluations_since_drop : int
        Evaluations since the best loss or, if it is later, the last plateau; for the plateau schedule.
    plateaus : int
        How many plateaus there were: how often the plateau schedule has dropped the rate.
    stopped : bool
        Whether early stopping has ended the run.
    rollbacks : int
        How often the run went back to a checkpoint because it had diverged, each time with a lower learning rate.
    """

    step: int = 0
    best_loss: float = inf
    evaluations_since_best: int = 0
    evaluations_since_drop: int = 0
    plateaus: int = 0
    stopped: bool = False
    rollbacks: int = 0


@dataclass(frozen=True, slots=True)
class Progress:
    """What one step did.

    Attributes
    ----------
    step : int
        Its number, from 1.
    epoch : float
        How many epochs are done.
    loss : float
        The window's mean loss in nats, before the step.
    learning_rate : float
        What the step used.
    grad_norm : float
        The norm of the gradient of the mean loss, after clipping by value and before clipping by norm.
    seconds : float
        What the step took, without evaluation.
    score : Score or None
        The validation, where there was one.
    improved : bool
        Whether this was the best validation so far.
    """

    step: int
    epoch: float
    loss: float
    learning_rate: float
    grad_norm: float
    seconds: float
    score: Score | None = None
    improved: bool = False


class Trainer:
    """A run of training, from its first step or from where a snapshot left it.

    Parameters
    ----------
    plan : Plan
        How to train.
    batch : Batch
        Computes gradients; holds the weights.
    optimizer : Optimizer
        Changes them.
    windows : Windows
        The training text.
    scorer : Scorer
        Evaluates.
    valid : ndarray of int
        The validation text; without at least two symbols there is no evaluation.

    Attributes
    ----------
    average : Parameters
        The weights to evaluate and to keep: their moving average, or the weights themselves.
    status : Status
        How far the run has come.
    scorer, valid
        The arguments.
    """

    def __init__(
        self, plan: Plan, batch: Batch, optimizer: Optimizer, windows: Windows, scorer: Scorer, valid: Ids
    ) -> None:
        self.plan, self.batch, self.windows = plan, batch, windows
        self._optimizer, self.scorer, self.valid = optimizer, scorer, valid
        self.parameters = batch.parameters
        self._moving_average = (
            None if plan.ema is None else MovingAverage(plan.ema, self.parameters, batch.model.backend)
        )
        self.average = self.parameters if self._moving_average is None else self._moving_average.average
        self.status = Status()
        self._state: State = batch.zero_state()

    def run(self) -> Iterator[Progress]:
        """Train to the end of the plan, yielding after each step.

        Raises
        ------
        NotFiniteError
            If the loss or the gradient is no longer finite; the weights are those of the step before.
        """
        while self.status.step < self.plan.total_steps and not self.status.stopped:
            yield self._step()

    def _step(self) -> Progress:
        started = perf_counter()
        window, rate = self.windows.at(self.status.step), self.learning_rate
        loss, squares = self._loss_and_gradients(window)
        norm, factor = self._clip(squares)
        self._update(rate, factor)
        self._update_average()
        self.status.step += 1
        seconds = perf_counter() - started
        score = self._evaluate() if self._is_due() else None
        improved = score is not None and self._note(score)
        step, epoch = self.status.step, self.status.step / self.windows.steps_per_epoch
        return Progress(step, epoch, loss, rate, norm, seconds, score, improved)

    @property
    def learning_rate(self) -> float:
        """That of the next step."""
        status, plan = self.status, self.plan
        position = Position(status.step, plan.total_steps, self.windows.steps_per_epoch, status.plateaus)
        return plan.learning_rate * plan.schedule(position) * RATE_FACTOR**status.rollbacks

    def _loss_and_gradients(self, window: Window) -> tuple[float, float]:
        """Return the mean loss of the window and the sum of the squares of its gradient; both are finite."""
        entering = self._entering(window.first)
        loss, squares, state = self.batch.loss_and_gradients(window.inputs, window.targets, entering, self.status.step)
        if not isfinite(loss) or not isfinite(squares):  # before clipping by value, which makes infinity a number
            raise NotFiniteError(self._not_finite(loss))
        self._state = state
        return loss, squares

    def _clip(self, squares: float) -> tuple[float, float]:
        """Clip the gradient by value; return its norm then, and the factor that clips it by norm."""
        plan = self.plan
        if plan.clip_value is not None:
            limit = plan.clip_value
            squares = self.batch.change_gradients(lambda gradient: clip_by_value(gradient, limit))
        norm = sqrt(squares)
        return norm, 1.0 if plan.clip_norm is None else clip_by_norm(norm, plan.clip_norm)

    def _update(self, rate: float, factor: float) -> None:
        """Change the weights by the gradient times the factor; each worker changes its share of them."""
        team, step = self.batch.team, self.status.step + 1
        team.map(lambda worker: self._optimizer.step(rate, step, factor, worker, team.workers))

    def _update_average(self) -> None:
        """Take the new weights into their moving average, if there is one."""
        team, average = self.batch.team, self._moving_average
        if average is not None:
            team.map(lambda worker: average.update(worker, team.workers))

    def _entering(self, first: bool) -> State:
        """Return the state that the streams carry into the window: zero at an epoch's start and now and then."""
        if first:
            return self.batch.zero_state()
        if self.plan.reset_probability == 0:
            return self._state
        draws = generator(self.plan.seed, Purpose.RESET, self.status.step).random(self.batch.batch_size)
        forgotten = draws[self.batch.streams] < self.plan.reset_probability
        if not forgotten.any():
            return self._state
        remembered = ~forgotten[:, np.newaxis]
        return tuple(tuple(np.where(remembered, array, 0) for array in layer) for layer in self._state)

    def _is_due(self) -> bool:
        step = self.status.step
        return len(self.valid) > 1 and (step % self.plan.eval_every == 0 or step == self.plan.total_steps)

    def _evaluate(self) -> Score:
        """Score the validation text with a state of its own; on every rank alike."""
        self.scorer.fit(self.average, self.valid)
        self.scorer.mixture = self.batch.ranks.agree(self.scorer.mixture)
        return self.batch.ranks.agree(self.scorer.score(self.average, self.valid))

    @property
    def mixture(self) -> Mixture | None:
        """The n-gram that is added to the network, as it was fitted at the last evaluation."""
        return self.scorer.mixture

    def _note(self, score: Score) -> bool:
        """Count the evaluation for early stopping and plateaus, and return whether it was the best so far."""
        status, plan = self.status, self.plan
        if not isfinite(score.loss):
            raise NotFiniteError(f"step {status.step}: the validation loss is not finite; {plan.advice}")
        improved = score.loss < status.best_loss
        if improved:
            status.best_loss = score.loss
            status.evaluations_since_best = status.evaluations_since_drop = 0
        else:
            status.evaluations_since_best += 1
            status.evaluations_since_drop += 1
        if status.evaluations_since_drop >= plan.schedule.patience:
            status.plateaus += 1
            status.evaluations_since_drop = 0
        if plan.early_stopping is not None and status.evaluations_since_best >= plan.early_stopping:
            status.stopped = True
        return improved

    def _not_finite(self, loss: float) -> str:
        """Return the message that names the step and the first tensor that is not finite."""
        if (name := self.batch.gradients.first_not_finite()) is not None:
            what = f"the gradient of {name}"
        else:
            what = "the gradient's norm" if isfinite(loss) else "the loss"
        return f"step {self.status.step + 1}: {what} is not finite (loss {loss:.4g}); {self.plan.advice}"

    def snapshot(self) -> tuple[dict[str, Array], dict[str, Any]]:
        """Return the arrays and the numbers that `restore` needs to go on exactly here."""
        arrays = {f"optimizer.{name}": moment for name, moment in self._optimizer.moments.items()}
        for layer, states in enumerate(self._state):
            for name, array in zip(self.batch.model.cell.carried, states, strict=True):
                arrays[f"state.{name}_l{layer}"] = self.batch.ranks.gather_streams(array)
        if self.plan.ema is not None:
            arrays["weights"] = self.parameters.flat
        numbers = asdict(self.status)
        numbers["best_loss"] = None if self.status.best_loss == inf else self.status.best_loss
        return arrays, numbers

    def _check(self, arrays: Mapping[str, Array]) -> None:
        expected, _ = self.snapshot()
        for name, array in expected.items():
            if name not in arrays:
                raise ValueError(f"the tensor training.{name} is missing")
            found = arrays[name]
            if found.shape != array.shape or found.dtype != array.dtype:
                raise ValueError(
                    f"the tensor training.{name} is {found.dtype.name} {list(found.shape)}, not {array.dtype.name} "
                    f"{list(array.shape)}"
                )

    def restore(self, arrays: Mapping[str, Array], numbers: Mapping[str, Any]) -> None:
        """Take over what `snapshot` returned; `parameters` already hold the saved model's weights.

        Raises
        ------
        ValueError
            If an array is missing or is not of the shape and type that it has in a snapshot.
        """
        self._check(arrays)
        self._optimizer.restore({name: arrays[f"optimizer.{name}"] for name in self._optimizer.moments})
        self._state = tuple(
            tuple(arrays[f"state.{name}_l{layer}"][self.batch.streams].copy() for name in self.batch.model.cell.carried)
            for layer in range(self.batch.model.architecture.num_layers)
        )
        if self.plan.ema is not None:
            self.average.flat[...] = self.parameters.flat
            self.parameters.flat[...] = arrays["weights"]
        values = {field.name: numbers[field.name] for field in fields(Status) if field.name in numbers}
        values["best_loss"] = inf if values["best_loss"] is None else values["best_loss"]
        self.status = Status(**values)


def seconds_per_step(trainer: Trainer, seconds: float, most: float = inf) -> float:
    """Return what a step takes, from doing some.

    Parameters
    ----------
    trainer : Trainer
        Whose steps are timed; it goes on by as many.
    seconds : float
        For how long; three steps at the least.
    most : float
        How many steps at the most.
    """
    started = perf_counter()
    times: list[float] = []
    for progress in trainer.run():
        times.append(progress.seconds)
        enough = len(times) >= most or perf_counter() - started >= seconds
        if len(times) >= 3 and trainer.batch.ranks.agree(enough):
            break
    return float(np.median(times[1:]))  # the first one warms up


def seconds_per_evaluation(trainer: Trainer) -> float:
    """Return what an evaluation takes, from scoring a part of the validation text.

    Parameters
    ----------
    trainer : Trainer
        Whose weights are scored; it changes nothing but the scales of its mixture.
    """
    valid, weights = trainer.valid, trainer.average
    if len(valid) < 2:
        return 0.0
    part = valid[:TIMED]
    trainer.scorer.score(weights, part[:2])  # what is compiled for it takes none of the time
    started = perf_counter()
    trainer.scorer.fit(weights, valid)
    fitted = perf_counter()
    # in as many streams as the whole text: more are quicker
    trainer.scorer.score(weights, part, max(1, len(part) // streams_of(len(valid))))
    return fitted - started + (perf_counter() - fitted) * len(valid) / len(part)
