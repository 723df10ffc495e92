"""Options that several commands share."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from math import inf, isfinite
from pathlib import Path
from typing import Any, TypeVar

import click
from click.core import ParameterSource

from charlm.arguments import MOST_SEED, MOST_TEMPERATURE
from charlm.errors import CharlmError, Remedy, UsageError
from charlm.files.newfile import new_file
from charlm.limits import MOST_SYMBOLS
from charlm.paths import expanded
from charlm.phrases import shortened

F = TypeVar("F", bound=Callable[..., Any])
# Remedies that are keys of a configuration, and the parameter and the remedy of commands that have none.
OF_KEYS = {
    Remedy.SET_ENCODING: ("encoding", Remedy.NAME_ENCODING),
    Remedy.SET_UNIT: ("unit", Remedy.NAME_UNIT),
    Remedy.SET_SPLIT: ("split", Remedy.NAME_SPLIT),
}


class WholeRange(click.IntRange):
    """A range of whole numbers, with a message in words for what is none of them."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return the number, or fail."""
        try:
            number: int = super().convert(value, param, ctx)
        except click.BadParameter:
            self.fail(f"must be a whole number {_limits(self)}, got {shortened(repr(value))}", param, ctx)
        return number


class FiniteRange(click.FloatRange):
    """A range of numbers that excludes infinity and NaN, which no range of click's excludes."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return the number, or fail."""
        try:
            number: float = super().convert(value, param, ctx)
        except click.BadParameter:
            number = inf
        if not isfinite(number):
            noun = "a finite number" if self.max is None else "a number"
            self.fail(f"must be {noun} {_limits(self)}, got {shortened(repr(value))}", param, ctx)
        return number


def _limits(of: click.IntRange | click.FloatRange) -> str:
    """Return a range in words."""
    least = None if of.min is None else f"{'above' if of.min_open else 'of at least'} {of.min:,}"
    most = None if of.max is None else f"at most {of.max:,}"
    return " and ".join(limit for limit in (least, most) if limit)


class PathOfAFile(click.Path):
    """A path with ``~`` for a home directory, also behind an equals sign, where the shell leaves it alone."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        """Return the path, or fail."""
        if not str(value):
            self.fail("is empty; give a path", param, ctx)
        return expanded(value)


class PageFile(PathOfAFile):
    """The name of a page to write, whose ending is demanded."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        """Return the path, or fail."""
        path = super().convert(value, param, ctx)
        if path.suffix.lower() != ".html":
            self.fail(f"must end with .html, got {shortened(repr(str(value)))}", param, ctx)
        return path


def overrides_option(function: F) -> F:
    """Add ``--set KEY=VALUE``, repeatable."""
    return click.option(
        "--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Override a key of CONFIG; repeatable."
    )(function)


def model_argument(function: F) -> F:
    """Add the argument MODEL: a run directory or a checkpoint file."""
    return click.argument("model", metavar="MODEL", type=PathOfAFile())(function)


def without_ngram_option(function: F) -> F:
    """Add ``--without-ngram``: the network of a model alone."""
    return click.option(
        "--without-ngram", is_flag=True, help="Use the network alone, if the model has an n-gram beside it."
    )(function)


def on_unknown_option(function: F) -> F:
    """Add ``--on-unknown``: what to do with characters that the model never saw."""
    return click.option(
        "--on-unknown",
        type=click.Choice(["error", "skip", "replace"]),
        default="error",
        help="What to do with characters that the model's corpus never had; replace needs corpus.min_count.",
    )(function)


def check_on_unknown(text: object, option: str) -> None:
    """Refuse ``--on-unknown`` where no text is given: the model's own corpus has no characters that it lacks.

    Parameters
    ----------
    text : object
        What gives a text; false where nothing does.
    option : str
        What would give one.
    """
    if not text and is_given("on_unknown"):
        raise UsageError(
            f"--on-unknown: is about characters that a text of yours may have; give {option}, too, or leave it out"
        )


def sampling_options(function: F) -> F:
    """Add ``--temperature``, ``--top-k``, ``--top-p``, ``--min-p`` and ``--seed``: how a model writes."""
    options = (
        click.option(
            "--temperature",
            type=FiniteRange(min=0, max=MOST_TEMPERATURE),
            default=0.8,
            metavar="T",
            help="Below 1 safer, above 1 wilder, 0 greedy.",
        ),
        click.option(
            "--top-k",
            type=WholeRange(min=1, max=MOST_SYMBOLS),
            metavar="K",
            help="Draw from the K likeliest characters only.",
        ),
        click.option(
            "--top-p",
            type=FiniteRange(min=0, min_open=True, max=1),
            metavar="P",
            help="Draw from the fewest characters that together have probability P.",
        ),
        click.option(
            "--min-p",
            type=FiniteRange(min=0, max=1),
            metavar="P",
            help="Draw from characters at least P times as likely as the likeliest.",
        ),
        click.option(
            "--seed",
            type=WholeRange(min=0, max=MOST_SEED),
            metavar="SEED",
            help="The same seed gives the same text.  [default: random, printed to stderr]",
        ),
    )
    for option in reversed(options):
        function = option(function)
    return function


def is_given(name: str) -> bool:
    """Tell whether a parameter of the command at hand has another value than its default because a person gave one."""
    return click.get_current_context().get_parameter_source(name) is not ParameterSource.DEFAULT


def force_option(writer: str) -> Callable[[F], F]:
    """Return what adds ``--force``, which lets the option `writer` replace a file."""
    return click.option("--force", is_flag=True, help=f"Let {writer} replace a file that is there.")


def check_output(writer: str, file: Path | None, example: str, force: bool, read: Iterable[str | Path]) -> None:
    """Refuse to replace a file without ``--force``, or one of those that are read, before anything is computed.

    Parameters
    ----------
    writer : str
        The option that names the file.
    file : Path, optional
        The file to write, if any.
    example : str
        How it could be named in a folder.
    force : bool
        Whether it may replace a file.
    read : iterable of str or Path
        The files that the command reads.
    """
    if file is not None:
        new_file(file, example, overwrite=force, read=read)
    elif force:
        raise UsageError(f"--force: lets {writer} replace a file; give {writer}, too, or leave it out")


def picture_option(function: F) -> F:
    """Add ``--out FILE``: a picture, refused before anything is computed where it could not be written afterwards."""

    def check(context: click.Context, param: click.Parameter, path: Path | None) -> Path | None:
        from charlm.insight import pictures

        if path is not None:
            pictures.check(path)
        return path

    function = force_option("--out")(function)
    return click.option(
        "-o",
        "--out",
        type=PathOfAFile(),
        callback=check,
        metavar="FILE",
        help="Write a picture: .png, .svg or .html; needs Matplotlib.",
    )(function)


@contextmanager
def options_in_messages() -> Iterator[None]:
    """Let a message of the library name the command's own options, where it names an argument or advises one."""
    try:
        yield
    except CharlmError as error:
        options = {param.name: param for param in click.get_current_context().command.params}
        name, colon, rest = str(error).partition(": ")
        if isinstance(error, UsageError) and colon and isinstance(option := options.get(name), click.Option):
            error.args = (f"{longest(option.opts)}: {rest}",)
        if error.remedy in OF_KEYS and "overrides" not in options:
            parameter, remedy = OF_KEYS[error.remedy]
            error.remedy = remedy if parameter in options else None
        if error.remedy is Remedy.SKIP_UNKNOWN and "on_unknown" not in options:
            error.remedy = None
        raise


def longest(names: Sequence[str]) -> str:
    """Return the long one of an option's names: ``--out``, not ``-o``."""
    return max(names, key=len)
