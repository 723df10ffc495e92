"""Characters that a text rarely has on purpose: invisible ones, controls, odd spaces, letters of another script."""

import unicodedata

import numpy as np

from charlm.corpus.counts import Counts
from charlm.corpus.lookalikes import disguised, unicode_name

NAMES = {0x00: "NULL", 0x0B: "LINE TABULATION", 0x0C: "FORM FEED", 0x0D: "CARRIAGE RETURN", 0x1B: "ESCAPE",
         0x7F: "DELETE", 0x85: "NEXT LINE"}  # fmt: skip
KINDS_OF_OWN = {"\ufeff": "byte order mark within the text", "\ufffd": "replacement character"}
# Marks, letters and a symbol that show nothing, by a part of their names:
INVISIBLE = ("VARIATION SELECTOR", " FILLER", "KHMER VOWEL INHERENT", "BRAILLE PATTERN BLANK")
CATEGORIES = {
    "Cc": "control character",
    "Cf": "invisible",
    "Cn": "not in Unicode",
    "Co": "private use",
    "Cs": "half of a pair",
    "Zl": "line separator",
    "Zp": "line separator",
    "Zs": "unusual space",
}


def name_of(code: int) -> str:
    """Return the name of a character, also of the commonest controls, which have none in Unicode."""
    return unicode_name(chr(code)) or NAMES.get(code, "")


def oddities(counts: Counts) -> dict[int, str]:
    """Return what is odd about the odd ones among the characters of a text, by code.

    Parameters
    ----------
    counts : ndarray of int, shape (number of code points,)
        How often each occurs.
    """
    found = {code: kind_of(chr(code)) for code in np.flatnonzero(counts).tolist()}
    found |= {code: f"among {script} letters" for code, script in disguised(counts).items()}
    return {code: kind for code, kind in found.items() if kind}


def kind_of(character: str) -> str:
    """Return what is odd about a character wherever it stands, or an empty string.

    Marks that spell a language, such as Devanagari's vowels, are not called combining in Unicode's names.
    """
    if character in " \t\n":
        return ""
    if character in KINDS_OF_OWN:
        return KINDS_OF_OWN[character]
    name = unicode_name(character)
    if name.startswith("COMBINING "):
        return "combining mark"
    if any(part in name for part in INVISIBLE):
        return "invisible"
    return CATEGORIES.get(unicodedata.category(character), "")
