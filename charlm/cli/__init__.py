"""The entry of the command line: it runs a command, and reports all errors in one place."""

# Nothing but what the interpreter has loaded already is imported here: a Ctrl-C is handled from `main` on. One that
# comes before, while Python starts and looks for this module, shows Python's own traceback; no package can help that.
import _thread
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from sys import UnraisableHookArgs

FAILURE = 1
USAGE = 2
INTERRUPTED = 130  # 128 + SIGINT, as shells report it
PIPE_CLOSED = FAILURE if os.name == "nt" else 141  # 128 + SIGPIPE, as `yes | head` ends


def main(arguments: "Sequence[str] | None" = None) -> int:
    """Run the command line and return its exit status.

    Parameters
    ----------
    arguments : Sequence of str, optional
        What follows the program's name; by default what the person typed.

    Returns
    -------
    int
        0 when all went well, 1 after a failure that a message explains or a traceback shows, 2 after a wrong argument
        or configuration, 130 after Ctrl-C, 141 when the reader of standard output, or of a training's progress, went
        away.
    """
    hook = sys.unraisablehook
    try:
        sys.unraisablehook = _interrupt_again(hook)
        from charlm.cli.streams import printed_warnings, usable_streams

        with usable_streams(), printed_warnings():
            return _reported(sys.argv[1:] if arguments is None else arguments)
    except KeyboardInterrupt:  # while modules were imported, or a second one
        return INTERRUPTED
    finally:
        sys.unraisablehook = hook


def _interrupt_again(
    otherwise: "Callable[[UnraisableHookArgs], object]",
) -> "Callable[[UnraisableHookArgs], None]":
    """Return a hook that repeats a Ctrl-C which came where no exception can leave, such as a weak reference's callback.

    The import system has one for each module; Python would show a traceback there, and go on.
    """

    def hook(unraisable: "UnraisableHookArgs") -> None:
        if unraisable.exc_type is KeyboardInterrupt:
            _thread.start_new_thread(_thread.interrupt_main, ())  # which has its turn when this hook is done
        else:
            otherwise(unraisable)

    return hook


def _reported(arguments: "Sequence[str]") -> int:
    """Run a command, report what goes wrong, and return the exit status."""
    from charlm.cli.streams import drop_unwritten, is_reader_gone, say

    try:
        status = _run(arguments)
        sys.stdout.flush()  # now, while a failure can still be reported
    except KeyboardInterrupt:
        say("charlm: interrupted")
        status = INTERRUPTED
    except Exception as error:
        status = PIPE_CLOSED if isinstance(error, OSError) and is_reader_gone(error) else explain(error)
    drop_unwritten()
    return status


def _run(arguments: "Sequence[str]") -> int:
    """Hand the arguments to their command and return the exit status it asks for."""
    import click

    from charlm.cli.commands import root

    if "_CHARLM_COMPLETE" in os.environ:
        root.main(prog_name="charlm")  # a shell asks for completions
    try:
        with root.make_context("charlm", list(arguments) or ["--help"]) as context:
            root.invoke(context)
    except click.exceptions.Exit as ending:
        return ending.exit_code
    return 0


def explain(error: Exception, where: str = "") -> int:
    """Report an error on standard error, after the name of the place if it has one, and return the exit status."""
    import click

    from charlm import __version__
    from charlm.cli.advice import joined, usage_advice, with_advice
    from charlm.cli.streams import say
    from charlm.errors import CharlmError
    from charlm.phrases import one_line

    if os.environ.get("CHARLM_DEBUG"):
        _print_traceback(error)
    match error:
        case CharlmError():
            return _complain(with_advice(error), error.exit_code, where)
        case click.exceptions.NoArgsIsHelpError():
            say(error.format_message())
            return USAGE
        case click.UsageError():
            return _complain(usage_advice(error), USAGE, where)
        case click.ClickException():
            return _complain(joined(error.format_message()), error.exit_code, where)
        case OSError():
            reason = error.strerror or str(error)
            return _complain(one_line(f"{error.filename or 'input or output'}: {reason}"), FAILURE, where)
        case MemoryError():
            return _complain(one_line(f"not enough memory: {error}".removesuffix(": ")), FAILURE, where)
    if not os.environ.get("CHARLM_DEBUG"):
        _print_traceback(error)
    return _complain(f"this is a bug in charlm {__version__}; please report it with the lines above", FAILURE, where)


def _print_traceback(error: Exception) -> None:
    import traceback

    from charlm.cli.streams import say

    say("".join(traceback.format_exception(error)).rstrip())


def _complain(message: str, status: int, where: str) -> int:
    """Write a message to standard error, each of its lines marked as charlm's, and return the exit status."""
    from charlm.cli.streams import say

    for line in message.split("\n"):
        say(f"charlm: {where}{line}")
    return status
