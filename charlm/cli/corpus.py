"""`charlm corpus`: what a text is like, before a model is trained on it."""

import textwrap
from collections.abc import Iterator
from math import log
from threading import Timer
from typing import TYPE_CHECKING, Any

import click

from charlm.cli.display import cut, on_one_line, readable
from charlm.cli.options import FiniteRange, options_in_messages
from charlm.cli.streams import say, write, write_json
from charlm.cli.waiting import PATIENCE
from charlm.limits import MOST_MINUTES
from charlm.phrases import count, one_line, shortened

if TYPE_CHECKING:
    from charlm.api.report import Copied, CorpusReport, Symbol
    from charlm.insight.baseline import Baseline

LABEL = 11  # columns
WIDTH = 80
FREQUENT = 12  # symbols
RARE = 5  # times that a rare symbol occurs at most
CITED = 60  # columns of a copied passage
SHOWN = 12  # rare symbols, and odd ones
FIRM = "\u00a0"  # a space at which no line is broken; what is printable has none


def _fractions(ctx: click.Context, param: click.Parameter, value: str | None) -> dict[str, float] | None:
    """Return three fractions with commas between them by the names of the parts, or fail."""
    if value is None:
        return None
    try:
        train, valid, test = (float(part) for part in value.split(","))
    except ValueError:
        got = shortened(repr(value))
        raise click.BadParameter(f"must be three numbers such as 0.9,0.05,0.05, got {got}", ctx, param) from None
    return {"train": train, "valid": valid, "test": test}


@click.command(
    epilog="""\b
Examples:
  charlm corpus letters.txt
  charlm corpus 'texts/**/*.txt' --json
  charlm corpus films.csv --column title
  cat names.txt | charlm corpus -
"""
)
@click.argument("files", nargs=-1, required=True, metavar="FILE ...")
@click.option("--encoding", metavar="ENC", default="utf-8", help="The encoding of FILE ...")
@click.option("--unit", type=click.Choice(["char", "byte"]), default="char", help="What a symbol is.")
@click.option(
    "--mode", type=click.Choice(["stream", "lines"]), help="One running text, or a list.  [default: what it looks like]"
)
@click.option("--column", metavar="NAME", help="The column of .csv, .tsv or .jsonl files to read, as lines.")
@click.option(
    "--split",
    callback=_fractions,
    metavar="TRAIN,VALID,TEST",
    help="How the text is divided.  [default: 0.9,0.05,0.05]",
)
@click.option(
    "--max-minutes",
    type=FiniteRange(min=0, max=MOST_MINUTES, min_open=True),
    default=5,
    show_default=True,
    metavar="M",
    help="How long a training may take for which a configuration is chosen.",
)
@click.option("--json", "as_json", is_flag=True, help="Print all of it as a JSON object.")
def command(
    files: tuple[str, ...],
    encoding: str,
    unit: str,
    mode: str | None,
    column: str | None,
    split: dict[str, float] | None,
    max_minutes: float,
    as_json: bool,
) -> None:
    """Tell what the text of FILE ... is like, before a model is trained on it.

    Its characters, newlines and lines; rare, odd and invisible characters and where each is first; whether it looks
    like a list or a running text; how it is split, and what of the validation part stands in the training part as well;
    what it costs to predict without a network, so that a loss means something; and the configuration that `charlm train
    FILE` would choose for it. FILE may also be a directory, a pattern, or - for standard input. The options are the
    configuration's corpus.encoding, corpus.unit, corpus.mode, corpus.column and corpus.split.
    """
    import charlm

    with Stages() as stages, options_in_messages():
        report = charlm.corpus_report(
            list(files),
            encoding=encoding,
            unit=unit,
            mode=mode,
            column=column,
            split=split,
            max_minutes=max_minutes,
            on_stage=stages,
        )
    for note in report.notes:
        say(one_line(note))
    if as_json:
        write_json(_values(report))
        return
    for line in _lines(report, column):
        write(line)


class Stages:
    """Says what is being done, to a person who has waited for a while."""

    def __init__(self) -> None:
        self._timer = Timer(PATIENCE, self._speak)
        self._timer.daemon = True
        self._stage, self._speaking = "", False

    def __enter__(self) -> "Stages":
        self._timer.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._timer.cancel()

    def __call__(self, stage: str) -> None:
        """Begin a stage."""
        self._stage = stage
        if self._speaking:
            say(stage)

    def _speak(self) -> None:
        self._speaking = True
        say(self._stage)


def _values(report: "CorpusReport") -> dict[str, Any]:
    from dataclasses import asdict

    values = asdict(report)
    if report.copied is not None:
        values["copied"]["share"] = report.copied.share
    return values


def _lines(report: "CorpusReport", column: str | None) -> Iterator[str]:
    """Yield the lines of a report, of at most 80 columns."""
    from charlm.corpus.vocabulary import UNITS

    noun = UNITS[report.unit].noun
    yield from _row("files", f"{report.files:,}, {count(report.bytes, 'byte')}")
    ascii = ", all of ASCII" if report.ascii else ""
    yield from _row("text", f"{count(report.characters, noun)} of {count(len(report.symbols), 'symbol')}{ascii}")
    if report.unit == "char":
        marks = report.byte_order_marks
        yield from _row("encoding", report.encoding + (f", {count(marks, 'byte order mark')}" if marks else ""))
    yield from _row("newlines", _newlines(report))
    yield from _row("lines", _about_lines(report, noun))
    yield from _row("mode", _mode(report) if column is None else f"lines, the fields of column {column!r}")
    yield from _row("frequent", ", ".join(_frequency(symbol, report) for symbol in report.symbols[:FREQUENT]))
    yield from _symbols(
        "rare",
        [symbol for symbol in report.rare(RARE) if not symbol.odd],
        f"that occur at most {RARE} times",
        report.unit,
    )
    if report.unit == "char":
        yield from _symbols("odd", report.odd, "odd or invisible", report.unit)
    parts = f"{report.train:,} for training, {report.valid:,} for validation, {report.test:,} for test"
    yield from _row("split", f"{parts} ({'lines, shuffled' if report.mode == 'lines' else f'{noun}s'})")
    yield from _row("copied", _copied(report.copied))
    yield from _baseline(report.baseline, noun)
    for number, reason in enumerate(report.reasons):
        yield from _row("" if number else "choice", reason, "  ")


def _row(label: str, text: str, indent: str = "") -> Iterator[str]:
    """Yield a label and a text, wrapped beside it."""
    lines = textwrap.wrap(text, WIDTH - LABEL, break_long_words=False, break_on_hyphens=False, subsequent_indent=indent)
    for number, line in enumerate(lines):
        yield f"{'' if number else label:<{LABEL}}{line.replace(FIRM, ' ')}"


def _newlines(report: "CorpusReport") -> str:
    kinds = {"LF": report.newlines.lf, "CR LF": report.newlines.crlf, "CR": report.newlines.cr}
    found = [f"{number:,} {kind}" for kind, number in kinds.items() if number]
    mixed = "mixed: " if len(found) > 1 else ""
    return f"{mixed}{', '.join(found) or 'none'}"


def _mode(report: "CorpusReport") -> str:
    looks = f"{report.mode}; it looks like {report.mode_reason}"
    other = {"stream": "lines", "lines": "stream"}[report.mode]
    return f"{looks} (if not: --mode{FIRM}{other})" if report.mode == report.likely_mode else looks


def _about_lines(report: "CorpusReport", noun: str) -> str:
    lines = report.lines
    place = f" ({lines.longest_place.file}, line {lines.longest_place.line:,})" if lines.longest_place else ""
    empty = f", {lines.empty:,} of them empty" if lines.empty else ""
    return f"{lines.number:,}{empty}; {count(lines.median, noun)} (median), the longest {lines.longest:,}{place}"


def _frequency(symbol: "Symbol", report: "CorpusReport") -> str:
    shown = "space" if symbol.symbol == " " else _shown(symbol, report.unit)
    return f"{shown}{FIRM}{symbol.count / report.characters:.1%}"


def _shown(symbol: "Symbol", unit: str) -> str:
    shown = readable(symbol.symbol)
    nameless = shown.startswith("U+") or not symbol.symbol.isascii()
    return f"0x{symbol.code:02X}" if unit == "byte" and nameless else shown


def _symbols(label: str, symbols: "list[Symbol]", what: str, unit: str) -> Iterator[str]:
    """Yield what there is to know of some symbols, a line each."""
    if not symbols:
        yield from _row(label, "none")
        return
    yield from _row(label, f"symbols {what}: {len(symbols):,}")
    for symbol in symbols[:SHOWN]:
        odd = f" ({symbol.odd})" if symbol.odd else ""
        name = f"U+{symbol.code:04X} {symbol.name}".rstrip() if unit == "char" else f"byte {symbol.code}"
        shown = "" if symbol.odd else f"{_shown(symbol, unit)}  "
        yield from _row("", f"- {shown}{name}{odd}, {count(symbol.count, 'time')}, first in {symbol.first}", "  ")
    if len(symbols) > SHOWN:
        yield from _row("", f"and {len(symbols) - SHOWN:,} more, which --json lists")


def _copied(copied: "Copied | None") -> str:
    if copied is None:
        return "unknown, as there is no validation part"
    if not copied.number:
        return f"unknown, as the validation part has no {copied.noun}"
    text = (
        f"{copied.copied:,} of the validation part's {copied.number:,} {copied.noun} ({copied.share:.1%}) stand in the "
        "training part"
    )
    if copied.longest:
        cited = cut(on_one_line(copied.text), CITED)
        text += f"; the longest has {copied.longest:,}: {cited!r} in {copied.valid_place}, and in {copied.train_place}"
    return text


def _baseline(found: "Baseline | None", noun: str) -> Iterator[str]:
    if found is None:
        yield from _row("baseline", "unknown, as there is no validation part")
        return
    last = f", counted in the training part's last {found.counted:,}" if found.counted < found.training else ""
    yield from _row("baseline", f"what the validation part costs without a network, for each {noun}{last}:")
    costs = {
        "guessing among all symbols": found.uniform_bits,
        "knowing how frequent each symbol is": found.bits_of_order[1],
        f"an n-gram of {count(found.order, noun)}": found.bits,
    }
    for what, bits in costs.items():
        yield f"{'':<{LABEL}}{what:<36}{bits:>8.4f} bits{bits * log(2):>9.4f} nats"
