"""Facts about the vocabulary: text to ids and back, and what is said of characters that it lacks."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from charlm.corpus import vocabulary as module
from charlm.corpus.vocabulary import Vocabulary, codes
from charlm.errors import CharlmError, UsageError

TEXTS = st.text(min_size=1, max_size=60)


@pytest.fixture
def tiny_chunks(monkeypatch):
    monkeypatch.setattr(module, "CHUNK", 3)


@given(TEXTS)
def test_text_comes_back_from_its_ids(text):
    vocabulary = Vocabulary.of(text)
    assert vocabulary.decode(vocabulary.encode(text)) == text


@given(TEXTS)
def test_ids_are_the_places_of_the_symbols(text):
    vocabulary = Vocabulary.of(text)
    naive = [vocabulary.symbols.index(character) for character in text]
    assert vocabulary.encode(text).tolist() == naive


@given(st.binary(min_size=1, max_size=60))
def test_bytes_come_back_from_their_ids(data):
    vocabulary = Vocabulary.of(data)
    ids = vocabulary.encode(data)
    assert bytes(ord(vocabulary.symbols[index]) for index in ids) == data
    assert vocabulary.decode(ids) == data.decode("utf-8", "replace")


@given(TEXTS, st.sampled_from(["char", "byte"]), st.integers(1, 5))
def test_a_decoder_fed_a_few_ids_at_a_time_gives_the_same_text(text, unit, width):
    vocabulary = Vocabulary.of(text if unit == "char" else text.encode())
    ids = vocabulary.encode(text)
    decoder = vocabulary.decoder()
    parts = [decoder.feed(ids[start : start + width]) for start in range(0, len(ids), width)]
    assert "".join(parts) + decoder.finish() == text


def test_a_byte_decoder_holds_back_an_unfinished_character_and_tells_it_at_the_end():
    vocabulary = Vocabulary.of(bytes(range(256)))
    decoder = vocabulary.decoder()
    assert decoder.feed([0x41, 0xE2, 0x82]) == "A"
    assert decoder.feed([0xAC]) == "€"
    assert decoder.feed([0xE2]) == ""
    assert decoder.finish() == "\ufffd"
    assert decoder.feed([0x42]) == "B"


@given(TEXTS, st.randoms())
def test_a_shuffled_vocabulary_gives_the_same_text(text, random):
    symbols = list(Vocabulary.of(text).symbols)
    random.shuffle(symbols)
    shuffled = Vocabulary(tuple(symbols))
    assert shuffled.decode(shuffled.encode(text)) == text


@given(TEXTS, st.booleans())
def test_metadata_survives_json(text, as_bytes):
    vocabulary = Vocabulary.of(text.encode() if as_bytes else text)
    assert Vocabulary.from_metadata(json.loads(json.dumps(vocabulary.to_metadata()))) == vocabulary


@pytest.mark.parametrize("size", [1, 2, 255, 256, 257, 65_536, 65_537])
def test_ids_take_the_smallest_type_that_fits(size):
    symbols = tuple(map(chr, range(0x20, 0x20 + size)))
    vocabulary = Vocabulary(symbols)
    expected = np.uint8 if size <= 256 else np.uint16 if size <= 65_536 else np.uint32
    ids = vocabulary.encode("".join(symbols))
    assert ids.dtype == expected
    assert ids.tolist() == list(range(size))


@pytest.mark.parametrize("size", [255, 256, 257])
def test_unknown_symbols_are_seen_when_the_ids_just_fill_a_byte(size):
    vocabulary = Vocabulary(tuple(map(chr, range(0x100, 0x100 + size))))
    assert vocabulary.encode("a\u0100b\u0101", "skip").tolist() == [0, 1]


def test_characters_above_the_highest_symbol_are_unknown():
    for higher in "\u0103\u0104本😀":
        with pytest.raises(UsageError, match="not in the vocabulary"):
            Vocabulary.of("a\u0102").encode(f"a{higher}")


def test_a_byte_vocabulary_of_all_256_values_has_no_unknown_bytes():
    data = bytes(range(256))
    assert Vocabulary.of(data).encode(data).tolist() == list(range(256))


@pytest.mark.usefixtures("tiny_chunks")
def test_chunks_do_not_change_ids():
    text = "añ日本😀bc\nab" * 3
    vocabulary = Vocabulary.of("añ日本😀bc\n")
    assert [vocabulary.symbols[index] for index in vocabulary.encode(text)] == list(text)


@pytest.mark.usefixtures("tiny_chunks")
@given(st.text(alphabet="abcxyzéß", max_size=20))
def test_skip_leaves_out_and_replace_puts_the_unknown_symbol(text):
    vocabulary = Vocabulary(("c", "?", "b", "a"), unknown=1)
    kept = [character for character in text if character in "abc"]
    assert list(vocabulary.decode(vocabulary.encode(text, "skip"))) == kept
    replaced = "".join(character if character in "abc" else "?" for character in text)
    assert vocabulary.decode(vocabulary.encode(text, "replace")) == replaced


def test_replace_without_an_unknown_symbol_explains():
    with pytest.raises(UsageError, match=r"needs an unknown symbol.*min_count.*'error' or 'skip'"):
        Vocabulary.of("abc").encode("abc", "replace")


def test_a_policy_that_does_not_exist_is_refused():
    with pytest.raises(UsageError, match="error, skip, replace"):
        Vocabulary.of("abc").encode("abc", "ignore")


def test_the_error_names_unknown_characters_and_the_nearest_ones():
    with pytest.raises(UsageError) as caught:
        Vocabulary.of("abcE'\"-").encode("aÉb“c")
    message = str(caught.value)
    assert "'É' (U+00C9 LATIN CAPITAL LETTER E WITH ACUTE; nearest 'E')" in message
    assert "'“' (U+201C LEFT DOUBLE QUOTATION MARK; nearest '\"')" in message
    assert "\n" not in message


def test_the_error_names_eight_characters_and_counts_the_rest():
    with pytest.raises(UsageError, match=r"and 2 more$") as caught:
        Vocabulary.of("ab").encode("0123456789" * 2)
    assert str(caught.value).count("U+") == 8


def test_the_error_of_a_byte_vocabulary_names_bytes():
    with pytest.raises(UsageError, match=r"0xC3 \(byte 195; nearest 'b'\)"):
        Vocabulary.of(b"ab").encode("é")


def test_a_byte_vocabulary_reads_arguments_that_are_not_utf8():
    vocabulary = Vocabulary.of(bytes(range(256)))
    assert vocabulary.encode(b"\xff\xfea".decode("utf-8", "surrogateescape")).tolist() == [0xFF, 0xFE, 0x61]
    with pytest.raises(UsageError, match="UTF-8"):
        vocabulary.encode("\ud800")


@given(st.text(alphabet=st.characters(codec=None), max_size=20))
def test_codes_are_code_points(text):
    assert codes(text).tolist() == list(map(ord, text))


def test_codes_are_as_wide_as_the_text_needs():
    assert codes("abc").dtype == np.uint8
    assert codes("abç").dtype == np.uint16
    assert codes("a😀").dtype == np.uint32
    assert codes("\ud83d\ude00").tolist() == [0xD83D, 0xDE00]
    assert codes("a\ud800😀").tolist() == [0x61, 0xD800, 0x1F600]


def test_an_id_of_a_symbol_is_found_or_none():
    vocabulary = Vocabulary.of("ab\n")
    assert vocabulary.id_of("\n") == 0
    assert vocabulary.id_of("z") is None


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((("a", "b", "a"),), "'a' occurs twice"),
        ((("a", "bc"),), "'bc' is not a symbol"),
        ((("a", ""),), "'' is not a symbol"),
        (((),), "no symbols"),
        ((("a",), "word"), "'word' is not a unit"),
        ((("a", "\u0100"), "byte"), "is not a byte"),
        ((("a",), "char", 1), "id 1 is not below 1"),
    ],
)
def test_symbols_that_cannot_be_told_apart_are_refused(arguments, message):
    with pytest.raises(CharlmError, match=message):
        Vocabulary(*arguments)


@pytest.mark.parametrize(
    "metadata",
    [
        None,
        [],
        {},
        {"unit": "char", "symbols": ["a"]},
        {"unit": "char", "symbols": "ab", "unknown": None},
        {"unit": "char", "symbols": [1], "unknown": None},
        {"unit": "byte", "symbols": [256], "unknown": None},
        {"unit": "byte", "symbols": ["a"], "unknown": None},
        {"unit": "byte", "symbols": [True], "unknown": None},
        {"unit": ["char"], "symbols": ["a"], "unknown": None},
        {"unit": "char", "symbols": ["a"], "unknown": True},
        {"unit": "char", "symbols": ["a"], "unknown": 1},
    ],
)
def test_metadata_that_describes_no_vocabulary_is_refused(metadata):
    with pytest.raises(CharlmError, match="vocabulary"):
        Vocabulary.from_metadata(metadata)
