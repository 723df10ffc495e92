"""A model read one symbol at a time, for writing text: every step one product a layer, and nothing allocated.

Training computes a window's products at once and keeps every step; here there is one step and nothing to keep. So
both products of a layer become one, of its matrices side by side with its input and its state end to end, and the
cell's equations run in place on the state. With one text the arrays have one dimension, which NumPy handles in half
the time.
"""

import numpy as np

from charlm.arrays import Array, IntArray
from charlm.kernels.numpy.program import Call, record
from charlm.network.columns import Columns, columns_of, symbol_table
from charlm.network.model import Model
from charlm.network.parameters import Parameters


class Stepper:
    """N texts read in step by one model.

    Parameters
    ----------
    model : Model
        The network.
    parameters : Parameters
        Its weights, which must not change afterwards: they are copied here and there.
    count : int
        N.
    """

    def __init__(self, model: Model, parameters: Parameters, count: int) -> None:
        a = model.architecture
        self._start_symbol, self._one = a.start_symbol, count == 1
        weights = [columns_of(a, parameters, layer) for layer in range(a.num_layers)]
        self._layers = [_Layer(model, columns, layer > 0, count) for layer, columns in enumerate(weights)]
        self._table = symbol_table(a, parameters, weights[0])
        self._decoder = np.ascontiguousarray(model.decoder(parameters).T)
        self._bias = parameters["decoder.bias"].copy()
        self._logits: Array = np.empty((count, a.vocabulary_size), a.dtype)

    def restart(self) -> None:
        """Forget what was read."""
        for layer in self._layers:
            for state in layer.states:
                state[...] = 0

    @property
    def state(self) -> list[Array]:
        """What is remembered of what was read, for `go_back`."""
        return [state.copy() for layer in self._layers for state in layer.states]

    def go_back(self, state: list[Array]) -> None:
        """Remember what was remembered at another place."""
        for own, other in zip((own for layer in self._layers for own in layer.states), state, strict=True):
            own[...] = other

    def read(self, ids: IntArray) -> Array:
        """Let the model see one symbol in each text.

        Parameters
        ----------
        ids : ndarray of int, shape (N,)
            The symbols.

        Returns
        -------
        ndarray, shape (N, V)
            The logits of what comes next; the next call overwrites them.
        """
        if self._start_symbol is not None:
            self._forget(ids == self._start_symbol)
        row = self._table[ids[0]] if self._one else self._table[ids]
        with np.errstate(over="ignore", invalid="ignore"):  # of exp in a saturated sigmoid, and of weights too large
            h = self._layers[0].step(None, row)
            for layer in self._layers[1:]:
                h = layer.step(h, layer.bias)
            logits = self._logits[0] if self._one else self._logits
            np.dot(h, self._decoder, out=logits)
            np.add(logits, self._bias, logits)
        return self._logits

    def _forget(self, starting: Array) -> None:
        """Zero the state of the texts in which an item begins."""
        if self._one and starting[0]:
            self.restart()
        elif not self._one:
            for layer in self._layers:
                for state in layer.states:
                    state[starting] = 0


class _Layer:
    """One layer's step: the cell's pre-activations by one product, then its equations in place."""

    def __init__(self, model: Model, weights: Columns, below: bool, count: int) -> None:
        cell, a = model.cell, model.architecture
        H, columns = a.hidden_size, cell.columns
        self.bias = weights.bias
        self._weight = np.concatenate([weights.x, weights.h]) if below else weights.h
        shape = () if count == 1 else (count,)
        width = len(weights.x) if below else 0
        self._input: Array = np.zeros((*shape, width + H), a.dtype)  # what comes from below, and the state h
        self._below = self._input[..., :width]
        self.states = (self._input[..., width:], *(np.zeros((*shape, H), a.dtype) for _ in cell.carried[1:]))
        self._columns: Array = np.empty((*shape, columns * H), a.dtype)
        self._calls = self._bind(model, [self._columns[..., k * H : (k + 1) * H] for k in range(columns)])

    def _bind(self, model: Model, gates: list[Array]) -> list[Call]:
        cell = model.cell
        inputs = len(gates) + len(self.states)
        program = record(cell.forward, inputs, overwrites=[*range(inputs)])
        arrays = [*gates, *self.states]
        return program.bind(arrays, arrays, [np.empty_like(gates[0]) for _ in range(program.scratch)])

    def step(self, below: Array | None, added: Array) -> Array:
        """Take one step, given the output of the layer below and what is added to the product; return h."""
        if below is not None:
            np.copyto(self._below, below)
        np.dot(self._input, self._weight, out=self._columns)
        np.add(self._columns, added, self._columns)
        for ufunc, operands, out in self._calls:
            ufunc(*operands, out)
        return self.states[0]
