"""Facts about schedules: their values by hand, where they start and end, and that they never jump unasked."""

from itertools import pairwise
from math import cos, inf, pi

import pytest
from hypothesis import given
from hypothesis import strategies as st

from charlm.training.schedules import (
    NAMES,
    SCHEDULES,
    Constant,
    Cosine,
    Exponential,
    Linear,
    Plateau,
    Position,
    Schedule,
    Step,
    WarmUp,
)


def at(schedule: Schedule, step: int, total: int = 100, steps_per_epoch: int = 10, plateaus: int = 0) -> float:
    return schedule(Position(step, total, steps_per_epoch, plateaus))


def test_a_constant_rate_stays():
    assert {at(Constant(), step) for step in range(100)} == {1.0}


@pytest.mark.parametrize(("step", "expected"), [(0, 1), (10, 0.5), (15, 0.5**1.5), (20, 0.25), (99, 0.5**9.9)])
def test_an_exponential_rate_is_multiplied_by_its_factor_an_epoch_a_little_each_step(step, expected):
    assert at(Exponential(factor=0.5), step) == pytest.approx(expected, rel=1e-14)


@pytest.mark.parametrize(("step", "expected"), [(0, 1), (49, 1), (50, 1), (60, 0.5), (70, 0.25)])
def test_an_exponential_rate_leaves_the_first_epochs_alone(step, expected):
    assert at(Exponential(factor=0.5, after=5), step) == pytest.approx(expected, rel=1e-14)


@pytest.mark.parametrize(("step", "expected"), [(0, 1), (19, 1), (20, 0.1), (39, 0.1), (40, 0.01), (99, 0.0001)])
def test_a_step_schedule_drops_every_so_many_epochs(step, expected):
    assert at(Step(factor=0.1, every=2), step) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(("step", "expected"), [(0, 1), (109, 1), (110, 0.97), (119, 0.97), (120, 0.97**2)])
def test_a_step_schedule_can_wait_for_ten_epochs_as_char_rnn_did(step, expected):
    schedule = Step(factor=0.97, every=1, after=10)
    assert at(schedule, step, total=500) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    ("step", "expected"), [(0, 1), (25, 0.5 + 0.5 * cos(pi / 4)), (50, 0.5), (75, 0.5 - 0.5 * cos(pi / 4)), (100, 0)]
)
def test_a_cosine_falls_in_half_a_wave(step, expected):
    assert at(Cosine(), step) == pytest.approx(expected, abs=1e-15)


@pytest.mark.parametrize(("step", "expected"), [(0, 1), (50, 0.55), (100, 0.1)])
def test_a_cosine_may_end_above_zero(step, expected):
    assert at(Cosine(final_ratio=0.1), step) == pytest.approx(expected, abs=1e-15)


@pytest.mark.parametrize(("step", "expected"), [(0, 1), (10, 0.92), (50, 0.6), (100, 0.2)])
def test_a_linear_rate_falls_by_equal_steps(step, expected):
    assert at(Linear(final_ratio=0.2), step) == pytest.approx(expected, abs=1e-15)


@pytest.mark.parametrize(("plateaus", "expected"), [(0, 1), (1, 0.5), (2, 0.25), (3, 0.2), (50, 0.2)])
def test_a_plateau_schedule_drops_at_every_plateau_down_to_its_floor(plateaus, expected):
    schedule = Plateau(factor=0.5, final_ratio=0.2)
    assert {at(schedule, step, plateaus=plateaus) for step in (0, 7, 99)} == {expected}


@pytest.mark.parametrize("name", SCHEDULES)
def test_a_warm_up_grows_by_equal_steps_from_its_first_share_to_the_whole_rate(name):
    schedule = SCHEDULES[name](**({"after": 99} if name in ("exponential", "step") else {}))
    assert [at(WarmUp(schedule, 8), step) for step in range(9)] == [*((step + 1) / 8 for step in range(8)), 1]


@pytest.mark.parametrize("schedule", [Cosine(), Linear()])
def test_what_falls_to_the_end_falls_over_the_steps_after_the_warm_up(schedule):
    warmed_up = WarmUp(schedule, 20)
    assert at(warmed_up, 20) == 1
    assert at(warmed_up, 60) == pytest.approx(0.5, abs=1e-15)
    assert at(warmed_up, 100) == pytest.approx(0, abs=1e-15)


@pytest.mark.parametrize("schedule", [Cosine(final_ratio=0.1), Linear(final_ratio=0.1)])
@pytest.mark.parametrize("step", [101, 150, 200, 1_000])
def test_what_falls_to_the_end_stays_there(schedule, step):
    assert at(schedule, step) == pytest.approx(0.1, rel=1e-12)


@pytest.mark.parametrize("schedule", [Cosine(), Linear()])
def test_a_warm_up_as_long_as_the_run_is_no_division_by_zero(schedule):
    assert [at(WarmUp(schedule, 100), step) for step in (0, 99)] == [0.01, 1]


@pytest.mark.parametrize("schedule", SCHEDULES.values())
def test_only_the_plateau_schedule_waits_for_evaluations(schedule):
    assert WarmUp(schedule(), 5).patience == (3 if schedule is Plateau else inf)


def test_a_schedule_begins_with_the_numbers_that_its_documentation_promises():
    assert Cosine() == Cosine(final_ratio=0)
    assert Exponential() == Exponential(factor=0.97, after=0)
    assert Linear() == Linear(final_ratio=0)
    assert Plateau() == Plateau(factor=0.97, final_ratio=0, patience=3)
    assert Step() == Step(factor=0.97, every=1, after=0)
    assert WarmUp() == WarmUp(Constant(), steps=0)


def test_a_run_begins_without_plateaus_and_without_a_warm_up():
    assert Position(0, 100, 10) == Position(0, 100, 10, plateaus=0, warmup_steps=0)


def test_schedules_keep_the_names_that_configurations_and_checkpoints_have():
    assert {"constant", "cosine", "exponential", "linear", "plateau", "step"} <= set(NAMES) == set(SCHEDULES)


RATIOS, FACTORS, EPOCHS = st.floats(0, 1), st.floats(0.01, 1), st.floats(0, 20)
IN_EPOCHS = st.one_of(
    st.builds(Constant),
    st.builds(Exponential, FACTORS, EPOCHS),
    st.builds(Plateau, FACTORS, RATIOS),
    st.builds(Step, FACTORS, st.integers(1, 5), EPOCHS),
)
TO_THE_END = st.one_of(st.builds(Cosine, RATIOS), st.builds(Linear, RATIOS))
WARMED_UP = st.builds(WarmUp, IN_EPOCHS | TO_THE_END, st.integers(0, 40))
LENGTHS = st.tuples(st.integers(1, 300), st.integers(1, 50))  # steps in all, steps an epoch


@given(WARMED_UP, LENGTHS, st.integers(0, 4), st.data())
def test_a_ratio_is_between_zero_and_one(schedule, lengths, plateaus, data):
    total, steps_per_epoch = lengths
    step = data.draw(st.integers(0, total))
    assert 0 <= at(schedule, step, total, steps_per_epoch, plateaus) <= 1


@given(WARMED_UP, LENGTHS)
def test_after_the_warm_up_a_rate_never_rises(schedule, lengths):
    total, steps_per_epoch = lengths
    ratios = [at(schedule, step, total, steps_per_epoch) for step in range(schedule.steps, total + 1)]
    assert all(after <= before + 1e-12 for before, after in pairwise(ratios))


@given(TO_THE_END, st.integers(0, 50), st.integers(1, 300))
def test_what_falls_to_the_end_ends_at_its_final_ratio(schedule, warmup, after_warmup):
    total = warmup + after_warmup
    assert at(WarmUp(schedule, warmup), total, total) == pytest.approx(schedule.final_ratio, abs=1e-12)
    assert at(WarmUp(schedule, warmup), warmup, total) == pytest.approx(1, abs=1e-12)


@given(st.sampled_from([Cosine, Linear, Exponential]), st.floats(0.1, 1), st.integers(0, 30))
def test_smooth_schedules_have_no_jumps(schedule, number, warmup):
    ratios = [at(WarmUp(schedule(number), warmup), step, 1000, 100) for step in range(warmup, 1001)]
    assert all(before - after < 0.025 for before, after in pairwise(ratios))


@given(IN_EPOCHS, st.integers(0, 40), st.integers(0, 99), st.integers(2, 5))
def test_what_counts_in_epochs_does_not_depend_on_how_long_the_run_is(schedule, warmup, step, times):
    assert at(WarmUp(schedule, warmup), step, 100) == at(WarmUp(schedule, warmup), step, 100 * times)
