"""The configuration: every key with its type, range and default, read from YAML with all mistakes reported at once."""

from charlm.config.keys import (
    KEYS,
    SECTIONS,
    Config,
    Corpus,
    Dropout,
    Model,
    Optimizer,
    Schedule,
    Split,
    Training,
)
from charlm.config.options import LENGTHS, OPTIMIZER_OPTIONS, SCHEDULE_OPTIONS, UNIT_OPTIONS
from charlm.config.presets import is_text, name_of, refuse_preset, resolve
from charlm.config.reading import (
    SUFFIXES,
    Override,
    from_checkpoint,
    from_dict,
    is_configuration,
    load,
    load_of_run,
    parse_override,
    plain,
)
from charlm.config.writing import commented_defaults, dump_yaml, schema

__all__ = [
    "KEYS",
    "LENGTHS",
    "OPTIMIZER_OPTIONS",
    "SCHEDULE_OPTIONS",
    "SECTIONS",
    "SUFFIXES",
    "UNIT_OPTIONS",
    "Config",
    "Corpus",
    "Dropout",
    "Model",
    "Optimizer",
    "Override",
    "Schedule",
    "Split",
    "Training",
    "commented_defaults",
    "dump_yaml",
    "from_checkpoint",
    "from_dict",
    "is_configuration",
    "is_text",
    "load",
    "load_of_run",
    "name_of",
    "parse_override",
    "plain",
    "refuse_preset",
    "resolve",
    "schema",
]
