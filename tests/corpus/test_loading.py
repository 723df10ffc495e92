"""Facts about corpora as a whole: what is loaded, what is refused, and what fits."""

import gzip
import os
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from charlm.corpus import counts, encoding
from charlm.corpus.loading import check_fits, read
from charlm.corpus.vocabulary import Vocabulary
from charlm.errors import CharlmError, UsageError
from tests.corpora import DEFAULTS, PROSE, WHOLE, load_path, write


def test_a_file_that_changes_while_it_is_read_is_an_error(corpus_file, monkeypatch):
    def count_then_change(pieces, unit, counted=counts.occurrences):
        result = counted(pieces, unit)
        corpus_file.write_text(contents.pop())
        return result

    contents: list[str] = []

    monkeypatch.setattr(encoding, "occurrences", count_then_change)
    for changed in (PROSE + PROSE, PROSE + "zqx", PROSE[:-5], PROSE[:-1] + "t"):
        contents.append(changed)
        corpus_file.write_text(PROSE)
        os.utime(corpus_file, (1, 1))
        with pytest.raises(CharlmError, match="changed while it was being read"):
            load_path(corpus_file)


def test_the_digest_is_of_the_text_to_learn_and_not_of_how_it_is_stored(tmp_path):
    plain = write(tmp_path / "a", PROSE)
    packed = write(tmp_path / "b.gz", gzip.compress(PROSE.replace("\n", "\r\n").encode()))
    other = write(tmp_path / "c", PROSE.replace("bright", "blight"))
    digests = [load_path(path, WHOLE).digest for path in (plain, packed, other)]
    assert digests[0] == digests[1] != digests[2]
    assert len(digests[0]) == 64


@pytest.mark.parametrize("unit", ["char", "byte"])
@pytest.mark.parametrize("mode", ["stream", "lines"])
@pytest.mark.parametrize("layout", ["tail", "stripes"])
def test_tiny_corpora_of_every_size_load_or_explain(tmp_path, unit, mode, layout):
    if (mode, layout) == ("lines", "stripes"):
        return
    explained = []
    for size in [*range(0, 90), 137, 1000, 5000]:
        text = "".join("ab\nc"[(index * index + index // 3) % 4] for index in range(size))
        path = write(tmp_path / "c", text)
        try:
            corpus = load_path(path, {"layout": layout}, unit=unit, mode=mode)
        except CharlmError as error:
            explained.append(str(error))
        else:
            assert min(map(len, (corpus.train, corpus.valid, corpus.test))) >= 2
    assert 0 < len(explained) < 93
    assert all("\n" not in message for message in explained)


@pytest.mark.parametrize(
    ("text", "mode", "message"),
    [
        ("", "stream", "c: is empty"),
        ("", "lines", "c: is empty"),
        ("\n\n\n", "lines", "c: is empty"),
        ("aaaa", "stream", "one distinct character, 'a'"),
        ("ab" * 10, "stream", "of its 20 characters the valid part .* gets 1 and .* a part needs 2; give 40 or more"),
        ("a\nb\n", "lines", "of its 2 lines the valid part .* gets 0, and a part needs 1; give 20 or more"),
    ],
)
def test_a_corpus_with_too_little_in_it_says_so(tmp_path, text, mode, message):
    with pytest.raises(CharlmError, match=message):
        load_path(write(tmp_path / "c", text), mode=mode)


def test_the_size_called_enough_is_enough(tmp_path):
    load_path(write(tmp_path / "c", "ab" * 20))
    load_path(write(tmp_path / "c", "a\nb\n" * 10), mode="lines")


@pytest.mark.parametrize(
    ("N", "B", "T", "hint"),
    [
        (
            812,
            64,
            64,
            "needs at least 4,097; batch_size 12 would fit with seq_length 64, or seq_length 12 with batch_size 64",
        ),
        (50, 64, 20, "needs at least 1,281; batch_size 2 would fit with seq_length 20"),
        (50, 20, 64, "needs at least 1,281; seq_length 2 would fit with batch_size 20"),
        (50, 64, 64, "needs at least 4,097; batch_size 1 would fit with seq_length 49"),
        (1, 64, 64, ", but .* needs at least 4,097; give a longer corpus"),
    ],
)
def test_a_text_too_small_for_the_windows_says_what_would_fit(N, B, T, hint):
    with pytest.raises(CharlmError, match=f"the training part has {N} character.*{hint}"):
        check_fits(N, B, T)


@given(st.integers(1, 300), st.integers(1, 20), st.integers(1, 20))
def test_what_is_said_to_fit_does_fit(N, B, T):
    try:
        check_fits(N, B, T)
    except CharlmError as error:
        assert N < B * T + 1
        hint = str(error).split(";")[1]
        for first, one, other, two in re.findall(r"(\w+) (\d+) (?:would fit )?with \w+? ?(\w+) (\d+)", hint) or []:
            assert first != other
            check_fits(N, *map(int, (one, two) if first == "batch_size" else (two, one)))
    else:
        assert N >= B * T + 1


def test_a_list_has_as_many_characters_as_its_file(tmp_path):
    text = "anna\nben\n" * 50
    file = write(tmp_path / "names.txt", text)
    for mode in ("stream", "lines"):
        assert load_path(file, mode=mode).report[0].startswith("1 file, 450 characters, ")
    options = {key: DEFAULTS[key] for key in ("encoding", "newlines", "normalize", "lowercase")}
    assert read(str(file), Vocabulary.of(text), on_unknown="error", **options, mode="lines")[1] == [
        "1 file, 450 characters"
    ]


def test_a_text_is_read_with_a_vocabulary_that_is_there(corpus_file):
    options = {key: DEFAULTS[key] for key in ("encoding", "mode", "newlines", "normalize", "lowercase")}
    vocabulary = Vocabulary.of(PROSE.replace("b", ""))
    ids, report = read(str(corpus_file), vocabulary, on_unknown="skip", **options)
    assert vocabulary.decode(ids) == PROSE.replace("b", "")
    assert report == [f"1 file, {len(PROSE)} characters", "1 unknown character left out"]
    with pytest.raises(UsageError, match=r"corpus\.txt: not in the vocabulary .*'b' \(U\+0062"):
        read(str(corpus_file), vocabulary, on_unknown="error", **options)
    with pytest.raises(CharlmError, match="has 0 characters; at least 2 are needed"):
        read(str(corpus_file), Vocabulary.of("0"), on_unknown="skip", **options)
    everything = Vocabulary.of(PROSE.encode())
    ids, _ = read(str(corpus_file), everything, on_unknown="error", **{**options, "mode": "lines"})
    assert everything.decode(ids) == "\n" + PROSE
