"""Writing one text as compiled code: products, equations and draws of many symbols in one call, on several threads.

A symbol is a few products of one row, each of which reads its weights once and uses them once. So it is the reading
that takes the time, and two cores read twice as fast as one. The threads share the units of every layer and meet when
a layer is done, a few times a symbol (`charlm.kernels.fused.lockstep`). Each thread's weights lie in the order in which
it reads them: block by block, a block being a few units with all their gates.
"""

# The loop's names in capitals, and two of the functions it calls, are put behind it for each cell.
# ruff: noqa: F821
# mypy: disable-error-code="name-defined"

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from charlm.kernels.fused.drawing import draw
from charlm.kernels.fused.lockstep import meet
from charlm.kernels.fused.loops import around, at, elementwise_loop, specialise
from charlm.kernels.fused.mixing import mix
from charlm.kernels.fused.tiles import LANES, ONE, make_tile

VECTORS = 8  # registers that a block's columns fill: enough sums to hide the latency of adding
ROW = VECTORS * LANES  # columns of a block of the read-out
NEVER = np.float32(np.finfo(np.float32).min / 2)  # finite, as the compiled loops are allowed to know no infinity


@dataclass(frozen=True, slots=True)
class Blocks:
    """How the columns of a layer's pre-activations lie in its blocks.

    The gates that sum their products have columns for the sum, the others for either product. In a block the columns
    of the products with the input come first and those of the products with the state come last, the summed gates
    being both, so that each product has its columns side by side.

    Attributes
    ----------
    summed, split : int
        How many gates of a cell sum the two products, and how many are split and need either.
    """

    summed: int
    split: int

    @property
    def gates(self) -> int:
        """How many columns of a unit either product has."""
        return self.summed + self.split

    @property
    def columns(self) -> int:
        """How many columns a unit has."""
        return self.gates + self.split

    @property
    def units(self) -> int:
        """How many units a block has."""
        return max(1, VECTORS // self.gates) * LANES

    @property
    def order(self) -> list[int]:
        """Which of the cell's pre-activations the columns are."""
        return [*range(self.summed, self.gates), *range(self.summed), *range(self.gates, self.columns)]


def writing_loop(forward: Callable[..., tuple[Any, ...]], blocks: Blocks, states: int) -> Any:
    """Compile the loop for a cell.

    Parameters
    ----------
    forward : callable
        The cell's equations.
    blocks : Blocks
        How its columns lie.
    states : int
        How many arrays it carries.

    Returns
    -------
    callable
        See `_write`.
    """
    places = {column: place for place, column in enumerate(blocks.order)}
    saved = [f"a{k}" for k in range(blocks.columns)]
    before, after = ([f"{letter}{k}" for k in range(states)] for letter in "pq")

    each_unit = elementwise_loop(
        "each_unit", [*saved, *before, *after], at([*saved, *before]), at([*saved, *after]), forward
    )
    units = blocks.units
    parts = [f"row[{places[k] * units} : {(places[k] + 1) * units}]" for k in range(blocks.columns)]
    parts += [f"{name}[{k}, layer, first : first + {units}]" for name in ("before", "after") for k in range(states)]
    text = f"def each_block(row, before, after, layer, first):\n    each_unit({', '.join(parts)}, 0, {units})\n"
    each_block = specialise(text, "each_block", forward, each_unit=each_unit)
    return around(
        _write,
        each_block,
        each_block=each_block,
        add_layer=make_tile(1, blocks.gates * units // LANES),
        UNITS=units,
        COLUMNS=blocks.columns * units,
        GATES=blocks.gates * units,
        SPLIT=blocks.split * units,
    )


_add_read_out = make_tile(1, VECTORS)


def _write(  # type: ignore[no-untyped-def]
    me, threads, counter, weights, starts, added, H, decoder, bias, states, phase, ids, uniforms, logits, V,
    start_symbol, never, tables, temperature, top_k, top_p, min_p, rows, p, recent,
):  # fmt: skip
    """Read symbols, given or drawn, one after the other; all threads run it at once.

    Parameters
    ----------
    me, threads : int
        The number of this thread, and how many there are.
    counter : int
        The address where they meet.
    weights : ndarray, shape (size,)
        Of all layers; a block has the rows of its input, but in the first layer, and those of its state.
    starts : ndarray of int, shape (L,)
        Where each layer's weights begin.
    added : ndarray, shape (V + L - 1, blocks COLUMNS)
        What is added to the products: in the first layer by symbol, then by layer.
    H : int
        Units of a layer, without those that fill the last block.
    decoder : ndarray, shape (read-out blocks, H, ROW)
        The read-out's weights.
    bias : ndarray, shape (read-out blocks ROW,)
        The read-out's bias.
    states : ndarray, shape (2, states, L, blocks UNITS)
        Before and after a symbol, by turns.
    phase : int
        Which of the two is before the first symbol.
    ids : ndarray of int, shape (N,)
        The symbols; where they are drawn, receives them.
    uniforms : ndarray, shape (N,)
        The random numbers to draw with; empty where the symbols are given.
    logits : ndarray, shape (N + 1, read-out blocks ROW)
        What comes before each symbol, and after the last.
    V : int
        How many of a row's logits there are.
    start_symbol : int
        The symbol before which a state is forgotten; -1 if there is none.
    never : int
        The symbol whose logits are hugely negative, so that it is not drawn; -1 if there is none.
    tables : Tables
        The n-gram that is added to the network, if there is one.
    temperature, top_k, top_p, min_p
        See `charlm.kernels.fused.drawing.draw`.
    rows, p : ndarray, shapes (threads, COLUMNS) and (threads, V)
        To work in.
    recent : ndarray of int, shape (threads, N - 1)
        The symbols before the first one, the last one first, in each row; then those before the next one.
    """
    blocks, L = states.shape[3] // UNITS, states.shape[2]
    first, last = blocks * me // threads, blocks * (me + 1) // threads
    outputs = decoder.shape[0]
    first_output, last_output = outputs * me // threads, outputs * (me + 1) // threads
    first_symbol, last_symbol = first_output * ROW, min(last_output * ROW, V)
    row, before_this = rows[me], recent[me]
    meetings = 0
    for n in range(ids.size):
        now = (phase + n) & 1
        before, after = states[now], states[1 - now]
        symbol = np.int64(ids[n])
        if uniforms.size:
            # Every thread draws, which takes less time than waiting for one that does.
            symbol = draw(logits[n, :V], p[me], uniforms[n], temperature, top_k, top_p, min_p)
            if me == 0:
                ids[n] = symbol
        if symbol == start_symbol:
            before[:, :, first * UNITS : last * UNITS] = 0
            meetings += 1
            meet(counter, threads * meetings)
        for layer in range(L):
            depth = H if layer == 0 else 2 * H
            here = weights.ctypes.data + 4 * (starts[layer] + first * depth * GATES)
            line = added[symbol if layer == 0 else V + layer - 1]
            for block in range(first, last):
                for j in range(COLUMNS):
                    row[j] = line[block * COLUMNS + j]
                if layer > 0:
                    add_layer(after[0, layer - 1].ctypes.data, 0, here, H, row.ctypes.data, 0, 0, ONE)
                    here += 4 * H * GATES
                add_layer(before[0, layer].ctypes.data, 0, here, H, row.ctypes.data + 4 * SPLIT, 0, 0, ONE)
                here += 4 * H * GATES
                each_block(row, before, after, layer, block * UNITS)
            meetings += 1
            meet(counter, threads * meetings)
        h, line = after[0, L - 1], logits[n + 1]
        for block in range(first_output, last_output):
            for j in range(block * ROW, (block + 1) * ROW):
                line[j] = bias[j]
            here, target = decoder[block].ctypes.data, line.ctypes.data + 4 * block * ROW
            _add_read_out(h.ctypes.data, 0, here, H, target, 0, 0, ONE)
        if tables.scales.size:
            for m in range(before_this.size - 1, 0, -1):
                before_this[m] = before_this[m - 1]
            before_this[:1] = symbol
            mix(line, first_symbol, last_symbol, before_this, tables, p[me])
        if first_symbol <= never < last_symbol:
            line[never] = NEVER
        meetings += 1
        meet(counter, threads * meetings)
