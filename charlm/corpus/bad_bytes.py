"""What to say of a byte that is no text: where it is, and what the file may be instead."""

import codecs
import io
from typing import NamedTuple

from charlm.corpus.signatures import HEAD, archive, kind, mark, unmarked_utf16, zero_pattern
from charlm.corpus.sources import Source
from charlm.errors import CorpusError, Remedy

NO_TEXT = "no text; a model of bytes can read it"
BEFORE = 1 << 15
AFTER = 1 << 16
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
    meaning = likely_encoding(found.head, found.around, encoding, source.compression)
    return CorpusError(
        f"{source.name}: byte {offset} (line {found.line}): {byte}is not valid {encoding} ({reason}); {meaning}",
        remedy=Remedy.SET_ENCODING if "`encoding:" in meaning else Remedy.SET_UNIT if NO_TEXT in meaning else None,
    )


def likely_encoding(head: bytes, around: bytes, tried: str, unpacked: str = "") -> str:
    """Return a sentence on what a file seems to be.

    Parameters
    ----------
    head : bytes
        Its first bytes.
    around : bytes
        Those around the byte that could not be decoded.
    tried : str
        The encoding that failed.
    unpacked : str
        The suffix of the compression that was taken off the file, or an empty string.

    Returns
    -------
    str
        What it looks like, and what to set.
    """
    if meaning := archive(head, unpacked) or mark(head):
        return meaning
    if found := kind(head):
        return f"it is {found}, and {NO_TEXT}"
    if meaning := unmarked_utf16(head):
        return meaning
    if b"\x00" in head or b"\x00" in around:
        return zero_pattern(head if b"\x00" in head else around) or f"it has zero bytes, so it is probably {NO_TEXT}"
    return _utf8_or_damaged(around, tried) or _eight_bit(around, tried)


class _LineCount:
    """Counts line ends in bytes of an encoding; in the bytes as they are, if its codec cannot pass over bad ones."""

    def __init__(self, encoding: str) -> None:
        decoder = codecs.getincrementaldecoder(encoding)("ignore")
        self._decoder = io.IncrementalNewlineDecoder(decoder, translate=True)
        self._plain = io.IncrementalNewlineDecoder(codecs.getincrementaldecoder("latin-1")(), translate=True)
        self._decoded: int | None = 0
        self._as_they_are = 0

    def feed(self, data: bytes, final: bool = False) -> None:
        self._as_they_are += self._plain.decode(data, final).count("\n")
        if self._decoded is not None:
            try:
                self._decoded += self._decoder.decode(data, final).count("\n")
            except Exception:  # what codecs raise that cannot ignore, such as punycode and undefined
                self._decoded = None

    def finish(self) -> int:
        """Return the number, with a carriage return at the end that nothing followed."""
        self.feed(b"", final=True)
        return self._as_they_are if self._decoded is None else self._decoded


def _look_around(source: Source, encoding: str, offset: int) -> Surroundings:
    lines = _LineCount(encoding)
    head, around, position, start = b"", b"", 0, 0
    for chunk in source.chunks():
        if len(head) < HEAD:
            head += chunk[: HEAD - len(head)]
        if position < offset:
            lines.feed(chunk[: offset - position])
            cut = max(0, len(around) - BEFORE)
            start, around = start + cut, around[cut:]
        around += chunk
        position += len(chunk)
        if position >= offset + AFTER:
            break
    line = 1 + lines.finish()
    first = max(0, offset - start - BEFORE)
    return Surroundings(head, line, around[first : offset - start + AFTER], offset - start - first)


def _utf8_or_damaged(around: bytes, tried: str) -> str | None:
    read = around.decode("utf-8", "replace")
    bad = read.count("\ufffd")
    good = sum(read.count(character) for character in set(read) if character > "\x7f" and character != "\ufffd")
    if good > 3 * bad and codecs.lookup(tried).name == "utf-8":
        return "the text around it is UTF-8, so the file is probably damaged or cut here"
    if good > 3 * bad or not bad:
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
