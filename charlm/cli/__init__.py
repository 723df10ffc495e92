"""The entry of the command line: it finds the command, and reports all errors in one place."""

import contextlib
import importlib
import io
import os
import sys
import warnings
from collections.abc import Sequence
from typing import Any

import click

from charlm import __version__
from charlm.errors import CharlmError, CharlmWarning

# Each command is the click command named `command` in charlm/cli/NAME.py, imported only when it is called.
COMMANDS = {
    "train": "Train a model on a corpus and leave a run directory.",
    "sample": "Write text with a trained model, one character at a time.",
    "eval": "Measure how well a trained model predicts a text.",
    "info": "Show what a checkpoint holds.",
    "gradcheck": "Check every gradient of a configuration by finite differences.",
    "config": "Print the configuration's keys, defaults and meanings.",
    "data": "List and fetch well-known public corpora.",
    "bench": "Measure the speed of training on this machine.",
}

FAILURE = 1
USAGE = 2
INTERRUPTED = 130  # 128 + SIGINT, as shells report it
PIPE_CLOSED = FAILURE if os.name == "nt" else 141  # 128 + SIGPIPE, as `yes | head` ends


class LazyGroup(click.Group):
    """A group of the commands in `COMMANDS` that imports a command's module only to run it."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the commands' names in the order in which a person meets them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one command, or return None where there is none of that name."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(f"charlm.cli.{cmd_name}").command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that the arguments name, or suggest one that is spelt much like it."""
        if args[0] in COMMANDS or args[0].startswith("-"):
            return super().resolve_command(ctx, args)
        from charlm.phrases import suggestion

        hint = suggestion(args[0], COMMANDS) or f"; choose one of {', '.join(COMMANDS)}."
        raise click.UsageError(f"No such command {args[0]!r}{hint}", ctx)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands into the help from the table, importing none of them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(
    cls=LazyGroup,
    epilog="`charlm COMMAND --help` explains a command. "
    "With CHARLM_DEBUG=1 in the environment, error messages come with a traceback.",
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100, "show_default": True},
)
@click.version_option(__version__, prog_name="charlm", message="%(prog)s %(version)s")
def root() -> None:
    """Train character-level language models on your own text, and sample from them."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status.

    Parameters
    ----------
    arguments : Sequence of str, optional
        What follows the program's name; by default what the person typed.

    Returns
    -------
    int
        0 when all went well, 1 after a failure that a message explains or a traceback shows, 2 after a wrong argument
        or configuration, 130 after Ctrl-C, 141 when the reader of standard output went away.
    """
    _print_warnings()
    try:
        _write_utf8()
        status = _run(sys.argv[1:] if arguments is None else arguments)
        if sys.stdout is not None:  # as it is after `>&-`
            sys.stdout.flush()  # now, while a failure can still be reported
        return status
    except BrokenPipeError:
        status = PIPE_CLOSED
    except KeyboardInterrupt:
        status = _say("interrupted", INTERRUPTED)
    except Exception as error:
        status = explain(error)
    _drop_unwritten_output()
    return status


def _print_warnings() -> None:
    """Print what the library warns of, such as compiled kernels that cannot be used, in one line each."""
    show = warnings.showwarning

    def print_or_show(message: Warning | str, category: type[Warning], *place: Any, **more: Any) -> None:
        if issubclass(category, CharlmWarning):
            _say(str(message), 0)
        else:
            show(message, category, *place, **more)

    warnings.showwarning = print_or_show
    warnings.simplefilter("always", CharlmWarning)


def _run(arguments: Sequence[str]) -> int:
    """Hand the arguments to their command and return the exit status it asks for."""
    if "_CHARLM_COMPLETE" in os.environ:
        root.main(prog_name="charlm")  # a shell asks for completions
    try:
        with root.make_context("charlm", list(arguments) or ["--help"]) as context:
            root.invoke(context)
    except click.exceptions.Exit as ending:
        return ending.exit_code
    return 0


def _write_utf8() -> None:
    """Make standard output UTF-8 with plain newlines, whatever the system's habits are."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A lone surrogate, as in an undecodable file name, has no UTF-8; escaping it keeps the output valid.
        sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace", newline="\n")


def _drop_unwritten_output() -> None:
    """Drop unwritten output, so that the interpreter does not fail to write it when it exits."""
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except OSError:
        with open(os.devnull, "wb") as nowhere:
            os.dup2(nowhere.fileno(), sys.stdout.fileno())


def explain(error: Exception, where: str = "") -> int:
    """Report an error on standard error, after the name of the place if it has one, and return the exit status."""
    if os.environ.get("CHARLM_DEBUG"):
        _print_traceback(error)
    match error:
        case CharlmError():
            from charlm.cli.advice import with_advice

            return _say(with_advice(error), error.exit_code, where)
        case click.exceptions.NoArgsIsHelpError():
            click.echo(error.format_message(), err=True)
            return USAGE
        case click.UsageError():
            command = error.ctx.command_path if error.ctx else "charlm"
            return _say(f"{_one_line(error.format_message())} Try `{command} --help`.", USAGE, where)
        case click.ClickException():
            return _say(_one_line(error.format_message()), error.exit_code, where)
        case OSError():
            reason = error.strerror or str(error)
            return _say(f"{error.filename or 'input or output'}: {reason}", FAILURE, where)
        case MemoryError():
            return _say(f"not enough memory: {error}".removesuffix(": "), FAILURE, where)
    if not os.environ.get("CHARLM_DEBUG"):
        _print_traceback(error)
    return _say(f"this is a bug in charlm {__version__}; please report it with the lines above", FAILURE, where)


def _print_traceback(error: Exception) -> None:
    import traceback

    with contextlib.suppress(OSError):
        traceback.print_exception(error)


def _say(message: str, status: int, where: str = "") -> int:
    """Write a message to standard error, each of its lines marked as charlm's, and return the exit status."""
    with contextlib.suppress(OSError):  # standard error may be closed
        for line in message.splitlines():
            print(f"charlm: {where}{line}", file=sys.stderr)
    return status


def _one_line(message: str) -> str:
    return " ".join(message.split())
