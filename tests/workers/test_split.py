"""Facts about who computes which streams: how streams are cut, and how many workers share them."""

import os

import pytest

from charlm import assemble
from charlm.workers.cores import available_cores, blas_cores
from charlm.workers.ranks import Ranks
from charlm.workers.split import Split, bounded, plan_split, split_streams
from tests.networks import FUSED
from tests.runs import configured


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


def test_workers_are_never_more_than_streams():
    assert plan_split(8, 3, threads_pay=True, cores=4) == (3, 1)
    assert plan_split(2, 64, threads_pay=True, cores=4) == (2, 1)
    assert plan_split(1, 64, threads_pay=True, cores=4) == (1, blas_cores(4))
    assert plan_split("auto", 1, threads_pay=True, cores=4) == (1, blas_cores(4))


def test_a_rank_uses_the_cores_of_this_process():
    assert plan_split(1, 64, threads_pay=True).blas_threads == blas_cores(available_cores())


@pytest.mark.parametrize("cores", [1, 2, 4])
def test_by_itself_every_core_gets_a_worker_where_threads_pay(cores):
    assert plan_split("auto", 64, threads_pay=True, cores=cores) == (cores, 1)
    assert plan_split("auto", 64, threads_pay=False, cores=cores) == (1, blas_cores(cores))


def test_a_split_of_another_machine_is_kept_unless_it_has_more_threads_than_this_one_can_use():
    assert bounded(Split(64), cores=2) == (64, 1)
    assert bounded(Split(1, 64), cores=2) == (1, 64)
    assert bounded(Split(1000), cores=2) == (64, 1)
    assert bounded(Split(1, 1000), cores=2) == (1, 64)
    assert bounded(Split(1000), cores=128) == (1000, 1)


def test_a_new_run_starts_no_more_threads_than_a_resumed_one_may(monkeypatch):
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    assert plan_split(1000, 1000, threads_pay=True) == bounded(Split(1000)) == (64, 1)


def planned(kernels: str, hidden_size: int) -> Split:
    config = configured("-", kernels=kernels, model__hidden_size=hidden_size, training__batch_size=64, workers="auto")
    return assemble.split(config, assemble.network(config, 6, None), Ranks())


@pytest.mark.skipif(available_cores() == 1, reason="there is nothing to share")
def test_numpys_short_calls_share_no_interpreter():
    assert planned("numpy", 255) == (1, blas_cores(available_cores()))
    assert planned("numpy", 256) == (available_cores(), 1)


@pytest.mark.skipif(not FUSED or available_cores() == 1, reason="needs Numba and several cores")
def test_compiled_loops_share_all_cores():
    assert planned("fused", 16) == (available_cores(), 1)
