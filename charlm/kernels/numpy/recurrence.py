"""The time loop of a recurrent layer in NumPy."""

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

import numpy as np

from charlm.arrays import Array
from charlm.cells import Cell
from charlm.kernels.numpy.program import record
from charlm.network.products import RowBlock, rows
from charlm.network.recurrence import Inputs, LayerWeights, States, Symbols, state_arrays

LINE, PAGE = 64, 1024  # bytes: with a stride of whole pages, units would all want the same lines of a cache


def units_first(shape: tuple[int, ...], dtype: Any) -> Array:
    """Return an array (..., width) in whose memory the units lie one behind the other, each with all that is its own.

    The rows of such a window, (T B, width), are a transposed matrix: a BLAS takes it as it is.
    """
    *rest, width = shape
    size, page = prod(rest), PAGE // np.dtype(dtype).itemsize
    stride = size + LINE // np.dtype(dtype).itemsize if size % page == 0 else size
    memory: Array = np.empty((width, stride), dtype)[:, :size].reshape(width, *rest)
    return np.moveaxis(memory, 0, -1)


def steps_first(shape: tuple[int, int, int], dtype: Any) -> Array:
    """Return an array (T, B, width) in whose memory each step is in one piece, its units one behind the other."""
    T, B, width = shape
    return np.empty((T, width, B), dtype).transpose(0, 2, 1)


class WeightsInPlace:
    """The weights as the NumPy loop reads them: the parameters themselves.

    Only for a cell with split gates the rows for the input are copied, those of the split gates first.
    """

    def __init__(self, cell: Cell, hidden_size: int, below: bool) -> None:
        self._split, self._below = cell.split * hidden_size, below

    def prepare(self, layer: LayerWeights, share: int = 0, shares: int = 1) -> None:
        """Take the weights of the next window; see `Weights`."""
        if share > 0:
            return
        self.weight_hh = layer.weight_hh
        self.bias_split = None if layer.bias_split is None else layer.bias_split[:, np.newaxis]
        if self._below:
            self.weight_ih = split_first(layer.weight_ih, self._split)
            self.bias = split_first(layer.bias, self._split)[:, np.newaxis]


def split_first(rows: Array, split: int) -> Array:
    """Return the rows of a matrix with the last ones, those of the split gates, in front."""
    return np.roll(rows, split, axis=0) if split else rows


class NumpyRecurrence:
    """The time loop in NumPy: one product a step, then the cell's equations replayed in place.

    In memory a step is (H, B), not (B, H): the units lie one behind the other, each with its streams. So the weights
    are the left operand of the products, which a BLAS then shares better between its threads, and every gate is in
    one piece, on which NumPy is two to three times as fast as on columns of a wider array. The products of whole
    windows want all steps of a unit side by side, (H, T, B): the output is written like that, the gradients are
    copied. From outside all of them are (T, B, H). What there is to measure about it is in decision 7.

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
    window : ndarray, shape (C H, T, B), or None
        Workspace for x_hat and for the gradients. The layers of a network share it, as a layer's gradients are used
        before those of the next. None if `backward` will not be called.
    """

    def __init__(self, cell: Cell, shape: tuple[int, int, int], dtype: Any, resets: bool, window: Array | None) -> None:
        T, B, H = shape
        gates, summed, split = (count * H for count in (len(cell.gates), cell.summed, cell.split))
        # The columns of a step: x_hat of the split gates, the gates that are summed, h_hat of the split gates. So
        # what the product with the input makes is in one piece, and what the product with the state makes as well.
        steps: Array = np.empty((T, cell.columns * H, B), dtype)
        from_input, summed_gates = slice(0, gates), slice(split, gates)
        from_state, only_from_state = slice(split, None), slice(gates, None)
        self._x_hat = [steps[t, from_input] for t in range(T)]
        self._h_hat = [steps[t, from_state] for t in range(T)]
        self._summed = [steps[t, summed_gates] for t in range(T)]
        self._split = [steps[t, only_from_state] for t in range(T)]
        self._product: Array = np.empty((gates, B), dtype)
        self._product_summed, self._product_split = self._product[:summed], self._product[summed:]
        self._before, self._after = state_arrays(steps_first, len(cell.carried), shape, dtype, resets)
        (h_before,), (h_after,) = state_arrays(units_first, 1, shape, dtype, resets)
        self.before, self.after = (h_before, *self._before[1:]), (h_after, *self._after[1:])
        self._h_before = [(h_before[t].T, self._before[0][t].T) for t in range(T)]
        self._h_after = [(h_after[t].T, self._after[0][t].T) for t in range(T)]
        self._resets, self._split_size = resets, split
        order = [*range(cell.split, len(cell.gates)), *range(cell.split), *range(len(cell.gates), cell.columns)]
        columns = [[steps[t, place * H : (place + 1) * H] for place in order] for t in range(T)]
        program = record(
            cell.forward,
            inputs=cell.columns + len(cell.carried),
            overwrites=[*range(cell.columns), *[None] * len(cell.carried)],
        )
        scratch = [np.empty((H, B), dtype) for _ in range(program.scratch)]
        self._forward = [
            program.bind([*columns[t], *_at(self._before, t)], [*columns[t], *_at(self._after, t)], scratch)
            for t in range(T)
        ]
        self.x_hat: list[RowBlock] = []
        self.h_hat: list[RowBlock] = []
        if window is not None:
            flat = window.reshape(len(window), T * B)
            self._d_x_hat = flat[from_input]
            self.x_hat = _parts((slice(0, summed), flat[summed_gates]), (slice(summed, gates), flat[:split]))
            self.h_hat = _parts((slice(0, summed), flat[summed_gates]), (slice(summed, gates), flat[only_from_state]))
            self._window = [(window[:, t], steps[t]) for t in range(T)]
            self._prepare_backward(cell, shape, dtype, columns)

    def _prepare_backward(
        self, cell: Cell, shape: tuple[int, int, int], dtype: Any, columns: list[list[Array]]
    ) -> None:
        T, B, H = shape
        states = len(cell.carried)
        first = cell.columns + 2 * states  # the place of dh among the inputs of `backward`
        self._d_state: States = tuple(np.zeros((H, B), dtype) for _ in cell.carried)
        self._through_weights: Array = np.empty((H, B), dtype)
        program = record(
            cell.backward,
            inputs=first + states,
            overwrites=[*range(cell.columns), *range(first, first + states)],
        )
        self._only_through_weights = cell.columns in program.zeros
        scratch = [np.empty((H, B), dtype) for _ in range(program.scratch)]
        self._backward = [
            program.bind(
                [*columns[t], *_at(self._before, t), *_at(self._after, t), *self._d_state],
                [*columns[t], *self._d_state],
                scratch,
            )
            for t in range(T)
        ]

    def forward(
        self, weights: WeightsInPlace, initial: States, entering: Symbols | Inputs | None, keep: Array | None
    ) -> None:
        """Run the window from the initial state; see `Recurrence`."""
        for before, state in zip(self._before, initial, strict=True):
            before[0] = state
        np.copyto(*self._h_before[0])
        enter = self._entrance(weights, entering)
        with np.errstate(over="ignore"):  # of exp in a saturated sigmoid
            for t, calls in enumerate(self._forward):
                if self._resets:
                    self._carry(t, keep)
                enter(t)
                np.matmul(weights.weight_hh, self._h_before[t][1], out=self._product)
                np.add(self._summed[t], self._product_summed, out=self._summed[t])
                if weights.bias_split is not None:
                    np.add(self._product_split, weights.bias_split, out=self._split[t])
                for ufunc, operands, out in calls:
                    ufunc(*operands, out)
                np.copyto(*self._h_after[t])

    def _entrance(self, weights: WeightsInPlace, entering: Symbols | Inputs | None) -> Callable[[int], None]:
        """Return what puts x_hat of a step into its columns."""

        def look_up(t: int) -> None:
            np.take(table, ids[t], axis=1, out=self._x_hat[t], mode="clip")

        def multiply(t: int) -> None:
            np.matmul(weights.weight_ih, x[t].T, out=self._x_hat[t])
            np.add(self._x_hat[t], weights.bias, out=self._x_hat[t])

        def copy(t: int) -> None:
            np.copyto(self._x_hat[t], self._window[t][0][: len(self._x_hat[t])])

        if isinstance(entering, Symbols):
            ids, table = entering.ids, np.ascontiguousarray(split_first(entering.table.T, self._split_size))
            return look_up
        if isinstance(entering, Inputs):
            x = entering.x
            return multiply
        return copy

    def _carry(self, t: int, keep: Array | None) -> None:
        """Bring the state from after the last step to before this one, zero where an item begins."""
        for before, after in zip(self._before, self._after, strict=True):
            if t > 0:
                before[t] = after[t - 1]
            if keep is not None:
                before[t] *= keep[t, :, None]
        np.copyto(*self._h_before[t])

    def backward(self, weights: WeightsInPlace, d_output: Array, keep: Array | None, d_input: Array | None) -> None:
        """Go back through the window; see `Recurrence`."""
        for d_state in self._d_state:
            d_state.fill(0)
        weight_hh, dh, through = weights.weight_hh.T, self._d_state[0], self._through_weights
        for t in range(len(self._backward) - 1, -1, -1):
            np.add(dh, d_output[t].T, out=dh)
            for ufunc, operands, out in self._backward[t]:
                ufunc(*operands, out)
            if self._only_through_weights:
                np.matmul(weight_hh, self._h_hat[t], out=dh)
            else:
                np.matmul(weight_hh, self._h_hat[t], out=through)
                np.add(dh, through, out=dh)
            if keep is not None:
                for d_state in self._d_state:
                    d_state *= keep[t]
            np.copyto(*self._window[t])
        if d_input is not None:
            np.matmul(weights.weight_ih.T, self._d_x_hat, out=rows(d_input).T)

    @property
    def d_initial(self) -> States:
        """The gradient of the initial state; see `Recurrence`."""
        return tuple(d_state.T for d_state in self._d_state)


def numpy_recurrences(
    cell: Cell, shape: tuple[int, int, int], dtype: Any, resets: bool, gradients: bool, num_layers: int
) -> list[NumpyRecurrence]:
    """Return the time loops of a network's layers; see `charlm.kernels.choice.Backend`."""
    T, B, H = shape
    window = np.moveaxis(units_first((T, B, cell.columns * H), dtype), -1, 0) if gradients else None
    return [NumpyRecurrence(cell, shape, dtype, resets, window) for _ in range(num_layers)]


def _at(arrays: Sequence[Array], t: int) -> list[Array]:
    return [array[t].T for array in arrays]


def _parts(*parts: tuple[slice, Array]) -> list[RowBlock]:
    """Return the parts that have rows."""
    return [RowBlock(block_rows, values.T) for block_rows, values in parts if len(values)]
