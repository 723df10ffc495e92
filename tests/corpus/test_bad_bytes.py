"""Facts about bytes that are no text in the encoding: where they are, and which encoding is likely."""

import bz2
import gzip
import lzma
import random
import re
from encodings.aliases import aliases

import pytest
from hypothesis import given
from hypothesis import strategies as st

from charlm.corpus import decoding as reading
from charlm.corpus import sources
from charlm.errors import CharlmError
from tests.corpora import WHOLE, load_path, naive_text, whole_text, write


@pytest.mark.parametrize("size", [1, 2, 3, 1000])
@given(
    before=st.text(alphabet="aé日😀\n\r", max_size=12),
    after=st.text(alphabet="abc", max_size=4),
    bad=st.sampled_from([b"\xff", b"\xc3(", b"\xed\xa0\x80", b"\xe2\x82", b"\xf0\x9f"]),
)
def test_a_bad_byte_is_named_by_file_offset_and_line(tmp_path_factory, size, before, after, bad):
    path = write(tmp_path_factory.getbasetemp() / "bad.txt", before.encode() + bad + after.encode())
    saved, sources.CHUNK_BYTES = sources.CHUNK_BYTES, size
    try:
        with pytest.raises(CharlmError) as caught:
            load_path(path, WHOLE)
    finally:
        sources.CHUNK_BYTES = saved
    line = 1 + naive_text(before, reading.Options("utf-8", "char", "stream", "lf", None, False, 1, "\ufffd")).count(
        "\n"
    )
    assert f"bad.txt: byte {len(before.encode())} (line {line}): 0x{bad[0]:02X} is not valid utf-8" in str(caught.value)


@pytest.mark.parametrize("size", [1, 2, 3, 5, 1000])
@pytest.mark.parametrize("encoding", ["shift_jis", "euc_kr", "gb18030", "utf-16-le", "utf-32", "utf-7", "iso2022_jp"])
def test_the_offset_is_right_in_any_encoding(tmp_path, monkeypatch, encoding, size):
    text = "ab日本c\nd" if encoding != "euc_kr" else "ab가나c\nd"
    bad = {"utf-16-le": b"\x00\xdcx\x00", "utf-32": b"\x00\x00\x11\x7f"}.get(encoding, b"\xff\xff")
    data = text.encode(encoding) + bad + "xyz".encode(encoding)
    with pytest.raises(UnicodeDecodeError) as expected:
        data.decode(encoding)
    monkeypatch.setattr(sources, "CHUNK_BYTES", size)
    with pytest.raises(CharlmError, match=rf": byte {expected.value.start} \(line 2\)"):
        load_path(write(tmp_path / "bad", data), encoding=encoding)


FRENCH = "Ça a été l'été où Zoë mangea des œufs — à Noël, « dit-elle ».\n" * 20


@pytest.mark.parametrize(
    ("content", "encoding", "hint"),
    [
        (FRENCH.encode("cp1252"), "utf-8", "encoding: cp1252"),
        (FRENCH.replace("œ", "oe").replace("—", "-").encode("latin-1") + b"\x81", "utf-8", "encoding: latin-1"),
        (FRENCH.encode("utf-8"), "ascii", "encoding: utf-8"),
        (FRENCH.encode("utf-16"), "utf-8", "encoding: utf-16`"),
        (FRENCH.encode("utf-16-le"), "utf-8", "encoding: utf-16-le"),
        (FRENCH.encode("utf-16-be"), "utf-8", "encoding: utf-16-be"),
        (FRENCH.encode("utf-32"), "utf-8", "encoding: utf-32"),
        (FRENCH.encode()[:600] + b"\xff" + FRENCH.encode()[600:], "utf-8", "damaged"),
        (FRENCH.encode()[:-3], "utf-8", "damaged or cut here"),
        ("Все счастливые семьи похожи друг на друга.\n".encode("cp1251") * 20, "utf-8", "cp1251"),
        (gzip.compress(b"abc" * 100, mtime=0), "utf-8", "suffix .gz"),
        (bz2.compress(b"abc" * 100), "utf-8", "suffix .bz2"),
        (lzma.compress(b"abc" * 100), "utf-8", "suffix .xz"),
        (b"\x7fELF\x00\x01\x02\x00\x00\x00\xff\xfe\x80" * 50, "utf-8", "a model of bytes can read it"),
        (b"plain ASCII, but for its length\n" * 20 + b"a", "utf-16", "encoding: utf-8"),
    ],
)
def test_a_bad_byte_comes_with_the_likely_encoding(tmp_path, content, encoding, hint):
    with pytest.raises(CharlmError, match=re.escape(hint)):
        load_path(write(tmp_path / "c", content), encoding=encoding)


def test_the_encoding_named_reads_the_file(tmp_path):
    assert whole_text(write(tmp_path / "c", FRENCH.encode("cp1252")), encoding="cp1252") == FRENCH


def is_encoding(name):
    try:
        reading.check_encoding(name)
    except CharlmError:
        return False
    return True


TEXT_ENCODINGS = sorted(
    {name for name in [*aliases.values(), "idna", "punycode", "undefined", "utf_8_sig", "unicode_escape"]
     if is_encoding(name)}
)  # fmt: skip


def error_of(path, encoding):
    try:
        load_path(path, WHOLE, encoding=encoding)
    except CharlmError as error:
        return str(error)
    return ""


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of unicode_escape, for sequences that it does not know
@pytest.mark.parametrize("encoding", TEXT_ENCODINGS)
def test_whatever_the_bytes_and_the_encoding_an_error_is_one_line(tmp_path, monkeypatch, encoding):
    monkeypatch.setattr(sources, "CHUNK_BYTES", 64)
    rng = random.Random(encoding)
    for size in (1, 30, 200):
        for alphabet in (range(256), range(128), range(192, 256), b"-\\xuU+&az.\x1b$BN{}\n", b"\xd8\xdc\x00\xff"):
            path = write(tmp_path / "bad", bytes(rng.choices(alphabet, k=size)))
            assert "\n" not in error_of(path, encoding)
