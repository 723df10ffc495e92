"""Facts about training steps: what they promise whoever shares the batch, and how training ends."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from math import inf, nan
from typing import Any

import numpy as np
import pytest

from charlm.errors import NotFiniteError
from charlm.inference.scorer import Score, Scorer
from charlm.network.architecture import Architecture
from charlm.network.parameters import Parameters
from charlm.training.batch import Batch
from charlm.training.schedules import SCHEDULES, Plateau
from charlm.training.trainer import Progress, Trainer, seconds_per_step
from tests.networks import FRESH, KERNELS, NO_DROPOUT, PLAN, ROUNDING, Network, Training, assert_close

T, B, V, H = 5, 7, 6, 4
SMALL = Architecture("lstm", V, H, 2, embedding_size=3, dtype="float64")
every_kernel = pytest.mark.parametrize(("kernels", "dtype"), KERNELS)


def trained(workers: int, kernels: str, dtype: str) -> tuple[list[Progress], np.ndarray]:
    net = Network(replace(SMALL, dtype=dtype), kernels=kernels, dropout=FRESH)
    plan = replace(PLAN, total_steps=8, clip_norm=1.0, reset_probability=0.3)
    with Training(net, net.ids(4 * T + 1, B), T, plan=plan, workers=workers) as trainer:
        return list(trainer.run()), net.parameters.flat


@every_kernel
def test_training_with_several_workers_follows_training_with_one(kernels, dtype):
    expected, weights = trained(1, kernels, dtype)
    for workers in (2, 3, 5):
        progress, others = trained(workers, kernels, dtype)
        for one, other in zip(expected, progress, strict=True):
            assert abs(one.loss - other.loss) < 100 * ROUNDING[dtype]
        assert_close(others, weights, 1e-10 if dtype == "float64" else 5e-3)


@every_kernel
@pytest.mark.parametrize("workers", [1, 3])
def test_training_twice_gives_the_same_bits(workers, kernels, dtype):
    _, first = trained(workers, kernels, dtype)
    _, second = trained(workers, kernels, dtype)
    np.testing.assert_array_equal(first, second)


def test_streams_start_an_epoch_from_zero_and_are_reset_now_and_then():
    """With every stream reset before every window, windows are read as if they were an epoch's first."""
    net = Network(SMALL)
    text = net.ids(3 * T + 1, B)
    alone = [
        net.learn(text[k : k + T], text[k + 1 : k + T + 1], net.model.architecture.zero_state(B)).loss / (T * B)
        for k in (0, T, 2 * T)
    ]
    for probability, equal in ((1.0, True), (0.0, False)):
        other = Network(SMALL)
        plan = replace(PLAN, total_steps=6, learning_rate=0.0, reset_probability=probability)
        with Training(other, text, T, plan=plan) as trainer:
            losses = [progress.loss for progress in trainer.run()]
        np.testing.assert_allclose(losses[:3], losses[3:], rtol=1e-12)  # the second epoch is the first again
        assert abs(losses[0] - alone[0]) < 1e-12
        assert np.allclose(losses[1:3], alone[1:], rtol=0, atol=1e-12) == equal


def test_about_the_asked_for_share_of_streams_is_reset_before_a_window():
    net = Network(Architecture("rnn", V, H), dropout=NO_DROPOUT)
    plan = replace(PLAN, total_steps=60, learning_rate=0.0, reset_probability=0.25)
    text = net.ids(60 * 2 + 1, 20)
    entered = []

    class Watched(Batch):
        def loss_and_gradients(self, inputs, targets, initial, step):
            entered.append(initial[0][0].copy())
            return super().loss_and_gradients(inputs, targets, initial, step)

    with Training(net, text, 2, plan=plan, batch_type=Watched) as trainer:
        list(trainer.run())
    zeros = sum(int((state == 0).all(axis=1).sum()) for state in entered[1:])  # an epoch's first window is all zero
    expected, count = 0.25, 59 * 20
    assert abs(zeros / count - expected) < 5 * (expected * (1 - expected) / count) ** 0.5


# Evaluations


def evaluated(losses: Sequence[float], **plan: Any) -> tuple[list[Progress], Trainer]:
    """Train with an evaluation after every step, for as many steps as there are losses."""
    given = iter(losses)

    class GivenScores(Scorer):
        def score(self, parameters, ids, chars_per_stream=0):
            return Score(next(given), 0.0, 10, 0.0)

    net = Network(SMALL)
    training = Training(
        net,
        net.ids(6 * T + 1, B),
        T,
        plan=replace(PLAN, total_steps=len(losses), eval_every=1, **plan),
        valid=np.zeros(10, np.uint8),
        scorer_type=GivenScores,
    )
    with training as trainer:
        return list(trainer.run()), trainer


def test_a_plateau_schedule_drops_the_rate_after_so_many_evaluations_without_a_better_loss():
    losses = [5, 4, 4, 4.5, 3, 3, 3, 3, 3, 3]
    progress, _ = evaluated(losses, learning_rate=1.0, schedule=Plateau(factor=0.5, patience=2))
    #                                  from the step after the second evaluation without a better loss
    assert [p.learning_rate for p in progress] == [1, 1, 1, 1, 0.5, 0.5, 0.5, 0.25, 0.25, 0.125]
    assert [p.improved for p in progress] == [True, True, False, False, True, False, False, False, False, False]


@pytest.mark.parametrize("schedule", [schedule for schedule in SCHEDULES.values() if schedule is not Plateau])
def test_other_schedules_do_not_look_at_the_evaluations(schedule):
    better, worse = ([5 - step for step in range(8)], [5 + step for step in range(8)])
    rates = [[p.learning_rate for p in evaluated(losses, schedule=schedule())[0]] for losses in (better, worse)]
    assert rates[0] == rates[1]


def test_training_stops_early_after_so_many_evaluations_without_a_better_loss():
    progress, trainer = evaluated([5, 4, 4, 3, 3.5, 3, 3, 1], early_stopping=3)
    assert len(progress) == 7
    assert trainer.status.stopped
    assert trainer.status.best_loss == 3


def test_a_validation_loss_that_is_not_finite_ends_training():
    with pytest.raises(NotFiniteError, match=r"step 2: the validation loss is not finite"):
        evaluated([5, nan, 4])


# What is not finite


class Spoilt(Batch):
    """A batch whose gradient, and the loss it returns, a test changes."""

    spoil: Callable[[Parameters], None] | None = None
    loss: float | None = None

    def loss_and_gradients(self, inputs, targets, initial, step):
        loss, squares, state = super().loss_and_gradients(inputs, targets, initial, step)
        if self.spoil is not None:
            self.spoil(self.gradients)
            squares = self.sum_of_squares()
        return loss if self.loss is None else self.loss, squares, state


def put(name: str, place: Any, value: float) -> Callable[[Parameters], None]:
    def spoil(gradients: Parameters) -> None:
        gradients[name][place] = value

    return spoil


@every_kernel
@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("clip_value", [None, 1.0])
def test_a_gradient_that_is_not_finite_ends_training_with_the_step_and_the_tensor_named(
    clip_value, bad, workers, kernels, dtype
):
    net = Network(replace(SMALL, dtype=dtype), kernels=kernels)
    plan = replace(PLAN, clip_value=clip_value, clip_norm=1.0, ema=0.9)
    training = Training(net, net.ids(6 * T + 1, B), T, plan=plan, workers=workers, batch_type=Spoilt)
    with training as trainer:
        run = trainer.run()
        for _ in range(3):
            next(run)
        assert isinstance(training.batch, Spoilt)
        training.batch.spoil = put("rnn.bias_ih_l1", 2, bad)
        arrays, numbers = trainer.snapshot()
        before = [net.parameters.flat.copy(), trainer.average.flat.copy(), *(a.copy() for a in arrays.values())]
        with pytest.raises(NotFiniteError, match=r"step 4: the gradient of rnn\.bias_ih_l1 is not finite"):
            next(run)
        arrays, same_numbers = trainer.snapshot()
        for array, old in zip([net.parameters.flat, trainer.average.flat, *arrays.values()], before, strict=True):
            np.testing.assert_array_equal(array, old)
        assert same_numbers == numbers
        assert numbers["step"] == 3


@every_kernel
@pytest.mark.parametrize("name", ["embedding.weight", "rnn.weight_ih_l0", "rnn.weight_hh_l1", "decoder.bias"])
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_weight_that_is_not_finite_ends_training(bad, name, kernels, dtype):
    net = Network(replace(SMALL, dtype=dtype), kernels=kernels)
    net.parameters[name].reshape(-1)[3] = bad
    plan = replace(PLAN, clip_value=1.0)
    with (
        Training(net, net.ids(6 * T + 1, B), T, plan=plan) as trainer,
        np.errstate(all="ignore"),
        pytest.raises(NotFiniteError, match=r"step 1: the (loss|gradient of [a-z_.0-9]+) is not finite"),
    ):
        next(trainer.run())


def test_a_loss_that_is_not_finite_is_named_when_no_gradient_is_to_blame():
    net = Network(SMALL)
    training = Training(net, net.ids(6 * T + 1, B), T, batch_type=Spoilt)
    assert isinstance(training.batch, Spoilt)
    training.batch.loss = inf
    with training as trainer, pytest.raises(NotFiniteError, match=r"step 1: the loss is not finite \(loss inf\)"):
        next(trainer.run())


def test_a_gradient_whose_squares_overflow_is_not_said_to_be_a_loss():
    net = Network(replace(SMALL, dtype="float32"))
    training = Training(net, net.ids(6 * T + 1, B), T, batch_type=Spoilt)
    assert isinstance(training.batch, Spoilt)
    training.batch.spoil = put("rnn.weight_hh_l0", (0, 0), 1e30)
    with training as trainer, pytest.raises(NotFiniteError, match=r"step 1: the gradient's norm is not finite"):
        next(trainer.run())


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda arrays: arrays.pop("state.h_l0"), r"training\.state\.h_l0 is missing"),
        (
            lambda arrays: arrays.update({"weights": arrays["weights"][:-1]}),
            r"training\.weights is float64 \[\d+\], not",
        ),
        (
            lambda arrays: arrays.update({"weights": arrays["weights"].astype(np.float32)}),
            r"weights is float32 .*, not",
        ),
    ],
)
def test_a_snapshot_with_a_wrong_array_is_refused_and_changes_nothing(damage, message):
    net = Network(replace(SMALL, dtype="float64"))
    with Training(net, net.ids(6 * T + 1, B), T, plan=replace(PLAN, ema=0.9)) as trainer:
        next(trainer.run())
        before, numbers = trainer.snapshot()
        arrays = {name: array.copy() for name, array in before.items()}
        damage(arrays)
        with pytest.raises(ValueError, match=message):
            trainer.restore(arrays, {**numbers, "step": 7})
        after, same_numbers = trainer.snapshot()
        assert same_numbers == numbers
        for name, array in after.items():
            np.testing.assert_array_equal(array, before[name])


@pytest.mark.parametrize("seconds", [0, 1_000])
def test_timing_takes_three_steps_at_least_and_ends_with_the_run(seconds):
    net = Network(SMALL)
    with Training(net, net.ids(6 * T + 1, B), T, plan=replace(PLAN, total_steps=5)) as trainer:
        assert seconds_per_step(trainer, seconds) > 0
        assert trainer.status.step == (5 if seconds else 3)
