"""Small corpora, and how tests read them."""

import unicodedata
from typing import Any

from hypothesis import strategies as st

from charlm.corpus.loading import load
from charlm.corpus.vocabulary import Vocabulary

DEFAULTS: dict[str, Any] = {
    "encoding": "utf-8",
    "unit": "char",
    "mode": "stream",
    "newlines": "lf",
    "normalize": None,
    "lowercase": False,
    "min_count": 1,
    "unknown": "\ufffd",
    "seed": 1,
}
SPLIT: dict[str, Any] = {"train": 0.9, "valid": 0.05, "test": 0.05, "layout": "tail"}
WHOLE = {"train": 1.0, "valid": 0.0, "test": 0.0}
PROSE = "It was a bright cold day in April,\nand the clocks were striking thirteen.\n"
# Whatever makes pieces depend on each other: line ends, marks that combine, sigmas, jamo, wide characters, a BOM.
TRICKY = st.text(alphabet="ab \n\r\t.,'Aé\u0301\u0323ΣσÅİß\u1100\u1161\u11a8가日本😀\ufb01\ufeff", max_size=30)
NEWLINE = 0  # the id of the newline in `as_lines`
ITEMS = st.lists(st.text(alphabet="abcdefg", min_size=1, max_size=8), min_size=1, max_size=30)


def load_path(path, split=None, **options):
    paths = [str(one) for one in path] if isinstance(path, list) else str(path)
    return load(paths, **{**DEFAULTS, **options, "split": {**SPLIT, **(split or {})}})


def write(path, content):
    data = content if isinstance(content, bytes) else content.encode("utf-8")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def whole_text(path, **options):
    corpus = load_path(path, WHOLE, **options)
    return corpus.vocabulary.decode(corpus.train)


def naive_text(text, options):
    text = text.removeprefix("\ufeff")
    if options.newlines == "lf":
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    if options.normalize:
        text = unicodedata.normalize(options.normalize, text)
    if options.lowercase:
        text = text.lower()
    if options.lowercase and options.normalize:
        text = unicodedata.normalize(options.normalize, text)
    if options.mode == "lines":
        text = "\n" + "".join(line + "\n" for line in text.split("\n") if line)
    return text


def as_lines(items):
    vocabulary = Vocabulary.of("\nabcdefg")
    return vocabulary.encode("\n" + "".join(item + "\n" for item in items)), vocabulary
