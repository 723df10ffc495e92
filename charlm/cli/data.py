"""`charlm data`: list and fetch well-known public corpora."""

from pathlib import Path

import click

from charlm.cli.commands import Group
from charlm.cli.options import PathOfAFile, options_in_messages
from charlm.cli.signals import ended_by_signals
from charlm.cli.streams import say, write
from charlm.corpus.fetch import CORPORA, corpus_named, fetch


@click.group(name="data", cls=Group)
def command() -> None:
    """List and fetch well-known public corpora."""


@command.command(name="list")
def list_corpora() -> None:
    """Print each corpus's name, size, address and what it is."""
    for corpus in CORPORA.values():
        click.echo(f"{corpus.name:18}{corpus.size:>11,} bytes   {corpus.about}\n{'':35} {corpus.url}")


@command.command(name="fetch")
@click.argument("name")
@click.option(
    "--to",
    "folder",
    metavar="DIR",
    default="data",
    type=PathOfAFile(),
    help="The folder to put it in.",
)
@click.option("--url", metavar="URL", show_default=False, help="A mirror, instead of the corpus's own address.")
@click.option("--force", is_flag=True, help="Overwrite a different file of the same name.")
def fetch_corpus(name: str, folder: Path, url: str | None, force: bool) -> None:
    """Bring the corpus NAME, check its size and SHA-256, and print where it is.

    `charlm data list` prints the names.
    """
    from tqdm import tqdm

    corpus = corpus_named(name)
    bar = tqdm(total=corpus.size, unit="B", unit_scale=True, desc=name, leave=False, disable=None)
    with ended_by_signals(), bar, options_in_messages():
        fetched = fetch(corpus, folder, url, force, bar.update)
    state = "already there" if fetched.already_there else "fetched and checked"
    say(f"{corpus.name}: {state}, {corpus.size:,} bytes")
    write(str(fetched.path))
