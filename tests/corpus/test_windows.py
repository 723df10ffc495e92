"""Facts about windows: what a training step reads."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from charlm.corpus.windows import Windows
from charlm.errors import CharlmError
from tests.corpora import ITEMS, NEWLINE, as_lines


@st.composite
def shapes(draw, surplus=40):
    """Return N, B and T with at least one window in the text."""
    B, T = draw(st.integers(1, 6)), draw(st.integers(1, 9))
    return B * T + 1 + draw(st.integers(0, surplus)), B, T


@given(shapes(), st.integers(0, 5), st.integers(0, 3), st.booleans())
def test_over_an_epoch_every_character_of_the_streams_is_a_target_once(shape, seed, epoch, rotate):
    N, B, T = shape
    windows = Windows(np.arange(N, dtype=np.uint32), B, T, seed, rotate=rotate)
    steps = windows.steps_per_epoch
    assert steps == (N // B) // T
    read = [windows.at(epoch * steps + step) for step in range(steps)]
    targets = np.concatenate([window.targets for window in read])  # (steps * T, B)
    assert np.unique(targets).size == targets.size == B * steps * T
    assert ((np.diff(targets, axis=0) - 1) % N == 0).all()
    assert ((np.diff(targets[0]) - N // B) % N == 0).all()


@given(shapes(), st.integers(0, 5), st.integers(0, 40))
def test_targets_are_the_inputs_one_step_later(shape, seed, step):
    N, B, T = shape
    ids = np.random.default_rng(seed).integers(0, 200, N).astype(np.uint8)
    window = Windows(ids, B, T, seed).at(step)
    assert window.inputs.shape == window.targets.shape == (T, B)
    assert window.inputs.dtype == window.targets.dtype == np.int32
    assert window.inputs.flags.c_contiguous
    assert window.targets.flags.c_contiguous
    np.testing.assert_array_equal(window.inputs[1:], window.targets[:-1])


@given(shapes(), st.integers(0, 3))
def test_a_window_goes_on_where_the_one_before_it_ended(shape, seed):
    N, B, T = shape
    windows = Windows(np.arange(N, dtype=np.uint16), B, T, seed)
    for step in range(2 * windows.steps_per_epoch):
        window = windows.at(step)
        assert window.first == (step % windows.steps_per_epoch == 0)
        assert window.epoch == step // windows.steps_per_epoch
        if not window.first:
            np.testing.assert_array_equal(window.inputs[0], windows.at(step - 1).targets[-1])


def test_without_rotation_streams_begin_where_the_text_does():
    window = Windows(np.arange(100, dtype=np.uint8), 4, 5, seed=1, rotate=False).at(0)
    assert window.inputs[0].tolist() == [0, 25, 50, 75]
    assert window.inputs[:, 0].tolist() == [0, 1, 2, 3, 4]


def test_epochs_begin_at_different_places_and_every_place_can_be_one():
    windows = Windows(np.arange(10, dtype=np.uint8), 1, 9, seed=3)
    beginnings = {int(windows.at(epoch).inputs[0, 0]) for epoch in range(200)}
    assert beginnings == set(range(10))


def test_windows_do_not_depend_on_the_steps_asked_before():
    ids, _ = as_lines(["abc", "de", "fgab", "c", "dd"] * 5)
    for mode in ("stream", "lines"):
        one, other = (Windows(ids, 3, 4, 7, mode, NEWLINE) for _ in range(2))
        forward = [one.at(step).inputs for step in range(20)]
        backward = [other.at(step).inputs for step in reversed(range(20))]
        np.testing.assert_array_equal(forward, backward[::-1])


def test_another_seed_gives_other_windows():
    ids = np.arange(1000, dtype=np.uint16)
    assert not np.array_equal(Windows(ids, 2, 5, 1).at(0).inputs, Windows(ids, 2, 5, 2).at(0).inputs)


def test_a_memory_map_gives_the_same_windows_as_an_array(tmp_path):
    ids, _ = as_lines(["abc", "de", "fgab", "c", "dd"] * 5)
    ids.tofile(tmp_path / "ids")
    mapped = np.memmap(tmp_path / "ids", dtype=ids.dtype, mode="r")
    for mode in ("stream", "lines"):
        for step in range(30):
            one, other = (Windows(array, 3, 4, 7, mode, NEWLINE).at(step) for array in (ids, mapped))
            np.testing.assert_array_equal(one.inputs, other.inputs)
            np.testing.assert_array_equal(one.targets, other.targets)


@given(ITEMS, st.integers(1, 4), st.integers(1, 5), st.integers(0, 3))
def test_lines_are_read_whole_from_their_beginning_in_every_stream(items, B, T, epoch):
    ids, vocabulary = as_lines(items)
    if len(ids) < B * T + 1:
        return
    windows = Windows(ids, B, T, 5, "lines", NEWLINE)
    steps = windows.steps_per_epoch
    read = [windows.at(epoch * steps + step) for step in range(steps)]
    inputs = np.concatenate([window.inputs for window in read] + [read[-1].targets[-1:]])
    assert (inputs[0] == NEWLINE).all()
    for stream in inputs.T:
        *whole, last = vocabulary.decode(stream)[1:].split("\n")
        assert set(whole) <= set(items)
        assert any(item.startswith(last) for item in [*items, ""])


@given(ITEMS, st.integers(0, 3))
def test_one_stream_of_lines_reads_every_line_once_an_epoch(items, epoch):
    ids, vocabulary = as_lines(items)
    windows = Windows(ids, 1, len(ids) - 1, 5, "lines", NEWLINE)
    assert windows.steps_per_epoch == 1
    targets = vocabulary.decode(windows.at(epoch).targets[:, 0])
    assert Counter(targets.split("\n")[:-1]) == Counter(items)


def test_each_epoch_reads_the_lines_in_another_order():
    ids, _ = as_lines([a + b for a in "abcdefg" for b in "abcdefg"])
    windows = Windows(ids, 2, 10, 5, "lines", NEWLINE)
    orders = {windows.at(epoch * windows.steps_per_epoch).inputs.tobytes() for epoch in range(5)}
    assert len(orders) == 5


def test_lines_without_rotation_keep_their_order():
    ids, vocabulary = as_lines(["abc", "d", "ef"])
    window = Windows(ids, 1, 5, 5, "lines", NEWLINE, rotate=False).at(0)
    assert vocabulary.decode(window.inputs[:, 0]) == "\nabc\n"


@pytest.mark.parametrize("mode", ["stream", "lines"])
def test_a_text_one_character_too_short_is_an_error_that_says_what_fits(mode):
    ids = np.ones(64 * 64, dtype=np.uint8)
    ids[[0, -1]] = NEWLINE
    message = r"4,096 characters.*batch_size 64 x seq_length 64 needs at least 4,097; batch_size 63 would fit"
    with pytest.raises(CharlmError, match=message):
        Windows(ids, 64, 64, 1, mode, NEWLINE)
    Windows(np.append(ids, NEWLINE).astype(np.uint8), 64, 64, 1, mode, NEWLINE).at(0)
