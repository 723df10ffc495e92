"""One column of a table as lines: CSV, TSV and JSON lines, a row at a time."""

import csv
import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import PurePath
from typing import Any

from charlm.corpus.sources import DECOMPRESSORS, Source
from charlm.errors import CorpusError, UsageError
from charlm.phrases import count, one_line, shortened, suggestion

LINE_BREAK = re.compile(r"\r\n|\r|\n")  # a JSON string may have any
VISIBLE_BREAK = "\u2424"  # the symbol for newline; the letters \n would be two symbols, which a text may have anyway
PIECE = 1 << 16  # characters yielded at a time
LONGEST_FIELD = (1 << 31) - 1  # characters, the most that a reader of Python's takes on every system
NAMED = 20  # columns in a message

Row = tuple[int, str]  # the number of the line that it ends in, and the field


def format_of(source: Source) -> str:
    """Return the suffix that says how a table is written, or an empty string for what is no table."""
    path = PurePath(source.name.lower())
    suffix = PurePath(path.stem).suffix if path.suffix in DECOMPRESSORS else path.suffix
    return suffix if source.path is not None and suffix in FORMATS else ""


def check_tables(sources: Sequence[Source], column: str) -> None:
    """Raise a `UsageError` where a file of which a column is wanted is no table."""
    for source in sources:
        if not format_of(source):
            raise UsageError(
                f"{source.name}: is no table by its name, so it has no column {column!r} (corpus.column); name files "
                f"that end in {', '.join(FORMATS)}, also with {', '.join(DECOMPRESSORS)} behind that"
            )


def items(source: Source, text: Iterable[str], column: str, on_breaks: Callable[[int], object]) -> Iterator[str]:
    """Yield one column of a table as lines, a piece at a time.

    Parameters
    ----------
    source : Source
        The file, whose name says how it is written.
    text : iterable of str
        What is in it, its line ends LF.
    column : str
        The name of the column: a field of the first line, in JSON lines a key of the objects.
    on_breaks : callable
        Called with the number of line breaks within a field, each of which becomes `VISIBLE_BREAK`.

    Yields
    ------
    str
        Lines, each with a newline; a field that is empty, null or not there is an empty line.

    Raises
    ------
    CorpusError
        If there is no such column, or a row cannot be read.
    """
    lines: list[str] = []
    size = 0
    for number, field in FORMATS[format_of(source)](source, _lines(text), column):
        item, breaks = LINE_BREAK.subn(VISIBLE_BREAK, field)
        if breaks:
            on_breaks(breaks)
        try:
            item.encode()
        except UnicodeEncodeError:
            raise _wrong(source, number, "has half of a surrogate pair, which is no character; remove it") from None
        lines.append(item)
        size += len(item) + 1
        if size >= PIECE:
            yield "\n".join([*lines, ""])
            lines, size = [], 0
    if lines:
        yield "\n".join([*lines, ""])


def _lines(text: Iterable[str]) -> Iterator[str]:
    """Yield lines with their ends."""
    rest: list[str] = []
    for piece in text:
        first, *others = piece.split("\n")
        rest.append(first)
        if others:
            yield "".join(rest) + "\n"
            yield from (f"{line}\n" for line in others[:-1])
            rest = others[-1:]
    if last := "".join(rest):
        yield last


def _csv(source: Source, lines: Iterator[str], column: str) -> Iterator[Row]:
    """Read fields with commas between them, or semicolons where the first line has no comma (RFC 4180)."""
    csv.field_size_limit(LONGEST_FIELD)  # else 131,072 characters; Python has one limit for all readers
    first = next(lines, "")
    delimiter = "," if "," in first or ";" not in first else ";"
    reader = csv.reader(_chained(first, lines), delimiter=delimiter, strict=True)
    advice = f'put a field that has "{delimiter}" in it between double quotes'
    yield from _column(source, _numbered(source, reader), column, advice)


def _tsv(source: Source, lines: Iterator[str], column: str) -> Iterator[Row]:
    """Read fields with tabs between them, in which quotes mean nothing."""
    rows = ((number, line.removesuffix("\n").split("\t")) for number, line in enumerate(lines, 1) if line != "\n")
    yield from _column(source, rows, column, "a field can have no tab in it")


def _json_lines(source: Source, lines: Iterator[str], column: str) -> Iterator[Row]:
    """Read a JSON object a line; keys may be missing after the first."""
    names = None
    for number, line in enumerate(lines, 1):
        if line.isspace():
            continue
        try:
            row = json.loads(line, parse_int=str, parse_float=str, parse_constant=_no_number)  # as they are written
        except (ValueError, RecursionError) as error:
            reason = getattr(error, "msg", str(error)) if isinstance(error, ValueError) else "it is too deep"
            raise _wrong(source, number, f"is no JSON ({one_line(reason)}); each line must be an object") from None
        if not isinstance(row, dict):
            raise _wrong(source, number, f"must be a JSON object, got {shortened(one_line(line.strip()))}")
        if names is None:
            names = list(row)
            _check_column(source, names, column)
        yield number, _text_of(source, number, column, row.get(column))


def _no_number(name: str) -> None:
    raise ValueError(f"{name} is no number of JSON")


def _text_of(source: Source, number: int, column: str, value: Any) -> str:
    if value is None or isinstance(value, str):
        return value or ""
    if isinstance(value, dict | list):
        raise _wrong(
            source, number, f"the column {column!r} must be text, got {shortened(one_line(json.dumps(value)))}"
        )
    return json.dumps(value)


FORMATS: dict[str, Callable[[Source, Iterator[str], str], Iterator[Row]]] = {
    ".csv": _csv,
    ".tsv": _tsv,
    ".jsonl": _json_lines,
}


def _chained(first: str, lines: Iterator[str]) -> Iterator[str]:
    yield first
    yield from lines


def _numbered(source: Source, reader: Any) -> Iterator[tuple[int, list[str]]]:
    """Yield the rows that are not blank, with the number of the line that each ends in."""
    try:
        for row in reader:
            if row:
                yield reader.line_num, row
    except csv.Error as error:
        raise _wrong(source, reader.line_num, f"is no CSV ({one_line(str(error))}); put a field that has a quote in it "
                     "between double quotes, and the quote twice") from None  # fmt: skip


def _column(source: Source, rows: Iterator[tuple[int, list[str]]], column: str, advice: str) -> Iterator[Row]:
    """Yield one field of each row but the first, which names the columns."""
    _, names = next(rows, (0, []))
    _check_column(source, names, column)
    place = names.index(column)
    for number, row in rows:
        if len(row) != len(names):
            raise _wrong(
                source, number, f"has {count(len(row), 'field')}, and the first line names {len(names)}; {advice}"
            )
        yield number, row[place]


def _check_column(source: Source, names: list[str], column: str) -> None:
    if column not in names:
        shown = ", ".join(one_line(name) for name in names[:NAMED]) + (", ..." if len(names) > NAMED else "")
        raise CorpusError(
            f"{source.name}: has no column {column!r}; its columns are {shown or 'none'}{suggestion(column, names)}"
        )
    if names.count(column) > 1:
        raise CorpusError(f"{source.name}: has {names.count(column)} columns {column!r}; give each a name of its own")


def _wrong(source: Source, number: int, what: str) -> CorpusError:
    return CorpusError(f"{source.name}: line {number:,} {what}")
