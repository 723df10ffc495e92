"""The advice of an error in the words of the command line: commands and options."""

import os
import re
import shlex
from pathlib import Path

import click

from charlm.errors import CharlmError, Remedy
from charlm.phrases import one_line, similar

ADVICE = {
    Remedy.OTHER_DIRECTORY: "--out",
    Remedy.REPLACE_RUN: "--force, --out",
    Remedy.RESUME_OR_REPLACE_RUN: "`charlm train --resume {path}`, --force, --out",
    Remedy.START_ANEW: "`charlm train CONFIG --out {path} --force`",
    Remedy.START_FROM_WEIGHTS: "`charlm train CONFIG --init-from {path}`",
    Remedy.GIVE_LENGTH: "--length",
    Remedy.OTHER_FOLDER: "--to",
    Remedy.OTHER_FOLDER_OR_OVERWRITE: "--to, --force",
    Remedy.OTHER_ADDRESS: "--url",
    Remedy.RESUME_WITH_RANKS: "`mpiexec -n {ranks} charlm train --resume {path}`",
    Remedy.RESUME_ALONE: "`charlm train --resume {path}`",
    Remedy.NAME_CORPUS: "--corpus",
    Remedy.TRAIN_ON_TEXT: "for a text: `charlm train --corpus {path}`",
    Remedy.NAME_TEXT: "--text",
    Remedy.OVERWRITE: "--force",
    Remedy.NAME_ENCODING: "--encoding",
    Remedy.SET_ENCODING: "--set corpus.encoding=ENCODING",
    Remedy.NAME_UNIT: "--unit byte",
    Remedy.SET_UNIT: "--set corpus.unit=byte",
    Remedy.NAME_SPLIT: "--split {train:g},{valid:g},{test:g}",
    Remedy.SET_SPLIT: "--set corpus.split.train={train:g} --set corpus.split.valid={valid:g} "
    "--set corpus.split.test={test:g}",
    Remedy.SKIP_UNKNOWN: "--on-unknown skip",
    Remedy.NAME_CORPUS_OR_START_FROM_WEIGHTS: "--corpus, `charlm train CONFIG --init-from {path}`",
}


def with_advice(error: CharlmError) -> str:
    """Return the message of an error, with the commands or options that do what it advises."""
    if error.remedy is None:
        return str(error)
    advice = ADVICE[error.remedy].format(path=quoted(error.path or Path()), ranks=error.ranks, **error.split)
    return f"{error} ({advice})"


def usage_advice(error: click.UsageError) -> str:
    """Return the message of an error of the arguments, with what was likely meant and where to read on."""
    command = error.ctx.command_path if error.ctx else "charlm"
    message = joined(error.format_message())
    if isinstance(error, click.NoSuchOption):
        message = f"No such option {error.option_name!r}{_option_meant(error)}"
    return f"{message}{'' if message.endswith(('.', '?')) else '.'} Try `{command} --help`."


def joined(message: str) -> str:
    """Return a message of click's, which may be of several lines, as one line."""
    return one_line(" ".join(message.split()))


def _option_meant(error: click.NoSuchOption) -> str:
    """Name the option that one that does not exist was meant for, or the key of the configuration."""
    if error.ctx is None:
        return ""
    word, params = error.option_name.lstrip("-"), error.ctx.command.params
    if any(param.name == "overrides" for param in params):
        from charlm.config.wording import home_of

        if key := home_of(word.replace("-", "_")):
            return f"; it is a key of the configuration: `--set {'.'.join(key)}=VALUE`"
    options = {name.lstrip("-"): name for param in params if isinstance(param, click.Option) for name in param.opts}
    near = [name for name in options if len(word) > 1 and name.startswith(word)] or similar(word, options)
    return f"; did you mean {options[near[0]]!r}?" if near else ""


def quoted(path: Path, windows: bool = os.name == "nt") -> str:
    """Return a path as a shell and then charlm reads it, in printable characters."""
    text = f"./{path}" if str(path)[0] in "-~" else str(path)  # no option, and no home directory
    if windows:
        return one_line(f'"{text}"' if re.search(r"[\s&|<>^(),;=%'`$]", text) else text)
    return shlex.quote(text) if text.isprintable() else _escaped(text)


def _escaped(text: str) -> str:
    """Return a text between ``$'`` and ``'``, which bash, zsh and ksh read, with what is not printable as bytes."""
    pieces = (
        "".join(f"\\x{byte:02x}" for byte in os.fsencode(char)) if not char.isprintable()
        else f"\\{char}" if char in "\\'" else char
        for char in text
    )  # fmt: skip
    return f"$'{''.join(pieces)}'"
