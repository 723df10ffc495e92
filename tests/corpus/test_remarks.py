"""Facts about what is said of a text that is probably none."""

import bz2
import gzip
import io
import lzma
import tarfile
import zipfile

import pytest

from charlm.corpus import sources
from charlm.errors import CharlmError
from tests.corpora import PROSE, WHOLE, load_path, write


def told(path, **options):
    return [note for note in load_path(path, WHOLE, **options).report[1:-1] if "byte order mark dropped" not in note]


def tar_of(data, mode="w"):
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode=mode) as archive:
        info = tarfile.TarInfo("a.txt")
        info.size = len(data)
        archive.addfile(info, io.BytesIO(data))
    return file.getvalue()


def zip_of(data, name="a.txt"):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(name, data)
    return file.getvalue()


TEXT = PROSE * 40


@pytest.mark.parametrize("size", [3, 1 << 18])
@pytest.mark.parametrize(
    ("content", "remark"),
    [
        ("a\0" * 500, "500 NUL characters (U+0000), the first in FILE, line 1: every other byte is zero, as in UTF-16; "
         "set `encoding: utf-16-le`"),
        (PROSE + "\ufeff" + PROSE, "1 byte order mark (U+FEFF) within the text, the first in FILE, line 3: files were "
         "joined behind it"),
        (PROSE + "\r\n\x1b[1mred\x1b[0m\x7f", "3 control characters (U+001B, U+007F), the first in FILE, line 4: "),
        (PROSE.encode() + b"caf\xc2\x85 \xc2\x92", "1 control character (U+0092)"),
        (PROSE + "\x00" + PROSE, "1 NUL character (U+0000), the first in FILE, line 3: it is probably no text"),
        (PROSE + "caf\ufffd", "1 replacement character (U+FFFD), the first in FILE, line 3: an earlier conversion"),
        (PROSE + "\n" + "x" * 100_000 + "\n" + PROSE, "a line of 100,000 characters (FILE, line 4): "),
        ("ab" * 100_000, "a line of 200,000 characters (FILE, line 1): "),
    ],
)  # fmt: skip
def test_what_texts_rarely_have_is_counted_and_placed(tmp_path, monkeypatch, content, remark, size):
    monkeypatch.setattr(sources, "CHUNK_BYTES", size)
    path = write(tmp_path / "x.txt", content)
    notes = [note for note in told(path) if not note.startswith("newlines")]
    expected = remark.replace("FILE", str(path))
    assert len(notes) == 1
    assert expected in notes[0]


RUSSIAN = "Все счастливые семьи похожи друг на друга,\nкаждая несчастливая несчастлива по-своему — вот.\n"


@pytest.mark.parametrize("size", [3, 1 << 18])
@pytest.mark.parametrize("order", ["le", "be"])
@pytest.mark.parametrize("text", [TEXT, RUSSIAN * 5, "caf\u00e9, na\u00efve, \u20ac 5\n" * 5, "a b c d e f g h i\n"])
@pytest.mark.parametrize("encoding", ["utf-8", "latin-1", "cp1252"])
def test_utf_16_without_a_mark_is_refused_and_read_in_the_encoding_that_is_named(
    tmp_path, monkeypatch, text, order, size, encoding
):
    monkeypatch.setattr(sources, "CHUNK_BYTES", size)
    path = write(tmp_path / "x.txt", text.encode(f"utf-16-{order}"))
    with pytest.raises(CharlmError, match=rf"it is UTF-16 without a byte order mark; set `encoding: utf-16-{order}`$"):
        told(path, encoding=encoding)
    assert told(path, encoding=f"utf-16-{order}") == []
    assert load_path(path, WHOLE, unit="byte").characters == 2 * len(text)


@pytest.mark.parametrize(
    "text",
    [
        "ab \0" * 500,  # records of a fixed width
        "a\0" * 500,  # single characters, each with a NUL behind it
        "one\0two \0three four\0" * 100,
        TEXT + "\0" * 16,
        "".join(map(chr, range(128))) * 20,
    ],
)
@pytest.mark.parametrize("before", ["", "x"])
def test_a_text_with_nul_characters_is_read(tmp_path, before, text):
    path = write(tmp_path / "x.txt", before + text)
    assert load_path(path, WHOLE, newlines="keep").characters == len(before + text)


def test_the_place_is_in_the_file_that_has_it(tmp_path):
    one, other = write(tmp_path / "a.txt", PROSE), write(tmp_path / "b.txt", PROSE + "\x00")
    assert f"the first in {other}, line 3" in told([one, other])[0]


@pytest.mark.parametrize("line", ["x" * 99_999, "tab\tand form feed\f", "\ufeff" + PROSE])
def test_nothing_is_said_of_what_texts_do_have(tmp_path, line):
    assert told(write(tmp_path / "x.txt", f"{line}\n{PROSE}")) == []


@pytest.mark.parametrize(
    ("name", "content", "meaning"),
    [
        ("x.tar", tar_of(TEXT.encode()), "it is a tar archive"),
        ("x.tar.gz", gzip.compress(tar_of(TEXT.encode())), "it is a tar archive"),
        ("x.tar.xz", lzma.compress(tar_of(TEXT.encode())), "it is a tar archive"),
        ("x.zip", zip_of(TEXT), "it is a zip archive"),
        ("x.docx", zip_of(TEXT, "word/document.xml"), "it is a Word document (.docx); save it as plain text in UTF-8"),
        ("x.xlsx", zip_of(TEXT, "xl/workbook.xml"), "it is an Excel sheet (.xlsx); save the sheet as .csv"),
        ("x.epub", zip_of("application/epub+zip", "mimetype"), "it is an EPUB book; save it as plain text in UTF-8"),
        ("x.odt", zip_of("application/vnd.oasis.opendocument.text", "mimetype"), "it is an OpenDocument file"),
        (
            "x.html",
            b"\n<!DOCTYPE html>\n<p>" + TEXT.encode(),
            "it is an HTML page; to learn its text without the markup",
        ),
        ("x.xhtml", b"<?xml version='1.0'?><!-- a --><HTML lang='en'>" + TEXT.encode(), "it is an HTML page"),
        ("x.pdf", b"%PDF-1.7\n" + TEXT.encode(), "it is a PDF; extract the text from it, as `pdftotext` does"),
        ("x.rtf", b"{\\rtf1\\ansi " + TEXT.encode(), "it is a rich text file (.rtf)"),
        ("x.doc", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(99), "it is an old Office file (such as .doc)"),
        ("x.parquet", b"PAR1" + bytes(range(99)), "it is a Parquet table; export one column of it"),
        ("x.tgz", tar_of(TEXT.encode(), "w:gz"), "it is a tar archive compressed with gzip; extract its files"),
        ("x.gz.gz", gzip.compress(gzip.compress(TEXT.encode())), "it is a gzip file within a .gz file; unpack it once"),
        ("x.bz2.gz", gzip.compress(bz2.compress(TEXT.encode())), "it is a bzip2 file within a .gz file; unpack it"),
        ("x", gzip.compress(TEXT.encode()), "it is a gzip file; give it the suffix .gz"),
        ("x.zst", b"\x28\xb5\x2f\xfd" + bytes(range(1, 200)), "unpack it with `unzstd`"),
    ],
    ids=lambda value: f"{len(value)} bytes" if isinstance(value, bytes) else None,  # archives hold the time
)
@pytest.mark.parametrize("reading", [{}, {"encoding": "latin-1"}, {"unit": "byte"}])
def test_an_archive_is_named_for_what_it_is(tmp_path, name, content, meaning, reading):
    path = write(tmp_path / name, content)
    try:
        notes = told(path, **reading)
    except CharlmError as error:
        notes = [str(error)]
    assert any(str(path) in note and meaning in note for note in notes)
