"""Facts about sharing a batch: how many work on it changes rounding at most; and what a training step promises."""

import os
from dataclasses import replace
from threading import Event

import numpy as np
import pytest

from charlm import assemble
from charlm.errors import CharlmError
from charlm.kernels.choice import load_backend
from charlm.network.architecture import Architecture
from charlm.network.model import Model
from charlm.network.regularisers.dropout import Dropout
from charlm.training.batch import Batch, split_among
from charlm.training.trainer import Progress
from charlm.workers.ranks import Ranks
from charlm.workers.split import Split, available_cores, plan_split, split_streams
from charlm.workers.team import Team
from tests.networks import (
    FRESH,
    FUSED,
    KERNELS,
    LOCKED,
    NO_DROPOUT,
    PLAN,
    ROUNDING,
    Network,
    Training,
    arrays_of,
    assert_close,
    pairs,
)
from tests.runs import configured

T, B, V, H = 5, 7, 6, 4
SMALL = Architecture("lstm", V, H, 2, embedding_size=3, dtype="float64")
every_kernel = pytest.mark.parametrize(("kernels", "dtype"), KERNELS)


def computed(
    workers: int, dropout: Dropout = NO_DROPOUT, kernels: str = "numpy", dtype: str = "float64", step: int = 4
):
    net = Network(replace(SMALL, dtype=dtype), kernels=kernels, dropout=dropout)
    team = Team(workers)
    batch = Batch(net.model, net.parameters, T, B, dropout, 1, team, Ranks())
    text = net.ids(T + 1, B)
    loss, square, state = batch.loss_and_gradients(text[:-1], text[1:], net.state(B), step)
    team.close()
    return loss, square, state, batch.gradients.flat.copy()


@every_kernel
@pytest.mark.parametrize("dropout", [NO_DROPOUT, FRESH, LOCKED], ids=["none", "fresh", "locked"])
@pytest.mark.parametrize("workers", [2, 3, 5, 7])
def test_several_workers_compute_what_one_does(workers, dropout, kernels, dtype):
    loss, square, state, gradients = computed(workers, dropout, kernels, dtype)
    one_loss, one_square, one_state, one_gradients = computed(1, dropout, kernels, dtype)
    precision = ROUNDING[dtype]
    assert abs(loss - one_loss) <= precision * one_loss
    assert abs(square - one_square) <= precision * one_square
    assert_close(gradients, one_gradients, precision)
    for array, expected in pairs(state, one_state):
        assert_close(array, expected, precision)


@every_kernel
@pytest.mark.parametrize("workers", [1, 2, 3, 5])
def test_equal_numbers_of_workers_give_equal_bits(workers, kernels, dtype):
    first, second = (computed(workers, FRESH, kernels, dtype) for _ in range(2))
    assert first[:2] == second[:2]
    np.testing.assert_array_equal(first[3], second[3])
    for array, expected in pairs(first[2], second[2]):
        np.testing.assert_array_equal(array, expected)


def test_the_loss_is_the_mean_and_the_gradient_is_the_means():
    net = Network(SMALL)
    text = net.ids(T + 1, B)
    result = net.learn(text[:-1], text[1:], net.state(B))
    for workers in (1, 3):
        loss, square, _, gradients = computed(workers)
        assert abs(loss - result.loss / (T * B)) < 1e-13
        assert_close(gradients, result.gradients.flat, 1e-12)
        assert abs(square - float(gradients @ gradients)) < 1e-12 * square


def test_the_masks_of_a_step_are_its_own():
    assert computed(2, FRESH, step=4)[0] == computed(2, FRESH, step=4)[0] != computed(2, FRESH, step=5)[0]


def test_a_state_that_comes_out_is_not_overwritten_by_the_next_window():
    net, team = Network(SMALL), Team(2)
    batch = Batch(net.model, net.parameters, T, B, NO_DROPOUT, 1, team, Ranks())
    text = net.ids(2 * T + 1, B)
    _, _, state = batch.loss_and_gradients(text[:T], text[1 : T + 1], batch.zero_state(), 0)
    kept = [array.copy() for array in arrays_of(state)]
    batch.loss_and_gradients(text[T:-1], text[T + 1 :], state, 1)
    team.close()
    for array, expected in zip(arrays_of(state), kept, strict=True):
        np.testing.assert_array_equal(array, expected)


def test_a_team_calls_every_worker_and_keeps_their_order():
    team = Team(5)
    assert team.map(lambda worker: worker**2) == [0, 1, 4, 9, 16]
    team.close()


@pytest.mark.parametrize("culprit", [0, 2])
def test_an_error_of_a_worker_is_the_teams(culprit):
    team = Team(3)

    def work(worker: int) -> None:
        if worker == culprit:
            raise CharlmError("no more")

    with pytest.raises(CharlmError, match="no more"):
        team.map(work)
    assert team.map(lambda worker: worker) == [0, 1, 2]
    team.close()


def test_a_round_that_an_error_cut_short_leaves_nothing_to_the_next():
    team, slow, ended = Team(3), Event(), []

    def work(worker: int) -> None:
        if worker == 0:
            raise CharlmError("no more")
        slow.wait(10)
        ended.append(worker)

    with pytest.raises(CharlmError, match="no more"):
        team.map(work)
    slow.set()
    assert team.map(lambda worker: worker) == [0, 1, 2]
    assert sorted(ended) == [1, 2]
    team.close()


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="this system does not say where a thread may run")
def test_as_many_workers_as_cores_keep_to_one_each_and_only_while_they_work():
    cores = os.sched_getaffinity(0)
    team = Team(len(cores))
    kept = team.map(lambda worker: os.sched_getaffinity(0))
    assert sorted(kept, key=min) == [{core} for core in sorted(cores)] or len(cores) == 1
    assert os.sched_getaffinity(0) == cores
    with pytest.raises(CharlmError):
        team.map(_fail)
    assert os.sched_getaffinity(0) == cores
    team.close()
    larger = Team(len(cores) + 1)
    assert larger.map(lambda worker: os.sched_getaffinity(0)) == [cores] * (len(cores) + 1)
    larger.close()


def _fail(worker: int) -> None:
    raise CharlmError("no more")


def test_only_so_many_take_part_as_are_asked_for():
    team = Team(4)
    assert team.map(lambda worker: worker, 1) == [0]
    assert team.map(lambda worker: worker, 3) == [0, 1, 2]
    assert team.map(lambda worker: worker) == [0, 1, 2, 3]
    team.close()


def sizes(shards):
    assert [shard.start for shard in shards] == [0, *(shard.stop for shard in shards[:-1])]
    return [shard.stop - shard.start for shard in shards]


def test_all_streams_are_split_about_evenly():
    assert sizes(split_streams(50, 2)) == [25, 25]
    assert sizes(split_streams(7, 3)) == [2, 2, 3]


def test_streams_stay_in_pairs_where_there_are_enough():
    assert sizes(split_streams(50, 2, pairs=True)) == [26, 24]
    assert sizes(split_streams(51, 2, pairs=True)) == [26, 25]
    assert sizes(split_streams(64, 3, pairs=True)) == [22, 20, 22]
    assert sizes(split_streams(16, 2, pairs=True)) == [8, 8]
    assert sizes(split_streams(14, 2, pairs=True)) == [7, 7]  # of 8 and 6, the 8 would be waited for
    assert sizes(split_streams(2, 2, pairs=True)) == [1, 1]


@pytest.mark.skipif(not FUSED, reason="needs Numba")
def test_only_kernels_that_multiply_pairs_split_a_batch_by_pairs():
    def of(kernels, units):
        return sizes(split_among(Model(Architecture("gru", V, units), load_backend(kernels)), 50, 2))

    assert of("numpy", 127) == of("numpy", 128) == of("fused", 127) == [25, 25]
    assert of("fused", 128) == [26, 24]


def test_workers_are_never_more_than_streams():
    assert plan_split(8, 3, threads_pay=True, cores=4) == (3, 1)
    assert plan_split(2, 64, threads_pay=True, cores=4) == (2, 1)
    assert plan_split(1, 64, threads_pay=True, cores=4) == (1, 4)
    assert plan_split("auto", 1, threads_pay=True, cores=4) == (1, 4)


def test_a_rank_uses_the_cores_of_this_process():
    assert plan_split(1, 64, threads_pay=True).blas_threads == available_cores()


@pytest.mark.parametrize("cores", [1, 2, 4])
def test_by_itself_every_core_gets_a_worker_where_threads_pay(cores):
    assert plan_split("auto", 64, threads_pay=True, cores=cores) == (cores, 1)
    assert plan_split("auto", 64, threads_pay=False, cores=cores) == (1, cores)


def planned(kernels: str, hidden_size: int) -> Split:
    config = configured("-", kernels=kernels, model__hidden_size=hidden_size, training__batch_size=64, workers="auto")
    return assemble.split(config, assemble.network(config, V, None), Ranks())


@pytest.mark.skipif(available_cores() == 1, reason="there is nothing to share")
def test_numpys_short_calls_share_no_interpreter():
    assert planned("numpy", 255) == (1, available_cores())
    assert planned("numpy", 256) == (available_cores(), 1)


@pytest.mark.skipif(not FUSED or available_cores() == 1, reason="needs Numba and several cores")
def test_compiled_loops_share_all_cores():
    assert planned("fused", 16) == (available_cores(), 1)


# Whole steps


def trained(
    workers: int, *, steps: int = 8, kernels: str = "numpy", dtype: str = "float64", ema: float | None = None
) -> tuple[list[Progress], np.ndarray, np.ndarray]:
    net = Network(replace(SMALL, dtype=dtype), kernels=kernels, dropout=FRESH)
    plan = replace(PLAN, total_steps=steps, ema=ema, clip_norm=1.0, reset_probability=0.3)
    with Training(net, net.ids(4 * T + 1, B), T, plan=plan, workers=workers) as trainer:
        progress = list(trainer.run())
        return progress, net.parameters.flat.copy(), trainer.average.flat.copy()


@every_kernel
def test_training_with_several_workers_follows_training_with_one(kernels, dtype):
    expected, weights, _ = trained(1, kernels=kernels, dtype=dtype)
    for workers in (2, 3, 5):
        progress, others, _ = trained(workers, kernels=kernels, dtype=dtype)
        for one, other in zip(expected, progress, strict=True):
            assert abs(one.loss - other.loss) < 100 * ROUNDING[dtype]
        assert_close(others, weights, 1e-10 if dtype == "float64" else 5e-3)


@every_kernel
@pytest.mark.parametrize("workers", [1, 3])
def test_training_twice_gives_the_same_bits(workers, kernels, dtype):
    _, first, _ = trained(workers, kernels=kernels, dtype=dtype)
    _, second, _ = trained(workers, kernels=kernels, dtype=dtype)
    np.testing.assert_array_equal(first, second)


@every_kernel
@pytest.mark.parametrize("workers", [1, 3])
def test_the_moving_average_follows_its_formula(workers, kernels, dtype):
    keep = 0.8
    net = Network(replace(SMALL, dtype=dtype), kernels=kernels)
    expected = net.parameters.flat.astype(float)
    plan = replace(PLAN, total_steps=6, ema=keep)
    with Training(net, net.ids(6 * T + 1, B), T, plan=plan, workers=workers) as trainer:
        for _ in trainer.run():
            expected = keep * expected + (1 - keep) * net.parameters.flat
            assert_close(trainer.average.flat, expected, 1e-13 if dtype == "float64" else 1e-6)
    assert np.abs(trainer.average.flat - net.parameters.flat).max() > 0.01


def test_without_a_moving_average_the_weights_themselves_are_evaluated():
    net = Network(SMALL)
    with Training(net, net.ids(2 * T + 1, B), T) as trainer:
        assert trainer.average is net.parameters


def test_a_moving_average_does_not_disturb_training():
    np.testing.assert_array_equal(trained(2, ema=0.9)[1], trained(2)[1])


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
    zeros = 0
    with Training(net, text, 2, plan=plan) as trainer:
        entering = trainer._entering

        def counted(first: bool):
            nonlocal zeros
            state = entering(first)
            zeros += 0 if first else int((state[0][0] == 0).all(axis=1).sum())
            return state

        trainer._entering = counted  # type: ignore[method-assign]
        for _ in trainer.run():
            pass
    expected, count = 0.25, 59 * 20
    assert abs(zeros / count - expected) < 5 * (expected * (1 - expected) / count) ** 0.5


# What is not finite


@every_kernel
@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("clip_value", [None, 1.0])
def test_a_gradient_that_is_not_finite_ends_training_with_the_step_and_the_tensor_named(
    monkeypatch, clip_value, bad, workers, kernels, dtype
):
    net = Network(replace(SMALL, dtype=dtype), kernels=kernels)
    plan = replace(PLAN, clip_value=clip_value, clip_norm=1.0, ema=0.9)
    with Training(net, net.ids(6 * T + 1, B), T, plan=plan, workers=workers) as trainer:
        run = trainer.run()
        for _ in range(3):
            next(run)
        compute = trainer.batch.loss_and_gradients

        def spoilt(*arguments):
            loss, _, state = compute(*arguments)
            trainer.batch.gradients["rnn.bias_ih_l1"][2] = bad
            return loss, trainer.batch.sum_of_squares(), state

        monkeypatch.setattr(trainer.batch, "loss_and_gradients", spoilt)
        arrays, numbers = trainer.snapshot()
        before = [net.parameters.flat.copy(), trainer.average.flat.copy(), *(a.copy() for a in arrays.values())]
        with pytest.raises(CharlmError, match=r"step 4: the gradient of rnn\.bias_ih_l1 is not finite"):
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
        pytest.raises(CharlmError, match=r"step 1: the (loss|gradient of [a-z_.0-9]+) is not finite"),
    ):
        next(trainer.run())


def test_a_loss_that_is_not_finite_is_named_when_no_gradient_is_to_blame(monkeypatch):
    net = Network(SMALL)
    with Training(net, net.ids(6 * T + 1, B), T) as trainer:
        compute = trainer.batch.loss_and_gradients
        monkeypatch.setattr(
            trainer.batch, "loss_and_gradients", lambda *arguments: (float("inf"), *compute(*arguments)[1:])
        )
        with pytest.raises(CharlmError, match=r"step 1: the loss is not finite \(loss inf\)"):
            next(trainer.run())


def test_a_gradient_whose_square_overflows_is_not_said_to_be_a_loss(monkeypatch):
    net = Network(replace(SMALL, dtype="float32"))
    with Training(net, net.ids(6 * T + 1, B), T) as trainer:
        compute = trainer.batch.loss_and_gradients

        def huge(*arguments):
            loss, _, state = compute(*arguments)
            trainer.batch.gradients["rnn.weight_hh_l0"][0, 0] = 1e30
            with np.errstate(over="ignore"):
                return loss, trainer.batch.sum_of_squares(), state

        monkeypatch.setattr(trainer.batch, "loss_and_gradients", huge)
        with pytest.raises(CharlmError, match=r"step 1: the gradient's norm is not finite"):
            next(trainer.run())
