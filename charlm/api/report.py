"""What a person should know of a text before a model is trained on it."""

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import isfinite
from numbers import Real
from pathlib import Path
from typing import Any

import numpy as np

from charlm.arguments import texts_of
from charlm.config import Config, Split, from_dict, resolve
from charlm.config.presets import DEFAULT_MINUTES
from charlm.corpus import duplicates, splits
from charlm.corpus.contents import NEWLINE, Contents, Lines, Place, inspect
from charlm.corpus.decoding import Options, check_encoding
from charlm.corpus.encoding import NOUNS
from charlm.corpus.facts import facts
from charlm.corpus.form import Form, form
from charlm.corpus.lines import newlines
from charlm.corpus.loading import Corpus, from_files, opened
from charlm.corpus.oddities import name_of, oddities
from charlm.corpus.sources import Source, is_read_once
from charlm.corpus.tables import check_tables
from charlm.errors import UsageError
from charlm.insight.baseline import Baseline, baseline
from charlm.kernels.choice import choose
from charlm.phrases import as_written
from charlm.workers.cores import available_cores

SPLIT = {name: Split.model_fields[name].default for name in splits.PARTS}
WHOLE = splits.shares({"train": 1, "valid": 0, "test": 0, "layout": "tail"})
SEED: int = Config.model_fields["seed"].default  # shuffles lines
PASSAGE_SHOWN = 60  # symbols of the longest copied passage


@dataclass(frozen=True, slots=True)
class Symbol:
    """A symbol of a text.

    Attributes
    ----------
    symbol : str
        The character, or ``chr(b)`` for a byte b.
    code : int
        Its code point, or the byte.
    name : str
        Its name in Unicode; empty for bytes.
    count : int
        How often it occurs.
    first : Place
        Where it occurs first.
    odd : str
        What is odd about it, or an empty string.
    """

    symbol: str
    code: int
    name: str
    count: int
    first: Place
    odd: str = ""


@dataclass(frozen=True, slots=True)
class Newlines:
    """How often each kind of line end occurs in the files."""

    lf: int
    crlf: int
    cr: int


@dataclass(frozen=True, slots=True)
class Copied:
    """What of the validation part also stands in the training part.

    Attributes
    ----------
    noun : str
        What is compared: passages of 50 symbols of a running text, or lines of a list.
    number, copied : int
        How many the validation part has, and how many of them stand in the training part.
    longest : int
        Symbols of the longest copied passage; 0 for lines, and if there is none.
    text : str
        Its beginning.
    valid_place, train_place : Place or None
        Where it begins in both parts.
    """

    noun: str
    number: int
    copied: int
    longest: int = 0
    text: str = ""
    valid_place: Place | None = None
    train_place: Place | None = None

    @property
    def share(self) -> float:
        """The share of what the validation part has."""
        return self.copied / self.number if self.number else 0.0


@dataclass(frozen=True, slots=True)
class CorpusReport:
    """What a text is like.

    Attributes
    ----------
    files, bytes : int
        How many files there are, and their size as they are stored.
    characters : int
        How many symbols the text has, before empty lines are left out of a list.
    unit, encoding, mode : str
        How the text was read; `mode` as it was given, or as the text looks.
    likely_mode, mode_reason : str
        The mode that suits what the text looks like, and why.
    ascii : bool
        Whether every symbol is of ASCII.
    byte_order_marks : int
        How many files begin with one.
    newlines : Newlines
        The kinds of line ends.
    lines : Lines
        How many, and how long.
    symbols : tuple of Symbol
        All different symbols, the most frequent first.
    train, valid, test : int
        How many characters, or lines in mode "lines", each part gets.
    copied : Copied or None
        What the validation part has in common with the training part; None where there is no validation part.
    baseline : Baseline or None
        What the validation part costs without a network, in bits per symbol; None where there is none.
    configuration : dict
        What ``preset: auto`` chooses for this text and the minutes, as `charlm.train` takes it.
    reasons : tuple of str
        What it chose and why, a line each.
    notes : tuple of str
        What was left out or changed on reading, a line each.
    """

    files: int
    bytes: int
    characters: int
    unit: str
    encoding: str
    mode: str
    likely_mode: str
    mode_reason: str
    ascii: bool
    byte_order_marks: int
    newlines: Newlines
    lines: Lines
    symbols: tuple[Symbol, ...]
    train: int
    valid: int
    test: int
    copied: Copied | None
    baseline: Baseline | None
    configuration: dict[str, Any]
    reasons: tuple[str, ...]
    notes: tuple[str, ...]

    def rare(self, most: int) -> list[Symbol]:
        """Return the symbols that occur at most so often, the rarest first."""
        found = [symbol for symbol in self.symbols if symbol.count <= most]
        return sorted(found, key=lambda symbol: (symbol.count, symbol.code))

    @property
    def odd(self) -> list[Symbol]:
        """The odd and invisible characters, by code."""
        return sorted((symbol for symbol in self.symbols if symbol.odd), key=lambda symbol: symbol.code)


def corpus_report(
    path: str | Path | Sequence[str | Path],
    *,
    encoding: str = "utf-8",
    unit: str = "char",
    mode: str | None = None,
    column: str | None = None,
    split: Mapping[str, float] | None = None,
    max_minutes: float = DEFAULT_MINUTES,
    on_stage: Callable[[str], object] | None = None,
) -> CorpusReport:
    """Tell what a text is like, without training on it.

    Parameters
    ----------
    path : str, Path or sequence of them
        Files, directories, patterns, or ``-`` for standard input, as in the configuration's `corpus.path`.
    encoding : str
        The files' encoding.
    unit : {"char", "byte"}
        What a symbol is.
    mode : {"stream", "lines"}, optional
        How the text is read; by default as it looks.
    column : str, optional
        The column of CSV, TSV or JSON lines to read, which is always read as lines.
    split : mapping, optional
        The fractions `train`, `valid` and `test`, by default those of the configuration.
    max_minutes : float
        How long a training may take for which a configuration is chosen.
    on_stage : callable, optional
        Called with what is done next, in words.

    Returns
    -------
    CorpusReport
        The same for equal arguments and files.

    Raises
    ------
    CorpusError
        When files cannot be read, are no text, or are too small to split.
    UsageError
        When an option makes no sense.

    Examples
    --------
    >>> report = charlm.corpus_report("data/plays/*.txt")
    >>> report.characters, report.mode
    (372496, 'stream')
    """
    say = on_stage or (lambda stage: None)
    check_encoding(encoding, "encoding")
    if column is not None and mode == "stream":
        raise UsageError("column: its fields are read as lines; leave out the mode, or the column")
    if column is not None:
        mode = mode or "lines"
    options = Options(encoding, unit, mode or "stream", "lf", None, False, 1, "\ufffd", "\n", column)
    chosen = splits.shares(_fractions(split or SPLIT))
    left_out: list[str] = []
    texts = texts_of("path", path)
    with opened(texts, left_out) as sources:
        if column is not None:
            check_tables(sources, column)
        settings = _settings(path, options, mode, split, max_minutes)
        size = sum(source.state()[0] for source in sources)
        say(f"reading {size:,} bytes")
        contents = inspect(sources, options)
        corpus = from_files(sources, options, chosen, SEED, list(left_out))
        found = facts(corpus.train, corpus.vocabulary)
        looks = _looks(sources, options, chosen) if mode == "lines" else form(corpus.train, corpus.vocabulary)
        if mode is None and looks.mode != options.mode and not is_read_once(texts):  # which trains as a stream
            options = replace(options, mode=looks.mode)
            corpus = from_files(sources, options, chosen, SEED, list(left_out))
    say("looking for passages that the validation part copies from the training part")
    copied = _copied(corpus, options.mode, contents, sources)
    say("counting n-grams")
    choice, reasons = resolve(settings, found, choose("auto", settings.model.dtype), available_cores())
    return CorpusReport(
        files=len(sources),
        bytes=size,
        characters=int(contents.counts.sum()),
        unit=unit,
        encoding=encoding,
        mode=options.mode,
        likely_mode=looks.mode,
        mode_reason=looks.reason,
        ascii=not contents.counts[128:].any(),
        byte_order_marks=contents.tally.byte_order_marks,
        newlines=_newlines(contents, unit),
        lines=contents.lines,
        symbols=_symbols(contents, unit),
        **_parts(corpus, options.mode),
        copied=copied,
        baseline=_baseline(corpus, options.mode),
        configuration=choice.to_dict(),
        reasons=tuple(line.strip() for line in reasons),
        notes=tuple(corpus.report),
    )


def _looks(sources: Sequence[Source], options: Options, chosen: splits.Shares) -> Form:
    """Return what the training part of a stream looks like, where the text is read as lines, which drops empty ones."""
    text = from_files(sources, replace(options, mode="stream"), WHOLE, SEED, [])
    return form(text.train[: int(len(text.train) * chosen.train)], text.vocabulary)


def _fractions(split: Any) -> dict[str, Any]:
    """Return a division of the text as the configuration writes it."""
    if not isinstance(split, Mapping) or set(split) != set(splits.PARTS):
        parts = ", ".join(splits.PARTS)
        raise UsageError(f"split: must be a mapping of {parts} to their fractions, got {as_written(split)}")
    for name, share in split.items():
        if isinstance(share, bool) or not isinstance(share, Real) or not isfinite(share):
            raise UsageError(f"split: must have finite numbers, got {as_written(share)} for {name}")
    return {**split, "layout": "tail"}


def _settings(path: Any, options: Options, mode: str | None, split: Any, max_minutes: float) -> Config:
    """Return the settings of a training whose other keys `preset: auto` chooses."""
    corpus: dict[str, Any] = {"path": texts_of("path", path), "encoding": options.encoding, "unit": options.unit}
    if mode is not None:
        corpus["mode"] = mode
    if options.column is not None:
        corpus["column"] = options.column
    if split is not None:
        corpus["split"] = _fractions(split)
    return from_dict({"corpus": corpus, "preset": "auto", "training": {"max_minutes": max_minutes}}, "")


def _newlines(contents: Contents, unit: str) -> Newlines:
    crlf, cr = contents.tally.crlf, contents.tally.cr
    became_lf = cr if unit == "char" else 0  # bytes stay as they are
    return Newlines(int(contents.counts[NEWLINE]) - crlf - became_lf, crlf, cr)


def _symbols(contents: Contents, unit: str) -> tuple[Symbol, ...]:
    """Return the symbols, the most frequent first."""
    counts = contents.counts
    odd = oddities(counts) if unit == "char" else {}
    codes = np.flatnonzero(counts)
    return tuple(
        Symbol(
            chr(code),
            code,
            name_of(code) if unit == "char" else "",
            int(counts[code]),
            contents.first[code],
            odd.get(code, ""),
        )
        for code in codes[np.argsort(-counts[codes], kind="stable")].tolist()
    )


def _parts(corpus: Corpus, mode: str) -> dict[str, int]:
    """Return how many characters, or lines, each part has."""
    parts = {"train": corpus.train, "valid": corpus.valid, "test": corpus.test}
    if mode == "stream":
        return {name: len(ids) for name, ids in parts.items()}
    newline = _newline_id(corpus)
    return {name: max(0, len(newlines(ids, newline)) - 1) for name, ids in parts.items()}


def _newline_id(corpus: Corpus) -> int:
    newline = corpus.vocabulary.id_of("\n")
    assert newline is not None  # in lines mode every text begins with one
    return newline


def _copied(corpus: Corpus, mode: str, contents: Contents, sources: Sequence[Source]) -> Copied | None:
    train, valid = corpus.train, corpus.valid
    if not len(valid):
        return None
    if mode == "lines":
        newline = _newline_id(corpus)
        return Copied("lines", len(newlines(valid, newline)) - 1, duplicates.lines_in_both(train, valid, newline))
    found = duplicates.copied_passages(train, valid)
    noun = f"passages of {found.length} {NOUNS[corpus.vocabulary.unit]}s"
    if not found.copied:
        return Copied(noun, found.number, 0)
    start = found.valid_at
    return Copied(
        noun,
        found.number,
        found.copied,
        found.longest,
        corpus.vocabulary.decode(valid[start : start + min(PASSAGE_SHOWN, found.longest)]),
        _place(corpus, len(train) + start, contents, sources),
        _place(corpus, found.train_at, contents, sources),
    )


def _place(corpus: Corpus, position: int, contents: Contents, sources: Sequence[Source]) -> Place:
    """Return where a symbol of the whole text stands in the files, of a text that is cut into three."""
    file = bisect_right(contents.beginnings, position) - 1
    begin = contents.beginnings[file]
    newline, cut = corpus.vocabulary.id_of("\n"), len(corpus.train)
    if newline is None:
        return Place(sources[file].name, 1, position - begin + 1)
    before = newlines(corpus.train[begin:position], newline) + begin
    if position > cut:
        later = newlines(corpus.valid[max(0, begin - cut) : position - cut], newline) + max(begin, cut)
        before = np.concatenate([before, later])
    last = int(before[-1]) if len(before) else begin - 1
    return Place(sources[file].name, 1 + len(before), position - last)


def _baseline(corpus: Corpus, mode: str) -> Baseline | None:
    train, valid = corpus.train, corpus.valid
    if len(valid) < 2:
        return None
    symbols = len(corpus.vocabulary)
    start = _newline_id(corpus) if mode == "lines" else None
    return baseline(train, valid, symbols, start)
