"""Values as they were given, from a file and beside it, and the place of each, so that messages can name it."""

import itertools
from dataclasses import dataclass
from typing import Any

from charlm.config.keys import KEYS, SECTIONS, Config
from charlm.config.mistakes import mistakes_in
from charlm.config.options import LENGTHS, Key
from charlm.config.phrases import one_line
from charlm.config.wording import unknown_key
from charlm.errors import UsageError


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

    def mark(self, key: Key, where: str, is_key: bool = False) -> None:
        """Remember where a key was given; a second time in a file is a mistake."""
        place = _Place(next(self._ranks), where, is_key)
        if key in self._places and not is_key:
            message = f"is given twice; keep this one or the one at {self._places[key].where}"
            self._complain(place, key, message)
        else:
            self._places[key] = place

    def override(self, override: Override) -> None:
        """Give a key another value; a length replaces whatever length was given before."""
        *parents, name = key = tuple(override.key.split("."))
        self.mark(key, override.where, is_key=True)
        if key in SECTIONS:
            choices = ", ".join(".".join((*key, field)) for field in SECTIONS[key].model_fields)
            return self._complain(self._places[key], key, f"is a section; set one of its keys ({choices})")
        if key not in KEYS:
            return self._complain(self._places[key], key, unknown_key(key))
        section = self.data
        for parent in parents:
            section = section.setdefault(parent, {}) if isinstance(section, dict) else None
        if isinstance(section, dict):  # anything else is a mistake of the file, told with the others
            if parents == ["training"] and name in LENGTHS and override.value is not None:
                for length in LENGTHS:
                    section.pop(length, None)
            section[name] = override.value

    def resolve(self) -> Config:
        """Return the configuration, or raise everything that is wrong in one `UsageError`."""
        config, mistakes = mistakes_in(self.data)
        for keys, message in mistakes:
            key = next((key for key in keys if key in self._places), keys[0])
            self._complain(self._nearest_place(key), key, message)
        if config is None or self._problems:
            raise UsageError("\n".join(text for _, text in sorted(self._problems, key=lambda problem: problem[0])))
        return config

    def _nearest_place(self, key: Key) -> _Place:
        return next(self._places[key[:n]] for n in range(len(key), -1, -1) if key[:n] in self._places)

    def _complain(self, place: _Place, key: Key, message: str) -> None:
        parts = [place.where, "" if place.is_key else ".".join(key), message]
        self._problems.append((place.rank, one_line(": ".join(part for part in parts if part))))
