"""Facts about the tasks of a long memory: what the answer follows from, what is random, and what is written."""

import errno
import stat
from collections import Counter
from math import log
from pathlib import Path

import numpy as np
import pytest

from charlm import cli
from charlm.corpus.tasks import TASKS, generate, save
from charlm.errors import CharlmError, UsageError, WriteError

CLOSED_BY = {"(": ")", "[": "]", "{": "}", "<": ">"}
# Delays so short that all lines can be drawn.
SMALL = [("copy", 2), ("copy", 4), ("brackets", 6), ("brackets", 7), ("adding", 4), ("adding", 6)]


def answer_of(name, line, delay):
    """Return the answer to the beginning of a line, worked out anew."""
    question, _, _ = line.partition("=")
    if name == "copy":
        return question[0]
    if name == "brackets":
        unclosed = [CLOSED_BY[symbol] for symbol in question if symbol in CLOSED_BY]
        return "".join(reversed(unclosed))
    first, second = (int(question[place + 1]) for place, symbol in enumerate(question) if symbol == "*")
    return str(first + second)


@pytest.mark.parametrize("delay", [6, 7, 20, 81])
@pytest.mark.parametrize("name", TASKS)
def test_every_answer_follows_from_the_characters_before_the_mark(name, delay):
    lines = generate(name, delay, 300, seed=3)
    assert {len(line) for line in lines.text.splitlines()} == {lines.length}
    for line in lines.text.splitlines():
        question, mark, answer = line.partition("=")
        assert (mark, len(answer)) == ("=", lines.answers)
        assert answer == answer_of(name, question, delay)


@pytest.mark.parametrize("delay", [6, 7, 20, 81])
@pytest.mark.parametrize("name", TASKS)
def test_the_last_answer_depends_on_the_character_that_stands_the_delay_before_it(name, delay):
    first = {line[-1 - delay] for line in generate(name, delay, 300, seed=3).text.splitlines()}
    assert len(first) == {"copy": 8, "brackets": 4, "adding": 5}[name]
    for line in generate(name, delay, 20, seed=4).text.splitlines():
        at = len(line) - 1 - delay
        other = next(symbol for symbol in sorted(first) if symbol != line[at])
        changed = line[:at] + other + line[at + 1 :]
        assert answer_of(name, changed, delay)[-1] != answer_of(name, line, delay)[-1]


@pytest.mark.parametrize(("name", "delay"), SMALL)
def test_the_floor_is_the_entropy_of_all_lines_that_there_are(name, delay):
    lines = generate(name, delay, 40_000, seed=1)
    counts = Counter(lines.text.splitlines())
    assert lines.floor * (lines.length + 1) == pytest.approx(log(len(counts)))
    even = 40_000 / len(counts)
    chi_squared = sum((count - even) ** 2 / even for count in counts.values())
    assert chi_squared < len(counts) + 5 * np.sqrt(2 * len(counts))


@pytest.mark.parametrize("name", TASKS)
def test_chance_is_what_the_likeliest_answer_is_right_in(name):
    lines = generate(name, 20, 30_000, seed=1)
    answers = np.array([list(line[-lines.answers :]) for line in lines.text.splitlines()])
    likeliest = [max(Counter(column).values()) / len(answers) for column in answers.T]
    assert likeliest == pytest.approx([lines.chance] * lines.answers, rel=0.06)


@pytest.mark.parametrize("name", TASKS)
def test_equal_seeds_make_equal_lines_and_others_make_others(name):
    assert generate(name, 20, 50, seed=1) == generate(name, 20, 50, seed=1)
    assert generate(name, 20, 50, seed=1).text != generate(name, 20, 50, seed=2).text


@pytest.mark.parametrize("name", TASKS)
def test_the_shortest_delay_is_the_shortest(name):
    shortest = TASKS[name].shortest
    assert generate(name, shortest, 5, seed=1).text.count("\n") == 5
    with pytest.raises(UsageError, match=f"^delay: must be at least {shortest} for {name}, got {shortest - 1}$"):
        generate(name, shortest - 1, 5, seed=1)


def test_a_text_is_written_once_and_replaced_only_when_asked(tmp_path):
    lines, others = generate("copy", 5, 10, seed=1), generate("copy", 5, 10, seed=2)
    path, already_there = save(lines, tmp_path / "a" / "b")
    assert (path, already_there) == (tmp_path / "a" / "b" / "copy-5.txt", False)
    assert save(lines, path.parent).already_there
    with pytest.raises(CharlmError, match="exists and has other lines"):
        save(others, path.parent)
    assert path.read_bytes() == lines.text.encode()
    assert not save(others, path.parent, force=True).already_there
    assert path.read_bytes() == others.text.encode()


def test_a_file_in_place_of_a_folder_is_told(tmp_path):
    (tmp_path / "new").touch()
    with pytest.raises(WriteError, match=r"below: cannot be a folder: .*new is a file"):
        save(generate("copy", 5, 10, seed=1), tmp_path / "new" / "below")
    assert [path.name for path in tmp_path.iterdir()] == ["new"]
    assert stat.S_ISREG((tmp_path / "new").stat().st_mode)


def test_a_folder_that_was_made_for_a_text_goes_with_it(tmp_path, monkeypatch):
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("charlm.corpus.tasks.open_atomic", full)
    with pytest.raises(WriteError, match="cannot be written"):
        save(generate("copy", 5, 10, seed=1), tmp_path / "new" / "below")
    assert not list(tmp_path.iterdir())


def test_the_command_prints_the_path_alone_and_says_what_cannot_be_beaten(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for state in ("made", "already there"):
        assert cli.main(["data", "task", "brackets", "--delay", "9", "--lines", "12", "--seed", "7"]) == 0
        printed = capsys.readouterr()
        assert Path(printed.out.rstrip("\n")) == Path("data/brackets-9.txt")
        assert f"brackets-9: {state}, 12 lines of 10 characters" in printed.err
        assert "no model has a loss below 1.2667 nats; training.seq_length: 11 reads whole lines\n" in printed.err
    written = (tmp_path / "data" / "brackets-9.txt").read_text(encoding="ascii")
    assert written == generate("brackets", 9, 12, seed=7).text


def test_no_window_is_advised_that_a_configuration_refuses(tmp_path, capsys):
    assert cli.main(["data", "task", "copy", "--delay", "999998", "--lines", "2", "--to", str(tmp_path)]) == 0
    assert "training.seq_length: 1000000 reads whole lines\n" in capsys.readouterr().err
    assert cli.main(["data", "task", "copy", "--delay", "999999", "--lines", "2", "--to", str(tmp_path)]) == 0
    assert "seq_length" not in capsys.readouterr().err
