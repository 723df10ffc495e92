"""What of the validation part also stands in the training part, held against a search in plain strings."""

import numpy as np
import pytest

from charlm.corpus.duplicates import Passages, copied_passages, lines_in_both


def ids(text):
    return np.frombuffer(text.encode("latin-1"), np.uint8)


def random_text(length, seed, letters="abcdefgh "):
    return "".join(np.random.default_rng(seed).choice(list(letters), length))


def searched(train, valid, length):
    """Return how many passages are copied, and the length of the longest, by looking for each."""
    copied = sum(valid[at : at + length] in train for at in range(len(valid) - length + 1))
    longest = 0
    for at in range(len(valid)):
        while at + longest + 1 <= len(valid) and valid[at : at + longest + 1] in train:
            longest += 1
    return copied, longest if longest >= length else 0


def check_places(found, train, valid):
    passage = valid[found.valid_at : found.valid_at + found.longest]
    assert len(passage) == found.longest
    assert train[found.train_at : found.train_at + found.longest] == passage


@pytest.mark.parametrize("block", [16, 100, 1 << 19])
@pytest.mark.parametrize("chunk", [64, 1 << 23])
def test_a_planted_passage_is_found_with_its_length_and_places(block, chunk):
    passage = random_text(81, 1)
    train = random_text(400, 2) + "<" + passage + ">" + random_text(300, 3)
    valid = random_text(50, 4) + "[" + passage + "]" + random_text(200, 5)
    found = copied_passages(ids(train), ids(valid), block=block, chunk=chunk)
    assert found == Passages(50, len(valid) - 49, 81 - 49, 81, 51, 401)


@pytest.mark.parametrize("length", [3, 5, 8])
@pytest.mark.parametrize("seed", range(6))
def test_passages_are_those_that_a_plain_search_finds(length, seed):
    train, valid = random_text(700, seed, "abc"), random_text(300, seed + 100, "abc")
    found = copied_passages(ids(train), ids(valid), length, block=64, chunk=50)
    assert (found.number, found.copied, found.longest) == (300 - length + 1, *searched(train, valid, length))
    check_places(found, train, valid)


def test_the_longest_passage_need_not_be_where_the_most_short_ones_follow_each_other():
    """Passages that follow each other in the validation part may come from different places of the training part."""
    one, two = "abcdefghij", "fghijKLMNO"
    train = f"{one} {two} .. 0123456789AB .."
    valid = "abcdefghijKLMNO .. 0123456789AB"
    found = copied_passages(ids(train), ids(valid), 5)
    assert (found.copied, found.longest) == searched(train, valid, 5)
    check_places(found, train, valid)


def test_a_validation_part_that_stands_whole_in_the_training_part_is_one_passage():
    text = random_text(900, 7)
    found = copied_passages(ids(text), ids(text[100:700]), block=128, chunk=100)
    assert found == Passages(50, 551, 551, 600, 0, 100)


def test_symbols_beyond_a_byte_and_texts_shorter_than_a_passage():
    train, valid = np.arange(5_000, dtype=np.uint16), np.arange(4_000, 4_100, dtype=np.uint16)
    assert copied_passages(train, valid) == Passages(50, 51, 51, 100, 0, 4_000)
    assert copied_passages(train, valid[:49]) == Passages(50, 0, 0)
    assert copied_passages(train[:49], valid) == Passages(50, 51, 0)
    assert copied_passages(train[:3_000], valid) == Passages(50, 51, 0)


def test_lines_in_both_are_those_of_a_set():
    rng = np.random.default_rng(3)
    lines = ["".join(rng.choice(list("abc"), rng.integers(1, 6))) for _ in range(900)]
    train, valid = lines[:700], lines[700:]
    expected = sum(line in set(train) for line in valid)
    known, new = (ids("\n" + "".join(line + "\n" for line in part)) for part in (train, valid))
    assert 0 < expected < 200
    assert lines_in_both(known, new, 10) == expected
    assert lines_in_both(known, new, 10, block=16) == expected


def test_a_line_that_begins_or_ends_another_is_not_the_same():
    assert lines_in_both(ids("\nabc\nab\nca\n"), ids("\nbc\nab\na\nab\nabcab\n"), 10) == 2
    assert lines_in_both(ids("\nabc\n"), ids(""), 10) == 0
