"""Facts about schedules: their values by hand, where they start and end, and that they never jump unasked."""

from itertools import pairwise
from math import cos, pi

import pytest
from hypothesis import given
from hypothesis import strategies as st

from charlm.training.schedules import NAMES, Position, Schedule, ratio


def at(schedule: Schedule, step: int, total: int = 100, steps_per_epoch: int = 10, plateaus: int = 0) -> float:
    return ratio(schedule, Position(step, total, steps_per_epoch, plateaus))


def test_a_constant_rate_stays():
    assert {at(Schedule("constant"), step) for step in range(100)} == {1.0}


@pytest.mark.parametrize(("step", "expected"), [(0, 1), (10, 0.5), (15, 0.5**1.5), (20, 0.25), (99, 0.5**9.9)])
def test_an_exponential_rate_is_multiplied_by_its_factor_an_epoch_a_little_each_step(step, expected):
    assert at(Schedule("exponential", factor=0.5), step) == pytest.approx(expected, rel=1e-14)


@pytest.mark.parametrize(("step", "expected"), [(0, 1), (49, 1), (50, 1), (60, 0.5), (70, 0.25)])
def test_an_exponential_rate_leaves_the_first_epochs_alone(step, expected):
    assert at(Schedule("exponential", factor=0.5, after=5), step) == pytest.approx(expected, rel=1e-14)


@pytest.mark.parametrize(("step", "expected"), [(0, 1), (19, 1), (20, 0.1), (39, 0.1), (40, 0.01), (99, 0.0001)])
def test_a_step_schedule_drops_every_so_many_epochs(step, expected):
    assert at(Schedule("step", factor=0.1, every=2), step) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(("step", "expected"), [(0, 1), (109, 1), (110, 0.97), (119, 0.97), (120, 0.97**2)])
def test_a_step_schedule_can_wait_for_ten_epochs_as_char_rnn_did(step, expected):
    schedule = Schedule("step", factor=0.97, every=1, after=10)
    assert at(schedule, step, total=500) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    ("step", "expected"), [(0, 1), (25, 0.5 + 0.5 * cos(pi / 4)), (50, 0.5), (75, 0.5 - 0.5 * cos(pi / 4)), (100, 0)]
)
def test_a_cosine_falls_in_half_a_wave(step, expected):
    assert at(Schedule("cosine"), step) == pytest.approx(expected, abs=1e-15)


@pytest.mark.parametrize(("step", "expected"), [(0, 1), (50, 0.55), (100, 0.1)])
def test_a_cosine_may_end_above_zero(step, expected):
    assert at(Schedule("cosine", final_ratio=0.1), step) == pytest.approx(expected, abs=1e-15)


@pytest.mark.parametrize(("step", "expected"), [(0, 1), (10, 0.92), (50, 0.6), (100, 0.2)])
def test_a_linear_rate_falls_by_equal_steps(step, expected):
    assert at(Schedule("linear", final_ratio=0.2), step) == pytest.approx(expected, abs=1e-15)


@pytest.mark.parametrize(("plateaus", "expected"), [(0, 1), (1, 0.5), (2, 0.25), (3, 0.2), (50, 0.2)])
def test_a_plateau_schedule_drops_at_every_plateau_down_to_its_floor(plateaus, expected):
    schedule = Schedule("plateau", factor=0.5, final_ratio=0.2)
    assert {at(schedule, step, plateaus=plateaus) for step in (0, 7, 99)} == {expected}


@pytest.mark.parametrize("name", NAMES)
def test_a_warm_up_grows_by_equal_steps_from_its_first_share_to_the_whole_rate(name):
    schedule = Schedule(name, warmup_steps=8, after=99)
    assert [at(schedule, step) for step in range(8)] == [(step + 1) / 8 for step in range(8)]
    assert at(schedule, 8) == 1


@pytest.mark.parametrize(("name", "half"), [("cosine", 0.5), ("linear", 0.5)])
def test_what_falls_to_the_end_falls_over_the_steps_after_the_warm_up(name, half):
    schedule = Schedule(name, warmup_steps=20)
    assert at(schedule, 20) == 1
    assert at(schedule, 60) == pytest.approx(half, abs=1e-15)
    assert at(schedule, 100) == pytest.approx(0, abs=1e-15)


@pytest.mark.parametrize("name", ["cosine", "linear"])
def test_a_warm_up_as_long_as_the_run_is_no_division_by_zero(name):
    schedule = Schedule(name, warmup_steps=100)
    assert [at(schedule, step) for step in (0, 99)] == [0.01, 1]


SCHEDULES = st.builds(
    Schedule,
    name=st.sampled_from(NAMES),
    warmup_steps=st.integers(0, 40),
    factor=st.floats(0.01, 1),
    every=st.integers(1, 5),
    after=st.floats(0, 20),
    final_ratio=st.floats(0, 1),
)
LENGTHS = st.tuples(st.integers(1, 300), st.integers(1, 50))  # steps in all, steps an epoch


@given(SCHEDULES, LENGTHS, st.integers(0, 4), st.data())
def test_a_ratio_is_between_zero_and_one(schedule, lengths, plateaus, data):
    total, steps_per_epoch = lengths
    step = data.draw(st.integers(0, total))
    assert 0 <= at(schedule, step, total, steps_per_epoch, plateaus) <= 1


@given(SCHEDULES, LENGTHS)
def test_after_the_warm_up_a_rate_never_rises(schedule, lengths):
    total, steps_per_epoch = lengths
    ratios = [at(schedule, step, total, steps_per_epoch) for step in range(schedule.warmup_steps, total + 1)]
    assert all(after <= before + 1e-12 for before, after in pairwise(ratios))


@given(st.sampled_from(["cosine", "linear"]), st.floats(0, 1), st.integers(0, 50), st.integers(1, 300))
def test_what_falls_to_the_end_ends_at_its_final_ratio(name, final_ratio, warmup, after_warmup):
    schedule = Schedule(name, final_ratio=final_ratio, warmup_steps=warmup)
    total = warmup + after_warmup
    assert at(schedule, total, total) == pytest.approx(final_ratio, abs=1e-12)
    assert at(schedule, warmup, total) == pytest.approx(1, abs=1e-12)


@given(st.sampled_from(["cosine", "linear", "exponential"]), st.floats(0.1, 1), st.integers(0, 30))
def test_smooth_schedules_have_no_jumps(name, number, warmup):
    schedule = Schedule(name, factor=number, final_ratio=number, warmup_steps=warmup)
    ratios = [at(schedule, step, 1000, 100) for step in range(warmup, 1001)]
    assert all(before - after < 0.025 for before, after in pairwise(ratios))


@given(SCHEDULES, st.integers(0, 99), st.integers(2, 5))
def test_what_counts_in_epochs_does_not_depend_on_how_long_the_run_is(schedule, step, times):
    if schedule.name not in ("cosine", "linear"):
        assert at(schedule, step, 100) == at(schedule, step, 100 * times)
