"""Small pieces that messages are made of: a value as it was written, the name that was likely meant."""

import difflib
from collections.abc import Iterable


def suggestion(word: str, names: Iterable[str]) -> str:
    """Return a question after the name that a word is spelt much like, or nothing."""
    near = nearest(word, names)
    return f"; did you mean '{near}'?" if near else ""


def nearest(word: str, names: Iterable[str]) -> str | None:
    """Return the name that a word is spelt most like, whatever its case, if there is one."""
    by_lower = {name.lower(): name for name in names}
    near = difflib.get_close_matches(word.lower(), by_lower, n=1)
    return by_lower[near[0]] if near else None


def shown(value: object) -> str:
    """Return a value as a YAML file would hold it, cut short if it is long."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, dict):
        return "a section"
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def one_line(text: str) -> str:
    """Return a text with its line ends and other controls spelt out."""
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)
