"""`charlm inspect`: what the units of a network do along a text."""

from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from charlm.arguments import MOST_INSPECTED
from charlm.cli.options import (
    PageFile,
    WholeRange,
    check_on_unknown,
    check_output,
    force_option,
    model_argument,
    on_unknown_option,
    options_in_messages,
    without_ngram_option,
)
from charlm.cli.streams import has_colours, say, write, write_json
from charlm.cli.waiting import progress
from charlm.errors import UsageError
from charlm.phrases import count, one_line

if TYPE_CHECKING:
    from charlm.api.language_model import LanguageModel
    from charlm.arrays import Ids
    from charlm.insight.inspection import Inspection
    from charlm.insight.traces import Unit
    from charlm.insight.units import Following

PAGE = Path("inspect.html")


@click.command(
    epilog="""\b
Examples:
  charlm inspect runs/plays
  charlm inspect runs/plays --text letter.txt --html letter.html
  charlm inspect runs/plays --ansi --unit l0.h.17
  charlm inspect runs/plays --json | jq '.units[] | select(.found)'
"""
)
@model_argument
@click.option(
    "--text",
    "files",
    multiple=True,
    metavar="FILE",
    help="What the network reads; repeatable.  [default: the validation part of its corpus]",
)
@click.option("--corpus", multiple=True, metavar="PATH", help="Where that corpus is now; repeatable.")
@click.option("--encoding", metavar="ENC", help="The encoding of --text.  [default: that of the model's corpus]")
@on_unknown_option
@click.option(
    "--characters", type=WholeRange(1, MOST_INSPECTED), default=20_000, metavar="N", help="How many of it at most."
)
@click.option("--unit", metavar="UNIT", help="What colours the text, such as l0.h.17.  [default: the strongest unit]")
@click.option("--html", type=PageFile(), metavar="PAGE", help=f"Where to write the page.  [default: {PAGE}]")
@force_option("--html")
@click.option("--ansi", is_flag=True, help="Print the text, coloured by a unit where a terminal shows it; no page.")
@click.option("--json", "as_json", is_flag=True, help="Print the units and all figures as a JSON object; no page.")
@without_ngram_option
def command(
    model: Path,
    files: tuple[str, ...],
    corpus: tuple[str, ...],
    encoding: str | None,
    on_unknown: str,
    characters: int,
    unit: str | None,
    html: Path | None,
    force: bool,
    ansi: bool,
    as_json: bool,
    without_ngram: bool,
) -> None:
    """Show what the units of MODEL do, and which of them follow something that a person can read off the text.

    MODEL is a run directory or a checkpoint file. The page shows the text coloured by any unit, and works offline.
    Standard output has a row for each unit that follows something better than chance explains, with tabs between
    the columns: unit, feature, correlation in the first half of the text and in the second, and the larger of two
    bounds of what the strongest unit comes to by chance. Units are named by layer, gate or state, and place, from 0.

    With --html, --ansi and --json write the page as well.
    """
    import charlm
    from charlm.atomic import atomic_file
    from charlm.insight.traces import unit_named, units_of
    from charlm.insight.unitpage import unit_page

    if ansi and as_json:
        raise UsageError("--ansi: shows something else than --json; leave one of them out")
    if unit is not None and as_json and html is None:
        raise UsageError("--unit: colours the text of a page, or of --ansi; leave it out, or add --html")
    if files and corpus:
        raise UsageError("--corpus: is the model's own; leave it out to read --text")
    if encoding and not files:
        raise UsageError("--encoding: is that of --text; the model's own corpus keeps its encoding")
    check_on_unknown(files, "--text")
    loaded = charlm.load(model, ngram=not without_ngram)
    page = html or (None if ansi or as_json else PAGE)
    check_output("--html", page, PAGE.name, force, (*loaded.own_files(), *files, *corpus))
    with options_in_messages(), atomic_file(page) if page else nullcontext() as file:
        chosen = None if unit is None else unit_named(units_of(loaded.architecture), unit)
        inspection = _inspected(loaded, _read(loaded, files, corpus, on_unknown, encoding), characters)
        if file is not None:
            for piece in unit_page(inspection, f"What the units do in {loaded.described()}", chosen):
                file.write(piece.encode("utf-8", "backslashreplace"))
    if page is not None:
        say(f"{one_line(str(page))}: written")
    _tell(inspection)
    if ansi:
        _show_text(inspection, chosen or inspection.strongest)
    elif as_json:
        write_json(_values(inspection))
    else:
        for following in inspection.ranking.found:
            write(_row(following))


def _read(
    model: "LanguageModel", files: tuple[str, ...], corpus: tuple[str, ...], on_unknown: str, encoding: str | None
) -> "Ids":
    if not files:
        return model.read_part("valid", corpus or None)
    ids, notes = model.read_files(files, on_unknown, encoding)
    for note in notes:
        say(one_line(note))
    return ids


def _inspected(model: "LanguageModel", ids: "Ids", characters: int) -> "Inspection":
    """Inspect a model, with a bar for whoever waits for it."""
    import charlm

    unit = model.vocabulary.unit
    if len(ids) > characters:
        say(f"reading the first {count(characters, 'character' if unit == 'char' else 'byte')} of {len(ids):,}")
    with progress("steps") as tell:
        return charlm.inspect(model, ids, characters=characters, on_progress=tell)


def _tell(inspection: "Inspection") -> None:
    """Say what was looked for in vain."""
    from charlm.insight.units import LEAST_CHARACTERS

    ranking = inspection.ranking
    if len(inspection.characters) < LEAST_CHARACTERS:
        say(f"at least {LEAST_CHARACTERS:,} characters are needed to tell what units follow")
    elif ranking.missing:
        say(f"the text has too little of: {', '.join(ranking.missing)}")
    if ranking.features and not ranking.found:
        say("no unit follows anything better than chance explains")


def _row(following: "Following") -> str:
    correlations = f"{following.first:.3f}\t{following.second:.3f}"
    return f"{following.unit}\t{following.feature}\t{correlations}\t{following.chance.bound:.3f}"


def _show_text(inspection: "Inspection", unit: "Unit") -> None:
    from charlm.insight.shades import shaded_lines

    low, high = inspection.scale(unit)
    say(f"{unit}: from {low:.2f} (orange) to {high:.2f} (blue)")
    if not has_colours():
        write("".join(inspection.characters), end="")
        return
    for line in shaded_lines(inspection, unit):
        write(line, raw=True)


def _values(inspection: "Inspection") -> dict[str, Any]:
    """Return the figures as plain values."""
    ranking = inspection.ranking
    return {
        "characters": len(inspection.characters),
        "units": [_following(following) for following in ranking.units],
        "features": {name: _following(best) for name, best in ranking.features.items()},
        "missing": ranking.missing,
        "saturation": [
            {"layer": gate.layer, "gate": gate.gate, "left": gate.left.tolist(), "right": gate.right.tolist()}
            for gate in inspection.saturation
        ],
    }


def _following(following: "Following") -> dict[str, Any]:
    return {
        "unit": str(following.unit),
        "feature": following.feature,
        "first_half": following.first,
        "second_half": following.second,
        "by_chance_shifted": following.chance.shifted,
        "by_chance_shuffled": following.chance.shuffled,
        "found": following.found,
    }
