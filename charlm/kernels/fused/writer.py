"""One text written by the fused kernels, many symbols in one call: see `charlm.kernels.fused.writing_loop`."""

from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

import numpy as np

from charlm.arrays import Array, IntArray
from charlm.cells import CELLS
from charlm.errors import NotFiniteError
from charlm.kernels.fused import lockstep
from charlm.kernels.fused.mixing import tables
from charlm.kernels.fused.packed import aligned_zeros
from charlm.kernels.fused.writing_loop import ROW, Blocks, writing_loop
from charlm.network.columns import columns_of, symbol_table
from charlm.network.model import Model
from charlm.network.parameters import Parameters
from charlm.ngram.mixture import Mixture
from charlm.workers.team import Team

BYTES_A_CALL = 1_000_000_000  # weights read in one call: about ten milliseconds, so that a text comes as it is made
MOST_A_CALL = 256
BYTES_A_THREAD = 1 << 20  # weights that keep one thread busy; with fewer, meeting others takes longer than it saves

Limits = tuple[float, int, float, float]  # temperature, top_k, top_p and min_p


@cache
def _loop(name: str) -> tuple[Blocks, Any]:
    cell = CELLS[name]
    blocks = Blocks(cell.summed, cell.split)
    return blocks, writing_loop(cell.forward, blocks, len(cell.carried))


class FusedWriter:
    """A model that reads and draws symbols, with its weights packed for that.

    Parameters
    ----------
    model : Model
        The network; float32.
    parameters : Parameters
        Its weights, which are copied.
    team : Team, optional
        The threads, of which as many work as have enough to do; without it, the calling one works alone.
    never : int, optional
        A symbol that is never drawn; its logits are not the model's but hugely negative.
    mixture : Mixture, optional
        The n-gram that is added to the network.
    """

    def __init__(
        self, model: Model, parameters: Parameters, team: Team | None = None, never: int | None = None,
        mixture: Mixture | None = None,
    ) -> None:  # fmt: skip
        a, cell = model.architecture, model.cell
        self._architecture, self._team, self._never, self._tables = a, team, never, tables(mixture)
        self._blocks, self._run = _loop(cell.name)
        H, V, L, units = a.hidden_size, a.vocabulary_size, a.num_layers, self._blocks.units
        layers = [columns_of(a, parameters, layer) for layer in range(L)]
        packed = [
            self._pack_layer(*([columns.x] if layer > 0 else []), columns.h) for layer, columns in enumerate(layers)
        ]
        self._starts = np.cumsum([0, *(part.size for part in packed)])[:-1]
        self._weights = aligned_zeros((sum(part.size for part in packed),))
        np.concatenate([part.reshape(-1) for part in packed], out=self._weights)
        table = symbol_table(a, parameters, layers[0])
        lines = np.concatenate([table, *(columns.bias[None] for columns in layers[1:])])
        self._added = self._in_blocks(lines, self._blocks.order).reshape(len(lines), -1)
        self._pack_read_out(model.decoder(parameters).T, parameters["decoder.bias"])
        self._states = np.zeros((2, len(cell.carried), L, -(-H // units) * units), np.float32)
        self._phase = self._last = 0
        size = 4 * (self._weights.size + self._decoder.size)
        self._threads = max(1, min(team.workers if team else 1, size // BYTES_A_THREAD))
        self._a_call = max(1, min(MOST_A_CALL, BYTES_A_CALL // size))
        self._logits: Array = np.zeros((self._a_call + 1, self._bias.size), np.float32)
        self._rows = aligned_zeros((self._threads, self._blocks.columns * units))
        self._p = np.empty((self._threads, V))
        self._recent = np.empty((self._threads, mixture.ngram.order - 1 if mixture else 0), np.int64)

    def _in_blocks(self, columns: Array, order: Sequence[int]) -> Array:
        """Return some of the C columns of all units, (K, C H), as (K, blocks, columns of a block)."""
        H, units = self._architecture.hidden_size, self._blocks.units
        K, blocks = len(columns), -(-H // units)
        padded: Array = np.zeros((K, len(order), blocks * units), np.float32)
        padded[:, :, :H] = columns.reshape(K, -1, H)[:, list(order)]
        return padded.reshape(K, len(order), blocks, units).swapaxes(1, 2).reshape(K, blocks, -1)

    def _pack_layer(self, *matrices: Array) -> Array:
        """Return a layer's weights block by block: for each its columns of what comes from below, then of the state."""
        gates, order = self._blocks.gates, self._blocks.order
        orders = [order[:gates], order[-gates:]][-len(matrices) :]
        parts = [self._in_blocks(matrix, chosen) for matrix, chosen in zip(matrices, orders, strict=True)]
        return np.ascontiguousarray(np.concatenate(parts).swapaxes(0, 1))

    def _pack_read_out(self, weight: Array, bias: Array) -> None:
        H, V = weight.shape
        count = -(-V // ROW)
        padded: Array = np.zeros((H + 1, count * ROW), np.float32)
        padded[:H, :V], padded[H, :V] = weight, bias
        self._decoder = aligned_zeros((count, H, ROW))
        self._decoder[...] = padded[:H].reshape(H, count, ROW).swapaxes(0, 1)
        self._bias = padded[H].copy()

    def write(
        self, prompt: Sequence[int] | IntArray, length: int, limits: Limits, sequence: np.random.Generator
    ) -> Iterator[tuple[IntArray, Array]]:
        """Read a prompt and write on from it.

        Parameters
        ----------
        prompt : sequence of int
            At least one symbol.
        length : int
            How many symbols to write.
        limits : tuple
            What to draw from.
        sequence : numpy.random.Generator
            Gives a number for each draw.

        Yields
        ------
        ndarray of int, shape (n,), and ndarray, shape (n, V)
            Some symbols, and the logits each was drawn by; the next step overwrites both.
        """
        V = self._architecture.vocabulary_size
        self._states.fill(0)
        self._recent.fill(-1)
        given = np.array(prompt, np.int32)
        for start in range(0, len(given), self._a_call):
            self._read(given[start : start + self._a_call], np.empty(0), limits)
        ids = np.empty(self._a_call, np.int32)
        for start in range(0, length, self._a_call):
            now = ids[: length - start]
            self._read(now, sequence.random(len(now)), limits)
            yield now, self._logits[: len(now), :V]

    def _read(self, ids: IntArray, uniforms: Array, limits: Limits) -> None:
        """Read symbols that are given, or drawn where there are random numbers for it."""
        a, counter = self._architecture, lockstep.meeting()
        self._logits[0] = self._logits[self._last]
        start_symbol, never = (-1 if symbol is None else symbol for symbol in (a.start_symbol, self._never))

        def share(worker: int) -> None:
            self._run(
                worker, self._threads, counter.ctypes.data, self._weights, self._starts, self._added,
                a.hidden_size, self._decoder, self._bias, self._states, self._phase, ids, uniforms, self._logits,
                a.vocabulary_size, start_symbol, never, self._tables, *limits, self._rows, self._p, self._recent,
            )  # fmt: skip

        if self._team is None:
            share(0)
        else:
            try:
                self._team.map(share, self._threads)
            except BaseException:  # Ctrl-C, most likely, before the calling thread has joined the others
                lockstep.dissolve(counter)
                raise
        if not np.isfinite(self._logits[: len(ids) + 1, : a.vocabulary_size]).all():
            raise NotFiniteError.of_logits()
        self._last, self._phase = len(ids), (self._phase + len(ids)) & 1
