"""``charlm config``: every key with its default, or what a configuration file comes to."""

import json
from pathlib import Path

import click

from charlm.cli.options import PathOfAFile
from charlm.cli.streams import write


@click.command("config")
@click.argument("path", metavar="[CONFIG]", required=False, type=PathOfAFile())
@click.option("--set", "overrides", metavar="KEY=VALUE", multiple=True, help="Give a key another value; repeatable.")
@click.option("--schema", "as_schema", is_flag=True, help="Print the JSON Schema of configuration files.")
def command(path: Path | None, overrides: tuple[str, ...], as_schema: bool) -> None:
    """Print a configuration.

    Without CONFIG: every key with its default and its meaning, ready to be edited.
    With CONFIG, or with --set: the checked configuration that results, every default written out. With `preset: auto`
    only what is given: the text chooses the rest, which `charlm train CONFIG --dry-run` tells.

    \b
    Examples:
      charlm config > mine.yaml
      charlm config mine.yaml --set model.cell=gru
      charlm config --schema > charlm.schema.json
    """  # noqa: D301 - click's mark for lines to be left as they are is the backspace itself
    from charlm import config  # here, so that other commands need not wait for pydantic
    from charlm.errors import UsageError

    if as_schema and (path or overrides):
        raise UsageError("--schema: describes all configurations; leave CONFIG and --set out")
    if as_schema:
        click.echo(json.dumps(config.schema(), indent=2))
    elif path or overrides:
        write(config.dump_yaml(config.load(path, overrides)), end="")
    else:
        click.echo(config.commented_defaults(), nl=False)
