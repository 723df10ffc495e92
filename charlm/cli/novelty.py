"""`charlm novelty`: whether a model copies the text that it was trained on."""

from collections.abc import Iterator
from contextlib import contextmanager
from math import isnan
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from charlm.arguments import MOST_LENGTH
from charlm.cli.display import COMPILING
from charlm.cli.options import (
    PathOfAFile,
    WholeRange,
    check_on_unknown,
    is_given,
    model_argument,
    on_unknown_option,
    options_in_messages,
    sampling_options,
    without_ngram_option,
)
from charlm.cli.streams import number_or_none, say, write, write_json
from charlm.cli.waiting import PATIENCE
from charlm.errors import UsageError
from charlm.phrases import one_line

if TYPE_CHECKING:
    from charlm.api.novelty import Novelty, OnProgress
    from charlm.insight.novelty import Originality

CITED = 200  # characters of a passage that are shown


@click.command(
    epilog="""\b
Examples:
  charlm novelty runs/plays
  charlm novelty runs/plays --length 100000 --temperature 0.5 --seed 1 --json
  charlm novelty runs/plays --text sample.txt
"""
)
@model_argument
@click.option("--text", type=PathOfAFile(), metavar="FILE", help="Judge this text, not a sample; - is standard input.")
@click.option("--corpus", multiple=True, metavar="PATH", help="Where the model's corpus is now; repeatable.")
@click.option("--length", type=WholeRange(min=1, max=MOST_LENGTH), metavar="N",
              help="Characters to write (bytes, in a byte model).  [default: 20000]")  # fmt: skip
@sampling_options
@on_unknown_option
@without_ngram_option
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object.")
def command(
    model: Path,
    text: Path | None,
    corpus: tuple[str, ...],
    on_unknown: str,
    without_ngram: bool,
    as_json: bool,
    **writing: Any,
) -> None:
    """Tell how much of what MODEL writes stands verbatim in the text that it was trained on.

    MODEL is a run directory or a checkpoint file. It writes a sample, or --text gives one, and the training part of its
    corpus is searched: for the longest passage that stands there, n-grams of 4 to 12 characters, passages of 40
    characters, words and lines. The validation part is searched for in the same way, as much of it as the text is long:
    it was written by the same authors, who did not copy. In a model of lines nothing goes across the end of a line.
    """
    import charlm

    check_on_unknown(text, "--text")
    loaded = charlm.load(model, on_compiling=lambda: say(COMPILING), ngram=not without_ngram)
    options = {name: value for name, value in writing.items() if value is not None}
    ids = None
    with options_in_messages():
        if text is not None:
            if given := [name for name in (*writing, "without_ngram") if is_given(name)]:
                raise UsageError(f"{given[0]}: says how a model writes; leave it out with --text")
            options = {}
            ids, notes = loaded.read_files([str(text)], on_unknown)
            for note in notes:
                say(one_line(note))
        with _progress() as report:
            found = charlm.novelty(loaded, ids, corpus=corpus or None, on_progress=report, **options)
    if text is None and "seed" not in options:
        say(f"seed {found.seed}")
    if loaded.adapted_to is not None:
        say(one_line(f"{loaded.name}: has adapted to {loaded.adapted_to} since its training, which are not searched"))
    if as_json:
        write_json(_values(found))
    else:
        _show(found, "the sample" if text is None else one_line(str(text)), loaded.vocabulary.unit)


@contextmanager
def _progress() -> Iterator["OnProgress"]:
    """Return what shows, to a person who waits, how much of each stage is done."""
    from tqdm import tqdm

    with tqdm(total=0, unit="", unit_scale=True, leave=False, disable=None, delay=PATIENCE) as bar:
        before = 0

        def report(stage: str, done: int, total: int) -> None:
            nonlocal before
            if done <= before:  # another stage, or the corpus once more
                before = 0
                bar.reset(total)
            bar.total = total
            bar.set_description_str(stage, refresh=False)
            bar.update(done - before)
            before = done

        yield report


def _rows(found: "Originality", noun: str) -> dict[str, str]:
    """Return the figures of a text by their names."""
    from charlm.insight.novelty import PASSAGE

    rows = {f"{noun}s": f"{found.symbols:,}", "longest passage": f"{found.longest:,}"}
    rows[f"copied passages of {PASSAGE}"] = _percent(found.copied)
    rows |= {f"novel {n}-grams": _percent(share) for n, share in found.novel_ngrams.items()}
    rows["novel words"] = _percent(found.novel_words)
    rows["words known"] = _percent(found.known_words)
    rows["novel lines"] = _percent(found.novel_lines)
    return rows


def _percent(share: float) -> str:
    return "none" if isnan(share) else f"{share:.1%}"


def _show(found: "Novelty", name: str, unit: str) -> None:
    """Print the figures of both texts side by side, and the longest passage."""
    from charlm.corpus.vocabulary import UNITS

    noun = UNITS[unit].noun
    columns = [_rows(found.text, noun)] + ([] if found.valid is None else [_rows(found.valid, noun)])
    names = [name, "validation"][: len(columns)]
    width = max(12, len(name))
    write(f"{'':21}" + "".join(f"  {name:>{width}}" for name in names))
    for row in columns[0]:
        write(f"{row:21}" + "".join(f"  {column[row]:>{width}}" for column in columns))
    if found.text.longest:
        place = "" if found.file is None else f", {one_line(found.file)}:{found.line}"
        cited = one_line(found.passage[:CITED]) + ("..." if len(found.passage) > CITED else "")
        write(f"the longest passage of {name} that stands in the corpus{place}:\n  {cited}")


def _values(found: "Novelty") -> dict[str, Any]:
    place = None if found.file is None else {"file": found.file, "line": found.line}
    values: dict[str, Any] = {"seed": found.seed, "passage": found.passage, "place": place}
    texts = {"text": found.text, "valid": found.valid}
    return values | {name: None if text is None else _figures(text) for name, text in texts.items()}


def _figures(text: "Originality") -> dict[str, Any]:
    """Return what JSON can hold, which knows no NaN."""
    from dataclasses import asdict

    figures = asdict(text)
    ngrams = {str(n): number_or_none(share) for n, share in text.novel_ngrams.items()}
    return {name: ngrams if name == "novel_ngrams" else number_or_none(value) for name, value in figures.items()}
