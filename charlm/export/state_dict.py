"""A network as a state dict of PyTorch, for `torch.nn.RNN`, `GRU` or `LSTM` with a linear read-out.

`torch.nn` has no layer for two of the cells. Both are special cases of one that it has, with a gate that stays open:

    simple-gru    the GRU with r = 1 and z = 1 - u, where 1 - sigmoid(a_u) = sigmoid(-a_u)
    lstm-1997     the LSTM with f = 1
"""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from charlm.arrays import Array
from charlm.corpus.vocabulary import Vocabulary
from charlm.errors import CharlmError
from charlm.files.modelfile import to_tensors
from charlm.network.architecture import Architecture

OPEN = "1"  # in place of a gate: one that is always 1
OPEN_BIAS = 100.0  # its pre-activation: 1 + exp(-100) is 1 in float64, too


class Layer(NamedTuple):
    """A layer of `torch.nn` that computes a cell.

    Attributes
    ----------
    name : str
        The class.
    gates : tuple of str
        For each gate of the class, in its order, the gate of the cell, ``-`` before one whose weights change sign, or
        `OPEN`.
    """

    name: str
    gates: tuple[str, ...]


LAYERS = {
    "rnn": Layer("RNN", ("h",)),
    "gru": Layer("GRU", ("r", "z", "n")),
    "lstm": Layer("LSTM", ("i", "f", "g", "o")),
    "simple-gru": Layer("GRU", (OPEN, "-u", "c")),
    "lstm-1997": Layer("LSTM", ("i", OPEN, "g", "o")),
}


def layer_of(architecture: Architecture) -> Layer:
    """Return the layer of `torch.nn` that computes an architecture's cell.

    Raises
    ------
    CharlmError
        If there is none.
    """
    if architecture.cell not in LAYERS:
        raise CharlmError(f"no layer of PyTorch's computes the cell {architecture.cell!r}; choose {', '.join(LAYERS)}")
    return LAYERS[architecture.cell]


def state_dict(architecture: Architecture, parameters: Mapping[str, Array]) -> dict[str, Array]:
    """Return the weights by the names, and in the shapes, of PyTorch's layers.

    Parameters
    ----------
    architecture, parameters
        The network, H units of a cell with G gates; its layer in PyTorch has G' gates.

    Returns
    -------
    dict of str to ndarray
        ``embedding.weight`` (V, E) if there is an embedding; for each layer ``rnn.weight_ih_l0`` (G' H, E or V),
        ``rnn.weight_hh_l0`` (G' H, H), ``rnn.bias_ih_l0`` and ``rnn.bias_hh_l0`` (G' H,); ``decoder.weight`` (V, H)
        and ``decoder.bias`` (V,).
    """
    gates = layer_of(architecture).gates
    own = [gate.name for gate in architecture.equations.gates]
    tensors = to_tensors(architecture, parameters)
    for name, array in tensors.items():
        if name.startswith("rnn."):
            blocks = dict(zip(own, np.split(array, len(own)), strict=True))
            blocks[OPEN] = np.full_like(blocks[own[0]], OPEN_BIAS if name.startswith("rnn.bias_ih") else 0)
            tensors[name] = np.concatenate([_signed(blocks, gate) for gate in gates])
    return tensors


def _signed(blocks: Mapping[str, Array], gate: str) -> Array:
    return -blocks[gate[1:]] if gate.startswith("-") else blocks[gate]


def description(architecture: Architecture, vocabulary: Vocabulary) -> dict[str, str]:
    """Return what a reader of the weights has to know besides them, in the form of safetensors' metadata.

    ``symbols`` is a JSON list in the order of the ids, of characters or, if ``unit`` is ``byte``, of numbers.
    ``start_symbol`` is there in a model of lines alone: the id before which the state is set to zero.
    """
    values: dict[str, Any] = {"symbols": vocabulary.to_metadata()["symbols"], "start_symbol": architecture.start_symbol}
    texts = {name: json.dumps(value) for name, value in values.items() if value is not None}
    return {"cell": architecture.cell, "unit": vocabulary.unit, **texts}
