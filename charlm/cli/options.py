"""Options that several commands share."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from math import isfinite
from pathlib import Path
from typing import Any, TypeVar

import click

from charlm.errors import UsageError
from charlm.paths import expanded

F = TypeVar("F", bound=Callable[..., Any])


class FiniteRange(click.FloatRange):
    """A range of numbers that excludes infinity and NaN, which no range of click's excludes."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return the number, or fail."""
        number: float = super().convert(value, param, ctx)
        if not isfinite(number):
            self.fail(f"{number} is not a finite number.", param, ctx)
        return number


class PathOfAFile(click.Path):
    """A path with ``~`` for a home directory, also behind an equals sign, where the shell leaves it alone."""

    def __init__(self) -> None:
        super().__init__(path_type=Path)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        """Return the path, or fail."""
        if not str(value):
            self.fail("is empty; give a path", param, ctx)
        return expanded(str(super().convert(value, param, ctx)))


def overrides_option(function: F) -> F:
    """Add ``--set KEY=VALUE``, repeatable."""
    return click.option(
        "--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Override a key of CONFIG; repeatable."
    )(function)


def model_argument(function: F) -> F:
    """Add the argument MODEL: a run directory or a checkpoint file."""
    return click.argument("model", metavar="MODEL", type=PathOfAFile())(function)


def on_unknown_option(function: F) -> F:
    """Add ``--on-unknown``: what to do with characters that the model never saw."""
    return click.option(
        "--on-unknown",
        type=click.Choice(["error", "skip", "replace"]),
        default="error",
        help="What to do with characters that the model's corpus never had; replace needs corpus.min_count.",
    )(function)


@contextmanager
def options_in_messages() -> Iterator[None]:
    """Let a message of the library that begins with the name of an argument begin with that of the option."""
    try:
        yield
    except UsageError as error:
        name, colon, rest = str(error).partition(": ")
        if colon and name in click.get_current_context().params:
            error.args = (f"--{name.replace('_', '-')}: {rest}",)
        raise
