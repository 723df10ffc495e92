"""`charlm info`: what a checkpoint holds."""

from math import log
from pathlib import Path

import click

from charlm.cli.options import model_argument


@click.command()
@model_argument
@click.option("--json", "as_json", is_flag=True, help="Print all of it as a JSON object.")
def command(model: Path, as_json: bool) -> None:
    """Show what MODEL, a run directory or a checkpoint file, holds.

    Its network, its weights by tensor, its vocabulary, the losses of its training and its configuration.
    """
    from charlm import checkpoint, modelfile
    from charlm.config import Config, dump_yaml

    path = checkpoint.resolve(model)
    saved = modelfile.load(path)
    if as_json:
        import json

        shapes = {name: list(shape) for name, shape in saved.parameters.shapes.items()}
        click.echo(json.dumps({"path": str(path), "parameters": shapes, **saved.metadata}, ensure_ascii=False))
        return
    a, vocabulary = saved.model.architecture, saved.vocabulary
    input_ = f"an embedding of {a.embedding_size}" if a.embedding_size else "one-hot input"
    click.echo(f"{path}, charlm {saved.metadata['version']}")
    click.echo(f"{a.num_layers} x {a.cell} of {a.hidden_size}, {input_}, {a.dtype}")
    click.echo(f"\n{'parameters':<24}{saved.parameters.flat.size:>12,}")
    for name, array in saved.parameters.items():
        click.echo(f"  {name:<22}{array.size:>12,}  {' x '.join(map(str, array.shape))}")
    click.echo(f"\nvocabulary: {len(vocabulary)} {vocabulary.unit}s")
    click.echo("  " + " ".join(ascii(symbol)[1:-1] if symbol != " " else "' '" for symbol in vocabulary.symbols))
    history = saved.metadata["history"]
    if history:
        click.echo("\n    step    epoch    validation: nats    bits/char")
    for entry in history:
        loss = entry["valid_loss"]
        click.echo(f"{entry['step']:>8,}{entry['epoch']:>9.2f}{loss:>20.4f}{loss / log(2):>13.4f}")
    if run := saved.metadata.get("run"):
        click.echo(f"\nstep {run['standing']['step']:,} of {run['total_steps']:,}, {run['seconds']:.0f} s of training")
    click.echo("\nconfiguration:")
    for line in dump_yaml(Config.from_dict(saved.metadata["config"], str(path))).splitlines():
        click.echo(f"  {line}")
