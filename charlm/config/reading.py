"""From a YAML file, and from what is given beside it, to a checked configuration."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from charlm.config import textfile
from charlm.config.keys import KEYS, SECTIONS, SHORTHANDS, Config, stands_alone
from charlm.config.mistakes import MOST_MISTAKES, mistakes_in
from charlm.config.options import EXCLUSIVE_LENGTHS, LENGTHS, Key
from charlm.config.plain_yaml import compose, plain_value
from charlm.config.wording import too_many, unknown_key
from charlm.errors import ConfigError
from charlm.files import schema
from charlm.phrases import one_line, shortened

SUFFIXES = (".yaml", ".yml", ".json")  # of configurations; no text has them
BEFORE_IT_EXISTED = {"separator": ""}  # how corpora were read by versions without the key


@dataclass(frozen=True)
class Override:
    """A value given outside the file.

    Attributes
    ----------
    key : str
        The dotted key, such as ``training.max_minutes``.
    value : object
        A plain value, such as YAML could hold.
    where : str
        What the person typed, such as ``--max-minutes``, to begin a message with.
    """

    key: str
    value: object
    where: str


@dataclass(frozen=True)
class _Place:
    rank: int  # its position in reading order
    where: str
    is_key: bool = False  # `where` names the key already, as a flag does


class Document:
    """Plain values as they were given, the place of each, and all that is wrong with them."""

    def __init__(self, name: str, data: object = None) -> None:
        self.data: Any = {} if data is None else data
        self._ranks = itertools.count()
        self._places: dict[Key, _Place] = {(): _Place(next(self._ranks), name)}
        self._problems: list[tuple[int, str]] = []
        self._has_length = False  # from beside the file

    def mark(self, key: Key, where: str, is_key: bool = False) -> None:
        """Remember where a key was given; a second time in a file is a mistake."""
        place = _Place(next(self._ranks), where, is_key)
        if key in self._places and not is_key:
            message = f"is given twice; keep this one or the one at {self._places[key].where}"
            self._complain(place, key, message)
        else:
            self._places[key] = place

    def override(self, override: Override) -> None:
        """Give a key another value; a length replaces those of the file, and one that it cannot stand beside."""
        *parents, name = key = tuple(override.key.split("."))
        short = key in SHORTHANDS and stands_alone(override.value)
        if short and override.value is not None:  # null leaves nothing of the section
            return self.override(replace(override, key=f"{override.key}.{SHORTHANDS[key]}"))
        self.mark(key, override.where, is_key=True)
        if key in SECTIONS and not short:
            choices = ", ".join(".".join((*key, field)) for field in SECTIONS[key].model_fields)
            return self._complain(self._places[key], key, f"is a section; set one of its keys ({choices})")
        if key not in KEYS:
            return self._complain(self._places[key], key, unknown_key(key))
        section = self.data
        for depth, parent in enumerate(parents, start=1):
            if not isinstance(section, dict):
                break
            within = section.setdefault(parent, {})
            if key[:depth] in SHORTHANDS and stands_alone(within):
                within = section[parent] = {SHORTHANDS[key[:depth]]: within}
            section = within
        if isinstance(section, dict):  # anything else is a mistake of the file, reported with the others
            if parents == ["training"] and name in LENGTHS and override.value is not None:
                replaced = LENGTHS if not self._has_length else () if name == "max_minutes" else EXCLUSIVE_LENGTHS
                for length in replaced:
                    section.pop(length, None)
                self._has_length = True
            section[name] = override.value

    def resolve(self) -> Config:
        """Return the configuration, or raise everything that is wrong in one `ConfigError`."""
        config, mistakes = mistakes_in(self.data)
        for keys, message in mistakes:
            key = next((key for key in keys if key in self._places), keys[0])
            self._complain(self._nearest_place(key), key, message)
        if len(self._problems) > MOST_MISTAKES:
            number, self._problems = len(self._problems), []
            self._complain(self._places[()], (), too_many(number))
        if config is None or self._problems:
            raise ConfigError(*(text for _, text in sorted(self._problems, key=lambda problem: problem[0])))
        return config

    def _nearest_place(self, key: Key) -> _Place:
        return next(self._places[key[:n]] for n in range(len(key), -1, -1) if key[:n] in self._places)

    def _complain(self, place: _Place, key: Key, message: str) -> None:
        parts = [place.where, "" if place.is_key else ".".join(map(shortened, key)), message]
        self._problems.append((place.rank, one_line(": ".join(part for part in parts if part))))


def _read(path: Path) -> Document:
    document = Document(str(path))
    node = compose(textfile.read(path), str(path))
    if node is not None:
        document.data = plain_value(node, lambda key, line: document.mark(key, f"{path}:{line}"))
    return document


def parse_override(text: str, option: str = "") -> Override:
    """Read ``KEY=VALUE``, the value written as in YAML.

    Parameters
    ----------
    text : str
        Such as ``model.hidden_size=512``.
    option : str
        What stands before the key in messages.

    Raises
    ------
    ConfigError
        If it has no value, or one that is not YAML.
    """
    key, equals, value = text.partition("=")
    if not equals or not key:
        raise ConfigError(one_line(f"{option}{shortened(text)}: needs KEY=VALUE, such as model.hidden_size=512"))
    where = f"{option}{shortened(key)}"
    if len(value) > textfile.LARGEST:
        raise ConfigError(one_line(f"{where}: has more than {textfile.LARGEST:,} characters"))
    node = compose(value, where)
    if node is None:
        raise ConfigError(one_line(f"{where}: needs a value; write null for none"))
    return Override(key, plain_value(node, lambda key, line: None), where)


def load(path: Path | None, overrides: Sequence[str] = (), extra: Sequence[Override] = ()) -> Config:
    """Read a configuration file and what was given beside it.

    Later values win: the file's, then `overrides` from left to right, then `extra`. A length of training
    (``epochs``, ``max_steps`` or ``max_minutes``) given beside the file replaces those of the file; of epochs and steps
    given beside it, the last one counts, and minutes may stand beside either.

    Parameters
    ----------
    path : Path or None
        A YAML file in UTF-8, or in UTF-16 with its mark; without one, every key has its default.
    overrides : sequence of str
        Texts such as ``model.hidden_size=512``, their values written as in YAML.
    extra : sequence of Override
        Values of command-line flags.

    Returns
    -------
    Config
        The checked configuration.

    Raises
    ------
    ConfigError
        With one line for each problem, in reading order: where, what is wrong, what would be right.
    """
    document = Document("") if path is None else _read(path)
    for override in (*(parse_override(text, "--set ") for text in overrides), *extra):
        document.override(override)
    return document.resolve()


def plain(value: object) -> object:
    """Return a value as YAML could hold it: paths as text, tuples as lists, NumPy's numbers as Python's."""
    if isinstance(value, Mapping):
        return {key: plain(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [plain(entry) for entry in value]
    if isinstance(value, np.generic):
        return value.item()
    return str(value) if isinstance(value, Path) else value


def from_dict(data: object, where: str) -> Config:
    """Build a configuration from what `Config.to_dict` returned.

    Parameters
    ----------
    data : object
        Nested dictionaries; every key is checked as strictly as a file's.
    where : str
        What the dictionaries came from, such as a checkpoint's name, to begin each message with.

    Raises
    ------
    ConfigError
        With one line for each problem.
    """
    return Document(where, data).resolve()


def from_checkpoint(path: Path, metadata: Mapping[str, Any]) -> Config:
    """Build the configuration that a checkpoint's metadata hold; keys younger than it mean what was then.

    Parameters
    ----------
    path : Path
        The checkpoint, to begin each message with.
    metadata : mapping
        Its metadata.

    Raises
    ------
    FileError
        If this version does not know the configuration, with the version that wrote it if that is a later one.
    """
    try:
        return from_dict(_as_then(metadata.get("config")), str(path))
    except ConfigError as error:
        what = one_line(error.mistakes[0]).removeprefix(f"{path}: ")
        raise schema.unknown(path, metadata, what) from error


def is_configuration(path: Path) -> bool:
    """Tell whether a file is a configuration, with whatever mistakes: YAML that has one of its keys at the top."""
    try:
        data = _read(path).data
    except ConfigError:
        return False
    return isinstance(data, dict) and any((name,) in SECTIONS or (name,) in KEYS for name in data)


def load_of_run(path: Path) -> Config:
    """Read the configuration file of a run, which any version may have written; see `from_checkpoint`."""
    document = _read(path)
    document.data = _as_then(document.data)
    return document.resolve()


def _as_then(data: Any) -> Any:
    """Write out what keys that are not there meant to the version that knew none of them."""
    if isinstance(data, dict) and isinstance(data.get("corpus"), dict):
        return {**data, "corpus": {**BEFORE_IT_EXISTED, **data["corpus"]}}
    return data
