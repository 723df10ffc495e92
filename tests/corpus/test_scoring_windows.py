"""Facts about how a text is divided for scoring."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from charlm.corpus.scoring_windows import EvaluationWindows, evaluation_streams
from tests.corpora import ITEMS, NEWLINE, as_lines


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


@given(st.lists(st.integers(NEWLINE, 3), min_size=2, max_size=30), st.integers(1, 9))
def test_ids_that_begin_within_a_line_are_scored_whole(ids, S):
    starts, lengths = evaluation_streams(np.array(ids), S, NEWLINE)
    assert starts[0] == 0
    assert all(ids[start] == NEWLINE for start in starts[1:])
    assert lengths.sum() == len(ids) - 1


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
