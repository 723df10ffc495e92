"""`charlm eval`: how well a trained model predicts a text."""

from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from charlm.cli.display import apart
from charlm.cli.options import (
    PathOfAFile,
    check_on_unknown,
    check_output,
    force_option,
    model_argument,
    on_unknown_option,
    options_in_messages,
    without_ngram_option,
)
from charlm.cli.streams import number_or_none, say, write_json
from charlm.errors import UsageError
from charlm.phrases import one_line

if TYPE_CHECKING:
    from charlm.api.language_model import LanguageModel
    from charlm.arrays import Ids
    from charlm.corpus.vocabulary import Unit
    from charlm.inference.scorer import Score


@click.command(
    epilog="""\b
Examples:
  charlm eval runs/plays
  charlm eval runs/plays --split test --json
  charlm eval runs/plays letter.txt
  cat letter.txt | charlm eval runs/plays -
  charlm eval runs/plays letters.txt --dynamic --save letters.safetensors
"""
)
@model_argument
@click.argument("files", nargs=-1, metavar="[FILE ...]")
@click.option(
    "--split", type=click.Choice(["valid", "test"]), help="Which part of the model's own corpus.  [default: valid]"
)
@click.option("--corpus", multiple=True, metavar="PATH", help="Where that corpus is now; repeatable.")
@click.option("--encoding", metavar="ENC", help="The encoding of FILE ...  [default: that of the model's corpus]")
@on_unknown_option
@without_ngram_option
@click.option("--dynamic", is_flag=True, help="Score once more with a copy of MODEL that learns from what it has read.")
@click.option("--save", metavar="FILE", type=PathOfAFile(), help="With --dynamic: write that copy to FILE.")
@force_option("--save")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object.")
def command(
    model: Path,
    files: tuple[str, ...],
    split: Literal["valid", "test"] | None,
    corpus: tuple[str, ...],
    encoding: str | None,
    on_unknown: str,
    without_ngram: bool,
    dynamic: bool,
    save: Path | None,
    force: bool,
    as_json: bool,
) -> None:
    """Measure how well MODEL predicts FILE ..., or a part of its own corpus.

    MODEL is a run directory or a checkpoint file. The text is read in order with the state carried over, and every
    character but the first counts. A text of fewer than 50,000 characters is read in one stream, a longer one in
    several streams, each from a state that has read nothing; standard error says in how many. In a model of lines each
    line is scored by itself, its first character, too. Figures of a model of bytes are per byte. Those of a model with
    an n-gram are of both together, with the loss of the network alone beside them.

    With --dynamic the text is read a second time, in one stream, by a copy of MODEL that learns from each 32 characters
    after it has predicted them. Its figures stand beside the others, which they do not replace. --save keeps the copy,
    for `charlm sample` to write in that style; MODEL itself never changes.
    """
    import charlm
    from charlm.corpus.vocabulary import UNITS

    if files and (split or corpus):
        raise UsageError(
            f"{'--split' if split else '--corpus'}: is of the model's own corpus; leave it out to score files"
        )
    if encoding and not files:
        raise UsageError("--encoding: is that of files to score; the model's own corpus keeps its encoding")
    check_on_unknown(files, "FILE")
    if save is not None and not dynamic:
        raise UsageError("--save: writes the model that has adapted to the text; give --dynamic, too")
    loaded = charlm.load(model, ngram=not without_ngram)
    if save is not None and without_ngram and "ngram" in loaded.metadata:
        raise UsageError("--without-ngram: would leave the n-gram out of the saved model; leave it or --save out")
    check_output("--save", save, "adapted.safetensors", force, (*loaded.own_files(), *files, *corpus))
    if files:
        with options_in_messages():
            ids, notes = loaded.read_files(files, on_unknown, encoding)
        for note in notes:
            say(one_line(note))
    else:
        ids = loaded.read_part(split or "valid", corpus or None)
    score, unit, mixture = loaded.score(ids), UNITS[loaded.vocabulary.unit], loaded.mixture
    both = ", the network alone" if without_ngram else ""
    if mixture is not None:
        both = f", with the {mixture.ngram.order}-gram"
    if not as_json:
        _show(score, unit, both)
    if score.streams > 1 and loaded.architecture.start_symbol is None:
        length = f"some {score.chars // score.streams:,} {unit.noun}s"
        say(f"read in {score.streams} streams of {length}, each from a state that has read nothing")
    if score.runaway:
        say(f"one stream of the text {apart(score)}")
    if (read := loaded.adapted_to) is not None:
        say(one_line(f"{loaded.name}: has adapted to {read} since its training; of those, its loss says nothing"))
    adapted, other = _adapt(loaded, ids) if dynamic else (None, None)
    if as_json:
        values = _values(score)
        write_json(values if other is None else {**values, "dynamic": _values(other)})
    elif other is not None:
        click.echo("dynamic: the model learned from the text it had read")
        _show(other, unit, both)
    if adapted is not None and save is not None:
        adapted.save(save, overwrite=force)
        say(one_line(f"the adapted model is in {save}"))


def _adapt(model: "LanguageModel", ids: "Ids") -> "tuple[LanguageModel, Score]":
    """Let a copy of a model adapt to a text, and return it and its score."""
    from tqdm import tqdm

    unit = model.vocabulary.unit
    with tqdm(total=len(ids) - 1, unit=unit, desc="dynamic", leave=False, disable=None, delay=2) as bar:
        return model.adapt(ids, on_progress=bar.update)


def _show(score: "Score", unit: "Unit", both: str) -> None:
    """Print the figures of a text."""
    click.echo(f"loss           {score.loss:.4f} nats per {unit.noun}{both}")
    if score.network_loss is not None:
        click.echo(f"network_loss   {score.network_loss:.4f} nats per {unit.noun}, the network alone")
    click.echo(f"bits_per_{unit.short}  {score.bits_per_char:.4f}")
    click.echo(f"perplexity     {score.perplexity:.6g}")
    click.echo(f"accuracy       {score.accuracy:.2%} of {unit.noun}s guessed")
    click.echo(f"{unit.short}s          {score.chars:,}")


def _values(score: "Score") -> dict[str, float | int | None]:
    """Return plain values for JSON."""
    alone = {} if score.network_loss is None else {"network_loss": score.network_loss}
    return {
        "loss": score.loss,
        **alone,
        f"bits_per_{score.unit}": score.bits_per_char,
        "perplexity": number_or_none(score.perplexity),
        "accuracy": score.accuracy,
        f"{score.unit}s": score.chars,
    }
