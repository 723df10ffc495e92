"""`charlm data`: list and fetch well-known public corpora, and make the texts of tasks."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from charlm.arguments import MOST_SEED
from charlm.cli.commands import Group
from charlm.cli.options import PathOfAFile, WholeRange, options_in_messages
from charlm.cli.signals import ended_by_signals
from charlm.cli.streams import say, write
from charlm.corpus.fetch import CORPORA, corpus_named, fetch
from charlm.corpus.tasks import DELAY, generate, save
from charlm.limits import MOST_SIZE

F = TypeVar("F", bound=Callable[..., Any])


@click.group(name="data", cls=Group)
def command() -> None:
    """List and fetch well-known public corpora, and make texts that test a memory."""


def to_option(function: F) -> F:
    """Add ``--to``: where a text is put."""
    return click.option(
        "--to", "folder", metavar="DIR", default="data", type=PathOfAFile(), help="The folder to put it in."
    )(function)


@command.command(name="list")
def list_corpora() -> None:
    """Print each corpus's name, size, address and what it is."""
    for corpus in CORPORA.values():
        click.echo(f"{corpus.name:18}{corpus.size:>11,} bytes   {corpus.about}\n{'':35} {corpus.url}")


@command.command(name="fetch")
@click.argument("name")
@to_option
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


@command.command(
    name="task",
    epilog="""\b
Tasks:
  copy      chbf=c      the first letter, after random letters of the same alphabet
  brackets  [(<qk=>)]   three brackets of four kinds, closed after random letters
  adding    *43*2103=6  the sum of the two marked digits
""",
)
@click.argument("name")
@click.option(
    "--delay", metavar="N", default=DELAY, type=WholeRange(1),
    help="Characters from the first that matters to the answer.",
)  # fmt: skip
@click.option("--lines", metavar="N", default=20_000, type=WholeRange(1), help="How many lines to make.")
@click.option(
    "--seed", metavar="SEED", default=1, type=WholeRange(0, MOST_SEED), help="The same seed makes the same lines."
)
@to_option
@click.option("--force", is_flag=True, help="Overwrite a different file of the same name.")
def make_task(name: str, delay: int, lines: int, seed: int, folder: Path, force: bool) -> None:
    """Make random lines for the task NAME, whose last characters are known only to who remembers the first.

    All lines have the same length, so that windows of that length, with the line end, have one line each. The rest of a
    line is random: standard error says what loss cannot be beaten, and how many answers are right by guessing.
    """
    with ended_by_signals(), options_in_messages():
        made = generate(name, delay, lines, seed)
        saved = save(made, folder, force)
    answers = "character of a line is" if made.answers == 1 else f"{made.answers} characters of a line are"
    state = "already there" if saved.already_there else "made"
    say(f"{made.name}: {state}, {lines:,} lines of {made.length} characters")
    say(f"the last {answers} the answer; guessed, {made.chance:.1%} of them would be right")
    whole = f"; training.seq_length: {made.length + 1} reads whole lines" if made.length < MOST_SIZE else ""
    say(f"no model has a loss below {made.floor:.4f} nats{whole}")
    write(str(saved.path))
