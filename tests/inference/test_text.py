"""A text as it grows: what its symbols become, and what ends it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from charlm.corpus.vocabulary import Vocabulary
from charlm.inference.text import Text, characters, raw_bytes

LETTERS = Vocabulary.of("ab\n")
BYTES = Vocabulary(tuple(map(chr, range(256))), "byte")


def write(text, symbols):
    """Write symbols until the text ends, and return the pieces."""
    pieces = [text.add(symbol) for symbol in symbols]
    return [*pieces, text.finish()]


@given(st.text("ab\n"), st.text("ab\n", min_size=1, max_size=4))
def test_a_text_ends_when_it_ends_with_the_stop_text(content, stop):
    text = Text(characters(LETTERS), stop)
    write(text, LETTERS.encode(content).tolist())
    found = content.find(stop)
    assert text.text == (content if found < 0 else content[: found + len(stop)])
    assert text.done == (found >= 0)
    assert len(text.ids) == len(text.text)


@given(st.text("ab\n"), st.integers(1, 4))
def test_a_text_ends_after_so_many_line_ends(content, lines):
    text = Text(characters(LETTERS), lines=lines)
    write(text, LETTERS.encode(content).tolist())
    assert text.text == "".join(content.splitlines(keepends=True)[:lines])
    assert text.done == (content.count("\n") >= lines)


@given(st.text())
def test_bytes_become_characters_when_the_last_of_them_comes(content):
    pieces = write(Text(characters(BYTES)), content.encode("utf-8", "replace"))
    assert "".join(pieces) == content.encode("utf-8", "replace").decode()
    assert all(len(piece) <= 1 for piece in pieces)


@given(st.binary())
def test_bytes_come_out_as_they_are_or_as_the_text_that_they_are(content):
    raw, text = Text(raw_bytes(BYTES)), Text(characters(BYTES))
    assert b"".join(write(raw, content)) == raw.text == content
    assert "".join(write(text, content)) == text.text == content.decode("utf-8", "replace")


@pytest.mark.parametrize(("stop", "written"), [("é", "né"), ("n", "n"), ("e", "née")])
def test_a_byte_text_stops_at_a_whole_character(stop, written):
    text = Text(characters(BYTES), stop)
    write(text, "née".encode())
    assert text.text == written


def test_a_stop_text_is_noticed_within_what_a_broken_character_comes_to():
    text = Text(characters(BYTES), "\ufffd", lines=1)
    assert write(text, b"a\xe2bc") == ["a", "", "\ufffdb", "", ""]
    assert text.done


def test_raw_bytes_stop_and_count_lines_as_bytes():
    text = Text(raw_bytes(BYTES), b"\xa9")
    write(text, "née".encode())
    assert text.text == "né".encode()
    text = Text(raw_bytes(BYTES), lines=1)
    write(text, b"\xff\n\xff")
    assert text.text == b"\xff\n"
