"""Facts about the small pieces that messages are made of."""

import pytest

from charlm.phrases import amount, count, did_you_mean, megabytes, nearest, similar, suggestion


@pytest.mark.parametrize(
    ("word", "names", "expected"),
    [
        ("lstmm", ("gru", "lstm"), "lstm"),
        ("GRU", ("gru", "lstm"), "gru"),
        ("nfc", ("NFC", "NFD"), "NFC"),
        ("zebra", ("gru", "lstm"), None),
        ("gru", (), None),
        ("", ("gru",), None),
    ],
)
def test_the_nearest_name_is_found_whatever_its_case_or_none_is(word, names, expected):
    assert nearest(word, names) == expected
    assert suggestion(word, names) == (f"; did you mean '{expected}'?" if expected else "")


def test_similar_names_come_in_order_and_those_that_differ_in_case_alone_all_come():
    assert similar("play", ["plays", "names", "Plays", "play2024"]) == ["plays", "Plays", "play2024"]


def test_without_a_name_nothing_is_asked():
    assert did_you_mean("gru") == "; did you mean 'gru'?"
    assert did_you_mean(None) == ""


@pytest.mark.parametrize(("number", "words"), [(0, "0 files"), (1, "1 file"), (2, "2 files"), (2000, "2,000 files")])
def test_a_number_comes_with_its_noun(number, words):
    assert count(number, "file") == words


@pytest.mark.parametrize(
    ("number", "words"), [(1.0, "1 minute"), (0.1234, "0.1234 minutes"), (2.5, "2.5 minutes"), (1200, "1,200 minutes")]
)
def test_a_number_that_need_not_be_whole_comes_with_its_noun(number, words):
    assert amount(number, "minute") == words


@pytest.mark.parametrize(
    ("size", "words"),
    [(12, "0.0 kB"), (1_234, "1.2 kB"), (49_999, "50.0 kB"), (50_000, "0.1 MB"), (64_000_000, "64.0 MB")],
)
def test_a_size_is_in_megabytes_but_where_they_would_be_none(size, words):
    assert megabytes(size) == words
