"""Fuzzed command lines: every command with every option, run in this process on a tiny corpus and a tiny model."""

import io
import os
import re
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any

import click

from charlm import cli
from charlm.cli.commands import root
from charlm.config import KEYS, dump_yaml
from charlm.errors import CharlmError
from tests.fuzz.mutations import NUMBERS, WORDS, mutated
from tests.runs import configured, corpus_file, finish, start

PATHS = [
    "run", "run/last.safetensors", "bytes", "c.yaml", "text.txt", "new", "new/deep", "", ".", "-", "no-such", "run/",
    "a\nb", "\x1b[31m", "~nobody-is-called-so/x", "*.txt", "[", "**", "x" * 300, "c.yaml/x", "\udcff", "empty", "é",
    " ", "metrics.jsonl",
]  # fmt: skip
STRAY = ["--help", "-h", "--sed", "train", "-", "--", "--json=1"]
URLS = ["file:///no-such", "http://127.0.0.1:9/x", "ftp://127.0.0.1:9/x", "x", "http://[", "http://127.0.0.1:x/", ""]
LEGAL = ["0", "1", "2", "3", "0.5", "0.01", "1e-9", "1.0"]  # nothing takes long with these
REFUSED = [
    "-1", "0x10", "1e999", "nan", "inf", "-inf", "", " ", "x", "1" * 30, "9" * 5_000, "1_0", "٣", "½", "1,0", "--",
    "1\n",
]  # fmt: skip
SMALL = {
    "hidden_size": "2",
    "num_layers": "1",
    "batch_size": "3",
    "seq_length": "5",
    "sample_length": "4",
    "embedding_size": "2",
    "max_steps": "1",
}
VALUES = [
    "null", "true", "x", "[]", "{}", "-1", "0", "0.5", "1", "2", "1e999", "'", "gru", "lines", "byte", "adamw", "NFD",
    "''", "\t",
]  # fmt: skip
LONG = ("bench", "gradcheck", "--dry-run")  # what takes a second in any case is left out of most inputs
LONG_RUNS = 0.005
SPELT_OUT = re.compile(r"[\0-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


class RefusedError(CharlmError):
    """A command ended with a message."""


class Commands:
    """`charlm.cli.main`.

    Parameters
    ----------
    folder : Path
        Where the corpus, the runs and the directories that commands work in are made.
    """

    def __init__(self, folder: Path) -> None:
        self._sound, self._work = folder / "sound", folder / "work"
        self._sound.mkdir()
        corpus_file(self._sound, 100)
        (self._sound / "empty").mkdir()
        for name, unit in (("run", "char"), ("bytes", "byte")):
            settings = configured("text.txt", corpus__unit=unit, model__hidden_size=2, training__max_steps=2)
            with _inside(self._sound):
                finish(start(Path(name), settings))
                Path("c.yaml").write_text(dump_yaml(settings), encoding="utf-8")
        self._options = {name: _options(command) for name, command in _commands(root)}
        self._names = [name for name in self._options for _ in range(1 if name == ("config",) else 6)]
        shutil.copytree(self._sound, self._work)
        self._files = _files(self._work)

    def make(self, rng: Random) -> tuple[str, ...]:
        """Return the arguments of a command that does not take long, and touches nothing outside of its directory."""
        name = rng.choice(self._names)
        long = rng.random() < LONG_RUNS
        arguments = list(name)
        for _ in range(rng.choice((0, 1, 1, 2))):
            arguments.append(rng.choice(PATHS[:5] if rng.random() < 0.7 else PATHS))
        for _ in range(rng.choice((0, 1, 1, 2, 2, 3))):
            if options := self._options[name]:
                arguments += self._option(rng, rng.choice(options))
        if rng.random() < 0.3:
            at = rng.randrange(len(arguments) + 1)
            arguments[at:at] = [mutated(rng, rng.choice(STRAY), WORDS, PATHS)]
        if name == ("train",):
            arguments += ["--max-steps", "1"] if rng.random() < 0.9 else ["--epochs", "0.01"]
        if not long and any(word in arguments for word in LONG):
            arguments.append("--no-such-option")
        if name == ("sample",) and rng.random() < 0.95:
            arguments += ["--length", "3"]
        if name == ("bench",):
            arguments += ["--set", "model.hidden_size=2", "--set", "training.batch_size=2", "--repeat", "1"]
        return tuple(word for word in arguments if _harmless(word))

    def use(self, case: tuple[str, ...]) -> None:
        """Run it; it succeeds, or says in one line (or one line a mistake) why not."""
        with _inside(self._work), _streams() as (output, errors):
            status = cli.main(list(case))
        self._restore()
        written = errors.getvalue().decode("utf-8")
        assert "Traceback" not in written, written
        assert "this is a bug" not in written, written
        assert "Warning" not in written, written
        assert not SPELT_OUT.search(written.replace("\r", "").replace("\x1b[A", "")), written
        assert status in (0, 1, 2), (status, written)
        assert written or not status
        if status == 2:
            assert not output.getvalue(), written
        if status:
            raise RefusedError(written.splitlines()[-1][:1_000])

    def _restore(self) -> None:
        """Undo what a command has written, which must be in its directory."""
        assert sorted(os.listdir(self._work.parent)) == ["sound", "work"]
        if _files(self._work) != self._files:
            shutil.rmtree(self._work)
            shutil.copytree(self._sound, self._work)
            self._files = _files(self._work)

    def _option(self, rng: Random, option: click.Option) -> list[str]:
        name = rng.choice(option.opts)
        if rng.random() < 0.02:
            name = mutated(rng, name, WORDS, [name])
        if option.is_flag:
            return [name]
        value = self._value(rng, option)
        return [f"{name}={value}"] if rng.random() < 0.3 else [name, value]

    def _value(self, rng: Random, option: click.Option) -> str:
        if rng.random() < 0.15:
            return rng.choice(REFUSED)
        if isinstance(option.type, click.Choice):
            return str(rng.choice(list(option.type.choices)))
        if isinstance(option.type, click.IntRange | click.FloatRange):
            return rng.choice(LEGAL)
        if option.name == "overrides":
            key = ".".join(rng.choice(KEYS))
            text = f"{key}={SMALL.get(key.split('.')[-1]) or rng.choice(VALUES)}"
            return mutated(rng, text, WORDS, [text]) if rng.random() < 0.1 else text
        if option.name == "url":
            return rng.choice(URLS)
        if option.name == "encoding":
            return rng.choice(["utf-8", "utf-16", "hex", "punycode", "x", "idna", "undefined", "latin-1"])
        if isinstance(option.type, click.Path) or option.name == "corpus":
            return rng.choice(PATHS)
        return mutated(rng, rng.choice(["e", "the", "\n"]), WORDS + NUMBERS, PATHS)


def _commands(group: click.Group, above: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from _commands(command, (*above, name))
        else:
            yield (*above, name), command


def _options(command: click.Command) -> list[click.Option]:
    return [option for option in command.params if isinstance(option, click.Option)]


def _harmless(word: str) -> bool:
    """Tell whether a word names nothing outside of the directory, and could be given by a system (it has no NUL)."""
    return ".." not in word and not re.search(r"(^|=)\s*[/\\]", word) and "\0" not in word and "stdlib" not in word


def _files(folder: str | Path) -> list[tuple[str, int, int]]:
    """Return the path, size and time of all files below a folder."""
    found = []
    for entry in os.scandir(folder):
        facts = entry.stat(follow_symlinks=False)
        found.append((entry.path, facts.st_size, facts.st_mtime_ns))
        if entry.is_dir(follow_symlinks=False):
            found += _files(entry.path)
    return sorted(found)


@contextmanager
def _inside(folder: Path) -> Iterator[None]:
    """Make a folder the working directory and the home directory."""
    before, home = Path.cwd(), os.environ.get("HOME", "")
    os.chdir(folder)
    os.environ["HOME"] = str(folder)
    try:
        yield
    finally:
        os.chdir(before)
        os.environ["HOME"] = home


@contextmanager
def _streams() -> Iterator[tuple[io.BytesIO, io.BytesIO]]:
    """Put streams in memory in place of the standard ones."""
    raw: list[Any] = [io.BytesIO(b"the text\nof standard input\n" * 9), io.BytesIO(), io.BytesIO()]
    streams = [io.TextIOWrapper(stream, encoding="utf-8") for stream in raw]
    before = sys.stdin, sys.stdout, sys.stderr
    sys.stdin, sys.stdout, sys.stderr = streams
    try:
        yield raw[1], raw[2]
        streams[1].flush()
        streams[2].flush()
    finally:
        sys.stdin, sys.stdout, sys.stderr = before
        for stream in streams:
            stream.detach()
