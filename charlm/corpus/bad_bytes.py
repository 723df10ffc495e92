"""What to say of a byte that is no text: where it is, and what the file may be instead."""

import codecs
import io
from typing import NamedTuple

from charlm.corpus.sources import Source
from charlm.errors import CorpusError

HEAD = 1 << 16
BEFORE = 1 << 15
AFTER = 1 << 16
SIGNATURES = {
    b"\x1f\x8b": "it is a gzip file; give it the suffix .gz",
    b"BZh": "it is a bzip2 file; give it the suffix .bz2",
    b"\xfd7zXZ\x00": "it is an xz file; give it the suffix .xz",
    b"PK\x03\x04": "it is a zip archive (as docx, odt and epub files are); extract the text from it",
    b"%PDF": "it is a PDF; extract the text from it",
    codecs.BOM_UTF32_LE: "it begins as UTF-32 does; set `encoding: utf-32`",
    codecs.BOM_UTF32_BE: "it begins as UTF-32 does; set `encoding: utf-32`",
    codecs.BOM_UTF16_LE: "it begins as UTF-16 does; set `encoding: utf-16`",
    codecs.BOM_UTF16_BE: "it begins as UTF-16 does; set `encoding: utf-16`",
}
NOT_IN_CP1252 = frozenset(b"\x81\x8d\x8f\x90\x9d")
WESTERN_SHARE = 0.4  # of the letters of a Western European text, fewer than this carry an accent


class Surroundings(NamedTuple):
    """What was found on the way to the byte: the file's beginning, the line, and the bytes around it."""

    head: bytes
    line: int
    around: bytes
    at: int  # the byte's place in `around`


def bad_byte(source: Source, encoding: str, offset: int, reason: str) -> CorpusError:
    """Return the error that explains a byte which is no text in an encoding.

    Parameters
    ----------
    source : Source
        The file.
    encoding : str
        The encoding that was tried.
    offset : int
        The byte's place in the (decompressed) file, counted from 0.
    reason : str
        What the codec said.

    Returns
    -------
    CorpusError
        Naming the file, the offset, the line, and the likely encoding.
    """
    found = _look_around(source, encoding, offset)
    value = found.around[found.at : found.at + 1]
    byte = f"0x{value[0]:02X} " if value else ""
    return CorpusError(
        f"{source.name}: byte {offset} (line {found.line}): {byte}is not valid {encoding} ({reason}); "
        f"{likely_encoding(found.head, found.around, encoding)}"
    )


def likely_encoding(head: bytes, around: bytes, tried: str) -> str:
    """Return a sentence on what a file seems to be.

    Parameters
    ----------
    head : bytes
        Its first bytes.
    around : bytes
        Those around the byte that could not be decoded.
    tried : str
        The encoding that failed.

    Returns
    -------
    str
        What it looks like, and what to set.
    """
    for signature, meaning in SIGNATURES.items():
        if head.startswith(signature):
            return meaning
    if b"\x00" in head or b"\x00" in around:
        return _zero_pattern(head if b"\x00" in head else around)
    return _utf8_or_damaged(around, tried) or _eight_bit(around, tried)


def _look_around(source: Source, encoding: str, offset: int) -> Surroundings:
    lines = io.IncrementalNewlineDecoder(codecs.getincrementaldecoder(encoding)("ignore"), translate=True)
    head, around, line, position, start = b"", b"", 1, 0, 0
    for chunk in source.chunks():
        if len(head) < HEAD:
            head += chunk[: HEAD - len(head)]
        if position < offset:
            line += lines.decode(chunk[: offset - position]).count("\n")
            cut = max(0, len(around) - BEFORE)
            start, around = start + cut, around[cut:]
        around += chunk
        position += len(chunk)
        if position >= offset + AFTER:
            break
    line += lines.decode(b"", final=True).count("\n")  # a carriage return that nothing followed
    first = max(0, offset - start - BEFORE)
    return Surroundings(head, line, around[first : offset - start + AFTER], offset - start - first)


def _zero_pattern(data: bytes) -> str:
    even, odd = data[::2], data[1::2]
    zero_even, zero_odd = even.count(0) / len(even), odd.count(0) / max(1, len(odd))
    if zero_odd > 0.4 and zero_even < 0.1:
        return "every other byte is zero, as in UTF-16; set `encoding: utf-16-le`"
    if zero_even > 0.4 and zero_odd < 0.1:
        return "every other byte is zero, as in UTF-16; set `encoding: utf-16-be`"
    return "it has zero bytes, so it is probably no text; `unit: byte` reads any file"


def _utf8_or_damaged(around: bytes, tried: str) -> str | None:
    read = around.decode("utf-8", "replace")
    bad = read.count("\ufffd")
    good = sum(read.count(character) for character in set(read) if character > "\x7f" and character != "\ufffd")
    if good > 3 * bad and codecs.lookup(tried).name == "utf-8":
        return "the text around it is UTF-8, so the file is probably damaged or cut here"
    if good > 3 * bad:
        return "it looks like UTF-8; set `encoding: utf-8`"
    return None


def _eight_bit(around: bytes, tried: str) -> str:
    values = set(around)
    high = sum(around.count(value) for value in values if value > 0x7F)
    letters = sum(around.count(value) for value in values if value < 0x80 and chr(value).isalpha())
    western = high < WESTERN_SHARE * max(1, letters + high)
    guess = "latin-1" if values & NOT_IN_CP1252 else "cp1252"
    if western and codecs.lookup(guess).name != codecs.lookup(tried).name:
        return f"it looks like a Western European 8-bit text; set `encoding: {guess}`"
    return (
        "it may be in another 8-bit or East Asian encoding; set `encoding:` to what wrote it, such as cp1251, "
        "koi8-r, shift_jis or gb18030"
    )
