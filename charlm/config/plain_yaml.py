"""The plain part of YAML that a configuration needs: nested keys, numbers, texts and lists, with their lines."""

import re
import sys
from collections.abc import Callable
from typing import Any, NoReturn

import yaml

from charlm.config.options import Key
from charlm.errors import ConfigError
from charlm.phrases import one_line

_CORE = "tag:yaml.org,2002:"
_SCALARS: dict[str, tuple[str, str, Callable[[str], Any]]] = {  # pattern, first character, value
    "null": (r"(?:~|null|Null|NULL|)\Z", " ~ n N", lambda text: None),
    "bool": (r"(?:true|True|TRUE|false|False|FALSE)\Z", "t T f F", lambda text: text.lower() == "true"),
    "int": (r"[-+]?[0-9]{1,300}\Z", "- + 0 1 2 3 4 5 6 7 8 9", int),
    "float": (
        r"[-+]?(?:(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))\Z",
        "- + . 0 1 2 3 4 5 6 7 8 9",
        lambda text: float(re.sub(r"\.(?=[A-Za-z])", "", text)),  # Python writes inf and nan without the dot
    ),
}
_DEEPEST = 20
_ESCAPES = "; in double quotes a backslash begins an escape: write a path in single quotes, or with forward slashes"
_QUOTE = "aliases, anchors and tags have no use here; put text that begins with '*', '&' or '!' in quotes"


class _Loader(yaml.SafeLoader):
    """YAML 1.2's plain values: `2e-3` is a number, `no` is text, and nothing refers, merges or constructs."""

    yaml_implicit_resolvers: dict[Any, Any] = {}  # noqa: RUF012 - PyYAML's own way to say it
    depth = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        event: Any = self.peek_event()  # type: ignore[no-untyped-call]
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None) or getattr(event, "tag", None):
            raise yaml.composer.ComposerError(None, None, _QUOTE, event.start_mark)
        if self.depth == _DEEPEST:
            raise yaml.composer.ComposerError(None, None, "too many brackets in brackets", event.start_mark)
        self.depth += 1
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node


class _Dumper(yaml.SafeDumper):
    """Quotes what either generation of YAML would not read as text, and keeps every value on one line."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _text_node(dumper: _Dumper, text: str) -> yaml.Node:
    return dumper.represent_scalar(f"{_CORE}str", text, style=None if text.isprintable() else '"')


_Dumper.add_representer(str, _text_node)
for _name, (_pattern, _first, _) in _SCALARS.items():
    for _class in (_Loader, _Dumper):
        _class.add_implicit_resolver(f"{_CORE}{_name}", re.compile(_pattern), _first.split(" "))


def scalar(text: str) -> Any:
    """Return what plain text means in YAML."""
    for pattern, _, value in _SCALARS.values():
        if re.match(pattern, text):
            return value(text)
    return text


def compose(text: str, name: str) -> yaml.Node | None:
    """Return the nodes of a YAML text, `None` if it is empty."""

    def fail(line: int, message: object) -> NoReturn:
        raise ConfigError(one_line(f"{name}:{line + 1}: is not valid YAML: {message}"))

    try:
        loader = _Loader(text)
    except yaml.reader.ReaderError as error:
        fail(text.count("\n", 0, error.position), f"{chr(int(error.character))!r} is a control character")
    try:
        return loader.get_single_node()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line if mark else loader.line
        in_reference = "alias" in (error.context or "") or "anchor" in (error.context or "")
        fail(line, _QUOTE if in_reference else f"{error.problem}{_about(text, line, error)}")
    except (ValueError, OverflowError):  # PyYAML passes on what it cannot turn into a character or a number
        fail(loader.line, "there is no such character or number")


def _about(text: str, line: int, error: yaml.MarkedYAMLError) -> str:
    """Explain an error that tabs, or a Windows path in double quotes, have led to, if that is what it is."""
    if "'\\t'" in (error.problem or ""):
        return "; indent with spaces instead of tabs"
    above = text.split("\n")[: line + 1]
    in_quotes = "double-quoted" in (error.context or "")
    return _ESCAPES if in_quotes or any(re.search(r'\\"\s*\Z', row) for row in above) else ""


def plain_value(node: yaml.Node, mark: Callable[[Key, int], None], key: Key = ()) -> Any:
    """Turn nodes into plain values, marking the line of every key."""
    if isinstance(node, yaml.ScalarNode):
        return _SCALARS[kind][2](node.value) if (kind := node.tag.removeprefix(_CORE)) in _SCALARS else node.value
    if isinstance(node, yaml.SequenceNode):
        return [plain_value(item, mark, key) for item in node.value]
    values: dict[str, Any] = {}
    for name_node, value_node in node.value:
        name = one_line(name_node.value) if isinstance(name_node, yaml.ScalarNode) else "{...}"
        mark((*key, name), name_node.start_mark.line + 1)
        value = plain_value(value_node, mark, (*key, name))
        values.setdefault(name, value)
    return values


def flow(value: object, ascii_only: bool) -> str:
    """Write a value as YAML on one line."""
    text = yaml.dump([value], Dumper=_Dumper, default_flow_style=True, allow_unicode=not ascii_only, width=sys.maxsize)
    return text.strip()[1:-1]
