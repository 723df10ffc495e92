"""Characters that look like others: which one a person may have meant, and letters of one script among another's."""

import unicodedata
from collections import Counter
from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

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

# Letters that most typefaces draw as the Latin letter in the same place of the row below.
_CYRILLIC = "\u0430\u0435\u043e\u0440\u0441\u0443\u0445\u0456\u0455\u0458"
_CYRILLIC_CAPITALS = "\u0410\u0412\u0415\u0406\u0408\u041a\u041c\u041d\u041e\u0420\u0421\u0422\u0425"
_GREEK = "\u03bf\u03bd\u0391\u0392\u0395\u0396\u0397\u0399\u039a\u039c\u039d\u039f\u03a1\u03a4\u03a5\u03a7"
TWINS = dict(
    zip(_CYRILLIC + _CYRILLIC_CAPITALS + _GREEK, "aeopcyxisj" + "ABEIJKMHOPCTX" + "ovABEZHIKMNOPTYX", strict=True)
)
MOSTLY = 0.8  # of a script's letters in a text: if so many have a twin, they do not spell a language


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


def disguised(counts: npt.NDArray[np.int64]) -> dict[int, str]:
    """Return the letters of a text that pass for letters of its main script.

    A script's letters count as such if most of them have a twin in the script with the most letters: a language that
    is spelt in a script uses many others, too.

    Parameters
    ----------
    counts : ndarray of int, shape (number of code points,)
        How often each character occurs.

    Returns
    -------
    dict of int to str
        For the code of each such letter, the script of the text.
    """
    letters: dict[str, Counter[str]] = {}
    for code in np.flatnonzero(counts).tolist():
        if chr(code).isalpha():
            script = unicode_name(chr(code)).partition(" ")[0]
            letters.setdefault(script, Counter())[chr(code)] = int(counts[code])
    if len(letters) < 2:
        return {}
    main = max(letters, key=lambda script: letters[script].total())
    drawn = {TWINS.get(letter, letter) for letter in letters.pop(main)}
    found: dict[int, str] = {}
    for own in letters.values():
        twins = [letter for letter in own if TWINS.get(letter, letter) in drawn]
        if sum(own[letter] for letter in twins) >= MOSTLY * own.total():
            found |= {ord(letter): main.capitalize() for letter in twins}
    return found
