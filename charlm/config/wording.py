"""What is wrong with a value or a key, in plain words."""

from collections.abc import Mapping
from typing import Any, get_args

from charlm.config.keys import EXAMPLE, KEYS, SECTIONS, Config
from charlm.config.options import Key
from charlm.config.plain_yaml import scalar
from charlm.phrases import did_you_mean, nearest, shown, suggestion

_WORDS = {
    "int_type": "must be a whole number",
    "float_type": "must be a number",
    "bool_type": "must be true or false",
    "finite_number": "must be a finite number",
    "greater_than": "must be above {gt:.0f}",
    "greater_than_equal": "must be at least {ge:.0f}",
    "less_than": "must be below {lt:.0f}",
    "less_than_equal": "must be at most {le:.0f}",
    "must": "{sentence}",
}
UNKNOWN = ("extra_forbidden", "invalid_key")
# What other programs call a key.
_OTHER_NAMES = {
    "lr": "learning_rate",
    "hidden": "hidden_size",
    "units": "hidden_size",
    "layers": "num_layers",
    "steps": "max_steps",
    "minutes": "max_minutes",
    "bptt": "seq_length",
    "clip": "clip_norm",
}
_BOOLEAN_WORDS = {"no": "false", "off": "false", "n": "false", "yes": "true", "on": "true", "y": "true"}


def complaint(key: Key, kind: str, value: object, context: Mapping[str, Any]) -> str:
    """Say one of pydantic's complaints about a value in plain words."""
    if kind == "missing":
        return f"is missing; name the text to learn from, such as {EXAMPLE}"
    if kind in UNKNOWN:
        return unknown_key(key)
    if key in SECTIONS:
        keys = ", ".join(SECTIONS[key].model_fields)
        text = "" if key else "; the text to learn from is named by corpus.path in it"
        return f"must be a {'section' if key else 'configuration'} with keys ({keys}), got {shown(value)}{text}"
    nullable = type(None) in get_args(SECTIONS[key[:-1]].model_fields[key[-1]].annotation)
    if kind == "one_of":
        names = (*context["names"], *(["null"] if nullable else []))
        return f"{shown(value)} is not {context['noun']}{suggestion(str(value), names)} ({', '.join(names)})"
    or_null = " or null" if nullable else ""
    return f"{_WORDS[kind].format(**context)}{or_null}, got {shown(value)}{_hint(kind, value)}"


def _hint(kind: str, value: object) -> str:
    if kind == "bool_type" and isinstance(value, str) and value.lower() in _BOOLEAN_WORDS:
        return f"; write {_BOOLEAN_WORDS[value.lower()]}"
    if kind in ("int_type", "float_type", "bool_type") and isinstance(value, str) and scalar(value) != value:
        return ", which is text; remove the quotes"
    if kind == "int_type" and isinstance(value, float) and value.is_integer():
        return f"; write {int(value)}"
    return ""


def home_of(name: str) -> Key | None:
    """Return the only key of a name, or of what other programs call it."""
    name = _OTHER_NAMES.get(name, name)
    found = [key for key in KEYS if key[-1] == name and key not in SECTIONS]
    return found[0] if len(found) == 1 else None


def meant(key: Key) -> Key | None:
    """Return the existing key that was most likely meant by one that does not exist."""
    if key[-1] in _OTHER_NAMES:
        return home_of(key[-1])
    spelled_out = tuple(".".join(key).split("."))  # `model.cell: gru` at the top level
    if spelled_out in KEYS:
        return spelled_out
    sibling = nearest(key[-1], (known[-1] for known in KEYS if known[:-1] == key[:-1]))
    if sibling and key[-1] not in (known[-1] for known in KEYS):  # the same name elsewhere is nearer still
        return (*key[:-1], sibling)
    anywhere = nearest(key[-1], (known[-1] for known in KEYS), likeness=0.75)
    return next((known for known in KEYS if known[-1] == anywhere), None)


def unknown_key(key: Key) -> str:
    """Say that a key does not exist, and which one was likely meant."""
    likely = meant(key)
    if likely is None or likely[:-1] == key[:-1]:
        names = tuple(SECTIONS[key[:-1]].model_fields) if key[:-1] in SECTIONS else tuple(Config.model_fields)
        return f"is not a key{did_you_mean(likely[-1] if likely else None)} ({', '.join(names)})"
    homes = [".".join(known[:-1]) or "the top level" for known in KEYS if known[-1] == likely[-1]]
    name = "it" if likely[-1] == key[-1] else f"'{likely[-1]}'"
    return f"is not a key here; {name} belongs to {' or '.join(homes)}"


def too_many(number: int) -> str:
    """Say that something with so many mistakes is no configuration."""
    return f"has {number:,} mistakes, so it is not a configuration; its keys are {', '.join(Config.model_fields)}"
