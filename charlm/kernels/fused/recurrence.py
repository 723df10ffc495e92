"""The time loop as compiled code: the whole window of a layer in one call, with packed weights."""

from functools import cache
from typing import Any

import numpy as np

from charlm.arrays import Array
from charlm.cells import CELLS, Cell
from charlm.kernels.fused import loops, packed
from charlm.kernels.fused.tiles import LINE
from charlm.network.products import RowBlock
from charlm.network.recurrence import Inputs, LayerWeights, States, Symbols, state_arrays

PADDING = LINE  # behind each row: with a row stride of a power of two, rows would all want the same lines of the cache
# The product with the layer below is done for several steps at once, so that its weights are read less often; of too
# many rows at once, these would not stay in the cache.
ROWS_TOGETHER = 128
NOTHING: Array = np.empty((0, 0), np.float32)  # for an argument that a window does not use
NO_INPUT: Array = np.empty((0, 0, 0), np.float32)
NO_IDS = np.empty((0, 0), np.int32)


def lined_up(shape: tuple[int, ...], dtype: Any) -> Array:
    """Return an array of float32, as all are here, that begins with a cache line: no vector lies across two."""
    return packed.aligned_zeros(shape)


@cache
def _time_loops(name: str) -> tuple[Any, Any]:
    cell = CELLS[name]
    return loops.time_loops(cell.forward, cell.backward, cell.columns, len(cell.carried))


class PackedWeights:
    """A layer's weights packed for both directions; of W_h those of the split gates by themselves.

    W_x is packed only where there is a layer below, whose output it meets in the time loop. On the way forward it is
    packed with W_h where every gate sums the two products, which then are one.
    """

    def __init__(self, cell: Cell, hidden_size: int, below: bool) -> None:
        H, summed, split = hidden_size, cell.summed * hidden_size, cell.split * hidden_size
        width = H if below else 0
        self._summed = summed
        self.both_forward = packed.panels_for_two(width, summed if split == 0 else 0)
        alone = self.both_forward.size == 0
        self.input_forward = packed.panels_for(width, (summed + split) if below and alone else 0)
        self.input_backward = packed.panels_for(summed + split, width)
        self.bias: Array = NOTHING.reshape(0)
        self.forward = packed.panels_for(H, summed if alone else 0)
        self.forward_split = packed.panels_for(H, split)
        self.backward = packed.panels_for(summed, H)
        self.backward_split = packed.panels_for(split, H)
        self.bias_split: Array = NOTHING.reshape(0)

    def prepare(self, layer: LayerWeights, share: int = 0, shares: int = 1) -> None:
        """Pack the weights of the next window; see `charlm.network.recurrence.Weights`."""
        summed, split = layer.weight_hh[: self._summed], layer.weight_hh[self._summed :]
        for weights, panels in (
            (layer.weight_ih.T, self.input_forward),
            (layer.weight_ih, self.input_backward),
            (summed.T, self.forward),
            (split.T, self.forward_split),
            (summed, self.backward),
            (split, self.backward_split),
        ):
            if panels.size:
                packed.pack(weights, panels, share, shares)
        if self.both_forward.size:
            packed.pack_two(layer.weight_ih.T, summed.T, self.both_forward, share, shares)
        self.bias = layer.bias
        if layer.bias_split is not None:
            self.bias_split = layer.bias_split


class FusedRecurrence:
    """The time loop of `charlm.network.recurrence.NumpyRecurrence` as compiled code, in float32.

    Parameters
    ----------
    cell, shape, dtype, resets
        As there.
    gradients : bool
        Whether `backward` will be called.
    block : ndarray, shape (T, B, C H and more)
        For what the cell saves of every step; begins with a cache line.
    workspace : ndarray
        For its products to work in; the layers of a network share it.
    together : int
        For how many steps at once the product with the layer below is done.
    """

    def __init__(
        self,
        cell: Cell,
        shape: tuple[int, int, int],
        dtype: Any,
        resets: bool,
        gradients: bool,
        block: Array,
        workspace: Array,
        together: int,
    ) -> None:
        T, B, H = shape
        self._run_forward, self._run_backward = _time_loops(cell.name)
        self._block = block
        gates, summed = len(cell.gates) * H, cell.summed * H
        flat = self._block.reshape(T * B, -1)
        self.x_hat = [RowBlock(slice(0, gates), flat[:, :gates])]
        self.h_hat = [RowBlock(slice(0, summed), flat[:, :summed])]
        if cell.split:
            self.h_hat.append(RowBlock(slice(summed, gates), flat[:, gates : cell.columns * H]))
        self.before, self.after = state_arrays(lined_up, len(cell.carried), shape, dtype, resets)
        self._resets, self._columns = resets, gates
        self._workspace, self._together = workspace, together
        self._d_state: States = tuple(lined_up((B, H), dtype) for _ in cell.carried) if gradients else ()

    def forward(
        self, weights: PackedWeights, initial: States, entering: Symbols | Inputs | None, keep: Array | None
    ) -> None:
        """Run the window from the initial state; see `charlm.network.recurrence.Recurrence`."""
        for before, state in zip(self.before, initial, strict=True):
            before[0] = state
        table, ids = (entering.table, entering.ids) if isinstance(entering, Symbols) else (NOTHING, NO_IDS)
        x = entering.x if isinstance(entering, Inputs) else NO_INPUT
        self._run_forward(
            self._block, self.before, self.after, weights.forward, weights.forward_split, weights.bias_split,
            table, ids, x, weights.input_forward, weights.both_forward, weights.bias, self._together,
            self._resets, NOTHING if keep is None else keep, self._columns, self._workspace,
        )  # fmt: skip

    def backward(self, weights: PackedWeights, d_output: Array, keep: Array | None, d_input: Array | None) -> None:
        """Go back through the window; see `charlm.network.recurrence.Recurrence`."""
        for d_state in self._d_state:
            d_state.fill(0)
        self._run_backward(
            self._block, self.before, self.after, self._d_state, d_output, weights.backward, weights.backward_split,
            NO_INPUT if d_input is None else d_input, weights.input_backward, self._together,
            NOTHING if keep is None else keep, self._columns, self._workspace,
        )  # fmt: skip

    @property
    def d_initial(self) -> States:
        """The gradient of the initial state; see `charlm.network.recurrence.Recurrence`."""
        return self._d_state


def fused_recurrences(
    cell: Cell, shape: tuple[int, int, int], dtype: Any, resets: bool, gradients: bool, num_layers: int
) -> list[FusedRecurrence]:
    """Return the time loops of a network's layers; see `charlm.kernels.choice.Backend`."""
    T, B, H = shape
    together = max(1, ROWS_TOGETHER // B)
    workspace = packed.workspace_for(B * together, max(2, cell.columns) * H)
    width = cell.columns * H + PADDING
    if gradients:
        blocks = [lined_up((T, B, width), dtype) for _ in range(num_layers)]
    else:  # nobody reads what a layer saves
        blocks = [lined_up((T, B, width), dtype)] * num_layers
    return [FusedRecurrence(cell, shape, dtype, resets, gradients, block, workspace, together) for block in blocks]
