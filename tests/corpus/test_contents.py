"""What stands in the files of a text, and where, held against a text with planted facts."""

import pytest

from charlm.corpus.contents import Lines, Place, inspect
from charlm.corpus.decoding import Options
from charlm.corpus.sources import CHUNK_BYTES, find
from tests.corpora import DEFAULTS, whole_text, write


def inspected(*paths, **options):
    values = {**DEFAULTS, **options}
    del values["seed"]
    return inspect(find([str(path) for path in paths]), Options(**values))


def test_every_symbol_is_counted_and_its_first_place_is_that_of_an_editor(tmp_path):
    path = write(tmp_path / "a.txt", "tin ra\r\nra § tin\n\n\r\n  é§\n")
    found = inspected(path)
    assert (found.counts[ord("§")], found.counts[ord("é")], found.counts[ord("\n")]) == (2, 1, 5)
    assert found.first[ord("§")] == Place(str(path), 2, 4)
    assert found.first[ord("é")] == Place(str(path), 5, 3)
    assert found.first[ord("t")] == Place(str(path), 1, 1)
    assert found.first[ord("\n")] == Place(str(path), 1, 7)
    assert str(found.first[ord("é")]) == f"{path}, line 5, column 3"


def test_a_place_is_right_wherever_the_file_is_read_in_pieces(tmp_path):
    line = "tin ra tin ra\n"
    lines = CHUNK_BYTES // len(line)
    text = line * lines + "a" * (CHUNK_BYTES + 5) + "§" + "\n" + line * lines + "xy§z"
    found = inspected(write(tmp_path / "a.txt", text))
    assert (found.first[ord("§")].line, found.first[ord("§")].column) == (lines + 1, CHUNK_BYTES + 6)
    assert (found.first[ord("x")].line, found.first[ord("x")].column) == (2 * lines + 2, 1)
    assert (found.lines.number, found.lines.longest) == (2 * lines + 2, CHUNK_BYTES + 6)
    assert (found.lines.longest_place or found.first[0]).line == lines + 1
    assert found.counts.sum() == len(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a\nbbb\nccccc\n", (3, 0, 3, 5)),
        ("a\nbbb\n\n\nccccc", (5, 2, 3, 5)),
        ("a\nbb\nccc\ndddd\n", (4, 0, 2, 4)),
        ("\n\n", (2, 2, 0, 0)),
        ("ab", (1, 0, 2, 2)),
    ],
)
def test_lines_are_counted_and_measured_without_their_ends(tmp_path, text, expected):
    for content, options in ((text, {}), (text.replace("\n", "\r\n"), {"unit": "byte"})):
        lines = inspected(write(tmp_path / "a.txt", content), **options).lines
        assert (lines.number, lines.empty, lines.median, lines.longest) == expected


def test_a_line_end_is_one_wherever_the_file_is_read_in_pieces(tmp_path):
    line = b"a" * (CHUNK_BYTES - 2) + b"b\r\nc\r\n"  # the first CR LF lies across two pieces
    assert inspected(write(tmp_path / "a.txt", line), unit="byte").lines.longest == CHUNK_BYTES - 1


def test_the_longest_line_is_the_first_of_its_length_in_any_file(tmp_path):
    first, second = write(tmp_path / "a.txt", "a\nbb"), write(tmp_path / "b.txt", "c\nddd\neee\n")
    assert inspected(first, second).lines == Lines(5, 0, 2, 3, Place(str(second), 2, 1))


def test_newlines_of_each_kind_are_counted(tmp_path):
    data = b"a\r\nb\rc\nd\r\n" + b"e" * (CHUNK_BYTES - 12) + b"\r\nf"  # the last CR LF lies across two pieces
    for unit in ("char", "byte"):
        found = inspected(write(tmp_path / "a.txt", data), unit=unit)
        assert (found.tally.crlf, found.tally.cr) == (3, 1), unit
    assert found.counts[13] == 4


def test_bytes_are_symbols_with_places_too(tmp_path):
    found = inspected(write(tmp_path / "a.txt", b"ab\n\xff\xfeab"), unit="byte")
    assert (found.counts[0xFE], found.first[0xFE].line, found.first[0xFE].column) == (1, 2, 2)


@pytest.mark.parametrize("separator", ["\n", "", "=="])
def test_files_begin_where_they_do_in_the_text_that_is_made_of_them(tmp_path, separator):
    texts = ["tin", "", "ra\n", "xy==", "z", "q\n"]
    paths = [write(tmp_path / f"{number}.txt", text) for number, text in enumerate(texts)]
    found = inspected(*paths, separator=separator)
    whole = whole_text(paths, separator=separator)
    for begin, text in zip(found.beginnings, texts, strict=True):
        assert whole[begin:].startswith(text)
    assert found.beginnings == sorted(found.beginnings)
    assert found.beginnings[-1] == len(whole) - 2
