"""A model in its file: weights under the names PyTorch gives them, and a vocabulary and a configuration beside them.

The weights of a checkpoint load into ``torch.nn.RNN``, ``GRU`` and ``LSTM`` by name. These have a second bias, of
the product with the state, which adds nothing to the first except in a split gate, which needs both products; charlm
has it only there, writes zeros elsewhere, and adds the two where it reads a file that has both.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from charlm import __version__
from charlm.arrays import OVERFLOW, Array
from charlm.corpus.vocabulary import Vocabulary
from charlm.errors import CharlmError, DamagedFileError, FileError
from charlm.files import checkpoint, schema
from charlm.network.architecture import Architecture
from charlm.network.parameters import Parameters
from charlm.ngram.mixture import Mixture
from charlm.ngram.reading import kinds
from charlm.ngram.tables import NGram

NGRAM_PREFIX = "ngram."
SCALES = "scales"
MOST_SCALE = 1000


@dataclass(frozen=True, slots=True)
class Saved:
    """What a checkpoint file holds.

    Attributes
    ----------
    architecture : Architecture
        The network.
    parameters : Parameters
        Its weights.
    vocabulary : Vocabulary
        The symbols.
    metadata : dict
        Everything else that was saved: the configuration, the history, where training stood.
    training : dict of str to ndarray
        What an exact resume needs; empty unless asked for.
    mixture : Mixture or None
        The n-gram that is added to the network, and how.
    """

    architecture: Architecture
    parameters: Parameters
    vocabulary: Vocabulary
    metadata: dict[str, Any]
    training: dict[str, Array]
    mixture: Mixture | None = None


def save(
    path: Path,
    architecture: Architecture,
    parameters: Parameters,
    vocabulary: Vocabulary,
    metadata: Mapping[str, Any],
    training: Mapping[str, Array] | None = None,
    mixture: Mixture | None = None,
) -> None:
    """Write a model to a file, whole or not at all.

    Parameters
    ----------
    path : Path
        The file; its folder exists.
    architecture, parameters, vocabulary
        What to save.
    metadata : mapping
        Plain values to keep with it.
    training : mapping of str to ndarray, optional
        Arrays for an exact resume.
    mixture : Mixture, optional
        The n-gram that is added to the network.

    Raises
    ------
    WriteError
        If the file cannot be written.
    """
    tensors = to_tensors(architecture, parameters)
    for name, array in (training or {}).items():
        tensors[checkpoint.TRAINING_PREFIX + name] = array
    own: dict[str, Any] = {
        "version": __version__,
        "architecture": architecture.to_dict(),
        "vocabulary": vocabulary.to_metadata(),
    }
    if mixture is not None:
        own["ngram"] = {"order": mixture.ngram.order}
        tensors |= {NGRAM_PREFIX + name: array for name, array in mixture.ngram.tensors.items()}
        tensors[NGRAM_PREFIX + SCALES] = mixture.scales
    checkpoint.save(path, tensors, {**metadata, **own})


def load(path: Path, *, training: bool = False) -> Saved:
    """Read a model from a file.

    Parameters
    ----------
    path : Path
        The file.
    training : bool
        Whether to read what a resume needs, too.

    Raises
    ------
    FileError
        If the file cannot be read, is damaged, its tensors are not those of its architecture, or a weight is not a
        finite number.
    """
    tensors, metadata = checkpoint.load(path, training=training)
    schema.check_model(path, metadata)
    architecture = Architecture.from_dict(metadata["architecture"])
    try:
        vocabulary = Vocabulary.from_metadata(metadata["vocabulary"])
        parameters = from_tensors(architecture, tensors)
        mixture = _mixture(architecture, metadata.get("ngram"), tensors)
    except (CharlmError, ValueError) as error:
        refusal = FileError(f"{path}: not a model that this charlm knows: {error}")
        raise schema.later(path, metadata, str(error)) or refusal from error
    if len(vocabulary) != architecture.vocabulary_size:
        raise DamagedFileError(
            f"{path}: damaged: its vocabulary has {len(vocabulary)} symbols and its network "
            f"{architecture.vocabulary_size}; use another copy of the file"
        )
    if (first := parameters.first_not_finite()) is not None:
        raise DamagedFileError(
            f"{path}: its weights are not finite numbers ({first} is the first such tensor); train anew"
        )
    prefix = checkpoint.TRAINING_PREFIX
    kept = {name.removeprefix(prefix): array for name, array in tensors.items() if name.startswith(prefix)}
    return Saved(architecture, parameters, vocabulary, metadata, kept, mixture)


def _mixture(
    architecture: Architecture, described: Mapping[str, Any] | None, tensors: Mapping[str, Array]
) -> Mixture | None:
    """Return the n-gram of a checkpoint with its scales, if it has one."""
    if described is None:
        return None
    own = {name.removeprefix(NGRAM_PREFIX): array for name, array in tensors.items() if name.startswith(NGRAM_PREFIX)}
    ngram = NGram.from_tensors(architecture.vocabulary_size, described["order"], own)
    scales = _tensor(own, SCALES, (kinds(ngram.order), 2), np.dtype(np.float64))
    if not (np.abs(scales) <= MOST_SCALE).all():  # NaN is not, either
        raise ValueError(f"the scales of its n-gram are not numbers of at most {MOST_SCALE}")
    return Mixture(ngram, scales)


def to_tensors(architecture: Architecture, parameters: Mapping[str, Array]) -> dict[str, Array]:
    """Return the weights as the frameworks name and lay them out."""
    tensors = dict(parameters)
    cell, H = architecture.equations, architecture.hidden_size
    for layer in range(architecture.num_layers):
        second = np.zeros(architecture.gates_width, architecture.dtype)
        if cell.split:
            second[cell.summed * H :] = parameters[f"rnn.bias_hh_l{layer}"]
        tensors[f"rnn.bias_hh_l{layer}"] = second
    if architecture.tie_weights:
        tensors["decoder.weight"] = parameters["embedding.weight"]
    return tensors


def from_tensors(architecture: Architecture, tensors: Mapping[str, Array]) -> Parameters:
    """Return the parameters that `to_tensors` named, from charlm or from a framework.

    Raises
    ------
    ValueError
        If a tensor is missing or has another shape or type than the architecture asks for.
    """
    cell, H = architecture.equations, architecture.hidden_size
    dtype = np.dtype(architecture.dtype)
    for name, shape in architecture.shapes.items():  # all of them, before anything of their size is made
        if not name.startswith("rnn.bias"):
            _tensor(tensors, name, shape, dtype)
    parameters = architecture.parameters()
    for name, array in parameters.items():
        if not name.startswith("rnn.bias"):
            array[...] = _tensor(tensors, name, array.shape, dtype)
    summed = cell.summed * H
    for layer in range(architecture.num_layers):
        first = parameters[f"rnn.bias_ih_l{layer}"]
        second = _tensor(tensors, f"rnn.bias_hh_l{layer}", first.shape, dtype)
        first[...] = _tensor(tensors, f"rnn.bias_ih_l{layer}", first.shape, dtype)
        with np.errstate(**OVERFLOW):
            first[:summed] += second[:summed]
        if cell.split:
            parameters[f"rnn.bias_hh_l{layer}"][...] = second[summed:]
    return parameters


def _tensor(tensors: Mapping[str, Array], name: str, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
    """Return a tensor that has the shape and type it should have."""
    if name not in tensors:
        raise ValueError(f"the tensor {name} is missing")
    array = tensors[name]
    if array.shape != shape or array.dtype != dtype:
        raise ValueError(f"the tensor {name} is {array.dtype.name} {list(array.shape)}, not {dtype.name} {list(shape)}")
    return array
