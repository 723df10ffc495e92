"""All that is wrong with some values, found in one go: each by itself, and where sound ones disagree."""

from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from charlm.config.conflicts import Mistake, conflicts
from charlm.config.keys import EXAMPLE, SECTIONS, Config
from charlm.config.options import Key
from charlm.config.wording import UNKNOWN, complaint, meant, too_many

MOST_MISTAKES = 100  # that are reported one by one
_REQUIRED: Key = ("corpus", "path")


def _validated(data: object) -> tuple[Config | None, list[ErrorDetails], list[Mistake]]:
    """Return the configuration, pydantic's complaints about single values, and where sound values disagree."""
    try:
        config = Config.model_validate(data)
    except ValidationError as error:
        return None, error.errors(include_url=False), []
    return config, [], list(conflicts(config))


def mistakes_in(data: object) -> tuple[Config | None, list[Mistake]]:
    """Check plain values: return the configuration, or all that is wrong with them."""
    config, details, disagreeing = _validated(data)
    if not details:
        return config, disagreeing
    if len(details) > MOST_MISTAKES:
        return None, [(((),), too_many(len(details)))]
    mistakes: list[Mistake] = []
    wrong: set[Key] = set()
    for detail in details:
        kind, key = detail["type"], tuple(map(str, detail["loc"]))
        if kind == "missing":
            key = _REQUIRED
        mistakes.append(((key,), complaint(key, kind, detail["input"], detail.get("ctx", {}))))
        wrong |= {key, (meant(key) if kind in UNKNOWN else None) or key}
    # pydantic compares keys only when each is sound: see whether the sound ones disagree with each other.
    sound = _without(data, wrong)
    sound["corpus"] = {"path": EXAMPLE, **sound.get("corpus", {})}
    _, _, disagreeing = _validated(sound)
    known = [(keys, text) for keys, text in disagreeing if not any(k[:n] in wrong for k in keys for n in range(4))]
    return None, mistakes + known


def _without(data: object, wrong: set[Key], key: Key = ()) -> dict[str, Any]:
    if not isinstance(data, dict):
        return {}
    return {
        name: _without(value, wrong, (*key, name)) if (*key, name) in SECTIONS else value
        for name, value in data.items()
        if isinstance(name, str) and (*key, name) not in wrong
    }
