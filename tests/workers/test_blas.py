"""Limits on the threads of products: they may overlap, and at the end everything is as it was."""

import gc

import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from charlm.workers.blas import BlasLimit, blas_threads
from charlm.workers.team import Team


def threads() -> set[int]:
    return {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}


@pytest.fixture(autouse=True)
def three():
    """Begin each test with products of three threads, as a program may have asked for."""
    with threadpool_limits(3, "blas"):
        if threads() != {3}:
            pytest.skip("this NumPy's products cannot be limited")
        yield


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_limits_may_end_in_any_order(order):
    limits = [BlasLimit(1), BlasLimit(2)]
    assert threads() == {2}
    limits[order[0]].release()
    assert threads() == {(2, 1)[order[0] == 1]}
    limits[order[1]].release()
    assert threads() == {3}


def test_a_limit_ends_once():
    first, second = BlasLimit(1), BlasLimit(2)
    first.release()
    first.release()
    assert threads() == {2}
    second.release()
    assert threads() == {3}


def test_an_error_ends_the_limit_of_its_block():
    with pytest.raises(ZeroDivisionError), blas_threads(1):
        1 / 0  # noqa: B018
    assert threads() == {3}


def test_a_team_that_is_forgotten_limits_nothing():
    team = Team(2)
    assert threads() == {1}
    del team
    gc.collect()
    assert threads() == {3}


def test_a_team_may_leave_products_alone():
    team = Team(2, blas_threads=None)
    assert threads() == {3}
    team.close()
    assert threads() == {3}
