"""A character-level language model trainer in NumPy, written from the equations.

>>> import charlm
>>> model = charlm.load("runs/plays")  # doctest: +SKIP
>>> print(model.sample("BRANNOCK:", length=200))  # doctest: +SKIP
"""

from typing import TYPE_CHECKING

__version__ = "0.1.0"

if TYPE_CHECKING:
    from charlm.api import LanguageModel, TrainedRun, load, load_config, train
    from charlm.errors import CharlmError, ConfigError, UsageError
    from charlm.inference.scorer import Score
else:
    # Each public name is imported when it is first used, so that the command line starts at once.
    _HOMES = {
        "CharlmError": "charlm.errors",
        "ConfigError": "charlm.errors",
        "LanguageModel": "charlm.api",
        "Score": "charlm.inference.scorer",
        "TrainedRun": "charlm.api",
        "UsageError": "charlm.errors",
        "load": "charlm.api",
        "load_config": "charlm.api",
        "train": "charlm.api",
    }

    def __getattr__(name):
        """Import a public name."""
        from importlib import import_module

        if name not in _HOMES:
            raise AttributeError(f"module 'charlm' has no attribute {name!r}")
        value = globals()[name] = getattr(import_module(_HOMES[name]), name)
        return value

    def __dir__():
        return sorted([*globals(), *_HOMES])


__all__ = [
    "CharlmError",
    "ConfigError",
    "LanguageModel",
    "Score",
    "TrainedRun",
    "UsageError",
    "__version__",
    "load",
    "load_config",
    "train",
]
