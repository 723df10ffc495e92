"""`charlm score`: how much each line of a text, or each character, surprises a model."""

import heapq
import sys
from collections.abc import Callable, Iterable
from contextlib import closing
from math import isfinite, nan
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from charlm.cli.options import (
    PageFile,
    PathOfAFile,
    WholeRange,
    check_output,
    force_option,
    model_argument,
    on_unknown_option,
    options_in_messages,
    without_ngram_option,
)
from charlm.cli.streams import has_colours, is_terminal, number_or_none, say, write, write_json
from charlm.cli.waiting import PATIENCE
from charlm.errors import UsageError
from charlm.paths import refuse_twice
from charlm.phrases import one_line

if TYPE_CHECKING:
    from charlm.api.language_model import LanguageModel
    from charlm.corpus.textlines import TextLines
    from charlm.insight.surprise import Comparison, LineScore

GUESSES = 5  # under each character of a page
ORDERS: dict[str, Callable[["LineScore"], float]] = {
    "mean": lambda score: score.bits_per_char,
    "worst": lambda score: score.worst_bits,
}
T = TypeVar("T")


@click.command(
    epilog="""\b
Examples:
  charlm score runs/plays letter.txt | sort -t "$(printf '\\t')" -k 4 -n
  charlm score runs/plays --top 20 --by worst letter.txt
  charlm score runs/plays --heatmap letter.txt
  charlm score runs/plays --html letter.html letter.txt
  charlm score runs/anne --against runs/bob unsigned.txt
  tail -f app.log | charlm score runs/log --json
"""
)
@model_argument
@click.argument("files", nargs=-1, metavar="[FILE ...]")
@click.option(
    "--context",
    type=click.Choice(["fresh", "carry"]),
    default="fresh",
    help="Read each line as if it followed a line end, or all in order with the state carried.",
)
@click.option("--chars", is_flag=True, help="Show the surprise of every character.")
@click.option("--heatmap", is_flag=True, help="Print the text, coloured by surprise where a terminal shows it.")
@click.option("--html", type=PageFile(), metavar="PAGE", help="Write the coloured text as a page, with guesses.")
@force_option("--html")
@click.option(
    "--against", multiple=True, type=PathOfAFile(), metavar="MODEL2", help="Say which model is best; repeatable."
)
@click.option(
    "--top",
    type=WholeRange(1, 1_000_000),
    metavar="N",
    help="Only so many lines that are not empty, the most surprising first.",
)
@click.option(
    "--by",
    type=click.Choice(["mean", "worst"]),
    help="What --top goes by: the mean of a line, or its most "
    "surprising character, which finds single slips.  [default: mean]",
)
@click.option("--encoding", metavar="ENC", help="The encoding of FILE ...  [default: that of the model's corpus]")
@on_unknown_option
@without_ngram_option
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object for each line.")
def command(
    model: Path,
    files: tuple[str, ...],
    context: str,
    chars: bool,
    heatmap: bool,
    html: Path | None,
    force: bool,
    against: tuple[Path, ...],
    top: int | None,
    by: str | None,
    encoding: str | None,
    on_unknown: str,
    without_ngram: bool,
    as_json: bool,
) -> None:
    """Show how much each line of FILE ..., or of standard input, surprises MODEL.

    MODEL is a run directory or a checkpoint file. A line has the columns file, number, characters, bits per character
    and text, with tabs between them. The newline after a line counts as its last character. The first character of a
    text is given with --context carry; there the bits of the lines of a file add up to those of `charlm eval`, where
    that reads the file in one stream. Figures of a model of bytes are per byte.

    With --against the columns are file, number, characters, the best model, its margin (how many bits per character
    the second best needs more), the bits per character of each model, and text; --top then puts the clearest lines
    first.
    """
    import charlm

    _check_together({"--chars": chars, "--heatmap": heatmap, "--html": html, "--against": against})
    _check_together({"--json": as_json, "--heatmap": heatmap, "--html": html})
    if by and (top is None or against):
        raise UsageError("--by: is the order of --top with one model; " + ("leave it out" if against else "add --top"))
    refuse_twice((model, *against))
    models = [charlm.load(path, ngram=not without_ngram) for path in (model, *against)]
    check_output("--html", html, "surprise.html", force, (*files, *models[0].own_files()))
    with options_in_messages(), closing(models[0].read_lines(files or ("-",), encoding)) as lines:
        if against:
            _compare(models, [str(path) for path in (model, *against)], lines, top, as_json, context, on_unknown)
        else:
            guesses = GUESSES if html else 0
            scores = models[0].score_lines(lines, context=context, on_unknown=on_unknown, guesses=guesses)
            chosen = _shown(scores, top, lambda score: ORDERS[by or "mean"](score) if score.text else nan)
            if html:
                _write_page(chosen, html, models[0])
            else:
                show = _heatmap() if heatmap else _json(chars) if as_json else _characters if chars else _row
                for score in chosen:
                    show(score)
        for note in lines.notes():
            say(one_line(note))
    for path, scoring in zip((model, *against), models, strict=True):
        if scoring.mixture is not None:
            both = f"the figures are of the network and its {scoring.mixture.ngram.order}-gram together"
            say(one_line(f"{path}: {both}"))


def _check_together(options: dict[str, Any]) -> None:
    """Refuse options of which each asks for an output of its own."""
    given = [name for name, value in options.items() if value]
    if len(given) > 1:
        raise UsageError(f"{given[1]}: shows something else than {given[0]}; leave one of them out")


def _shown(items: Iterable[T], top: int | None, key: Callable[[T], float]) -> Iterable[T]:
    """Return the items, or those of the largest finite keys, with a count for whoever waits for them."""
    if is_terminal(sys.stderr) and (top is not None or not is_terminal(sys.stdout)):
        from tqdm import tqdm

        items = tqdm(items, unit=" lines", delay=PATIENCE, file=sys.stderr, leave=False, dynamic_ncols=True)
    if top is None:
        return items
    return heapq.nlargest(top, (item for item in items if isfinite(key(item))), key=key)


def _row(score: "LineScore") -> None:
    _write_row(score.file, score.line, score.chars, f"{score.bits_per_char:.4f}", score.text)


def _write_row(*columns: object) -> None:
    write("\t".join(map(str, columns)))


def _characters(score: "LineScore") -> None:
    """Write a row for each character, or byte, of a line."""
    for column, (symbol, bits) in enumerate(zip(score.symbols, score.bits, strict=True), 1):
        shown = f"0x{symbol:02X}" if isinstance(symbol, int) else one_line(symbol)
        _write_row(score.file, score.line, column, f"{bits:.4f}", shown)


def _json(chars: bool) -> Callable[["LineScore"], None]:
    def show(score: "LineScore") -> None:
        unit = score.unit
        values: dict[str, Any] = {"file": score.file, "line": score.line, "text": score.text}
        values |= {f"{unit}s": score.chars, f"bits_per_{unit}": number_or_none(score.bits_per_char)}
        if chars:
            values["bits"] = [number_or_none(bits) for bits in score.bits.tolist()]
        write_json(values)

    return show


def _heatmap() -> Callable[["LineScore"], None]:
    from charlm.insight.heatmap import coloured

    in_colours = has_colours()
    return lambda score: write(coloured(score), raw=True) if in_colours else write(score.text)


def _write_page(scores: Iterable["LineScore"], path: Path, model: "LanguageModel") -> None:
    from charlm.atomic import atomic_file
    from charlm.insight.heatmap import heatmap

    with atomic_file(path) as file:
        for piece in heatmap(scores, f"What surprises {model.described()}"):
            file.write(piece.encode("utf-8", "backslashreplace"))
    say(f"{one_line(str(path))}: written")


def _compare(
    models: list["LanguageModel"],
    names: list[str],
    lines: "TextLines",
    top: int | None,
    as_json: bool,
    context: str,
    on_unknown: str,
) -> None:
    from charlm.api.comparison import compare_lines

    compared = compare_lines(models, lines, context=context, on_unknown=on_unknown)
    for comparison in _shown(compared, top, lambda compared: compared.margin if compared.scores[0].text else nan):
        if as_json:
            write_json(_compared(comparison, names))
        else:
            first = comparison.scores[0]
            bits = [f"{score.bits_per_char:.4f}" for score in comparison.scores]
            best, margin = names[comparison.best], f"{comparison.margin:.4f}"
            _write_row(first.file, first.line, first.chars, one_line(best), margin, *bits, first.text)


def _compared(comparison: "Comparison", names: list[str]) -> dict[str, Any]:
    first = comparison.scores[0]
    bits = {name: number_or_none(score.bits_per_char) for name, score in zip(names, comparison.scores, strict=True)}
    return {
        "file": first.file,
        "line": first.line,
        "text": first.text,
        f"{first.unit}s": first.chars,
        "best": names[comparison.best],
        "margin": number_or_none(comparison.margin),
        f"bits_per_{first.unit}": bits,
    }
