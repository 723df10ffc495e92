"""How much memory a training needs, by formula: to be known before any of it is allocated."""

from math import prod

import numpy as np

from charlm.inference.scorer import MOST_STREAMS, SEQ_LENGTH
from charlm.network.architecture import Architecture
from charlm.network.regularisers.dropout import Dropout

VIEWS = 150  # bytes of a view of an array, as NumPy's time loop holds some for each step and gate
DOUBLE = 8  # bytes of a float64


def needed_memory(
    architecture: Architecture,
    seq_length: int,
    batch_size: int,
    dropout: Dropout,
    *,
    workers: int,
    moments: int,
    averaged: bool,
) -> int:
    """Return about how many bytes the arrays of a training take.

    With P weights it is P (2 + workers + moments + averaged) for the weights, their gradients, moments and average and
    one copy in the form that a window reads, V G H (1 + 2 workers) for the first layer's look-up tables, and the
    workspaces of a training window and of an evaluation. Texts and the interpreter are not in it.

    Parameters
    ----------
    architecture : Architecture
        The network.
    seq_length, batch_size : int
        T and B.
    dropout : Dropout
        The rates; each mask is an array.
    workers : int
        The threads, each with a gradient of its own.
    moments : int
        How many moments the optimizer has of each weight.
    averaged : bool
        Whether there is a moving average of the weights.
    """
    a, item = architecture, np.dtype(architecture.dtype).itemsize
    weights = sum(prod(shape) for shape in a.shapes.values())
    largest = max(prod(shape) for shape in a.shapes.values())
    tables = a.vocabulary_size * a.gates_width * (1 + 2 * workers)
    held = weights * (2 + workers + moments + averaged) + tables
    training = _window(a, seq_length, batch_size) + _backward(a, seq_length, batch_size, dropout)
    evaluation = _window(a, SEQ_LENGTH, MOST_STREAMS) + 3 * SEQ_LENGTH * MOST_STREAMS * a.vocabulary_size
    views = VIEWS * seq_length * a.num_layers * workers * 10 * a.equations.columns
    return max(item * (held + training + evaluation) + views, item * weights + 3 * DOUBLE * largest)


def _window(architecture: Architecture, T: int, B: int) -> int:
    """Return the elements of a workspace without gradients: gates and states of all layers, and the logits."""
    a = architecture
    states = (1 + len(a.equations.carried)) * (1 + (a.start_symbol is not None))
    return T * B * (a.num_layers * a.hidden_size * (a.equations.columns + states) + a.vocabulary_size)


def _backward(architecture: Architecture, T: int, B: int, dropout: Dropout) -> int:
    """Return the elements that a backward pass needs beside: gradients of one layer, masks and what they masked."""
    a = architecture
    elements = T * B * a.hidden_size * (a.equations.columns + 1)
    steps = 1 if dropout.locked else T
    widths = [a.embedding_size or (a.vocabulary_size if dropout.locked else 1), *[a.hidden_size] * a.num_layers]
    for rate, width in zip(dropout.rates(a.num_layers), widths, strict=True):
        if rate > 0:
            elements += B * width * (steps + T)
    return elements
