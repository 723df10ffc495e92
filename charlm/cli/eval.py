"""`charlm eval`: how well a trained model predicts a text."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from charlm.cli.options import model_argument, on_unknown_option
from charlm.errors import CharlmError, UsageError

if TYPE_CHECKING:
    from charlm.kernels import IntArray
    from charlm.modelfile import Saved

STREAMS = 64  # a text is read in, at the most


@click.command(
    epilog="""\b
Examples:
  charlm eval runs/plays
  charlm eval runs/plays --split test --json
  charlm eval runs/plays letter.txt
"""
)
@model_argument
@click.argument("files", nargs=-1, metavar="[FILE ...]")
@click.option(
    "--split", type=click.Choice(["valid", "test"]), help="Which part of the model's own corpus.  [default: valid]"
)
@on_unknown_option
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object.")
def command(model: Path, files: tuple[str, ...], split: str | None, on_unknown: str, as_json: bool) -> None:
    """Measure how well MODEL predicts FILE ..., or a part of its own corpus.

    MODEL is a run directory or a checkpoint file. The text is read in order with the state carried over, and every
    character but the first counts.
    """
    from charlm import checkpoint, modelfile
    from charlm.parallel import Team, available_cores
    from charlm.scorer import Scorer

    if files and split:
        raise UsageError("--split: a part of the model's corpus; leave it out to score files")
    saved = modelfile.load(checkpoint.resolve(model))
    ids = _read_files(saved, files, on_unknown) if files else _read_split(saved, split or "valid", model)
    team = Team(available_cores())
    score = Scorer(saved.model, STREAMS, team).score(saved.parameters, ids)
    team.close()
    values = {
        "loss": score.loss,
        "bits_per_char": score.bits_per_char,
        "perplexity": score.perplexity,
        "accuracy": score.accuracy,
        "chars": score.chars,
    }
    if as_json:
        click.echo(json.dumps(values))
        return
    click.echo(f"loss           {score.loss:.4f} nats per character")
    click.echo(f"bits_per_char  {score.bits_per_char:.4f}")
    click.echo(f"perplexity     {score.perplexity:.4f}")
    click.echo(f"accuracy       {score.accuracy:.2%} of characters guessed")
    click.echo(f"chars          {score.chars:,}")
    if score.far_apart:
        click.echo(
            f"one stream of the text is at {score.worst_stream:.2f} nats: the state has run away there; "
            "train with training.reset_probability above 0",
            err=True,
        )


def _read_files(saved: "Saved", files: tuple[str, ...], on_unknown: str) -> "IntArray":
    """Read texts as the model's own corpus was read."""
    from charlm.corpus import read

    c = saved.metadata["config"]["corpus"]
    kept = {name: c[name] for name in ("encoding", "mode", "newlines", "normalize", "lowercase")}
    ids, report = read(list(files), saved.vocabulary, on_unknown=on_unknown, **kept)
    for note in report:
        click.echo(note, err=True)
    return ids


def _read_split(saved: "Saved", split: str, model: Path) -> "IntArray":
    """Read the model's own corpus once more and return one of its parts."""
    from charlm.corpus import load

    c = saved.metadata["config"]
    corpus = load(**c["corpus"], seed=c["seed"])
    if corpus.vocabulary != saved.vocabulary:
        raise CharlmError(
            f"{model}: the corpus {c['corpus']['path']} no longer has the characters that the model was trained on; "
            "put it back, or name files to score"
        )
    ids: IntArray = getattr(corpus, split)
    if len(ids) < 2:
        raise UsageError(f"{model}: was trained with corpus.split.{split} 0, so there is no such part; name files to score")
    return ids
