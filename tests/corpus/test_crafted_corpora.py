"""Texts in every encoding cut anywhere, packed files cut anywhere, and all that is no text: each is read or refused."""

import bz2
import gzip
import lzma
import time
import unicodedata
from collections.abc import Callable, Iterator
from encodings.aliases import aliases
from itertools import product
from typing import Any

import pytest

from charlm.corpus import decoding, sources
from charlm.corpus.decoding import FORMS, Options, Tally
from charlm.errors import CharlmError
from tests.corpora import PROSE, WHOLE, load_path, naive_text, write
from tests.corpus.test_remarks import tar_of, zip_of

SECONDS = 5.0  # of processor time
TEXTS = [
    "It was a bright cold day in April,\nand the clocks were striking thirteen.\n",
    "Zoë, Ünal, Łódź, Ждать, Ελλάδα, 日本語, ภาษา, العربية, 😀\r\n" * 2,
    "\ufeff\u0301\u0301a\u0323\u1100\u1161\u11a8\ufb01\x00\x1b\x85\u2028\U0010ffff\n",
]
MARKS = (b"\xff\xfe", b"\xfe\xff", b"\0\0\xfe\xff")
CUTS = [0, 1, 2, 3, 5, 8, 13, 21, 34, 50, -3, -2, -1, 10_000]
PACK: dict[str, Callable[[bytes], bytes]] = {".gz": gzip.compress, ".bz2": bz2.compress, ".xz": lzma.compress}


def is_text_encoding(name: str) -> bool:
    try:
        decoding.check_encoding(name)
    except CharlmError:
        return False
    return True


ENCODINGS = sorted(name for name in {*aliases.values(), "utf_8_sig", "idna", "undefined"} if is_text_encoding(name))
# Python's own decoders of these give up, or give something else, where a text comes in pieces or is cut.
PECULIAR = ("punycode", "idna", "unicode_escape", "raw_unicode_escape", "utf_7", "undefined", "oem", "mbcs")


def read(path, **options) -> str:
    chosen = {"encoding": "utf-8", "unit": "char", "mode": "stream", "newlines": "keep", "normalize": None,
              "lowercase": False, "min_count": 1, "unknown": "\ufffd", **options}  # fmt: skip
    return "".join(decoding.text(sources.find(str(path)), Options(**chosen), Tally()))


def python_reads(data: bytes, encoding: str) -> str:
    """Return what Python reads, without a mark; it takes UTF-16 and UTF-32 without one for those of the machine."""
    text = data.decode(encoding)
    if data and encoding.replace("_", "-") in ("utf-16", "utf-32") and not data.startswith(MARKS):
        raise UnicodeError("there is no mark")
    return text.removeprefix("\ufeff")


def refusal(path, **options) -> str:
    with pytest.raises(CharlmError) as caught:
        read(path, **options)
    assert str(caught.value).isprintable()
    assert str(caught.value).startswith(str(path)), caught.value
    return str(caught.value)


@pytest.fixture(autouse=True)
def soon():
    began = time.process_time()
    yield
    assert time.process_time() - began < SECONDS


def cut(data: bytes) -> Iterator[bytes]:
    return (
        data[:end] for end in sorted({min(end, len(data)) if end >= 0 else max(0, len(data) + end) for end in CUTS})
    )


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of unicode_escape, for sequences that it does not know
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_text_cut_anywhere_is_what_python_reads_or_names_the_byte(tmp_path, encoding):
    tried = 0
    for text in TEXTS:
        try:
            whole = text.encode(encoding, "ignore")
        except UnicodeError:
            continue
        for data in cut(whole):
            if encoding == "utf_8_sig" and len(data) in (1, 2):
                continue  # Python's decoder takes the beginning of a mark for an empty text
            tried += 1
            path = write(tmp_path / "text", data)
            try:
                expected = python_reads(data, encoding)
            except UnicodeError:
                message = refusal(path, encoding=encoding)
                assert encoding in PECULIAR or f"is not valid {encoding}" in message, message
            else:
                if encoding not in PECULIAR:
                    assert read(path, encoding=encoding) == expected
    assert tried > 5 or encoding in PECULIAR


@pytest.mark.parametrize("other", ["utf-8", "utf-16", "utf-32", "shift_jis", "gb18030", "koi8_r", "cp1252", "latin-1"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-16-le", "utf-32", "ascii", "euc_jp", "cp1251", "hz"])
def test_a_text_in_another_encoding_is_what_python_reads_or_names_the_byte(tmp_path, encoding, other):
    for text in TEXTS:
        data = text.encode(other, "ignore")
        path = write(tmp_path / "text", data)
        try:
            expected = python_reads(data, encoding)
        except UnicodeError:
            assert "byte " in refusal(path, encoding=encoding)
        else:
            assert read(path, encoding=encoding) == expected


@pytest.mark.parametrize("suffix", PACK)
def test_a_packed_file_that_is_cut_anywhere_or_has_a_wrong_bit_is_read_whole_or_refused(tmp_path, suffix):
    text = PROSE * 3
    packed = PACK[suffix](text.encode())
    path = tmp_path / f"text{suffix}"
    for end in range(1, len(packed)):
        refusal(write(path, packed[:end]))
    wrong = 0
    for at in range(len(packed)):
        path.write_bytes(packed[:at] + bytes([packed[at] ^ 16]) + packed[at + 1 :])
        try:
            found = read(path)
        except CharlmError as error:
            wrong += str(error).isprintable()
        else:
            assert found == text  # a bit of the header or of the padding that means nothing here
    assert wrong > 0.8 * len(packed)


@pytest.mark.parametrize("outer", PACK)
@pytest.mark.parametrize("inner", [*PACK, ".tar", ".zip", ".zst", ".7z"])
def test_what_is_packed_twice_is_named_for_what_it_is(tmp_path, outer, inner):
    heads = {".zst": b"\x28\xb5\x2f\xfd", ".7z": b"7z\xbc\xaf\x27\x1c"}
    made = {**PACK, ".tar": tar_of, ".zip": zip_of}
    text = PROSE.encode() * 30
    path = write(tmp_path / f"text{outer}", PACK[outer](made[inner](text) if inner in made else heads[inner] + text))
    name = {".gz": "gzip file within", ".bz2": "bzip2 file within", ".xz": "xz file within", ".tar": "tar archive",
            ".zip": "zip archive", ".zst": "Zstandard", ".7z": "7z archive"}[inner]  # fmt: skip
    try:
        report = "\n".join(load_path(path, WHOLE).report)
    except CharlmError as error:
        report = str(error)
    assert name in report


CONTENTS = {
    "nothing": "",
    "a mark": "\ufeff",
    "a character": "a",
    "one character again and again": "a" * 1_000,
    "line ends": "\n" * 1_000,
    "carriage returns": "\r" * 1_001,
    "both": "\r\n\n\r" * 300,
    "NUL": "\0a" * 500,
    "controls": "".join(map(chr, range(32))) * 20,
    "marks": "a" + "\u0301\u0323" * 400 + "b",
    "too many marks": "a" + "\u0301\u0323" * 600 + "b",
    "jamo": "\u1100\u1161\u11a8\u11a8" * 300,
    "sigmas": "ΑΣ ΣΑ Σ' Σ\u0301Σ" * 200,
    "capitals that grow": "İẞŉ" * 300,
    "ligatures that grow": "\ufdfa\ufb03\u3300" * 300,
    "all of the basic plane": "".join(map(chr, [*range(1, 0xD800), *range(0xE000, 0x10000)])),
    "one character of each plane": "".join(chr(plane << 16 | 0x41) for plane in range(17)) * 9,
    "directions": "\u202eabc\u2066\u2069\u200f" * 100,
    "separators": "a\u2028b\u2029c\x85d\x0be\x0cf\x1cg" * 100,
    "no characters": "\ufffe\uffff\U0001fffe" * 100,
}
WAYS: list[dict[str, Any]] = [{"mode": mode, "newlines": newlines, "normalize": form, "lowercase": lowercase}
        for mode in ("stream", "lines") for newlines in ("lf", "keep") for form in (None, *FORMS)
        for lowercase in (False, True)]  # fmt: skip


@pytest.mark.parametrize("name", CONTENTS)
def test_odd_texts_are_read_in_every_way_as_the_rules_say(tmp_path, name):
    path = write(tmp_path / "text", CONTENTS[name])
    for way in WAYS:
        options = Options("utf-8", "char", min_count=1, unknown="\ufffd", **way)
        if name == "too many marks" and way["normalize"]:
            with pytest.raises(CharlmError, match="combining marks in a row"):
                read(path, **way)
            continue
        assert read(path, **way) == naive_text(CONTENTS[name], options)


@pytest.mark.parametrize("name", CONTENTS)
@pytest.mark.parametrize("unit", ["char", "byte"])
def test_odd_texts_get_a_vocabulary_or_a_reason(tmp_path, name, unit):
    text = CONTENTS[name].removeprefix("\ufeff") if unit == "char" else CONTENTS[name]
    path = write(tmp_path / "text", CONTENTS[name])
    symbols = text if unit == "char" else text.encode()
    if len(set(symbols)) < 2:
        with pytest.raises(CharlmError, match=r"is empty|at least two different"):
            load_path(path, WHOLE, unit=unit, newlines="keep")
        return
    corpus = load_path(path, WHOLE, unit=unit, newlines="keep")
    assert corpus.characters == len(symbols)
    assert corpus.vocabulary.decode(corpus.train) == text
    assert all(line.isprintable() for line in corpus.report)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-32", "utf-7", "cp1252", "shift_jis", "gb18030", "big5"])
def test_a_byte_again_and_again_is_read_or_refused(tmp_path, encoding):
    for byte, size in product([0, 10, 13, 26, 0x41, 0x80, 0xC0, 0xE2, 0xED, 0xF0, 0xF5, 0xFE, 0xFF], [1, 2, 3, 4, 100]):
        data = bytes([byte]) * size
        path = write(tmp_path / "text", data)
        try:
            expected = python_reads(data, encoding)
        except UnicodeError:
            refusal(path, encoding=encoding)
        else:
            assert read(path, encoding=encoding) == expected


def test_the_texts_above_are_what_they_are_called():
    assert all(unicodedata.combining(character) for character in CONTENTS["too many marks"][1:-1])
