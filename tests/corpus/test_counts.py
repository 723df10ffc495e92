"""Facts about which characters become symbols."""

from collections import Counter

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from charlm.corpus import decoding as reading
from charlm.errors import CharlmError
from tests.corpora import WHOLE, load_path, naive_text, write


def test_rare_characters_share_the_unknown_symbol_and_are_reported(tmp_path):
    path = write(tmp_path / "c", "aaabbbxyyzb")
    corpus = load_path(path, WHOLE, min_count=3, unknown="?")
    assert corpus.vocabulary.symbols == ("?", "a", "b")
    assert corpus.vocabulary.unknown == 0
    assert corpus.vocabulary.decode(corpus.train) == "aaabbb????b"
    note = "min_count 3: 3 characters (4 times in the text) became the unknown symbol '?': 'x' 1, 'y' 2, 'z' 1"
    assert note in corpus.report


def test_no_rare_character_means_no_unknown_symbol(tmp_path):
    corpus = load_path(write(tmp_path / "c", "aabb"), WHOLE, min_count=2)
    assert corpus.vocabulary.unknown is None
    assert any("no unknown symbol" in note for note in corpus.report)


def test_an_unknown_symbol_that_the_text_has_itself_is_reported(tmp_path):
    corpus = load_path(write(tmp_path / "c", "??aab"), WHOLE, min_count=2, unknown="?")
    assert corpus.vocabulary.symbols == ("?", "a")
    assert "the unknown symbol '?' also occurs 2 times in the text itself" in corpus.report


def test_a_min_count_that_leaves_nothing_is_an_error(tmp_path):
    with pytest.raises(CharlmError, match=r"no character occurs 9 times, as corpus\.min_count demands; at most 3"):
        load_path(write(tmp_path / "c", "aaabbc"), min_count=9)


def test_the_ends_of_lines_are_never_rare(tmp_path):
    corpus = load_path(write(tmp_path / "c", "aaaa"), WHOLE, mode="lines", min_count=3)
    assert corpus.vocabulary.decode(corpus.train) == "\naaaa\n"


@example("\ufeff", 1)
@given(st.text(min_size=1, max_size=60), st.integers(1, 3))
def test_the_vocabulary_is_of_the_whole_text_in_order_of_code_point(tmp_path_factory, text, min_count):
    path = write(tmp_path_factory.getbasetemp() / "c", text)
    text = naive_text(text, reading.Options("utf-8", "char", "stream", "lf", None, False, 1, "\ufffd"))
    seen = Counter(text)
    expected = sorted({character if seen[character] >= min_count else "\ufffd" for character in text})
    if len(expected) < 2 or len(seen) < 2:
        with pytest.raises(CharlmError, match="character" if text else "is empty"):
            load_path(path, WHOLE, min_count=min_count)
    else:
        assert list(load_path(path, WHOLE, min_count=min_count).vocabulary.symbols) == expected


def test_a_vocabulary_of_all_of_unicode_is_refused_with_a_min_count_that_helps(tmp_path):
    common, rare = "".join(map(chr, range(0x4E00, 0x9000))), "".join(map(chr, range(0x10000, 0x30000)))
    path = write(tmp_path / "c", common * 3 + rare)
    with pytest.raises(CharlmError, match=r"147,968 different .* at most 65,536; corpus.min_count 2 leaves 16,897$"):
        load_path(path)
    assert len(load_path(path, min_count=2).vocabulary) == 16_897
