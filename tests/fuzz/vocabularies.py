"""Fuzzed vocabularies, and texts and ids that they encode and decode."""

import json
from collections.abc import Sequence
from random import Random
from typing import Any

import numpy as np

from charlm.corpus.vocabulary import Vocabulary
from charlm.errors import CharlmError, UnknownSymbolError
from charlm.inference.text import Text, characters, raw_bytes
from charlm.phrases import OBEYED, one_line, visible
from tests.fuzz.mutations import BYTES, WORDS, mutated, mutated_json

Case = tuple[str, Any, list[int], str | None, int | None]
SEEDS = [
    '{"unit": "char", "symbols": ["\\n", " ", "a", "b", "e", "\\u0301", "\\u65e5", "\\ud83d\\ude00"], "unknown": null}',
    '{"unit": "char", "symbols": ["\\n", "\\ufffd", "a"], "unknown": 1}',
    '{"unit": "byte", "symbols": [10, 97, 195, 169, 226, 130, 172, 240, 159, 152, 128, 255], "unknown": null}',
    '{"unit": "char", "symbols": ["\\ud800", "\\udc00", "a", "\\u0000", "\\u001b"], "unknown": 0}',
]
TEXTS = ["\nabe a\n", "é日本😀", "a\ud800\udc00b", "\udcff\udc80a", "aaaa", "Ünal", ""]


class Vocabularies:
    """`charlm.corpus.vocabulary` and `charlm.inference.text`."""

    def make(self, rng: Random) -> Case:
        """Return a vocabulary as JSON, a text, ids, what ends a text, and after how many lines it ends."""
        seed = rng.choice(SEEDS)
        metadata = json.dumps(mutated_json(rng, seed)) if rng.random() < 0.7 else seed
        text: Any = mutated(rng, rng.choice(TEXTS), TEXTS + WORDS, TEXTS)
        if rng.random() < 0.3:
            text = mutated(rng, text.encode("utf-8", "surrogatepass"), BYTES, [b"\xe2\x82", b"\xf0\x9f\x98\x80"])
        ids = [rng.randrange(12) for _ in range(rng.randrange(20))]
        stop = rng.choice((None, "a", "\n", "é", "b\n", "aa", "\ufffd"))
        return metadata, text, ids, stop, rng.choice((None, None, 1, 2))

    def use(self, case: Case) -> None:
        """Make it, encode and decode; what is decoded in pieces is what is decoded at once."""
        described, text, ids, stop, lines = case
        _check_phrases(text if isinstance(text, str) else text.decode("latin-1"))
        vocabulary = Vocabulary.from_metadata(json.loads(described))
        assert Vocabulary.from_metadata(vocabulary.to_metadata()) == vocabulary
        known = [number for number in ids if number < len(vocabulary)]
        _check_decoding(vocabulary, known)
        _check_text(vocabulary, known, stop, lines)
        if isinstance(text, bytes) and vocabulary.unit == "char":
            text = text.decode("latin-1")
        _check_encoding(vocabulary, text)


def _check_phrases(text: str) -> None:
    assert one_line(text).isprintable()
    assert not OBEYED.search(visible(text))


def _check_decoding(vocabulary: Vocabulary, ids: Sequence[int]) -> None:
    decoder = vocabulary.decoder()
    pieces = [decoder.feed([number]) for number in ids]
    assert "".join(pieces) + decoder.finish() == vocabulary.decode(np.array(ids, dtype=vocabulary.dtype))
    if vocabulary.unit == "char":
        assert vocabulary.encode(vocabulary.decode(ids)).tolist() == list(ids)


def _check_text(vocabulary: Vocabulary, ids: Sequence[int], stop: str | None, lines: int | None) -> None:
    text = Text(characters(vocabulary), stop, lines)
    whole = "".join([*map(text.add, ids), text.finish()])
    assert whole == text.text
    assert text.ids == list(ids)[: len(text.ids)]
    if stop is not None and stop in whole:
        assert text.done
        assert whole.index(stop) + len(stop) >= len(whole) - 1  # what was held back may follow it
    if vocabulary.unit == "byte":
        raw = Text(raw_bytes(vocabulary), None if stop is None else stop.encode(), lines)
        for number in ids:
            raw.add(number)
        assert raw.text == b"".join(ord(vocabulary.symbols[number]).to_bytes(1, "big") for number in raw.ids)


def _check_encoding(vocabulary: Vocabulary, text: str | bytes) -> None:
    left = vocabulary.encode(text, "skip")
    try:
        ids = vocabulary.encode(text)
    except UnknownSymbolError:
        assert len(left) < len(text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text)
    else:
        assert ids.tolist() == left.tolist()
    if vocabulary.unknown is None:
        try:
            vocabulary.encode(text, "replace")
        except CharlmError:
            return
        raise AssertionError("replaced by a symbol that is not there")
    replaced = vocabulary.encode(text, "replace")
    assert replaced.max(initial=0) < len(vocabulary)
