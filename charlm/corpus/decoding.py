"""Files to text: decoded, with its newlines, case and Unicode form made uniform, a piece at a time."""

import codecs
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from encodings.aliases import aliases
from typing import Any, AnyStr, Literal

from charlm.corpus.bad_bytes import bad_byte
from charlm.corpus.signatures import HEAD, archive, unmarked_utf16
from charlm.corpus.sources import Source
from charlm.corpus.tables import VISIBLE_BREAK, format_of, items
from charlm.corpus.vocabulary import UNITS
from charlm.errors import CorpusError, Remedy, UsageError
from charlm.phrases import count, one_line, suggestion

MODES = ("stream", "lines")
NEWLINES = ("lf", "keep")
Form = Literal["NFC", "NFD", "NFKC", "NFKD"]
FORMS: tuple[Form, ...] = ("NFC", "NFD", "NFKC", "NFKD")
UTF8 = "utf-8"
MOST_MARKS = 1_000  # in a row; text that is stacked for fun has a hundred, and Unicode's stream-safe format thirty
REPLACEMENT = "\ufffd"
TRANSFORMS = ("base64_codec", "bz2_codec", "hex_codec", "quopri_codec", "rot_13", "uu_codec", "zlib_codec")  # no text
BYTE_ORDER_MARK = "\ufeff"
MARKED = ("utf-16", "utf-32")  # what the mark at the beginning of a text is needed for

# A text may be cut before one of these without changing its normal form or its lower case: none of them combines
# with what precedes it, has a case, or is transparent to the rule of the final sigma.
SAFE = re.compile(r'[\t\n\r "(),;!?0-9\[\]{}\u3001\u3002\u3400-\u9fff\uac00-\ud7a3]')


@dataclass(frozen=True)
class Options:
    """How the characters of a corpus are read; the keys of the configuration's `corpus` section.

    Raises
    ------
    UsageError
        When an option has no such value, or has no effect with the unit.
    """

    encoding: str
    unit: str
    mode: str
    newlines: str
    normalize: Form | None
    lowercase: bool
    min_count: int
    unknown: str
    separator: str = ""
    column: str | None = None

    def __post_init__(self) -> None:
        """Refuse what cannot be meant."""
        _choose("unit", self.unit, tuple(UNITS))
        _choose("mode", self.mode, MODES)
        _choose("newlines", self.newlines, NEWLINES)
        if self.normalize is not None:
            _choose("normalize", self.normalize, FORMS)
        if self.min_count < 1:
            raise UsageError(f"corpus.min_count: must be at least 1, got {self.min_count}")
        if len(self.unknown) != 1 or (self.mode == "lines" and self.unknown == "\n"):
            raise UsageError(f"corpus.unknown: must be one character and no line's end, got {self.unknown!r}")
        check_encoding(self.encoding)
        if self.unit == "byte":
            self._refuse_text_options()

    def _refuse_text_options(self) -> None:
        set_here = {
            "encoding": codecs.lookup(self.encoding).name != UTF8,
            "normalize": self.normalize is not None,
            "lowercase": self.lowercase,
            "min_count": self.min_count != 1,
            "unknown": self.unknown != REPLACEMENT,
            "column": self.column is not None,
        }
        wrong = [key for key, is_set in set_here.items() if is_set]
        if wrong:
            keys = ", ".join(f"corpus.{key}" for key in wrong)
            raise UsageError(f"{keys}: no effect with corpus.unit: byte; remove it or choose unit: char")


@dataclass
class Tally:
    """What reading changed, counted on the way."""

    files: int = 0
    byte_order_marks: int = 0
    crlf: int = 0
    cr: int = 0
    changed_pieces: int = 0
    characters_before: int = 0
    characters_after: int = 0
    empty_lines: int = 0
    separators: int = 0
    line_breaks: int = 0
    archives: dict[str, list[str]] = field(default_factory=dict)  # what a file is, and which files are that

    def notes(self, options: Options, advice: bool = True) -> list[str]:
        """Return a line for everything that is no longer as it was in the files.

        With `advice` a line names the key of the configuration that would leave it as it was.
        """
        notes = []
        for meaning, names in self.archives.items():
            more = f" and {count(len(names) - 1, 'other file')}" if len(names) > 1 else ""
            notes.append(f"{names[0]}{more}: read as text, but {meaning}")
        if self.separators:
            what = "a newline" if options.separator == "\n" else repr(options.separator)
            notes.append(
                f"separator: {what} put after {count(self.separators, 'file')} that did not end with it"
                + " (corpus.separator: '' joins files as they are)" * advice
            )
        if self.line_breaks:
            notes.append(
                f"column: {count(self.line_breaks, 'line break')} within fields became {VISIBLE_BREAK} "
                f"(U+{ord(VISIBLE_BREAK):04X})"
            )
        if self.byte_order_marks:
            notes.append(f"byte order mark dropped from {count(self.byte_order_marks, 'file')}")
        if self.crlf or self.cr:
            kinds = {"CR LF": self.crlf, "CR": self.cr}
            changed = " and ".join(f"{number:,} {kind}" for kind, number in kinds.items() if number)
            notes.append(f"newlines: {changed} became LF" + " (corpus.newlines: keep leaves them alone)" * advice)
        if self.changed_pieces:
            ways = [options.normalize or "", "lower case" if options.lowercase else ""]
            before, after = self.characters_before, self.characters_after
            size = "" if before == after else f": {before:,} characters became {after:,}"
            notes.append(f"the text was changed to {' and '.join(filter(None, ways))}{size}")
        if self.empty_lines:
            notes.append(f"{count(self.empty_lines, 'empty line')} dropped")
        return notes


def check_encoding(encoding: str, key: str = "corpus.encoding") -> None:
    """Raise a `UsageError`, about a key, when no text codec has this name."""
    try:
        b"text".decode(encoding, "ignore")
        codecs.getincrementaldecoder(encoding)
    except (LookupError, TypeError, ValueError):
        names = {name.replace("_", "-") for name in aliases.values() if name not in TRANSFORMS}
        hint = suggestion(str(encoding), sorted(names)) or "; for example utf-8, utf-16, cp1252, latin-1"
        raise UsageError(f"{key}: {encoding!r} is not a text encoding{hint}") from None


def text(sources: Sequence[Source], options: Options, tally: Tally) -> Iterator[str]:
    """Yield the text of files, one after the other, as the options want it.

    Parameters
    ----------
    sources : sequence of Source
        The files.
    options : Options
        How to read them.
    tally : Tally
        Counts what is changed.

    Yields
    ------
    str
        A piece of some hundred thousand characters; where pieces end means nothing. In lines mode the text
        begins and ends with a newline and has no two in a row.

    Raises
    ------
    CorpusError
        When a file cannot be read or is no text in this encoding.
    """
    ends = ("\n", "\r") if options.newlines == "lf" else ("\n",)
    files = (_characters(source, options, tally) for source in sources)
    if options.mode == "lines":
        pieces = _ended(files, "\n", ends, tally)
    else:
        pieces = _joined(files, options.separator, ends if options.separator == "\n" else (options.separator,), tally)
    pieces = _in_form(pieces, options, tally)
    return _as_lines(pieces, "\n", re.compile("\n{2,}"), tally) if options.mode == "lines" else pieces


def options_of(section: Mapping[str, Any]) -> Options:
    """Return the options that are in a `corpus` section, also in one of a version that had fewer."""
    return Options(**{option.name: section[option.name] for option in fields(Options) if option.name in section})


def in_form(text: str, options: Options) -> str:
    """Return a text with the newlines, the case and the normal form that a corpus got with these options."""
    return "".join(_in_form([text], options, Tally())) if options.unit == "char" else text


def data(sources: Sequence[Source], options: Options, tally: Tally) -> Iterator[bytes]:
    """Yield the bytes of files as they are; in lines mode in the form that `text` describes."""
    files = (_watched(source, tally) for source in sources)
    if options.mode == "lines":
        return _as_lines(_ended(files, b"\n", (b"\n",), tally), b"\n", re.compile(b"\n{2,}"), tally)
    separator = options.separator.encode("utf-8", "surrogateescape")
    return _joined(files, separator, (separator,), tally)


def lines_of(source: Source, options: Options) -> Iterator[str]:
    """Yield one file's text with the line ends that an editor counts, otherwise as it is."""
    return _with_line_feeds(_characters(source, options, Tally()), Tally())


def symbols_of(source: Source, options: Options, tally: Tally) -> Iterator[str]:
    """Yield one file's symbols before any is put between files or left out: characters, or ``chr(b)`` for a byte b."""
    if options.unit == "byte":
        return _newlines_counted((chunk.decode("latin-1") for chunk in _watched(source, tally)), tally)
    return _in_form(_characters(source, options, tally), options, tally)


Reader = Callable[[Sequence[Source], Options, Tally], Iterator[str] | Iterator[bytes]]
READERS: dict[str, Reader] = {"char": text, "byte": data}


def _choose(key: str, value: str, choices: Sequence[str]) -> None:
    if value not in choices:
        hint = suggestion(str(value), choices)
        raise UsageError(f"corpus.{key}: {value!r} is not a choice{hint} ({', '.join(choices)})")


def _characters(source: Source, options: Options, tally: Tally) -> Iterator[str]:
    """Yield a file's text, or the column that is wanted of a table as lines."""
    pieces = _decoded(source, options.encoding, tally)
    if options.column is None or not format_of(source):
        return pieces

    def note(breaks: int) -> None:
        tally.line_breaks += breaks

    return items(source, _with_line_feeds(pieces, Tally()), options.column, note)


def _decoded(source: Source, encoding: str, tally: Tally) -> Iterator[str]:
    decoder = codecs.getincrementaldecoder(encoding)("strict")
    offset, begun = 0, False
    for chunk, final in _with_end(_without_utf16(source, encoding, _watched(source, tally))):
        try:
            piece = decoder.decode(chunk, final)
        except UnicodeDecodeError as error:  # its object holds the bytes still in the decoder, then this chunk
            at = offset + len(chunk) - len(error.object) + error.start
            raise bad_byte(source, encoding, at, error.reason) from None
        except Exception as error:  # Python's lesser codecs raise whatever a slip in them leads to
            reason = one_line(str(error)) or type(error).__name__
            if codecs.lookup(encoding).name in MARKED:
                raise bad_byte(source, encoding, 0, reason) from None
            raise CorpusError(f"{source.name}: is not valid {encoding}: {reason}") from None
        offset += len(chunk)
        if piece and not begun:
            begun = True
            if piece.startswith(BYTE_ORDER_MARK):
                tally.byte_order_marks += 1
                piece = piece[1:]
        if piece:
            yield piece


def _watched(source: Source, tally: Tally) -> Iterator[bytes]:
    """Yield a file's content, and note what it is if it begins as an archive does."""
    head = b""
    for chunk in source.chunks():
        if len(head) < HEAD:
            head = (head + chunk)[:HEAD]
        yield chunk
    if meaning := archive(head, source.compression):
        tally.archives.setdefault(meaning, []).append(source.name)


def _without_utf16(source: Source, encoding: str, chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield a file's content, and refuse UTF-16 in another encoding, for in UTF-8 and Latin-1 it may be a text, too."""
    head = bytes(HEAD) if codecs.lookup(encoding).name.startswith(MARKED) else b""
    for chunk in chunks:
        if len(head) < HEAD:
            head = (head + chunk)[:HEAD]
            if meaning := unmarked_utf16(head):
                raise CorpusError(f"{source.name}: {meaning}", remedy=Remedy.SET_ENCODING)
        yield chunk


def _with_end(chunks: Iterable[bytes]) -> Iterator[tuple[bytes, bool]]:
    for chunk in chunks:
        yield chunk, False
    yield b"", True


def _ended(
    files: Iterable[Iterator[AnyStr]], newline: AnyStr, line_ends: tuple[AnyStr, ...], tally: Tally
) -> Iterator[AnyStr]:
    """Yield the pieces of all files, and end the last line of each."""
    for pieces in files:
        tally.files += 1
        last = newline[:0]
        for piece in pieces:
            last = piece
            yield piece
        if last and not last.endswith(line_ends):
            yield newline


def _joined(
    files: Iterable[Iterator[AnyStr]], separator: AnyStr, ends: tuple[AnyStr, ...], tally: Tally
) -> Iterator[AnyStr]:
    """Yield the pieces of all files, with the separator before a file where what precedes it has none of the ends."""
    end = separator[:0]  # of the text so far, as long as a separator
    for pieces in files:
        tally.files += 1
        begins = True
        for piece in pieces:
            if begins and end and not end.endswith(ends):
                tally.separators += 1
                yield separator
            begins = False
            end = (end + piece)[-len(separator) :] if separator else end
            yield piece


def _in_form(pieces: Iterable[str], options: Options, tally: Tally) -> Iterator[str]:
    if options.newlines == "lf":
        pieces = _with_line_feeds(pieces, tally)
    if options.normalize or options.lowercase:
        pieces = _uniform(pieces, options, tally)
    yield from pieces


def _with_line_feeds(pieces: Iterable[str], tally: Tally) -> Iterator[str]:
    """Turn CR LF and CR into LF; a CR at a piece's end waits for what follows it."""
    held = ""
    for piece in pieces:
        piece = held + piece
        if "\r" not in piece:
            yield piece
            continue
        held = "\r" if piece.endswith("\r") else ""
        piece = piece[: len(piece) - len(held)]
        pairs = piece.count("\r\n")
        tally.crlf += pairs
        tally.cr += piece.count("\r") - pairs
        yield piece.replace("\r\n", "\n").replace("\r", "\n")
    if held:
        tally.cr += 1
        yield "\n"


def _newlines_counted(pieces: Iterable[str], tally: Tally) -> Iterator[str]:
    """Count CR LF and CR, and leave them as they are."""
    last = ""
    for piece in pieces:
        pairs = piece.count("\r\n") + (last == "\r" and piece.startswith("\n"))
        tally.crlf += pairs
        tally.cr += piece.count("\r") - pairs
        last = piece[-1:]
        yield piece


def _uniform(pieces: Iterable[str], options: Options, tally: Tally) -> Iterator[str]:
    for piece in _cut_safely(pieces):
        changed = piece
        if options.normalize:
            _check_marks(piece, tally.characters_before, options.normalize)
            changed = unicodedata.normalize(options.normalize, changed)
        if options.lowercase:
            changed = changed.lower()
        if options.normalize and options.lowercase:  # lower case can take a text out of its normal form
            changed = unicodedata.normalize(options.normalize, changed)
        tally.changed_pieces += changed != piece
        tally.characters_before += len(piece)
        tally.characters_after += len(changed)
        yield changed


def _check_marks(piece: str, before: int, form: str) -> None:
    """Refuse more combining marks in a row than `MOST_MARKS`: ordering n of them takes n^2 steps."""
    if piece.isascii():
        return
    for at in range(0, len(piece), MOST_MARKS // 2):  # one of these places is in every longer run
        start = stop = at
        while stop < len(piece) and stop - start <= MOST_MARKS and unicodedata.combining(piece[stop]):
            stop += 1
        while stop > at and start > 0 and stop - start <= MOST_MARKS and unicodedata.combining(piece[start - 1]):
            start -= 1
        if stop - start > MOST_MARKS:
            while start > 0 and unicodedata.combining(piece[start - 1]):
                start -= 1
            raise CorpusError(
                f"the text has more than {MOST_MARKS:,} combining marks in a row, at its character {before + start:,}, "
                f"which take too long to bring into {form}; remove them, or set corpus.normalize to null"
            )


def _cut_safely(pieces: Iterable[str]) -> Iterator[str]:
    """Yield the same text cut only where its characters do not affect each other."""
    held: list[str] = []
    for piece in pieces:
        cut = _last_safe_cut(piece)
        if cut is None:
            held.append(piece)
            continue
        yield "".join([*held, piece[:cut]])
        held = [piece[cut:]]
    yield "".join(held)


def _last_safe_cut(piece: str) -> int | None:
    return next((at for at in range(len(piece) - 1, -1, -1) if SAFE.match(piece, at)), None)


def _as_lines(pieces: Iterable[AnyStr], newline: AnyStr, runs: re.Pattern[AnyStr], tally: Tally) -> Iterator[AnyStr]:
    """Begin and end the text with a newline and leave out empty lines."""
    yield newline
    ended = True
    for piece in pieces:
        cleaned = piece.lstrip(newline) if ended else piece
        if newline + newline in cleaned:
            cleaned = runs.sub(newline, cleaned)
        tally.empty_lines += len(piece) - len(cleaned)
        if cleaned:
            ended = cleaned.endswith(newline)
            yield cleaned
    if not ended:
        yield newline
