"""Models that are exported: every cell, every way for symbols to enter, on random weights, read back from a file."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import charlm
from charlm.api.language_model import LanguageModel
from charlm.arrays import Array, IntArray
from charlm.cells import NAMES
from charlm.corpus.vocabulary import Vocabulary
from charlm.files import modelfile
from charlm.network.architecture import Architecture
from charlm.ngram.mixture import Mixture
from tests.conftest import ROOT
from tests.networks import INPUTS, Network

SHOWN = re.findall(r"^```python\n(.*?)^```$", (ROOT / "docs/export.md").read_text("utf-8"), re.MULTILINE | re.DOTALL)
OF_THE_PAGE = Vocabulary.of("To be, or not to b\n")  # what its examples read
SYMBOLS = "\n aébc<"
NETWORKS: dict[str, dict[str, Any]] = {
    **{cell: {"cell": cell, "num_layers": 2} for cell in NAMES},
    **{name: {"cell": "gru", **options} for name, options in INPUTS.items() if options},
    "lines of an LSTM": {"cell": "lstm", "num_layers": 2, "embedding_size": 4, "start_symbol": 0},
    "float64": {"cell": "lstm-1997", "dtype": "float64"},
}
every_network = pytest.mark.parametrize("name", NETWORKS)


def saved(
    folder: Path,
    name: str = "gru",
    vocabulary: Vocabulary | None = None,
    metadata: Mapping[str, Any] | None = None,
    mixture: Mixture | None = None,
    **options: Any,
) -> LanguageModel:
    """Write a model of 6 units with random weights, all biases of which differ from zero, and read it back."""
    vocabulary = vocabulary or Vocabulary(tuple(SYMBOLS))
    a = Architecture(**{"vocabulary_size": len(vocabulary), "hidden_size": 6, **NETWORKS[name], **options})
    path = folder / "model.safetensors"
    modelfile.save(path, a, Network(a).parameters, vocabulary, metadata or {}, mixture=mixture)
    return charlm.load(path)


def run_example(example: str, names: dict[str, object]) -> None:
    """Run an example of the page."""
    exec(compile(example, "docs/export.md", "exec"), names)


def some_texts(model: LanguageModel, length: int, count: int) -> IntArray:
    """Return random ids, (T, B); in a model of lines each text begins a line."""
    ids = np.random.default_rng(3).integers(0, len(model.vocabulary), (length, count))
    if model.architecture.start_symbol is not None:
        ids[0] = model.architecture.start_symbol
    return ids


def expected_after(model: LanguageModel, ids: IntArray) -> Array:
    """Return what the library expects after each of ids, (T, B, V)."""
    texts = [model.log_probabilities(np.append(text, 0))[1:] for text in ids.T]
    return np.stack(texts, axis=1)
