"""The most costly files that were thought of: none takes more than 500 MB or five seconds, whatever comes of it."""

import gzip
import json
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from charlm.files import checkpoint
from charlm.files.schema import MOST_EVALUATIONS
from charlm.files.tensorfile import MOST_HEADER, MOST_PARTS
from tests.conftest import ROOT
from tests.runs import configured, corpus_file, finish, start

MEGABYTES, SECONDS = 500, 5.0
WHOLE = "{train: 1, valid: 0, test: 0}"
SMALL = "model: {cell: rnn, hidden_size: 4, num_layers: 1}\ntraining: {batch_size: 2, seq_length: 4, max_steps: 1}\n"


def header(text: str | bytes) -> bytes:
    """Return a checkpoint of a header alone."""
    data = text if isinstance(text, bytes) else text.encode()
    assert len(data) <= MOST_HEADER
    return struct.pack("<Q", len(data)) + data


def metadata(text: str) -> bytes:
    return header(json.dumps({"__metadata__": {"charlm": f'{{"format":1,"checksum":{{}},"x":{text}}}'}}))


def filled(piece: str, end: str, share: float = 0.99) -> str:
    """Return a JSON list of as many equal pieces as a header holds."""
    return "[" + piece * int(share * MOST_HEADER / len(piece)) + end + "]"


def parts(piece: str, end: str) -> str:
    """Return a JSON list of as many lists and objects as are allowed."""
    return "[" + piece * ((MOST_PARTS - 10) // (piece.count("[") + piece.count("{"))) + end + "]"


def sealed(folder: Path, **changes: object) -> bytes:
    """Return a sound checkpoint that says something else."""
    run = finish(start(folder / "run", configured(corpus_file(folder), model__hidden_size=4, training__max_steps=2)))
    tensors, said = checkpoint.load(run / "last.safetensors")
    checkpoint.save(folder / "changed", tensors, {**said, **changes})
    return (folder / "changed").read_bytes()


CHECKPOINTS: dict[str, Callable[[Path], bytes]] = {
    "lists": lambda folder: header('{"a":' + filled("[],", "[]") + "}"),
    "lists in lists": lambda folder: header('{"a":' + filled("[[[[]]]],", "[]") + "}"),
    "objects": lambda folder: header('{"a":' + filled('{"":1},', "{}") + "}"),
    "as many lists as are allowed": lambda folder: header('{"a":' + parts("[[[[]]]],", "[]") + "}"),
    "as many objects as are allowed": lambda folder: header('{"a":' + parts('{"":1},', "{}") + "}"),
    "tensors": lambda folder: header(
        "{" + ",".join(f'"{n:x}":{{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}' for n in range(270_000)) + "}"
    ),
    "numbers": lambda folder: header('{"a":' + filled("1.5,", "1") + "}"),
    "texts": lambda folder: header('{"a":' + filled('"\u65e5",', "1", 0.65) + "}"),
    "metadata of lists": lambda folder: metadata(filled("[],", "[]", 0.9)),
    "metadata of lists as allowed": lambda folder: metadata(parts("[[[[]]]],", "[]")),
    "metadata of numbers": lambda folder: metadata(filled("1.5,", "1")),
    "metadata of hidden lists": lambda folder: header(
        '{"__metadata__":{"charlm":"{\\"format\\":1,\\"checksum\\":{},\\"x\\":['
        + "\\u005b\\u005b\\u005d\\u005d," * 600_000
        + '1]}"}}'
    ),
    "an inner key for every number": lambda folder: metadata(
        "{" + ",".join(f'"{n:x}":[]' for n in range(900_000)) + "}"
    ),
    "sound, with numbers": lambda folder: sealed(folder, x=[1.5] * 3_900_000),
    "sound, with lists": lambda folder: sealed(folder, x=[[[[]]]] * 240_000),
    "sound, with a configuration of lists": lambda folder: sealed(folder, config={"corpus": [[[[]]]] * 240_000}),
    "sound, with a configuration of keys": lambda folder: sealed(folder, config={f"{n:x}": 1 for n in range(900_000)}),
    "sound, with a history of objects": lambda folder: sealed(folder, history=[{"step": 1}] * 900_000),
    "sound, with a vocabulary of one symbol": lambda folder: sealed(
        folder, vocabulary={"unit": "char", "symbols": ["a"] * 2_000_000, "unknown": None}
    ),
    "sound, with all of Unicode": lambda folder: sealed(
        folder, vocabulary={"unit": "char", "symbols": [*map(chr, range(0x110000))], "unknown": None}
    ),
}
RANDOM = np.random.default_rng(1)
CORPORA: dict[str, tuple[str, Callable[[], bytes], str]] = {
    "all of Unicode": ("u.txt", lambda: "".join(map(chr, [*range(1, 0xD800), *range(0xE000, 0x110000)])).encode(), ""),
    "all of Unicode in lines, in lower case": (
        "u.txt", lambda: "\n".join(map(chr, [*range(1, 0xD800), *range(0xE000, 0x110000)])).encode(),
        "corpus.mode=lines corpus.lowercase=true corpus.normalize=NFKD",
    ),
    "a line of ten million characters": ("l.txt", lambda: b"abcdefghij" * 1_000_000, ""),
    "a line of ten million characters, as a line": ("l.txt", lambda: b"abcdefghij" * 1_000_000, "corpus.mode=lines"),
    "ten million line ends": ("n.txt", lambda: b"\n" * 10_000_000 + b"a", "corpus.mode=lines"),
    "five million lines": ("n.txt", lambda: b"a\n" * 4_000_000 + b"b\n", "corpus.mode=lines"),
    "two million marks": ("m.txt", lambda: ("a" + "\u0301\u0323" * 1_000_000).encode(), "corpus.normalize=NFD"),
    "marks just not too many": ("m.txt", lambda: ("a" + "\u0301\u0323" * 499).encode() * 1_000, "corpus.normalize=NFC"),
    "NUL": ("0.txt", lambda: b"\0" * 10_000_000 + b"a", ""),
    "noise": ("r.txt", lambda: RANDOM.integers(0, 256, 10_000_000, np.uint8).tobytes(), ""),
    "noise as Latin-1": ("r.txt",
        lambda: RANDOM.integers(0, 256, 5_000_000, np.uint8).tobytes(), "corpus.encoding=latin-1"),
    "noise as UTF-16": ("r.txt",
        lambda: b"\xff\xfe" + RANDOM.integers(1, 0xD7, 10_000_000, np.uint8).tobytes(), "corpus.encoding=utf-16"),
    "ligatures that grow eighteenfold": ("g.txt", lambda: "\ufdfa".encode() * 200_000 + b"a", "corpus.normalize=NFKD"),
    "no place where it may be cut": ("c.txt", lambda: "é".encode() * 4_000_000 + b"a", "corpus.normalize=NFC"),
    "a bomb": ("b.gz", lambda: gzip.compress(b"ab" * 300_000_000, 1), ""),
    "a bomb in a bomb": ("b.gz", lambda: gzip.compress(gzip.compress(b"ab" * 200_000_000, 1) * 2), ""),
    "many small members": ("s.gz", lambda: gzip.compress(b"", 1) * 200_000 + gzip.compress(b"ab"), ""),
}  # fmt: skip
CONFIGURATIONS: dict[str, bytes] = {
    "lists in lists": b"[" * 32_000,
    "objects in objects": b"{a: " * 8_000,
    "keys": "".join(f"k{n}:\n" for n in range(4_500)).encode(),
    "one key": b"k" * 32_000 + b": 1",
    "a megabyte of keys": b"key: 1\n" * 150_000,
    "a megabyte of lists": b"[" * 1_000_000,
    "aliases": b"a: &a [x, x]\n" + b"".join(b"b%d: &b%d [*a, *a]\n" % (n, n) for n in range(1_000)),
    "dashes": b"- " * 16_000,
    "question marks": b"? " * 16_000,
    "line ends": b"\n" * 32_000,
    "a number": b"seed: " + b"9" * 32_000,
    "quotes": b"corpus: '" + b"''" * 16_000,
    "escapes": b'corpus: "' + b"\\U0001F600" * 3_000 + b'"',
    "paths": b"corpus: {path: [" + b"a," * 15_000 + b"]}",
}


def measured(folder: Path, *arguments: str) -> tuple[int, str]:
    """Run a command, check what it took, and return its status and what it said."""
    ran = subprocess.run(
        [sys.executable, "-m", "tests.faults.measured", *arguments],
        cwd=ROOT,
        capture_output=True,
        timeout=300,
        check=False,
    )
    *said, took = ran.stderr.decode().splitlines()
    assert "Traceback" not in ran.stderr.decode(), ran.stderr.decode()[-3_000:]
    status, size, seconds = took.split()
    assert int(size) < MEGABYTES * 1_000_000, f"{int(size) // 1_000_000} MB"
    assert float(seconds) < SECONDS
    return int(status), "\n".join(said)


@pytest.mark.faults
@pytest.mark.parametrize("name", CHECKPOINTS)
def test_a_costly_checkpoint_is_used_or_refused_soon(tmp_path, name):
    path = tmp_path / "c.safetensors"
    path.write_bytes(CHECKPOINTS[name](tmp_path))
    for command in (["info", "--json"], ["sample", "--length", "3"], ["train", "--quiet", "--resume"]):
        status, said = measured(tmp_path, *command, str(path))
        assert status == 1 or name.startswith("sound")
        assert said or not status


@pytest.mark.faults
@pytest.mark.parametrize("name", CORPORA)
def test_a_costly_corpus_is_used_or_refused_soon(tmp_path, name):
    file, content, options = CORPORA[name]
    (tmp_path / file).write_bytes(content())
    (tmp_path / "c.yaml").write_text(f"corpus:\n  path: {tmp_path / file}\n  split: {WHOLE}\n{SMALL}", encoding="utf-8")
    overrides = [word for option in options.split() for word in ("--set", option)]
    status, said = measured(tmp_path, "train", str(tmp_path / "c.yaml"), "--out", str(tmp_path / "run"), *overrides)
    assert status in (0, 1)
    assert said.count("\n") < 20


@pytest.mark.faults
@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_a_costly_configuration_is_refused_soon(tmp_path, name):
    (tmp_path / "c.yaml").write_bytes(CONFIGURATIONS[name])
    status, said = measured(tmp_path, "config", str(tmp_path / "c.yaml"))
    assert status in (0, 2)
    assert said.count("\n") < 40


@pytest.mark.faults
def test_a_checkpoint_holds_the_longest_history_with_the_largest_vocabulary(tmp_path):
    entry = {"epoch": 12345.678901234567, "step": 10**9, "valid_loss": 12.345678901234567}
    symbols = [chr(0x10000 + code) for code in range(1 << 16)]
    said = {"history": [entry] * MOST_EVALUATIONS, "vocabulary": symbols}
    checkpoint.save(tmp_path / "c", {"x": np.zeros(3)}, said)
    assert checkpoint.load(tmp_path / "c")[1] == said
