"""Which options of a section belong to which choice in it, where not every choice uses them."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from charlm.training.optimizers import RULES
from charlm.training.schedules import SCHEDULES

Key = tuple[str, ...]


def options_of(registry: Mapping[str, type[Any]]) -> dict[str, Key]:
    """Return what each dataclass of a registry is made from."""
    return {name: tuple(field.name for field in fields(kind)) for name, kind in registry.items()}


UNIT_OPTIONS: dict[str, Key] = {
    "char": ("encoding", "normalize", "lowercase", "min_count", "unknown", "column"),
    "byte": (),
}
OPTIMIZER_OPTIONS = options_of(RULES)
SCHEDULE_OPTIONS = options_of(SCHEDULES)
EXCLUSIVE_LENGTHS = ("epochs", "max_steps")  # of training; minutes may stand beside one of them
LENGTHS = (*EXCLUSIVE_LENGTHS, "max_minutes")
