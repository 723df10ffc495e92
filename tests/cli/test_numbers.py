"""Facts about immense numbers on the command line: the answer is one line with the limit, and no traceback."""

import importlib
import re

import click
import pytest

from charlm import cli
from charlm.cli.commands import COMMANDS
from charlm.config import dump_yaml
from tests.runs import configured, corpus_file, finish, start

IMMENSE = {"ten to the 18th": "1000000000000000000", "ten to the 30th": "1" + "0" * 30, "a thousand digits": "9" * 1000}
REAL = {**IMMENSE, "1e300": "1e300", "infinity": "inf", "no number": "nan", "minus infinity": "-inf"}
TARGETS = {"train": ["small.yaml"], "bench": ["small.yaml"], "gradcheck": ["small.yaml"]}
# Any positive number but infinity can divide logits, and a seed has 64 bits.
ANY_NUMBER = {"--temperature": ("infinity", "no number", "minus infinity"), "--seed": ("ten to the 30th",)}


def numeric_options() -> list[tuple[str, str, bool]]:
    """Return command, option and whether it takes whole numbers only, of every option that takes a number."""
    found = []
    for name in COMMANDS:
        command = importlib.import_module(f"charlm.cli.{name}").command
        for option in command.params if not isinstance(command, click.Group) else []:
            if isinstance(option.type, click.IntRange | click.FloatRange) or option.type in (click.INT, click.FLOAT):
                found.append((name, option.opts[0], not isinstance(option.type, click.FloatRange)))
    return found


OPTIONS = numeric_options()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("numbers")
    corpus_file(folder)
    (folder / "small.yaml").write_text(dump_yaml(configured("text.txt")), encoding="utf-8")
    finish(start(folder / "run", configured(folder / "text.txt")))
    return folder


def test_the_options_are_found():
    names = {f"{command} {option}" for command, option, whole in OPTIONS if whole}
    assert {"sample --count", "sample --top-k", "sample --length", "sample --lines", "gradcheck --most"} <= names
    assert {"bench --repeat", "bench --vocabulary", "train --max-steps"} <= names


@pytest.mark.parametrize(
    ("command", "option", "number"),
    [
        pytest.param(command, option, number, id=f"{command} {option} {words}")
        for command, option, whole in OPTIONS
        for words, number in (IMMENSE if whole else REAL).items()
        if words in ANY_NUMBER.get(option, REAL)
    ],
)
def test_an_immense_number_is_answered_in_one_line(folder, capsys, monkeypatch, command, option, number):
    monkeypatch.chdir(folder)
    status = cli.main([command, *TARGETS.get(command, ["run"]), option, number])
    output, message = capsys.readouterr()
    (line,) = [line for line in message.splitlines() if not line.startswith(("seed ", "weights "))]
    assert (status, output) == (2, "")
    assert line.startswith("charlm: ")
    assert re.search(r"must be a (finite |whole )?number (of at least|above) .*got|must be (at most|below) \d", line)
    assert option in line


@pytest.mark.parametrize("option", ["--max-steps", "--epochs", "--max-minutes"])
def test_an_immense_new_length_of_a_run_is_answered_in_one_line(folder, capsys, monkeypatch, option):
    monkeypatch.chdir(folder)
    assert cli.main(["train", "--resume", "run", option, "1" + "0" * 30]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert re.search(r"must be at most 10+ or null, got 1", line)


@pytest.mark.parametrize("temperature", ["1e-320", "1e-300", "1e-9", "1e300"])
def test_any_temperature_writes_a_text(folder, capsys, monkeypatch, temperature):
    monkeypatch.chdir(folder)
    assert cli.main(["sample", "run", "--temperature", temperature, "--length", "20", "--seed", "1"]) == 0
    output, message = capsys.readouterr()
    assert len(output.rstrip("\n")) >= 15
    assert message == ""
