"""Every key with every kind of value, in a file and beside it: each is read for what it says or refused by name."""

import time
from collections.abc import Iterator

import pytest

from charlm import config
from charlm.errors import ConfigError

LEAVES = [key for key in config.KEYS if key not in config.SECTIONS]
SECONDS = 5.0  # of processor time
LONGEST = 600  # characters of a message
VALUES = [
    # numbers of every kind
    "0", "-0", "1", "-1", "+1", "007", "3", "0.5", "-0.5", ".5", "5.", "1.0", "-0.0", "1e3", "1E+3", "1e-3", "1e-320",
    "5e-324", "1e308", "1e309", "-1e999", ".inf", "-.inf", ".nan", "inf", "nan", "0x10", "0o17", "0b1", "1_000",
    "1,000", "1:30", "1/2", "65536", "65537", "1000001", "4294967296", "18446744073709551615", "18446744073709551616",
    "1000000000001", "9" * 40, "9" * 299, "9" * 301, "9" * 5_000, "0." + "9" * 400, "½", "²", "٣", "１２", "1e", "--1",
    "1 2",
    # words, texts and emptiness
    "", "~", "null", "Null", "true", "True", "TRUE", "yes", "on", "off", "false", "auto", "x", "''", '""', "' '",
    "'1'", '"a\\nb"', "'\\n'", '"\\0"', '"\\x1b[31m"', '"\\ud800"', '"\\udc80"', '"\\uFEFF"', '"\\U0010FFFF"', "é",
    "日本", "😀", "\u202e", "\ufeff", "\x85", "'%s%n'", "'{0}'", "${HOME}", "$(id)", "'../../etc/passwd'", "'C:\\new'",
    "~nobody-is-called-so", "x" * 1_000, "2026-01-01", "hex", "rot13", "undefined", "punycode", "idna", "mbcs",
    "utf-16", "cp65001", "gru", "lstm", "adamw", "cosine", "float64", "NFKD",
    # what is no scalar, refers, or constructs
    "[]", "[1]", "[a, b]", "[[1]]", "[null]", "[0.9, 0.99]", "[0.9, 0.99, 0.999]", "[1, -1]", "{}", "{a: 1}", "{1: 2}",
    "{? [1] : 2}", "[" * 19 + "]" * 19, "[" * 500, "{" * 500, "&a 1", "*a", "!!str 1", "!!int '1'",
    "!!python/object/apply:os.system [id]", "!!binary aGk=", "!<tag:yaml.org,2002:float> 1", "<<", "|", ">-", "'", '"',
    "[", "]", "{", "}", "@", "`", "%", "? a", "- a", ": a", "a: b", "--- 1", "...",
]  # fmt: skip
KINDS = ["file", "override"]


def cases() -> Iterator[tuple[tuple[str, ...], str]]:
    return ((key, value) for key in LEAVES for value in VALUES)


def in_a_file(path, key: tuple[str, ...], value: str) -> config.Config:
    lines = [f"{'  ' * depth}{name}:" for depth, name in enumerate(key)]
    text = "\n".join(lines) + f" {value}\n"
    if key[0] != "corpus":
        text += "corpus:\n  path: x\n"
    elif key != ("corpus", "path"):
        text = text.replace("corpus:\n", "corpus:\n  path: x\n", 1)
    path.write_text(text, encoding="utf-8", newline="\n")
    return config.load(path)


def beside(path, key: tuple[str, ...], value: str) -> config.Config:
    path.write_text("corpus:\n  path: x\n", encoding="utf-8")
    return config.load(path, [f"{'.'.join(key)}={value}"])


def flat(settings: config.Config) -> dict[tuple[str, ...], object]:
    def leaves(value, key=()):
        for name, inner in value.items():
            if isinstance(inner, dict):
                yield from leaves(inner, (*key, name))
            else:
                yield (*key, name), inner

    return dict(leaves(settings.to_dict()))


def tried(kind: str, chosen: list[tuple[tuple[str, ...], str]], tmp_path) -> tuple[int, int]:
    """Try some cases, and return how many were read and how many refused."""
    path = tmp_path / "c.yaml"
    defaults = flat(config.from_dict({"corpus": {"path": "x"}}, ""))
    read = refused = 0
    for key, value in chosen:
        where = f"{'.'.join(key)}: {value[:60]!r}"
        mistakes = None
        began = time.process_time()
        try:
            settings = (in_a_file if kind == "file" else beside)(path, key, value)
        except ConfigError as error:
            mistakes = error.mistakes
        if mistakes is not None:
            refused += 1
            assert mistakes, where
            assert all(line.isprintable() and len(line) < LONGEST for line in mistakes), f"{where}: {mistakes}"
            place = f"{path}:" if kind == "file" else f"--set {'.'.join(key)}"
            assert any(line.startswith(place) for line in mistakes), f"{where}: {mistakes}"
        else:
            read += 1
            changed = {name for name, value in flat(settings).items() if value != defaults[name]}
            assert changed <= {key}, where
            assert config.from_dict(settings.to_dict(), "") == settings, where
        assert time.process_time() - began < SECONDS, where
    return read, refused


@pytest.mark.parametrize("kind", KINDS)
def test_some_keys_with_some_values_are_read_or_refused_by_name(kind, tmp_path):
    read, refused = tried(kind, list(cases())[KINDS.index(kind) * 11 :: 23], tmp_path)
    assert read > 5
    assert refused > 100


@pytest.mark.faults
@pytest.mark.parametrize("kind", KINDS)
def test_all_keys_with_all_values_are_read_or_refused_by_name(kind, tmp_path):
    chosen = list(cases())
    assert len(chosen) > 5_000
    read, refused = tried(kind, chosen, tmp_path)
    assert read > 300
    assert refused > 3_000
