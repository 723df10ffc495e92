"""Fuzzed corpora: bytes in every encoding, packed and torn, read with every option."""

import bz2
import gzip
import lzma
import zlib
from encodings.aliases import aliases
from pathlib import Path
from random import Random
from typing import Any

import numpy as np

from charlm.corpus import loading
from charlm.corpus.decoding import FORMS, MODES, NEWLINES
from charlm.corpus.vocabulary import POLICIES, Vocabulary
from charlm.errors import UsageError
from tests.fuzz.mutations import BYTES, mutated

Case = tuple[bytes, str, dict[str, Any]]
PACK = {
    ".gz": lambda data: gzip.compress(data, 1, mtime=0),
    ".bz2": bz2.compress,
    ".xz": lambda data: lzma.compress(data, preset=0),
}
SUFFIXES = [".txt", "", ".csv", ".tsv", ".jsonl", ".gz", ".bz2", ".xz", ".GZ", ".tgz", ".zst", ".zip"]
ENCODINGS = [
    *sorted({name.replace("_", "-") for name in aliases.values()}), "utf-8-sig", "idna", "punycode", "undefined",
    "unicode_escape", "raw_unicode_escape", "oem", "x", "utf-8\n", "",
]  # fmt: skip
SEEDS = [
    "It was a bright cold day in April,\nand the clocks were striking thirteen.\n", "one\r\ntwo\rthree\n\n\nfour",
    "ΣσΑΣ άσς İı ßẞ ﬁ", "e\u0301\u0323\u0301 \u1100\u1161\u11a8가각 日本語、。\n",
    "😀\U0010ffff\ufeff\ufffd\x00\x1b[31m",
    "\u0301" * 40, "aaaa\n" * 30, "\u2028\u2029\x85\x0b\x0c", "a" * 300, "a\u0327\u0301" * 30, "\ufdfa" * 20,
    "\u0344\u0958\u2adc\U0001d15e",
    'a,b\n"x, ""y""\nz",1\nq,2\n', "a\tb\nx\ty\n", '{"a": "x\\ny", "b": 1}\n{"a": null}\n',
]  # fmt: skip
TABLES = (".csv", ".tsv", ".jsonl")
LOADED = 60  # one of so many corpora gets a vocabulary of its own and is split


class Corpora:
    """`charlm.corpus.loading`: reading with a vocabulary, and making one.

    Parameters
    ----------
    folder : Path
        Where the file is put.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._vocabularies = [Vocabulary.of("".join(SEEDS)), Vocabulary.of("\nabc"), Vocabulary.of(bytes(range(256)))]
        self._vocabularies.append(Vocabulary(("\n", "\ufffd", "a"), "char", 1))

    def make(self, rng: Random) -> Case:
        """Return the content of a file, its suffix, and options."""
        encoding = rng.choice(ENCODINGS) if rng.random() < 0.6 else "utf-8"
        text = mutated(rng, rng.choice(SEEDS), SEEDS, SEEDS)[:2_000]
        try:
            data = text.encode(encoding if rng.random() < 0.8 else rng.choice(ENCODINGS), "ignore")
        except (LookupError, ValueError, TypeError):
            data = text.encode("utf-8", "surrogatepass")
        if rng.random() < 0.5:
            data = mutated(rng, data, BYTES, [data])
        suffix = rng.choice(SUFFIXES) if rng.random() < 0.4 else ".txt"
        for _ in range(rng.choice((0, 1, 1, 2))):
            if suffix.lower() in PACK and rng.random() < 0.9:
                data = PACK[suffix.lower()](data)
                if rng.random() < 0.5:
                    data = mutated(rng, data, BYTES, [data])
        options = {
            "encoding": encoding,
            "mode": rng.choice(MODES),
            "newlines": rng.choice(NEWLINES),
            "normalize": rng.choice((None, *FORMS)),
            "lowercase": rng.random() < 0.5,
            "separator": rng.choice(("", "\n", "x", "é", "ab\n")),
            "column": rng.choice((None, "a", "b")) if suffix in TABLES else None,
            "chosen": rng.randrange(4),
            "on_unknown": rng.choice(tuple(POLICIES)),
        }
        return data, suffix, options

    def use(self, case: Case) -> None:
        """Read it with a vocabulary or make one; ids are below its size, and no character is lost."""
        data, suffix, options = case
        chosen, on_unknown = options["chosen"], options["on_unknown"]
        options = {name: value for name, value in options.items() if name not in ("chosen", "on_unknown")}
        path = self._folder / f"corpus{suffix}"
        path.write_bytes(data)
        try:
            if zlib.crc32(data + suffix.encode()) % LOADED == 1:
                self._load(str(path), chosen, options)
            else:
                vocabulary = self._vocabularies[chosen]
                ids, _ = loading.read(str(path), vocabulary, on_unknown=on_unknown, **options)
                assert ids.max() < len(vocabulary)
                if on_unknown == "error":
                    again = vocabulary.encode(vocabulary.decode(ids)) if vocabulary.unit == "char" else ids
                    assert np.array_equal(again, ids)
        finally:
            path.unlink()

    def _load(self, path: str, chosen: int, options: dict[str, Any]) -> None:
        unit = ("char", "char", "byte", "char")[chosen]
        if unit == "byte":
            options = {**options, "encoding": "utf-8", "normalize": None, "lowercase": False, "column": None}
        split = {"train": 0.5, "valid": 0.25, "test": 0.25, "layout": "tail"}
        if chosen % 2 and options["mode"] == "stream":
            split = {"train": 1.0, "valid": 0.0, "test": 0.0, "layout": "stripes"}
        corpus = loading.load(
            path, unit=unit, min_count=(1, 3)[chosen == 3], unknown="\ufffd", split=split, seed=chosen, **options
        )
        parts = (corpus.train, corpus.valid, corpus.test)
        assert max(int(part.max(initial=0)) for part in parts) < len(corpus.vocabulary)
        assert options["mode"] == "lines" or sum(map(len, parts)) == corpus.characters
        assert all(line.isprintable() for line in corpus.report), corpus.report
        if not corpus.characters:
            raise UsageError("empty")
