"""charlm as a library: load a model; sample, score and predict with it; train one."""

from charlm.api.language_model import LanguageModel, load
from charlm.api.training import TrainedRun, load_config, train

__all__ = ["LanguageModel", "TrainedRun", "load", "load_config", "train"]
