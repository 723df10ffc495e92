"""The time loop of a recurrent layer, and what every rendering of it has in common."""

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np

from charlm.cells import Cell
from charlm.kernels import Array, IntArray
from charlm.kernels.program import record
from charlm.layers import Part, input_gradient, project, rows

States = tuple[Array, ...]  # what a layer carries from step to step: (h,) or (h, c), each (B, H)


class Symbols:
    """The input of a first layer as symbols: a table of every symbol's x_hat, and which symbol comes when.

    With a one-hot input the product W_x x is a row of W_x^T, and with an embedding it is a row of a product that has
    only V rows; so x_hat is looked up, never multiplied.
    """

    def __init__(self, table: Array, ids: IntArray) -> None:
        self.table = table  # (V, G H)
        self.ids = ids  # (T, B)


class Inputs:
    """The input of a layer as arrays: what leaves the layer below, to be multiplied by W_x."""

    def __init__(self, x: Array) -> None:
        self.x = x  # (T, B, width)


class Weights(Protocol):
    """The recurrent weights of one layer as a time loop reads them, shared by all the loops of a batch."""

    def prepare(self, layer: "LayerWeights", part: int = 0, parts: int = 1) -> None:
        """Take the weights of the next window; one part of the work of several threads."""


class LayerWeights(NamedTuple):
    """One layer's parameters.

    Attributes
    ----------
    weight_ih : ndarray, shape (G H, width of the input)
        W_x.
    weight_hh : ndarray, shape (G H, H)
        W_h.
    bias : ndarray, shape (G H,)
        Of W_x x.
    bias_apart : ndarray, shape (A H,), or None
        Of W_h h', for the gates that keep the two products apart.
    """

    weight_ih: Array
    weight_hh: Array
    bias: Array
    bias_apart: Array | None


class Recurrence(Protocol):
    """One layer's time loop with the arrays it works in; the kernels differ in how it lays them out and runs.

    Attributes
    ----------
    x_hat : list of Part
        Before `forward` W_x x + b, after `backward` its gradient.
    h_hat : list of Part
        After `backward` the gradient of W_h h'; where a gate sums the two products, this is x_hat's memory.
    before, after : tuple of ndarray, each (T, B, H)
        The carried state before and after each step; ``after[0]`` is the layer's output.
    """

    x_hat: list[Part]
    h_hat: list[Part]
    before: States
    after: States

    def forward(
        self, weights: Any, initial: States, entering: Symbols | Inputs | None, keep: Array | None
    ) -> None:
        """Run the window from the initial state, on what enters or, where that is None, on what is in `x_hat`.

        `keep`, (T, B), is 0 where the state before a step is forgotten and 1 elsewhere.
        """

    def backward(self, weights: Any, d_output: Array, keep: Array | None, d_input: Array | None) -> None:
        """Go back through the window, given the gradient of the output, (T, B, H).

        Where `Inputs` entered, `d_input` receives their gradient; it may be the memory of `d_output`.
        """

    @property
    def d_initial(self) -> States:
        """The gradient of the initial state, after `backward`."""


class WeightsInPlace:
    """The recurrent weights as the NumPy loop reads them: the parameters themselves."""

    def __init__(self, cell: Cell, hidden_size: int, below: bool) -> None:
        self._apart_shape = (cell.apart, 1, hidden_size)

    def prepare(self, layer: LayerWeights, part: int = 0, parts: int = 1) -> None:
        """Take the weights of the next window; nothing is copied."""
        self.layer = layer
        self.weight_hh = layer.weight_hh
        self.bias_apart = None if layer.bias_apart is None else layer.bias_apart.reshape(self._apart_shape)


class NumpyRecurrence:
    """The time loop in NumPy: one product a step, then the cell's equations replayed in place.

    Every array that the equations touch is a step's (B, H) in one piece, on which NumPy is two to three times as fast
    as on the columns of a row that holds all gates; so the gates lie one behind the other, (C, T, B, H). All arrays
    and all views of them are made here, once; the loops allocate nothing.

    Parameters
    ----------
    cell : Cell
        The equations.
    shape : tuple of int
        T, B and H.
    dtype : dtype
        Of every array.
    resets : bool
        Whether states may be zeroed inside a window, so that the state before a step is an array of its own.
    gradients : bool
        Whether `backward` will be called.
    """

    def __init__(self, cell: Cell, shape: tuple[int, int, int], dtype: Any, resets: bool, gradients: bool) -> None:
        T, B, H = shape
        gates, summed = len(cell.gates), cell.summed
        self._gates: Array = np.empty((cell.columns, T, B, H), dtype)
        self.before, self.after = state_arrays(cell, shape, dtype, resets)
        self._resets = resets
        flat = self._gates.reshape(cell.columns, T * B, H)
        of_gate = [slice(gate * H, (gate + 1) * H) for gate in range(gates)]
        self.x_hat = [Part(of_gate[gate], flat[gate]) for gate in range(gates)]
        self.h_hat = [Part(of_gate[gate], flat[gate if gate < summed else gate + cell.apart]) for gate in range(gates)]
        # The product with the state, as it comes out of the product and gate by gate.
        self._product: Array = np.empty((B, gates * H), dtype)
        by_gate = self._product.reshape(B, gates, H).transpose(1, 0, 2)
        self._product_summed, self._product_apart = by_gate[:summed], by_gate[summed:]
        self._summed = [self._gates[:summed, t] for t in range(T)]
        self._apart = [self._gates[gates:, t] for t in range(T)]
        program = record(
            cell.forward,
            inputs=cell.columns + len(cell.carried),
            overwrites=[*range(cell.columns), *[None] * len(cell.carried)],
        )
        scratch = [np.empty((B, H), dtype) for _ in range(program.scratch)]
        self._forward = [
            program.bind(
                [*self._gates[:, t], *_at(self.before, t)], [*self._gates[:, t], *_at(self.after, t)], scratch
            )
            for t in range(T)
        ]
        if gradients:
            self._prepare_backward(cell, shape, dtype)

    def _prepare_backward(self, cell: Cell, shape: tuple[int, int, int], dtype: Any) -> None:
        T, B, H = shape
        states = len(cell.carried)
        first = cell.columns + 2 * states  # the place of dh among the inputs of `backward`
        self._d_state: States = tuple(np.zeros((B, H), dtype) for _ in cell.carried)
        self._through_weights: Array = np.empty((B, H), dtype)
        program = record(
            cell.backward,
            inputs=first + states,
            overwrites=[*range(cell.columns), *range(first, first + states)],
        )
        self._only_through_weights = cell.columns in program.zeros
        scratch = [np.empty((B, H), dtype) for _ in range(program.scratch)]
        self._backward = [
            program.bind(
                [*self._gates[:, t], *_at(self.before, t), *_at(self.after, t), *self._d_state],
                [*self._gates[:, t], *self._d_state],
                scratch,
            )
            for t in range(T)
        ]

    def forward(
        self, weights: WeightsInPlace, initial: States, entering: Symbols | Inputs | None, keep: Array | None
    ) -> None:
        """Run the window from the initial state; see `Recurrence`."""
        if isinstance(entering, Symbols):
            for part_rows, values in self.x_hat:
                np.take(entering.table[:, part_rows], entering.ids.reshape(-1), axis=0, out=values, mode="clip")
        elif entering is not None:
            project(self.x_hat, rows(entering.x), weights.layer.weight_ih, weights.layer.bias)
        for before, state in zip(self.before, initial, strict=True):
            before[0] = state
        weight_hh, h = weights.weight_hh.T, self.before[0]
        with np.errstate(over="ignore"):  # of exp in a saturated sigmoid
            for t, calls in enumerate(self._forward):
                if self._resets:
                    self._carry(t, keep)
                np.matmul(h[t], weight_hh, out=self._product)
                np.add(self._summed[t], self._product_summed, out=self._summed[t])
                if weights.bias_apart is not None:
                    np.add(self._product_apart, weights.bias_apart, out=self._apart[t])
                for ufunc, operands, out in calls:
                    ufunc(*operands, out)

    def _carry(self, t: int, keep: Array | None) -> None:
        """Bring the state from after the last step to before this one, zero where an item begins."""
        for before, after in zip(self.before, self.after, strict=True):
            if t > 0:
                before[t] = after[t - 1]
            if keep is not None:
                before[t] *= keep[t, :, None]

    def backward(self, weights: WeightsInPlace, d_output: Array, keep: Array | None, d_input: Array | None) -> None:
        """Go back through the window; see `Recurrence`."""
        for d_state in self._d_state:
            d_state.fill(0)
        dh, through = self._d_state[0], self._through_weights
        for t in range(len(self._backward) - 1, -1, -1):
            np.add(dh, d_output[t], out=dh)
            for ufunc, operands, out in self._backward[t]:
                ufunc(*operands, out)
            np.copyto(self._product_summed, self._summed[t])
            if weights.bias_apart is not None:
                np.copyto(self._product_apart, self._apart[t])
            if self._only_through_weights:
                np.matmul(self._product, weights.weight_hh, out=dh)
            else:
                np.matmul(self._product, weights.weight_hh, out=through)
                np.add(dh, through, out=dh)
            if keep is not None:
                for d_state in self._d_state:
                    d_state *= keep[t, :, None]
        if d_input is not None:
            input_gradient(self.x_hat, weights.layer.weight_ih, rows(d_input))

    @property
    def d_initial(self) -> States:
        """The gradient of the initial state; see `Recurrence`."""
        return self._d_state


def _at(arrays: Sequence[Array], t: int) -> list[Array]:
    return [array[t] for array in arrays]


def state_arrays(cell: Cell, shape: tuple[int, int, int], dtype: Any, resets: bool) -> tuple[States, States]:
    """Return the arrays of the states before and after each step, each (T, B, H).

    Where no state is reset inside a window, before[t + 1] and after[t] are the same memory.
    """
    T, B, H = shape
    if resets:
        before = tuple(np.empty((T, B, H), dtype) for _ in cell.carried)
        return before, tuple(np.empty((T, B, H), dtype) for _ in cell.carried)
    whole = [np.empty((T + 1, B, H), dtype) for _ in cell.carried]
    return tuple(states[:-1] for states in whole), tuple(states[1:] for states in whole)


