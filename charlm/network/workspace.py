"""The arrays in which windows are computed, allocated once and used for all of them."""

import numpy as np

from charlm.arrays import Array
from charlm.network.architecture import Architecture
from charlm.network.backend import Backend
from charlm.network.recurrence import Weights
from charlm.network.regularisers.dropout import Dropout, Mask


class Prepared:
    """The weights in the forms in which a window reads them: computed once a step, shared by all workers."""

    def __init__(self, architecture: Architecture, backend: Backend) -> None:
        a = architecture
        self.weights: list[Weights] = [
            backend.weights(a.equations, a.hidden_size, below=layer > 0) for layer in range(a.num_layers)
        ]
        self.table = backend.empty((a.vocabulary_size, a.gates_width), a.dtype)


class Workspace:
    """The arrays in which one worker computes its share of a batch, allocated once and used for every window.

    Parameters
    ----------
    architecture : Architecture
        The network.
    backend : Backend
        The kernels.
    seq_length, batch_size : int
        T, and the B of this share.
    dropout : Dropout or None
        The rates of dropout for training; None for a workspace that computes no gradients.
    first_stream : int
        The place of the share's first stream in the whole batch.

    Attributes
    ----------
    loops : list of Recurrence
        The layers' time loops, which hold gates and states.
    masks : list of Mask or None
        Of what enters each layer, and last the read-out; None where nothing is dropped.
    embedded : ndarray, shape (T, B, E), or None
        The embedded symbols after dropout; None where x_hat is looked up by symbol.
    outputs : list of ndarray, each (T, B, H)
        What leaves each layer, after dropout.
    logits : ndarray, shape (T B, V)
        The read-out; after a backward pass its gradient.
    gradients : Parameters
        The gradients of the share; only in a training workspace.
    weight_gradient : callable
        Like `charlm.network.products.weight_gradient`; only in a training workspace.
    """

    def __init__(
        self,
        architecture: Architecture,
        backend: Backend,
        seq_length: int,
        batch_size: int,
        dropout: Dropout | None = None,
        first_stream: int = 0,
    ) -> None:
        a = architecture
        T, B, dtype = seq_length, batch_size, a.dtype
        training = dropout is not None
        resets = a.start_symbol is not None
        self.loops = backend.recurrences(a.equations, (T, B, a.hidden_size), dtype, resets, training, a.num_layers)
        self.logits = backend.empty((T * B, a.vocabulary_size), dtype)
        self.masks: list[Mask | None] = [None] * (a.num_layers + 1)
        self.embedded: Array | None = None
        self.outputs: list[Array] = [loop.after[0] for loop in self.loops]
        if dropout is None:
            return
        one_hot_width = a.vocabulary_size if dropout.locked else 1
        widths = [a.embedding_size or one_hot_width, *[a.hidden_size] * a.num_layers]
        for place, rate in enumerate(dropout.rates(a.num_layers)):
            if rate > 0:
                steps = 1 if dropout.locked else T
                self.masks[place] = Mask(place, rate, steps, B, widths[place], first_stream, dtype)
                if place > 0:
                    self.outputs[place - 1] = np.empty((T, B, a.hidden_size), dtype)
                elif a.embedding_size is not None:
                    self.embedded = np.empty((T, B, a.embedding_size), dtype)
        self.gradients = a.parameters()
        self.weight_gradient = backend.weight_gradient(T * B, max(a.hidden_size, a.embedding_size or 0))
        self.d_table = backend.empty((a.vocabulary_size, a.gates_width), dtype)
        self.d_output = backend.empty((T, B, a.hidden_size), dtype)
