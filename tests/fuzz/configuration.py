"""Fuzzed configurations: a YAML file in any bytes, and overrides."""

import zlib
from functools import reduce
from operator import getitem
from pathlib import Path
from random import Random

from charlm import config
from charlm.config.plain_yaml import flow
from tests.fuzz.mutations import BYTES, NUMBERS, WORDS, mutated

Case = tuple[bytes, tuple[str, ...]]
LIKELY = [
    "gru", "lstm", "adam", "sgd", "cosine", "plateau", "float64", "NFC", "lines", "byte", "keep", "stripes", "'\\n'",
    "[a.txt, b.txt]", "data/plays", "'*.txt'", "'-'", "stdlib:*.py", "[0.9, 0.99]", "0.1", "0.5", "1", "2", "8", "16",
    "100", "3.0e-3", "true", "false", "null", "auto", "numpy", "rollback", "latin-1",
]  # fmt: skip
ENCODINGS = ["utf-16", "utf-8-sig", "utf-16-le", "utf-32", "latin-1"]
ROUND_TRIPS = 24  # one of so many configurations that are used is written out and read again


class Configuration:
    """`charlm.config.load`.

    Parameters
    ----------
    folder : Path
        Where the file is put.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / "c.yaml"
        self._again = folder / "again.yaml"
        self._seeds = [config.commented_defaults()[:900], config.commented_defaults()[-1_500:], "corpus:\n  path: x\n"]
        self._leaves = [key for key in config.KEYS if key not in config.SECTIONS]
        sound = config.from_dict({"corpus": {"path": "x"}}, "").to_dict()
        self._defaults = {key: flow(reduce(getitem, key, sound), False) for key in self._leaves}

    def make(self, rng: Random) -> Case:
        """Return the bytes of a file, and overrides."""
        text = self._text(rng)
        if rng.random() < 0.5:
            text = mutated(rng, text, WORDS + NUMBERS, self._seeds)
        encoding = rng.choice(ENCODINGS) if rng.random() < 0.15 else "utf-8"
        data = text[:3_000].encode(encoding, "replace")
        if rng.random() < 0.15:
            data = mutated(rng, data, BYTES, [data])
        overrides = [self._override(rng) for _ in range(rng.choice((0, 0, 0, 0, 1, 2)))]
        return data, tuple(overrides)

    def use(self, case: Case) -> None:
        """Read it; what was read can be written, and is the same when it is read again."""
        data, overrides = case
        self._path.write_bytes(data)
        settings = config.load(self._path, overrides)
        if zlib.crc32(data) % ROUND_TRIPS == 0:
            text = config.dump_yaml(settings)
            self._again.write_text(text, encoding="utf-8")
            assert config.load(self._again) == settings, text

    def _text(self, rng: Random) -> str:
        """Return a configuration of some keys, mostly sound, in blocks."""
        text, shown = "", set()
        chosen = {*rng.sample(self._leaves, rng.randrange(5)), *([("corpus", "path")] if rng.random() < 0.9 else [])}
        for key in sorted(chosen):
            for depth, name in enumerate(key):
                place = key[: depth + 1]
                if place not in shown or rng.random() < 0.02:
                    shown.add(place)
                    value = f" {self._value(rng, key)}" if place == key else ""
                    text += f"{'  ' * depth}{name}:{value}\n"
        return text

    def _value(self, rng: Random, key: tuple[str, ...]) -> str:
        if rng.random() < 0.9:
            return self._defaults[key]
        return rng.choice(rng.choice((LIKELY, NUMBERS, WORDS)))

    def _override(self, rng: Random) -> str:
        key = ".".join(rng.choice(config.KEYS))
        text = f"{key}={rng.choice(rng.choice((LIKELY, NUMBERS, WORDS)))}"
        return mutated(rng, text, WORDS, [text]) if rng.random() < 0.4 else text
