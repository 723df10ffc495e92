"""Changes to bytes, texts and plain values, such as a person, a disk or an enemy makes them."""

import copy
import json
from collections.abc import Sequence
from random import Random
from typing import Any, TypeVar

AnyText = TypeVar("AnyText", bytes, str)

NUMBERS = [
    "0", "-0", "1", "-1", "2", "3", "7", "255", "256", "65536", "65537", "1000001", "2147483648", "1000000000000",
    "1000000000001", "18446744073709551615", "18446744073709551616", "1e999", "-1e999", "1e308", "5e-324", "1e-400",
    "0.1", "0.5", "0.999999999999999999", "1.0", "1.5", "-0.0", "1e3", "1E+3", ".5", "5.", "+1", "01", "0x10", "0o7",
    "0b1", "1_000", "1,000", "½", "²", "٣", "１", ".inf", "-.inf", ".nan", "inf", "nan", "NaN", "Infinity", "1" * 300,
    "9" * 4301, "1" * 5000, "-" + "9" * 310,
]  # fmt: skip
WORDS = [
    "", " ", "~", "null", "Null", "true", "True", "TRUE", "yes", "on", "off", "no", "-", "--", "?", ":", "|", ">",
    "|2-", "[", "]", "{", "}", "[]", "{}", "[1]", "[[1]]", "{a: 1}", "&a x", "*a", "!!str 1",
    "!!python/object/apply:os.system [id]", "!!binary aGk=", "<<: *a", "%YAML 1.1", "---", "...", "'", '"', "''",
    '"\\x"', '"\\ud800"', '"\\U00110000"', '"\\N"', "#", " #", "@", "`", "\t", "\n", "\r", "\r\n", "\0", "\x07",
    "\x1b[31m", "\x7f", "\x85", "\xa0", "\u2028", "\ufeff", "\ufffd", "\ufffe", "\U0010ffff", "\u0301", "\u202e", "é",
    "日本", "😀", "ﬁ", "İ", "\ud800".encode("utf-8", "surrogatepass").decode("utf-8", "replace"), "2026-01-01",
    "12:30:45", "auto", "utf-8", "utf-16", "hex", "rot13", "idna", "punycode", "undefined", "unicode_escape",
    "raw_unicode_escape", "utf-7", "cp65001", "mbcs", "x" * 200, "a/b", "C:\\new", "\\\\host\\share",
    "~nobody-is-called-so/x", "\xffÿ", "%s%n", "{0}", "${HOME}", "$(id)", "`id`", "; rm",
]  # fmt: skip
ODD: list[Any] = [
    None, True, False, -1, 0, 1, 2, 3, 7, 255, 256, 65_536, 65_537, 10**6, 10**9, 10**12, 10**15, 10**18, 2**63, 2**64,
    10**400, 0.0, -0.0, 0.5, 1.0, 1.5, -2.5e300, 1e308, 5e-324, float("inf"), float("nan"), "", "x", "\n",
    "\x1b[31m\n", "\ud800", "é", "float32", "float64", "byte", "char", "lines", "gru", "lstm", "rnn", "a" * 5_000,
    "../x", "/etc/passwd", [], [1], [[]], ["x"], [None, "x", 10**9], [0] * 2_000, {}, {"a": 1}, {"": {}}, {"step": 1},
    {"format": 1},
]  # fmt: skip
BYTES = [bytes([value]) for value in range(256)] + [word.encode("utf-8", "surrogatepass") for word in WORDS]


def mutated(rng: Random, data: AnyText, tokens: Sequence[AnyText], others: Sequence[AnyText]) -> AnyText:
    """Return bytes or a text after one to four changes of its pieces.

    Parameters
    ----------
    rng : Random
        Decides.
    data : bytes or str
        What to change.
    tokens : sequence of bytes or str
        What is put in.
    others : sequence of bytes or str
        What pieces are taken from.
    """
    for _ in range(1 + int(rng.random() ** 2 * 4)):
        size = len(data)
        at = rng.randrange(size + 1)
        span = at + (1 if rng.random() < 0.5 else rng.randrange(1 + min(60, size)))
        match rng.randrange(9):
            case 0 | 1:
                data = data[:at] + rng.choice(tokens) + data[at:]
            case 2 | 3:
                data = data[:at] + rng.choice(tokens) + data[span:]
            case 4:
                data = data[:at] + data[span:]
            case 5:
                data = data[:at] + data[at:span] * rng.choice((2, 3, 20)) + data[span:]
            case 6:
                other = rng.choice(others)
                start = rng.randrange(len(other) + 1)
                data = data[:at] + other[start : start + rng.randrange(80)] + data[at:]
            case 7:
                data = data[:at] if rng.random() < 0.5 else data[at:]
            case 8:
                to = rng.randrange(size + 1)
                data = data[:to] + data[at:span] + data[to:]
    return data


def mutated_json(rng: Random, text: str) -> Any:
    """Return a JSON value after one to three changes of its parts: others in their place, gone, doubled or swapped."""
    value = json.loads(text)
    for _ in range(1 + int(rng.random() ** 2 * 3)):
        if not isinstance(value, dict | list) or not value:
            return copy.deepcopy(rng.choice(ODD))
        inner, key = _place(rng, value)
        match rng.randrange(6):
            case 0:
                del inner[key]
            case 1:
                if isinstance(inner, list):
                    inner.insert(key, copy.deepcopy(inner[key]))
                else:
                    inner[f"{key}x"] = copy.deepcopy(inner[key])
            case 2:
                other, place = _place(rng, value)
                if place in other if isinstance(other, dict) else place < len(other):
                    inner[key] = copy.deepcopy(other[place])
            case 3 if type(inner[key]) in (int, float):
                number = inner[key]
                inner[key] = rng.choice([number + 1, number - 1, -number, number * 2, [number]])
            case _:
                inner[key] = copy.deepcopy(rng.choice(ODD))
    return value


def _place(rng: Random, value: Any) -> tuple[Any, Any]:
    """Return a dictionary or a list within a value that is one and has entries, and one of its keys."""
    while True:
        key = rng.choice(list(value)) if isinstance(value, dict) else rng.randrange(len(value))
        if not isinstance(value[key], dict | list) or not value[key] or rng.random() < 0.1:
            return value, key
        value = value[key]
