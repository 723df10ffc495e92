"""Facts about the parts for training, validation and test."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from charlm.corpus import splits
from charlm.errors import UsageError
from tests.corpora import WHOLE, load_path, write


def test_tails_are_the_beginning_the_middle_and_the_end(tmp_path):
    text = "".join(map(chr, range(0x100, 0x100 + 1000)))
    corpus = load_path(write(tmp_path / "c", text), {"train": 0.8, "valid": 0.15, "test": 0.05})
    parts = [corpus.vocabulary.decode(part) for part in (corpus.train, corpus.valid, corpus.test)]
    assert parts == [text[:800], text[800:950], text[950:]]
    assert corpus.characters == 1000
    assert corpus.report[-1] == "split: 800 for training, 150 for validation, 50 for test (characters)"


@pytest.mark.parametrize(
    ("size", "fractions", "sizes"),
    [
        (1_115_394, (0.9, 0.1, 0.0), [1_003_854, 111_540, 0]),
        (3_266_185, (0.8, 0.0, 0.2), [2_612_948, 0, 653_237]),
        (100, (0.7, 0.2, 0.1), [70, 20, 10]),
        (10, (0.333333, 0.333333, 0.333333), [3, 3, 4]),
    ],
)
def test_tails_are_those_of_the_published_benchmarks(size, fractions, sizes):
    shares = splits.shares(dict(zip(("train", "valid", "test"), fractions, strict=True)) | {"layout": "tail"})
    assert splits.sizes_of(splits.tails(size, shares)) == sizes


@given(st.integers(0, 20_000), st.integers(1, 20), st.integers(0, 20), st.integers(0, 20), st.booleans())
def test_every_character_is_in_exactly_one_part(size, train, valid, test, striped):
    total = train + valid + test
    split = {"train": train / total, "valid": valid / total, "test": test / total, "layout": "tail"}
    layout = "stripes" if striped else "tail"
    shares = splits.shares(split)
    parts = splits.LAYOUTS[layout](size, shares)
    places = [place for part in parts for start, stop in part for place in range(start, stop)]
    assert sorted(places) == list(range(size))
    sizes = splits.sizes_of(parts)
    stripe = splits.stripe_length(size) if striped else 1
    for part_size, fraction in zip(sizes, shares.fractions, strict=True):
        assert abs(part_size - size * fraction) <= 2 * stripe
        assert part_size == 0 or fraction > 0


def test_stripes_alternate_through_the_text(tmp_path):
    text = "".join(map(chr, range(0x1000, 0x1000 + 20_000)))
    corpus = load_path(write(tmp_path / "c", text), {"train": 0.8, "valid": 0.1, "test": 0.1, "layout": "stripes"})
    for part, share in ((corpus.train, 16_000), (corpus.valid, 2_000), (corpus.test, 2_000)):
        assert abs(len(part) - share) <= 200
        quarters = np.histogram(part.astype(int), bins=4, range=(0, 20_000))[0]
        assert quarters.min() > 0.8 * len(part) / 4
    together = np.concatenate([corpus.train, corpus.valid, corpus.test])
    assert sorted(together.tolist()) == list(range(20_000))
    assert "(characters in stripes of 100)" in corpus.report[-1]


@given(st.lists(st.text(alphabet="abcde ", max_size=6), min_size=10, max_size=60), st.integers(0, 3), st.booleans())
def test_whole_lines_are_split_and_each_part_begins_and_ends_with_a_newline(tmp_path_factory, items, seed, as_bytes):
    path = write(tmp_path_factory.getbasetemp() / "c", "\n".join(items))
    lines = [item for item in items if item]
    split = {"train": 0.5, "valid": 0.25, "test": 0.25}
    if len(lines) < 4:
        return
    corpus = load_path(path, split, mode="lines", seed=seed, unit="byte" if as_bytes else "char")
    parts = [corpus.vocabulary.decode(part) for part in (corpus.train, corpus.valid, corpus.test)]
    assert all(part.startswith("\n") and part.endswith("\n") and "\n\n" not in part for part in parts)
    assert Counter(line for part in parts for line in part[1:-1].split("\n")) == Counter(lines)
    assert parts[0].count("\n") - 1 == len(lines) // 2
    assert corpus.characters == len("\n".join(lines)) + 2


def test_lines_are_shuffled_by_the_seed(tmp_path):
    path = write(tmp_path / "c", "".join(f"{number}\n" for number in range(100)))
    one, same, other = (load_path(path, mode="lines", seed=seed).train for seed in (1, 1, 2))
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)
    assert (
        "split: 90 for training, 5 for validation, 5 for test (lines, shuffled)" in load_path(path, mode="lines").report
    )


def test_a_part_with_no_share_is_empty(tmp_path):
    for mode in ("stream", "lines"):
        corpus = load_path(write(tmp_path / "c", "ab\ncd\n"), WHOLE, mode=mode)
        assert (len(corpus.valid), len(corpus.test)) == (0, 0)


@pytest.mark.parametrize(
    "split",
    [{"train": 0.8}, {"train": 0.0, "valid": 0.95}, {"train": 1.0, "valid": -0.05}, {"train": -1, "valid": 1.95}],
)
def test_fractions_that_divide_nothing_are_refused(corpus_file, split):
    with pytest.raises(UsageError, match=r"corpus\.split: fractions must be at least 0 and add up to 1"):
        load_path(corpus_file, split)


def test_a_layout_that_does_not_exist_is_refused(corpus_file):
    with pytest.raises(UsageError, match="tail, stripes"):
        load_path(corpus_file, {"layout": "stripe"})
