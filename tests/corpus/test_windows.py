"""Facts about windows: what a training step reads, and how a text is divided for scoring."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from charlm.corpus import lines as lines_module
from charlm.corpus.scoring_windows import EvaluationWindows, evaluation_streams
from charlm.corpus.vocabulary import Vocabulary
from charlm.corpus.windows import Windows
from charlm.errors import CharlmError

NEWLINE = 0


@st.composite
def shapes(draw, surplus=40):
    """Return N, B and T with at least one window in the text."""
    B, T = draw(st.integers(1, 6)), draw(st.integers(1, 9))
    return B * T + 1 + draw(st.integers(0, surplus)), B, T


def as_lines(items):
    vocabulary = Vocabulary.of("\nabcdefg")
    return vocabulary.encode("\n" + "".join(item + "\n" for item in items)), vocabulary


ITEMS = st.lists(st.text(alphabet="abcdefg", min_size=1, max_size=8), min_size=1, max_size=30)


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


@given(ITEMS, st.integers(1, 12), st.randoms())
def test_lines_gathered_in_blocks_are_the_lines_in_the_order_asked(items, block, random):
    ids, vocabulary = as_lines(items)
    order = list(range(len(items)))
    random.shuffle(order)
    saved, lines_module.BLOCK = lines_module.BLOCK, block
    try:
        newlines = lines_module.newlines(ids, NEWLINE)
        pieces = list(lines_module.gather(ids, newlines, np.array(order)))
    finally:
        lines_module.BLOCK = saved
    assert vocabulary.decode(np.concatenate(pieces)) == "".join(items[index] + "\n" for index in order)


@pytest.mark.parametrize("mode", ["stream", "lines"])
def test_a_text_one_character_too_short_is_an_error_that_says_what_fits(mode):
    ids = np.ones(64 * 64, dtype=np.uint8)
    ids[[0, -1]] = NEWLINE
    message = r"4,096 characters.*batch_size 64 x seq_length 64 needs at least 4097; batch_size 63 would fit"
    with pytest.raises(CharlmError, match=message):
        Windows(ids, 64, 64, 1, mode, NEWLINE)
    Windows(np.append(ids, NEWLINE).astype(np.uint8), 64, 64, 1, mode, NEWLINE).at(0)


@given(st.integers(0, 60), st.integers(1, 9))
def test_scoring_streams_hold_every_target_once(N, S):
    starts, lengths = evaluation_streams(np.zeros(N, dtype=np.uint8), S)
    places = [start + at for start, length in zip(starts, lengths, strict=True) for at in range(length)]
    assert places == list(range(max(0, N - 1)))
    assert len(starts) <= S
    assert len(set(lengths[:-1].tolist())) <= 1
    assert (lengths[-1:] <= lengths[:1]).all()


@given(ITEMS, st.integers(1, 9))
def test_scoring_streams_of_lines_begin_at_newlines_and_hold_every_target_once(items, S):
    ids, _ = as_lines(items)
    starts, lengths = evaluation_streams(ids, S, NEWLINE)
    assert (ids[starts] == NEWLINE).all()
    assert (starts[1:] == np.cumsum(lengths)[:-1]).all()
    assert starts[0] == 0
    assert lengths.sum() == len(ids) - 1
    assert (lengths > 0).all()


@given(ITEMS, st.integers(1, 9), st.integers(1, 7), st.booleans())
def test_scoring_windows_count_every_target_once_after_its_input(items, S, T, in_lines):
    ids, _ = as_lines(items)
    streams = evaluation_streams(ids, S, NEWLINE if in_lines else None)
    windows = EvaluationWindows(ids, streams, T)
    place = streams.starts.copy()
    seen = 0
    for inputs, targets, mask in windows:
        assert inputs.shape == targets.shape
        assert inputs.flags.c_contiguous
        assert inputs.shape[0] <= T
        assert mask is None or not mask.all()
        for row in range(len(inputs)):
            counted = np.ones(inputs.shape[1], dtype=bool) if mask is None else mask[row]
            np.testing.assert_array_equal(inputs[row][counted], ids[place[counted]])
            np.testing.assert_array_equal(targets[row][counted], ids[place[counted] + 1])
            place += 1
            seen += counted.sum()
    assert seen == len(ids) - 1
    assert len(list(windows)) == len(windows)


def test_a_text_without_targets_has_no_scoring_windows():
    ids = np.zeros(1, dtype=np.uint8)
    assert list(EvaluationWindows(ids, evaluation_streams(ids, 4), 5)) == []
