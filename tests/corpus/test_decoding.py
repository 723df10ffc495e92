"""Facts about how bytes become text, and what is reported of the changes."""

import codecs
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from charlm.corpus import decoding as reading
from charlm.corpus import sources
from charlm.errors import CharlmError, UsageError
from tests.corpora import TRICKY, WHOLE, load_path, naive_text, write


@pytest.mark.parametrize("size", [1, 2, 3, 7])
@given(text=TRICKY, encoding=st.sampled_from(["utf-8", "utf-16", "utf-32-le", "gb18030"]))
def test_text_read_in_small_pieces_is_the_text(tmp_path_factory, size, text, encoding):
    path = write(tmp_path_factory.getbasetemp() / "tricky", text.encode(encoding))
    options = reading.Options(encoding, "char", "stream", "keep", None, False, 1, "\ufffd")
    assert read_in_pieces(path, options, size) == text.removeprefix("\ufeff")


@pytest.mark.parametrize("size", [1, 2, 3, 7])
@given(
    text=TRICKY,
    newlines=st.sampled_from(["lf", "keep"]),
    normalize=st.sampled_from([None, "NFC", "NFD", "NFKC", "NFKD"]),
    lowercase=st.booleans(),
    mode=st.sampled_from(["stream", "lines"]),
)
def test_options_do_the_same_in_pieces_as_to_the_whole(
    tmp_path_factory, size, text, newlines, normalize, lowercase, mode
):
    path = write(tmp_path_factory.getbasetemp() / "tricky", text)
    options = reading.Options("utf-8", "char", mode, newlines, normalize, lowercase, 1, "\ufffd")
    assert read_in_pieces(path, options, size) == naive_text(text, options)


def read_in_pieces(path, options, size):
    saved, sources.CHUNK_BYTES = sources.CHUNK_BYTES, size
    try:
        return "".join(reading.text(sources.find(str(path)), options, reading.Tally()))
    finally:
        sources.CHUNK_BYTES = saved


@given(texts=st.lists(TRICKY, min_size=1, max_size=4), size=st.integers(1, 5))
def test_a_file_that_ends_within_a_line_ends_it_in_lines_mode(tmp_path_factory, texts, size):
    folder = tmp_path_factory.mktemp("files")
    for index, text in enumerate(texts):
        write(folder / str(index), text)
    options = reading.Options("utf-8", "char", "lines", "lf", None, False, 1, "\ufffd")
    bodies = [naive_text(text, options)[1:] for text in texts]
    assert read_in_pieces(folder, options, size) == "\n" + "".join(bodies)


@given(st.binary(max_size=40), st.integers(1, 5))
def test_bytes_are_read_as_they_are(tmp_path_factory, data, size):
    path = write(tmp_path_factory.getbasetemp() / "bytes", data)
    saved, sources.CHUNK_BYTES = sources.CHUNK_BYTES, size
    try:
        for mode, expected in {
            "stream": data,
            "lines": b"\n" + b"".join(line + b"\n" for line in data.split(b"\n") if line),
        }.items():
            options = reading.Options("utf-8", "byte", mode, "lf", None, False, 1, "\ufffd")
            assert b"".join(reading.data(sources.find(str(path)), options, reading.Tally())) == expected
    finally:
        sources.CHUNK_BYTES = saved


def test_newlines_are_counted_and_reported(tmp_path, monkeypatch):
    path = write(tmp_path / "c", "a\r\nb\rc\nd\r\n\re" * 20)
    expected = "newlines: 40 CR LF and 40 CR became LF (corpus.newlines: keep leaves them alone)"
    for size in (1, 2, 5, 1000):
        monkeypatch.setattr(sources, "CHUNK_BYTES", size)
        corpus = load_path(path, WHOLE)
        assert expected in corpus.report
        assert corpus.vocabulary.decode(corpus.train) == "a\nb\nc\nd\n\ne" * 20
    assert not any("newlines" in note for note in load_path(path, WHOLE, newlines="keep").report)


def test_a_byte_order_mark_is_dropped_and_reported(tmp_path):
    one, other = write(tmp_path / "1", codecs.BOM_UTF8 + b"ab"), write(tmp_path / "2", codecs.BOM_UTF8 + b"ba")
    corpus = load_path([one, other], WHOLE)
    assert corpus.vocabulary.decode(corpus.train) == "abba"
    assert "byte order mark dropped from 2 files" in corpus.report


def test_normal_form_lower_case_and_empty_lines_are_reported(tmp_path):
    path = write(tmp_path / "c", "E\u0301a\n\n\nbC\n")
    report = load_path(path, WHOLE, normalize="NFC", lowercase=True, mode="lines").report
    assert "the text was changed to NFC and lower case: 9 characters became 8" in report
    assert "2 empty lines dropped" in report


def test_a_clean_text_has_a_report_without_changes(corpus_file):
    assert len(load_path(corpus_file, WHOLE, normalize="NFC").report) == 2


@pytest.mark.parametrize(
    ("encoding", "message"),
    [("utf-9", "did you mean 'utf-"), ("hex", "not a text encoding"), ("rot-13", ""), ("cp125", "did you mean 'cp125")],
)
def test_an_unknown_encoding_is_an_error_with_the_nearest_name(corpus_file, encoding, message):
    with pytest.raises(UsageError, match=rf"corpus\.encoding: '{encoding}' is not a text encoding.*") as caught:
        load_path(corpus_file, encoding=encoding)
    assert message in str(caught.value)
    assert f"did you mean '{encoding}'" not in str(caught.value)


@pytest.mark.parametrize(
    "option",
    [{"encoding": "cp1252"}, {"normalize": "NFC"}, {"lowercase": True}, {"min_count": 2}, {"unknown": "?"}],
)
def test_text_options_have_no_effect_on_bytes_and_are_refused(corpus_file, option):
    with pytest.raises(UsageError, match=rf"corpus\.{next(iter(option))}: no effect with corpus\.unit: byte"):
        load_path(corpus_file, unit="byte", **option)


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ({"unit": "chars"}, "did you mean 'char'"),
        ({"mode": "line"}, "did you mean 'lines'"),
        ({"newlines": "crlf"}, "lf, keep"),
        ({"normalize": "NFE"}, "NFC, NFD, NFKC, NFKD"),
        ({"min_count": 0}, "at least 1"),
        ({"unknown": "ab"}, "one character"),
        ({"unknown": "\n", "mode": "lines"}, "no line's end"),
    ],
)
def test_an_option_that_does_not_exist_is_refused_with_the_choices(corpus_file, option, message):
    with pytest.raises(UsageError, match=message):
        load_path(corpus_file, **option)


@pytest.mark.parametrize("form", reading.FORMS)
@pytest.mark.parametrize("before", ["", "a" * 700, "a " * 90_000])
def test_very_many_combining_marks_in_a_row_are_refused_soon(tmp_path, form, before):
    path = write(tmp_path / "c", before + "\u0301\u0323" * 1_000_000)
    with pytest.raises(
        CharlmError, match=f"1,000 combining marks in a row, at its character {len(before):,}, .*{form}"
    ):
        load_path(path, normalize=form)


def test_a_thousand_combining_marks_in_a_row_are_not_too_many(tmp_path):
    text = "a" + "\u0301\u0323" * 500 + "b "
    path = write(tmp_path / "c", text * 10)
    corpus = load_path(path, WHOLE, normalize="NFD")
    assert corpus.vocabulary.decode(corpus.train) == unicodedata.normalize("NFD", text * 10)
