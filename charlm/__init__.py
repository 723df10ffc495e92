"""A character-level language model trainer in NumPy, written from the equations.

>>> import charlm
>>> model = charlm.load("runs/plays")
>>> text = model.sample("BRANNOCK:", length=200)
"""

__version__ = "0.1.0"

TYPE_CHECKING = False  # as in `typing`, which takes a while to import

if TYPE_CHECKING:
    from charlm.api.comparison import compare_lines
    from charlm.api.export import export_html, export_onnx, export_torch
    from charlm.api.gradients import GradientFlow, ToyFlow, gradflow, toy_gradflow
    from charlm.api.inspection import inspect
    from charlm.api.language_model import LanguageModel, load
    from charlm.api.novelty import Novelty, novel_items, novelty
    from charlm.api.report import CorpusReport, corpus_report
    from charlm.api.runs import ListedRun, compare_configs, curves, plot, runs
    from charlm.api.training import TrainedRun, load_config, train
    from charlm.config import Config
    from charlm.errors import (
        CharlmError,
        CharlmWarning,
        ConfigError,
        CorpusError,
        DamagedFileError,
        FileError,
        NotFiniteError,
        UnknownSymbolError,
        UsageError,
        WriteError,
    )
    from charlm.inference.scorer import Score
    from charlm.insight.curves import Curves
    from charlm.insight.inspection import Inspection
    from charlm.insight.plot import Plot
    from charlm.records import Changes, Update
else:
    # Each public name is imported when it is first used, so that the command line starts at once.
    _HOMES = {
        "Changes": "charlm.records",
        "CharlmError": "charlm.errors",
        "CharlmWarning": "charlm.errors",
        "CorpusReport": "charlm.api.report",
        "Config": "charlm.config",
        "ConfigError": "charlm.errors",
        "CorpusError": "charlm.errors",
        "Curves": "charlm.insight.curves",
        "DamagedFileError": "charlm.errors",
        "FileError": "charlm.errors",
        "GradientFlow": "charlm.api.gradients",
        "Inspection": "charlm.insight.inspection",
        "LanguageModel": "charlm.api.language_model",
        "ListedRun": "charlm.api.runs",
        "NotFiniteError": "charlm.errors",
        "Novelty": "charlm.api.novelty",
        "Plot": "charlm.insight.plot",
        "Score": "charlm.inference.scorer",
        "ToyFlow": "charlm.api.gradients",
        "TrainedRun": "charlm.api.training",
        "UnknownSymbolError": "charlm.errors",
        "Update": "charlm.records",
        "UsageError": "charlm.errors",
        "WriteError": "charlm.errors",
        "compare_configs": "charlm.api.runs",
        "compare_lines": "charlm.api.comparison",
        "corpus_report": "charlm.api.report",
        "curves": "charlm.api.runs",
        "export_html": "charlm.api.export",
        "export_onnx": "charlm.api.export",
        "export_torch": "charlm.api.export",
        "gradflow": "charlm.api.gradients",
        "inspect": "charlm.api.inspection",
        "load": "charlm.api.language_model",
        "load_config": "charlm.api.training",
        "novel_items": "charlm.api.novelty",
        "novelty": "charlm.api.novelty",
        "plot": "charlm.api.runs",
        "runs": "charlm.api.runs",
        "toy_gradflow": "charlm.api.gradients",
        "train": "charlm.api.training",
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
    "Changes",
    "CharlmError",
    "CharlmWarning",
    "Config",
    "ConfigError",
    "CorpusError",
    "CorpusReport",
    "Curves",
    "DamagedFileError",
    "FileError",
    "GradientFlow",
    "Inspection",
    "LanguageModel",
    "ListedRun",
    "NotFiniteError",
    "Novelty",
    "Plot",
    "Score",
    "ToyFlow",
    "TrainedRun",
    "UnknownSymbolError",
    "Update",
    "UsageError",
    "WriteError",
    "__version__",
    "compare_configs",
    "compare_lines",
    "corpus_report",
    "curves",
    "export_html",
    "export_onnx",
    "export_torch",
    "gradflow",
    "inspect",
    "load",
    "load_config",
    "novel_items",
    "novelty",
    "plot",
    "runs",
    "toy_gradflow",
    "train",
]
