"""The time loop of a recurrent layer, and what every rendering of it has in common."""

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

from charlm.cells import Cell
from charlm.kernels import Array, IntArray
from charlm.kernels.program import record

States = tuple[Array, ...]  # what a layer carries from step to step: (h,) or (h, c), each (B, H)


class Symbols:
    """The input of a first layer as symbols: a table of every symbol's x_hat, and which symbol comes when.

    With a one-hot input the product W_x x is a row of W_x^T, and with an embedding it is a row of a product that has
    only V rows; so x_hat is looked up, never multiplied.
    """

    def __init__(self, table: Array, ids: IntArray) -> None:
        self.table = table  # (V, G H)
        self.ids = ids  # (T, B)


class Weights(Protocol):
    """The recurrent weights of one layer as a time loop reads them, shared by all the loops of a batch."""

    def __init__(self, cell: Cell, hidden_size: int) -> None: ...

    def prepare(self, weight_hh: Array, bias_apart: Array | None, part: int = 0, parts: int = 1) -> None:
        """Take the weights of the next window; one part of the work of several threads."""


class Recurrence(Protocol):
    """One layer's time loop with the arrays it works in; the kernels differ in how it runs.

    Attributes
    ----------
    block : ndarray, shape (T, B, C H)
        The rows of a step: before `forward` x_hat = W_x x + b in the first G H columns, after it what the cell
        saves, after `backward` the gradients of the pre-activations.
    before, after : tuple of ndarray, each (T, B, H)
        The carried state before and after each step; ``after[0]`` is the layer's output.
    """

    block: Array
    before: States
    after: States

    def forward(self, weights: Any, initial: States, symbols: Symbols | None, keep: Array | None) -> None:
        """Run the window from the initial state."""

    def backward(self, weights: Any, d_output: Array, keep: Array | None) -> None:
        """Turn `block` into gradients, given the gradient of the output, (T, B, H), which is read only."""

    @property
    def d_initial(self) -> States:
        """The gradient of the initial state, after `backward`."""


class WeightsInPlace:
    """The recurrent weights as the NumPy loop reads them: views of the parameters."""

    def __init__(self, cell: Cell, hidden_size: int) -> None:
        self._summed = cell.summed * hidden_size
        self.bias_apart: Array | None = None

    def prepare(self, weight_hh: Array, bias_apart: Array | None, part: int = 0, parts: int = 1) -> None:
        """Take the weights of the next window; nothing is copied."""
        self.summed = weight_hh[: self._summed]
        self.apart = weight_hh[self._summed :]
        self.bias_apart = bias_apart


class NumpyRecurrence:
    """The time loop in NumPy: one product a step, then the cell's equations replayed in place.

    All arrays and all views of them are made here, once; the loops allocate nothing.

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

    weights = WeightsInPlace

    def __init__(self, cell: Cell, shape: tuple[int, int, int], dtype: Any, resets: bool, gradients: bool) -> None:
        T, B, H = shape
        self.block: Array = np.empty((T, B, cell.columns * H), dtype)
        self.before, self.after = state_arrays(cell, shape, dtype, resets)
        self._resets = resets
        self._x_hat = self.block[:, :, : len(cell.gates) * H]
        self._summed = self.block[:, :, : cell.summed * H]
        self._apart = self.block[:, :, len(cell.gates) * H :]
        self._columns = [self.block[:, :, k * H : (k + 1) * H] for k in range(cell.columns)]
        self._product: Array = np.empty((B, cell.summed * H), dtype)
        program = record(
            cell.forward,
            inputs=cell.columns + len(cell.carried),
            overwrites=[*range(cell.columns), *[None] * len(cell.carried)],
        )
        scratch = [np.empty((B, H), dtype) for _ in range(program.scratch)]
        self._forward = [
            program.bind(
                [*self._at(self._columns, t), *self._at(self.before, t)],
                [*self._at(self._columns, t), *self._at(self.after, t)],
                scratch,
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
                [*self._at(self._columns, t), *self._at(self.before, t), *self._at(self.after, t), *self._d_state],
                [*self._at(self._columns, t), *self._d_state],
                scratch,
            )
            for t in range(T)
        ]

    @staticmethod
    def _at(arrays: Sequence[Array], t: int) -> list[Array]:
        return [array[t] for array in arrays]

    def forward(
        self, weights: WeightsInPlace, initial: States, symbols: Symbols | None, keep: Array | None
    ) -> None:
        """Run the window from the initial state; see `Recurrence`."""
        if symbols is not None:
            np.take(symbols.table, symbols.ids, axis=0, out=self._x_hat, mode="clip")
        for before, state in zip(self.before, initial, strict=True):
            before[0] = state
        summed_weights, apart_weights = weights.summed.T, weights.apart.T
        h, product, summed, apart = self.before[0], self._product, self._summed, self._apart
        with np.errstate(over="ignore"):  # of exp in a saturated sigmoid
            for t, calls in enumerate(self._forward):
                if self._resets:
                    self._carry(t, keep)
                np.matmul(h[t], summed_weights, out=product)
                np.add(summed[t], product, out=summed[t])
                if weights.bias_apart is not None:
                    np.matmul(h[t], apart_weights, out=apart[t])
                    np.add(apart[t], weights.bias_apart, out=apart[t])
                for ufunc, operands, out in calls:
                    ufunc(*operands, out)

    def _carry(self, t: int, keep: Array | None) -> None:
        """Bring the state from after the last step to before this one, zero where an item begins."""
        for before, after in zip(self.before, self.after, strict=True):
            if t > 0:
                before[t] = after[t - 1]
            if keep is not None:
                before[t] *= keep[t, :, None]

    def backward(self, weights: WeightsInPlace, d_output: Array, keep: Array | None) -> None:
        """Turn `block` into gradients; see `Recurrence`."""
        for d_state in self._d_state:
            d_state.fill(0)
        dh, through = self._d_state[0], self._through_weights
        summed_weights, apart_weights = weights.summed, weights.apart
        for t in range(len(self._backward) - 1, -1, -1):
            np.add(dh, d_output[t], out=dh)
            for ufunc, operands, out in self._backward[t]:
                ufunc(*operands, out)
            if self._only_through_weights:
                np.matmul(self._summed[t], summed_weights, out=dh)
            else:
                np.matmul(self._summed[t], summed_weights, out=through)
                np.add(dh, through, out=dh)
            if weights.bias_apart is not None:
                np.matmul(self._apart[t], apart_weights, out=through)
                np.add(dh, through, out=dh)
            if keep is not None:
                for d_state in self._d_state:
                    d_state *= keep[t, :, None]

    @property
    def d_initial(self) -> States:
        """The gradient of the initial state; see `Recurrence`."""
        return self._d_state


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


