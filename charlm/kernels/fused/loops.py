"""Compiled loops: the equations that NumPy replays piece by piece, fused by Numba into one pass each.

The equations are not written again. A cell's function, or an update rule, is compiled from its own source with other
things behind the names it uses: for `sigmoid`, `tanh` and their slopes, arithmetic on one float32 that a compiler can
run eight or sixteen at a time. A time loop is one call for a whole window that needs no interpreter, so threads run
side by side.
"""

from collections.abc import Callable, Sequence
from math import sqrt
from typing import Any

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.core import event
from numba.extending import intrinsic
from numpy.lib.stride_tricks import as_strided

from charlm.arrays import Array, IntArray
from charlm.kernels.fused.compiling import compiled_once
from charlm.kernels.fused.packed import add_product, add_two_products
from charlm.kernels.fused.tiles import ONE, ZERO
from charlm.kernels.numpy.elementwise import pieces
from charlm.kernels.numpy.program import with_globals
from charlm.network.backend import Apply

INLINE: dict[str, Any] = {"inline": "always", "fastmath": True, "error_model": "numpy"}

# tanh x = x P(x^2) / Q(x^2) on [-8, 8], beyond which it is 1 in float32: coefficients by a least-squares fit of the
# relative error, reweighted until it is level (Lawson 1961); largest relative error 4e-7 in float32.
EDGE = np.float32(8)
P0, P1, P2, P3, P4 = map(np.float32, (0.999999994, 0.134444961, 3.57159578e-3, 2.18946244e-5, 1.52303638e-8))
Q0, Q1, Q2, Q3, Q4 = map(np.float32, (1.0, 0.467778234, 0.0261644344, 3.41128832e-4, 8.52242497e-7))
HALF = np.float32(0.5)

# exp x = 2^n e^r with n = round(x / ln 2) and |r| <= ln 2 / 2: Taylor's polynomial, whose last term is below 1e-8.
LOWEST = np.float32(-87)  # where 2^n is the smallest normal number
INV_LN2, LN2 = np.float32(1.4426950408889634), np.float32(0.6931471805599453)
E2, E3, E4, E5, E6, E7 = (np.float32(1 / k) for k in (2, 6, 24, 120, 720, 5040))
BIAS, MANTISSA = np.int32(127), np.int32(23)  # of the IEEE format


@njit(**INLINE)
def _tanh(x):  # type: ignore[no-untyped-def]
    x = min(max(x, -EDGE), EDGE)
    u = x * x
    return x * ((((P4 * u + P3) * u + P2) * u + P1) * u + P0) / ((((Q4 * u + Q3) * u + Q2) * u + Q1) * u + Q0)


@njit(**INLINE)
def _sigmoid(x):  # type: ignore[no-untyped-def]
    return HALF + HALF * _tanh(HALF * x)


@njit(**INLINE)
def _sigmoid_slope(s):  # type: ignore[no-untyped-def]
    return s - s * s


@njit(**INLINE)
def _tanh_slope(t):  # type: ignore[no-untyped-def]
    return ONE - t * t


@njit(**INLINE)
def _sqrt(x):  # type: ignore[no-untyped-def]
    return np.float32(sqrt(x))


NAMES = {
    "sigmoid": _sigmoid,
    "tanh": _tanh,
    "sigmoid_slope": _sigmoid_slope,
    "tanh_slope": _tanh_slope,
    "sqrt": _sqrt,
}


@intrinsic
def _float_of_bits(context, bits):  # type: ignore[no-untyped-def]
    """Return the float32 that has these 32 bits."""
    return types.float32(types.int32), lambda _, builder, __, args: builder.bitcast(args[0], ir.FloatType())


@njit(**INLINE)
def _exp(x):  # type: ignore[no-untyped-def]
    """Return e^x for x at most 0."""
    x = max(x, LOWEST)
    n = np.int32(x * INV_LN2 - HALF)  # rounds towards zero, which for a negative number less a half is the nearest
    r = x - np.float32(n) * LN2
    power = ((((((E7 * r + E6) * r + E5) * r + E4) * r + E3) * r + E2) * r + ONE) * r + ONE
    return power * _float_of_bits((n + BIAS) << MANTISSA)  # type: ignore[call-arg]


def specialise(source: str, name: str, equations: Callable[..., Any], **names: Any) -> Any:
    """Compile a loop whose text was made for one function's number of arguments."""
    code = equations.__code__
    namespace: dict[str, Any] = {
        "equations": njit(**INLINE)(with_globals(equations, dict(NAMES))),
        "__name__": __name__,
        **names,
    }
    exec(compile(source, __file__, "exec"), namespace)  # the text is this module's own
    function = namespace[name]
    return compiled_once(function, source, code.co_code, code.co_consts, code.co_names)


def elementwise_loop(
    name: str, arguments: Sequence[str], reads: Sequence[str], writes: Sequence[str], equations: Any
) -> Any:
    """Compile a loop over one dimension that reads and writes the given expressions of the index j."""
    text = (
        f"def {name}({', '.join(arguments)}, start, stop):\n"
        f"    for j in range(start, stop):\n"
        f"        {', '.join(writes)}, = equations({', '.join(reads)})\n"
    )
    return specialise(text, name, equations)


def at(names: Sequence[str]) -> list[str]:
    """Return the expressions of the elements of arrays for `elementwise_loop`."""
    return [f"{name}[j]" for name in names]


def around(loop: Any, inner: Any, **names: Any) -> Any:
    """Compile a loop around a specialised function, with other things behind the names it uses."""
    compiled = with_globals(loop, {**loop.__globals__, **names})
    return compiled_once(compiled, inner.py_func.__qualname__)


def elementwise(
    function: Callable[..., tuple[Any, ...]], vectors: Sequence[Array], scalars: int, writes: Sequence[int]
) -> Apply:
    """Make an elementwise function into one that changes vectors in place; see `charlm.kernels.numpy.elementwise`."""
    arrays = [f"x{k}" for k in range(len(vectors))]
    numbers = [f"s{k}" for k in range(scalars)]
    reads = [*(f"{array}[j]" for array in arrays), *numbers]
    loop = elementwise_loop("each_element", [*arrays, *numbers], reads, [f"{arrays[w]}[j]" for w in writes], function)
    size = vectors[0].size

    def apply(values: tuple[float, ...], share: int = 0, shares: int = 1) -> None:
        mine = pieces(size, share, shares)
        if mine:
            loop(*vectors, *map(np.float32, values), mine[0].start, mine[-1].stop)

    return apply


def time_loops(
    forward: Callable[..., tuple[Any, ...]], backward: Callable[..., tuple[Any, ...]], columns: int, states: int
) -> tuple[Any, Any]:
    """Compile a cell's two time loops.

    Parameters
    ----------
    forward, backward : callable
        The cell's equations.
    columns, states : int
        How many arrays it saves of a step, and how many it carries.

    Returns
    -------
    callable, callable
        See `_forward` and `_backward`, whose `rows` they bring along.
    """
    saved = [f"a{k}" for k in range(columns)]
    before, after, gradient = ([f"{letter}{k}" for k in range(states)] for letter in "pqd")

    loops = []
    for time_loop, equations, arrays, reads, writes in (
        (_forward, forward, [before, after], at([*saved, *before]), at([*saved, *after])),
        (
            _backward,
            backward,
            [before, after, gradient],
            [*at([*saved, *before, *after]), "d0[j] + d_output[j]", *at(gradient[1:])],
            at([*saved, *gradient]),
        ),
    ):
        going_back = time_loop is _backward
        names = [name for group in arrays for name in group] + ["d_output"] * going_back
        row = elementwise_loop("each_unit", [*saved, *names], reads, writes, equations)
        parts = [f"row[{k} * size : {k + 1} * size]" for k in range(columns)]
        parts += [f"before[{k}][t, b]" for k in range(states)] + [f"after[{k}][t, b]" for k in range(states)]
        parts += [f"d_state[{k}][b]" for k in range(states)] * going_back + ["d_output[t, b]"] * going_back
        extra = ", d_state, d_output" * going_back
        text = (
            f"def each_row(t, block, size, before, after{extra}):\n"
            f"    for b in range(block.shape[1]):\n"
            f"        row = block[t, b]\n"
            f"        each_unit({', '.join(parts)}, 0, size)\n"
        )
        rows = specialise(text, "each_row", equations, each_unit=row)
        loops.append(around(time_loop, rows, rows=rows))
    return loops[0], loops[1]


def _forward(  # type: ignore[no-untyped-def]
    block,
    before,
    after,
    packed,
    packed_split,
    bias_split,
    table,
    ids,
    x,
    packed_x,
    packed_both,
    bias,
    together,
    resets,
    keep,
    columns,
    workspace,
):
    """Run a window: see `charlm.network.recurrence.Recurrence.forward`.

    Parameters
    ----------
    block : ndarray, shape (T, B, C H and more)
        Holds x_hat where `ids` and `x` are empty; receives what the cell saves. What is behind the C H numbers of a
        row is left alone.
    before, after : tuple of ndarray, each (T, B, H)
        The states; ``before[0]`` of the first step is the initial state.
    packed, packed_split : ndarray
        The recurrent weights of the gates that are summed and of the split gates, as `packed.pack` leaves them.
    bias_split : ndarray, shape (A H,)
        The biases of the split gates; empty where there are none.
    table : ndarray, shape (V, G H)
        The rows that `ids` look up.
    ids : ndarray of int, shape (T, B)
        The symbols; empty where there are none.
    x : ndarray, shape (T, B, width)
        The inputs; empty where there are none.
    packed_x : ndarray
        The weights of the inputs.
    packed_both : ndarray
        The weights of the inputs and of the state, as `packed.pack_two` leaves them, which are then empty by
        themselves; empty where they are not.
    bias : ndarray, shape (G H,)
        Added to the inputs' product.
    together : int
        For how many steps at once the inputs are multiplied, where they are by themselves.
    resets : bool
        Whether ``before`` is to be made from ``after``.
    keep : ndarray, shape (T, B)
        What the state before each step is multiplied by; empty where nothing is forgotten.
    columns : int
        G H.
    workspace : ndarray, shape (N,)
        For `add_product` to work in.
    """
    T, B, width = block.shape
    H = before[0].shape[2]
    split = bias_split.size
    both = packed_both.size > 0
    for t in range(T):
        if resets:
            for k in range(len(before)):
                for b in range(B):
                    factor = keep[t, b] if keep.size else ONE
                    for j in range(H):
                        before[k][t, b, j] = factor * (after[k][t - 1, b, j] if t > 0 else before[k][t, b, j])
        step = block.ctypes.data + 4 * t * B * width
        x_t = x.ctypes.data + 4 * t * B * x.shape[2]
        if x.size and (both or t % together == 0):
            ahead = 1 if both else min(together, T - t)
            for s in range(t, t + ahead):
                for b in range(B):
                    for j in range(columns):
                        block[s, b, j] = bias[j]
            if not both:
                add_product(x_t, x.shape[2], ahead * B, packed_x, step, width, columns, workspace)
        for b in range(B):
            if ids.size:
                row = table[ids[t, b]]
                for j in range(columns):
                    block[t, b, j] = row[j]
            for j in range(split):
                block[t, b, columns + j] = bias_split[j]
        h = before[0].ctypes.data + 4 * t * B * H
        if both:
            add_two_products(x_t, h, H, B, packed_both, step, width, columns, workspace)
        else:
            add_product(h, H, B, packed, step, width, columns - split, workspace)
        if split:
            add_product(h, H, B, packed_split, step + 4 * columns, width, split, workspace)
        rows(t, block, H, before, after)  # type: ignore[name-defined]  # noqa: F821


def _backward(  # type: ignore[no-untyped-def]
    block, before, after, d_state, d_output, packed, packed_split, d_input, packed_x, together, keep, columns, workspace
):
    """Go back through a window: see `charlm.network.recurrence.Recurrence.backward`.

    Parameters
    ----------
    block, before, after, together, keep, columns, workspace
        As for `_forward`, after it; `block` receives the gradients.
    d_state : tuple of ndarray, each (B, H)
        Zero; receives the gradient of the initial state.
    d_output : ndarray, shape (T, B, H)
        The gradient of the output.
    packed, packed_split : ndarray
        The recurrent weights the other way round.
    d_input : ndarray, shape (T, B, width)
        Receives the gradient of the inputs; may be `d_output`, whose step has been read by then. Empty if not wanted.
    packed_x : ndarray
        The weights of the inputs the other way round.
    """
    T, B, width = block.shape
    H = before[0].shape[2]
    d_h = d_state[0].ctypes.data
    for t in range(T - 1, -1, -1):
        rows(t, block, H, before, after, d_state, d_output)  # type: ignore[name-defined]  # noqa: F821
        step = block.ctypes.data + 4 * t * B * width
        add_product(step, width, B, packed, d_h, H, H, workspace)
        if packed_split.size:
            add_product(step + 4 * columns, width, B, packed_split, d_h, H, H, workspace)
        if d_input.size and t % together == 0:
            below, behind = d_input.shape[2], min(together, T - t)
            d_input[t : t + behind] = ZERO
            d_x = d_input.ctypes.data + 4 * t * B * below
            add_product(step, width, behind * B, packed_x, d_x, below, below, workspace)
        if keep.size:
            for k in range(len(d_state)):
                for b in range(B):
                    for j in range(H):
                        d_state[k][b, j] *= keep[t, b]


@compiled_once
def _cross_entropy(logits, targets, scale):  # type: ignore[no-untyped-def]
    total = 0.0
    for n in range(logits.shape[0]):
        row = logits[n]
        highest = row[0]
        for v in range(row.size):
            highest = max(highest, row[v])
        of_target = row[targets[n]] - highest
        summed = ZERO
        for v in range(row.size):
            power = _exp(row[v] - highest)
            row[v] = power
            summed += power
        factor = scale / summed
        for v in range(row.size):
            row[v] *= factor
        row[targets[n]] -= scale
        total += np.log(np.float64(summed)) - of_target
    return total


def cross_entropy_with_gradient(logits: Array, targets: IntArray, scale: float) -> float:
    """Turn logits into gradients and return the summed loss; see `charlm.network.loss.cross_entropy_with_gradient`."""
    return float(_cross_entropy(logits, targets, np.float32(scale)))


@compiled_once
def _sum_by_symbol(d_rows, ids, out):  # type: ignore[no-untyped-def]
    out[:] = 0
    for n in range(ids.size):
        total, row = out[ids[n]], d_rows[n]
        for j in range(total.size):
            total[j] += row[j]


def sum_by_symbol(blocks: Sequence[tuple[slice, Array]], ids: IntArray, out: Array) -> None:
    """Add up the rows of each symbol; see `charlm.network.products.sum_by_symbol`."""
    for columns, values in blocks:
        # Numba runs along a row several numbers at a time if the array is in one piece: as wide as its row stride.
        row_stride, step = values.strides
        _sum_by_symbol(as_strided(values, (len(values), row_stride // step), values.strides), ids, out[:, columns])


def when_compiling(tell: Callable[[], None]) -> None:
    """Call a function once, when for the first time something has to be compiled and is not in Numba's cache."""
    announced: list[bool] = []

    class Listener(event.Listener):
        def on_start(self, event: Any) -> None:
            if not announced:
                announced.append(True)
                tell()

        def on_end(self, event: Any) -> None:
            pass

    event.register("numba:compile", Listener())  # type: ignore[no-untyped-call]
