"""Small pieces that messages are made of: a value as it was written, a number of things, the name likely meant."""

import re
from collections.abc import Iterable

# Controls other than the newline and the tab, what changes the direction of writing, and halves of a surrogate pair.
LIKENESS = 0.6  # from 0 to 1, as difflib measures it
OBEYED = re.compile(r"[\0-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def suggestion(word: str, names: Iterable[str]) -> str:
    """Return a question after the name that a word is spelt much like, or nothing."""
    return did_you_mean(nearest(word, names))


def did_you_mean(name: str | None) -> str:
    """Return the question that ends a message, or nothing when there is no name to suggest."""
    return f"; did you mean '{name}'?" if name else ""


def nearest(word: str, names: Iterable[str], likeness: float = LIKENESS) -> str | None:
    """Return the name that a word is spelt most like, whatever its case, if there is one."""
    return next(iter(similar(word, names, likeness)), None)


def similar(word: str, names: Iterable[str], likeness: float = LIKENESS) -> list[str]:
    """Return the names that a word is spelt much like, whatever its case, the most similar first."""
    import difflib  # here, as most programs that make a message have no name to suggest

    by_lower: dict[str, list[str]] = {}
    for name in names:
        by_lower.setdefault(name.lower(), []).append(name)
    return [
        name for near in difflib.get_close_matches(word.lower(), by_lower, cutoff=likeness) for name in by_lower[near]
    ]


def count(number: int, noun: str) -> str:
    """Return a number with its noun: ``1 file``, ``2,000 files``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def amount(number: float, noun: str) -> str:
    """Return a number that need not be whole with its noun: ``1 minute``, ``0.125 epochs``, ``1,200 epochs``."""
    return f"{number:,.10g} {noun}{'' if number == 1 else 's'}"


def megabytes(size: int) -> str:
    """Return a number of bytes in MB, or in kB where that would be 0.0 MB."""
    return f"{size / 1e6:.1f} MB" if size >= 50_000 else f"{size / 1e3:.1f} kB"


def shown(value: object) -> str:
    """Return a value as a YAML file would hold it, cut short if it is long."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, dict):
        return "a section"
    return as_written(value)


def as_written(value: object) -> str:
    """Return a value as Python writes it, cut short if it is long."""
    try:
        return shortened(repr(value))
    except (ValueError, RecursionError):  # Python writes no number of more than 4,300 digits
        return "a value that is too long to show"


def shortened(text: str) -> str:
    """Return a text, cut short if it is long."""
    return text if len(text) <= 60 else f"{text[:57]}..."


def one_line(text: str) -> str:
    """Return a text with its line ends and other controls spelt out."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)


def visible(text: str) -> str:
    """Return a text of any number of lines with the characters that a terminal would obey spelt out."""
    return OBEYED.sub(lambda found: repr(found[0])[1:-1], text)
