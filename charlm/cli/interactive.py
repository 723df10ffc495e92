"""`charlm sample --interactive`: the model proposes how a text goes on, and a person chooses."""

import re
import sys
from typing import TYPE_CHECKING

from charlm.cli.streams import is_terminal, say, write
from charlm.errors import CharlmError, UsageError
from charlm.phrases import one_line

if TYPE_CHECKING:
    from charlm.api.language_model import LanguageModel
    from charlm.inference.proposals import Proposal, Proposals

SHOWN = 400  # the last characters of the text, above the proposals
HELP = (
    "a number takes a proposal, any other text is written as it is (\\n is a line end, =u or =1 the text u or 1), "
    "u undoes, q ends"
)
ESCAPES = {r"\n": "\n", r"\\": "\\"}


def write_together(model: "LanguageModel", together: "Proposals", prompt: str, on_unknown: str, raw: bool) -> None:
    """Ask what to take until there is no more input, and write the prompt and the text to standard output.

    Parameters
    ----------
    model : LanguageModel
        The model.
    together : Proposals
        The text, which has nothing but the prompt yet.
    prompt : str
        What it begins with.
    on_unknown : {"error", "skip", "replace"}
        What to do with typed characters that the model never saw.
    raw : bool
        Whether a terminal gets control characters as they are.
    """
    say(HELP)
    try:
        _converse(model, together, prompt, on_unknown)
    finally:  # also after Ctrl-C, which leaves nothing to choose but harms nothing that was chosen
        text = prompt + together.text
        write(text, raw, end="" if not text or text.endswith("\n") else "\n")


def _converse(model: "LanguageModel", together: "Proposals", prompt: str, on_unknown: str) -> None:
    proposals = _show(together, prompt)
    while (line := _next_line()) is not None and line != "q":
        if not line:
            continue
        if line == "u" and not together.undo():
            say("there is nothing to undo")
            continue
        try:
            if line != "u":
                together.take(_chosen(line, proposals, model, on_unknown))
        except UsageError as error:
            say(f"not written: {error}")
            continue
        proposals = _show(together, prompt)


def _chosen(line: str, proposals: "list[Proposal]", model: "LanguageModel", on_unknown: str) -> "Proposal | list[int]":
    """Return the proposal that a line names, or its own symbols."""
    if re.fullmatch("[0-9]+", line) and 1 <= int(line) <= len(proposals):
        return proposals[int(line) - 1]
    text = re.sub(r"\\[n\\]", lambda found: ESCAPES[found[0]], line.removeprefix("="))
    ids = [int(symbol) for symbol in model.encode(text, on_unknown)]
    if not ids:
        raise UsageError("there is nothing in it that the model knows")
    return ids


def _show(together: "Proposals", prompt: str) -> "list[Proposal]":
    """Show the end of the text and how it may go on."""
    proposals = together.propose()
    text = prompt + together.text
    say(f"\n{'...' if len(text) > SHOWN else ''}{text[-SHOWN:]}_")
    for number, proposal in enumerate(proposals, 1):
        quoted = f'"{one_line(proposal.text)}"'
        say(f"  {number}  {quoted:24} {proposal.probability:6.1%}")
    return proposals


def _next_line() -> str | None:
    """Return what the person typed, without the line end, or None after the last line."""
    from charlm.corpus.sources import standard_input

    if is_terminal(sys.stdin):
        print("> ", end="", file=sys.stderr, flush=True)
    try:
        line = standard_input().readline()
    except (OSError, ValueError) as error:
        raise CharlmError(f"standard input: cannot be read ({error})") from None
    return line.decode("utf-8", "replace").rstrip("\r\n") if line else None
