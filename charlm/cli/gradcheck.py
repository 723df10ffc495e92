"""`charlm gradcheck`: every gradient of a configuration's network against finite differences."""

from pathlib import Path

import click

from charlm.cli.options import PathOfAFile, WholeRange, overrides_option
from charlm.errors import CharlmError

VOCABULARY_SIZE = 11
MOST_ELEMENTS = 1_000_000  # far more than the largest tensor of such a network has
CHECKED_ORDER = 3  # of an n-gram: the derivatives are the same at any length of context
MOST_HIDDEN = 16  # units and embedding: the equations are the same at any width, and the check costs its square


@click.command()
@click.argument("config", type=PathOfAFile())
@overrides_option
@click.option(
    "--most",
    type=WholeRange(min=1, max=MOST_ELEMENTS),
    default=100,
    help="Elements checked of each tensor, at the most.",
)
def command(config: Path, overrides: tuple[str, ...], most: int) -> None:
    """Check the gradients of CONFIG's network by central differences in float64.

    The network has CONFIG's cell, layers, embedding, dropout and tied weights, on a small window of random symbols,
    at no more than 16 units, and each tensor gets one line. The corpus is not read. Exits with 1 if a gradient fails.
    """
    from dataclasses import replace
    from itertools import chain

    from charlm import assemble
    from charlm.config import load, refuse_preset
    from charlm.insight.gradcheck import TOLERANCE, Problem, check, check_scales

    settings = load(config, overrides)
    refuse_preset(settings)
    a = assemble.architecture(settings, VOCABULARY_SIZE, 0 if settings.corpus.mode == "lines" else None)
    architecture = replace(
        a,
        hidden_size=min(a.hidden_size, MOST_HIDDEN),
        embedding_size=None if a.embedding_size is None else min(a.embedding_size, MOST_HIDDEN),
    )
    problem = Problem(architecture, settings.model.dropout.build(), settings.seed)
    failed = 0
    results = check(problem, settings.seed, most)
    if settings.model.ngram.order is not None:
        results = chain(results, [check_scales(VOCABULARY_SIZE, CHECKED_ORDER, settings.seed)])
    for result in results:
        failed += not result.passed
        verdict = "ok" if result.passed else "WRONG"
        click.echo(f"{verdict:<6}{result.name:<24}{result.difference:>10.1e}  {result.checked} of {result.size}")
    if failed:
        raise CharlmError(f"{failed} gradients differ from finite differences by more than {TOLERANCE:.0e}")
