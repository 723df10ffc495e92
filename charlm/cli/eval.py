"""`charlm eval`: how well a trained model predicts a text."""

import json
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING

import click

from charlm.cli.options import model_argument, on_unknown_option
from charlm.errors import UsageError
from charlm.files import rundir

if TYPE_CHECKING:
    from charlm.arrays import Ids
    from charlm.files.modelfile import Saved
    from charlm.inference.scorer import Score


@click.command(
    epilog="""\b
Examples:
  charlm eval runs/plays
  charlm eval runs/plays --split test --json
  charlm eval runs/plays letter.txt
  cat letter.txt | charlm eval runs/plays -
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
    from charlm.files import modelfile
    from charlm.inference.scorer import Scorer
    from charlm.kernels.choice import load_backend
    from charlm.network.model import Model
    from charlm.workers.split import available_cores
    from charlm.workers.team import Team

    if files and split:
        raise UsageError("--split: a part of the model's corpus; leave it out to score files")
    saved = modelfile.load(rundir.resolve(model))
    ids = _read_files(saved, files, on_unknown) if files else _read_split(saved, split or "valid", model)
    team = Team(available_cores())
    score = Scorer(Model(saved.architecture, load_backend("numpy")), team).score(saved.parameters, ids)
    team.close()
    if as_json:
        click.echo(json.dumps(_values(score)))
    else:
        click.echo(f"loss           {score.loss:.4f} nats per character")
        click.echo(f"bits_per_char  {score.bits_per_char:.4f}")
        click.echo(f"perplexity     {score.perplexity:.6g}")
        click.echo(f"accuracy       {score.accuracy:.2%} of characters guessed")
        click.echo(f"chars          {score.chars:,}")
    if score.far_apart:
        click.echo(
            f"one stream of the text is at {score.worst_stream:.2f} nats: the state has run away there; "
            "train with training.reset_probability above 0",
            err=True,
        )


def _values(score: "Score") -> dict[str, float | int | None]:
    """Return what JSON can hold, which knows no infinity."""
    return {
        "loss": score.loss,
        "bits_per_char": score.bits_per_char,
        "perplexity": score.perplexity if isfinite(score.perplexity) else None,
        "accuracy": score.accuracy,
        "chars": score.chars,
    }


def _read_files(saved: "Saved", files: tuple[str, ...], on_unknown: str) -> "Ids":
    """Read texts as the model's own corpus was read."""
    from charlm.corpus.loading import read

    c = saved.metadata["config"]["corpus"]
    kept = {name: c[name] for name in ("encoding", "mode", "newlines", "normalize", "lowercase")}
    ids, report = read(list(files), saved.vocabulary, on_unknown=on_unknown, **kept)
    for note in report:
        click.echo(note, err=True)
    return ids


def _read_split(saved: "Saved", split: str, model: Path) -> "Ids":
    """Read the model's own corpus once more and return one of its parts."""
    from charlm.run import read_again

    c = saved.metadata["config"]
    if c["corpus"]["split"][split] == 0:
        raise UsageError(f"{model}: has no {split} part (corpus.split.{split} is 0); name files to score")
    corpus = read_again(c["corpus"], c["seed"], saved.metadata["corpus"], model)
    ids: Ids = getattr(corpus, split)
    return ids
