"""Which known character a person may have meant by an unknown one."""

import unicodedata
from collections.abc import Iterable

NAMED_NEAREST = 3

LOOK_ALIKES = (
    "'\u2018\u2019\u201a\u201b\u2032\u00b4`\u02bc",
    '"\u201c\u201d\u201e\u201f\u2033\u00ab\u00bb',
    "-\u2010\u2011\u2012\u2013\u2014\u2015\u2212_",
    " \t\u00a0\u2002\u2003\u2007\u2009\u200a\u202f\u3000",
    "\n\r\x0b\x0c\x85\u2028\u2029",
    ".\u2026\u00b7\u2022\u3002",
    ",\uff0c\u3001;\uff1b",
    "?\u00bf\uff1f",
    "!\u00a1\uff01",
    "([{\uff08",
    ")]}\uff09",
    "/\\|",
    "*\u00d7",
)


def nearest(symbol: str, symbols: Iterable[str], named: bool = True) -> list[str]:
    """Return the symbols a person may have meant, best first.

    Parameters
    ----------
    symbol : str
        One character that is not among the symbols.
    symbols : iterable of str
        The characters there are.
    named : bool
        Whether the symbol is a character with a name; otherwise only its code counts.

    Returns
    -------
    list of str
        Up to three: the same letter in the other case, the letter without its accent, punctuation that looks
        alike; if there is none of these, the one with the closest code.
    """
    known = set(symbols)
    candidates = _alike(symbol) if named or ord(symbol) < 0x80 else []
    found = [other for other in dict.fromkeys(candidates) if other in known and other != symbol]
    return found[:NAMED_NEAREST] or [min(known, key=lambda other: (abs(ord(other) - ord(symbol)), other))]


def _alike(symbol: str) -> list[str]:
    base = unicodedata.normalize("NFKD", symbol)[:1] + _plain_letter(symbol)
    group = next((group for group in LOOK_ALIKES if symbol in group), "")
    return [*symbol.swapcase(), *base, *base.swapcase(), *group]


def _plain_letter(symbol: str) -> str:
    """Return the letter under a stroke or hook, which has no decomposition but whose name says "WITH STROKE"."""
    plain, extra, _ = unicode_name(symbol).partition(" WITH ")
    try:
        return unicodedata.lookup(plain) if extra else ""
    except KeyError:
        return ""


def unicode_name(symbol: str) -> str:
    """Return a character's name in Unicode, or nothing for one that has none, such as a control character."""
    return unicodedata.name(symbol, "")
