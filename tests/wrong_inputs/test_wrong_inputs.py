"""What a person may get wrong, and the line that answers it: where, what, and what would be right."""

import contextlib
import os
import re
import shlex
from collections.abc import Iterator, Mapping
from types import SimpleNamespace
from typing import Any

import click
import pytest

import charlm
from charlm import cli
from charlm.cli.commands import root
from tests.wrong_inputs import places
from tests.wrong_inputs.api import API
from tests.wrong_inputs.bench import BENCH
from tests.wrong_inputs.configuration import CONFIG
from tests.wrong_inputs.corpus import CORPUS
from tests.wrong_inputs.data import DATA
from tests.wrong_inputs.evaluate import EVAL
from tests.wrong_inputs.export import EXPORT
from tests.wrong_inputs.gradcheck import GRADCHECK
from tests.wrong_inputs.gradflow import GRADFLOW
from tests.wrong_inputs.info import INFO
from tests.wrong_inputs.inspection import INSPECT
from tests.wrong_inputs.novelty import NOVELTY
from tests.wrong_inputs.plot import PLOT
from tests.wrong_inputs.runs import RUNS
from tests.wrong_inputs.sample import SAMPLE
from tests.wrong_inputs.score import SCORE
from tests.wrong_inputs.top import TOP
from tests.wrong_inputs.train import TRAIN

# Each row: what was typed, the exit status, and each line of the answer, in which "…" stands for anything.
TABLES: Mapping[str, Mapping[str, tuple[Any, ...]]] = {
    "train": TRAIN,
    "sample": SAMPLE,
    "eval": EVAL,
    "score": SCORE,
    "export": EXPORT,
    "novelty": NOVELTY,
    "inspect": INSPECT,
    "info": INFO,
    "plot": PLOT,
    "runs": RUNS,
    "gradflow": GRADFLOW,
    "gradcheck": GRADCHECK,
    "config": CONFIG,
    "corpus": CORPUS,
    "data": DATA,
    "bench": BENCH,
    "charlm": TOP,
}
# What is typed by its escape, as a table in Python is to be printable.
ESCAPES = {"\\n": "\n", "\\e": "\x1b", "\\0": "\0"}
POSIX = re.compile(r"/dev/|\bpipe$")
UNREADABLE = re.compile(r"\blocked")


def rows() -> Iterator[Any]:
    for command, table in TABLES.items():
        for name, (line, status, *answer) in table.items():
            marks = []
            if POSIX.search(line):
                marks.append(pytest.mark.skipif(os.name == "nt", reason="devices and named pipes are POSIX"))
            yield pytest.param(line, status, answer, id=f"{command}: {name}", marks=marks)


def typed(line: str) -> list[str]:
    """Return the words of a command line."""
    return [re.sub(r"\\[ne0]", lambda found: ESCAPES[found[0]], word) for word in shlex.split(line)]


def says(told: str, expected: str) -> bool:
    """Tell whether a line is what a table says, in which "…" stands for anything."""
    return re.fullmatch(".*".join(map(re.escape, expected.split("…"))), told) is not None


def called(words: list[str]) -> tuple[click.Context, list[str]]:
    """Return the context of the command that a command line calls, and its arguments."""
    context = click.Context(root, info_name="charlm")
    while isinstance(context.command, click.Group) and words:
        command = context.command.get_command(context, words[0])
        if command is None:
            break
        context, words = click.Context(command, context, words[0]), words[1:]
    return context, words


def parsed(words: list[str]) -> None:
    """Have click read the arguments of a command without running it."""
    context, rest = called(words)
    with contextlib.suppress(click.exceptions.Exit):  # that of --help
        context.command.make_context(context.info_name, list(rest), parent=context.parent)
        if isinstance(context.command, click.Group):
            context.command.resolve_command(context, rest)


def unknown_options(message: str, line: str) -> set[str]:
    """Return the options that an answer advises and the command does not have."""
    advised = set(re.findall(r"(?<![\w'-])--[a-z][a-z-]*", re.sub(r"`[^`]*charlm [^`]*`", "", message)))
    had = {name for param in called(typed(line))[0].command.params for name in param.opts}
    return {option for option in advised - had if option not in line}


def commands_in(text: str) -> list[list[str]]:
    """Return the commands of charlm that a message names between backticks."""
    found = re.findall(r"`(?:mpiexec -n \d+ )?charlm ([^`]*)`", text)
    return [shlex.split(command) for command in found]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wrong")
    places.make(folder)
    return folder


@pytest.fixture(scope="module")
def here(folder):
    """Return what the calls of the table of Python are about."""
    with contextlib.chdir(folder):
        models = {name: charlm.load(f"runs/{name}") for name in ("bytes", "names", "flat")}
        return SimpleNamespace(config=charlm.load_config("small.yaml"), model=charlm.load("runs/run"), **models)


@pytest.mark.parametrize(("line", "status", "answer"), list(rows()))
def test_a_wrong_input_is_answered_in_one_line(folder, capsys, monkeypatch, line, status, answer):
    if UNREADABLE.search(line) and os.access(folder / "locked.txt", os.R_OK):
        pytest.skip("nothing is forbidden here, as to root")
    monkeypatch.chdir(folder)
    monkeypatch.delenv("CHARLM_DEBUG", raising=False)
    before = sorted(path.relative_to(folder) for path in folder.rglob("*"))
    got = cli.main(typed(line))
    output, message = capsys.readouterr()
    assert (got, output) == (status, ""), message
    lines = message.splitlines()
    assert len(lines) == len(answer), message
    for told, expected in zip(lines, answer, strict=True):
        assert says(told, f"charlm: {expected}"), f"{told}\n{expected}"
        assert told.isprintable()
        assert "Traceback" not in told
    for words in commands_in(message):
        parsed(words)
    assert unknown_options(message, line) == set()
    assert sorted(path.relative_to(folder) for path in folder.rglob("*")) == before, "nothing may be left behind"


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(("call", "status", "answer"), [(row[0], row[1], row[2:]) for row in API.values()], ids=API)
def test_a_wrong_argument_is_an_error_of_one_line(folder, here, capsys, monkeypatch, call, status, answer):
    monkeypatch.chdir(folder)
    before = sorted(path.relative_to(folder) for path in folder.rglob("*"))
    with pytest.raises(charlm.CharlmError) as error:
        call(here)
    assert error.value.exit_code == status
    lines = str(error.value).split("\n")
    assert len(lines) == len(answer), lines
    for told, expected in zip(lines, answer, strict=True):
        assert says(told, expected), f"{told}\n{expected}"
        assert told.isprintable()
    assert capsys.readouterr() == ("", "")
    assert sorted(path.relative_to(folder) for path in folder.rglob("*")) == before, "nothing may be left behind"


def test_there_are_hundreds_of_wrong_inputs_and_some_for_every_command():
    assert sum(map(len, TABLES.values())) >= 200
    assert min(map(len, TABLES.values())) >= 10
    assert len(API) >= 100


def test_the_check_of_commands_notices_advice_that_click_does_not_read():
    assert commands_in("x; `charlm train CONFIG --init-from 'a b'` or (`mpiexec -n 2 charlm train --resume r`)") == [
        ["train", "CONFIG", "--init-from", "a b"],
        ["train", "--resume", "r"],
    ]
    parsed(["train", "CONFIG", "--init-from", "a b"])
    parsed(["data", "fetch", "--help"])
    with pytest.raises(click.NoSuchOption):
        parsed(["train", "CONFIG", "--init_from", "a"])
    with pytest.raises(click.UsageError):
        parsed(["sample"])
    with pytest.raises(click.UsageError):
        parsed(["trian", "CONFIG"])
    assert unknown_options("do (--force, --out) or `--resum RUN`", "train x") == {"--resum"}
    assert unknown_options("do (--force)", "sample x") == {"--force"}
