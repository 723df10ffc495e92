"""From a configuration, or from the keys themselves, to YAML and to a JSON Schema."""

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel

from charlm.config.keys import EXAMPLE, SECTIONS, Config, Corpus
from charlm.config.options import Key
from charlm.config.plain_yaml import flow


def dump_yaml(config: Config) -> str:
    """Return a configuration as YAML, with the keys of `Config.to_dict`; `load` reads the same configuration back."""
    return "\n".join(_lines(Config, config.to_dict())) + "\n"


def commented_defaults() -> str:
    """Return a configuration file in ASCII with every key, its default, its meaning and its range."""
    lines = _lines(Config, Config(corpus=Corpus(path=EXAMPLE)).to_dict(), comments=True)
    return "\n".join(["# Every key with its default; all but corpus.path may be left out.", *lines]) + "\n"


def schema() -> dict[str, Any]:
    """Return the JSON Schema of a configuration file, for editors that complete and check as one types."""
    described = Config.model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **described, "title": "charlm configuration"}


def _lines(section: type[BaseModel], values: Mapping[str, Any], comments: bool = False, key: Key = ()) -> Iterator[str]:
    indent = "  " * len(key)
    properties = section.model_json_schema()["properties"] if comments else {}
    for name, field in section.model_fields.items():
        if name not in values:
            continue
        nested = SECTIONS.get((*key, name))
        line = f"{indent}{name}:" if nested else f"{indent}{name}: {flow(values[name], ascii_only=comments)}"
        allowed = _allowed(properties[name]) if comments and not nested else ""
        comment = f"# {field.description}" + (f" ({allowed})" if allowed else "")
        if comments and not key and (nested or name == "seed"):
            yield ""
        yield f"{line:<30} {comment}" if comments else line
        if nested:
            yield from _lines(nested, values[name], comments, (*key, name))


def _allowed(entry: Mapping[str, Any]) -> str:
    """Say in words what a JSON Schema allows."""
    if "anyOf" in entry:
        return ", or ".join(filter(None, map(_allowed, entry["anyOf"])))
    if "enum" in entry:
        return ", ".join(entry["enum"])
    words = {"exclusiveMinimum": "above", "minimum": "at least", "exclusiveMaximum": "below", "maximum": "at most"}
    bounds = [f"{word} {_number(entry[bound])}" for bound, word in words.items() if bound in entry]
    if "minimum" in entry and "maximum" in entry:
        bounds = [f"{_number(entry['minimum'])} to {_number(entry['maximum'])}"]
    return entry.get("const") or " and ".join(bounds) or ("null" if entry["type"] == "null" else "")


def _number(bound: float) -> str:
    """Write a limit, a large power of ten in the way that is easiest to read."""
    text = f"{bound:.0f}"
    zeros = len(text) - 1
    return f"10^{zeros}" if zeros >= 6 and text == "1" + "0" * zeros else text
