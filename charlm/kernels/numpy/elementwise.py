"""Elementwise functions of long vectors in NumPy, a piece at a time so that the pieces stay in the cache."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from charlm.arrays import Array
from charlm.kernels.numpy.program import Call, record
from charlm.network.backend import Apply

PIECE = 16_384  # elements; four float32 vectors of it fit a second-level cache


def pieces(size: int, share: int = 0, shares: int = 1) -> list[slice]:
    """Return the pieces of a vector, or those that fall to one of several threads.

    The pieces are the same however many threads share them, so that sums over them are.
    """
    count = -(-size // PIECE)
    mine = range(count * share // shares, count * (share + 1) // shares)
    return [slice(k * PIECE, min(size, (k + 1) * PIECE)) for k in mine]


def elementwise(
    function: Callable[..., tuple[Any, ...]], vectors: Sequence[Array], scalars: int, writes: Sequence[int]
) -> Apply:
    """Make an elementwise function into one that changes vectors in place.

    Parameters
    ----------
    function : callable
        Of one element of each vector, then of the scalars; written for `charlm.kernels.numpy.program.record`.
    vectors : sequence of ndarray, each (size,)
        What it will work on.
    scalars : int
        How many scalars it takes.
    writes : sequence of int
        For each value it returns, which vector it becomes.

    Returns
    -------
    callable
        Of the scalars' values, a share and the number of shares.
    """
    program = record(function, inputs=len(vectors) + scalars, overwrites=writes)
    dtype, size = vectors[0].dtype, vectors[0].size
    bound: dict[tuple[int, int], tuple[list[Array], list[Call]]] = {}

    def bind(share: int, shares: int) -> tuple[list[Array], list[Call]]:
        numbers = [np.empty((), dtype) for _ in range(scalars)]
        scratch = [np.empty(PIECE, dtype) for _ in range(program.scratch)]
        calls = []
        for piece in pieces(size, share, shares):
            length = piece.stop - piece.start
            views = [vector[piece] for vector in vectors]
            calls += program.bind([*views, *numbers], [views[w] for w in writes], [s[:length] for s in scratch])
        return numbers, calls

    def apply(values: tuple[float, ...], share: int = 0, shares: int = 1) -> None:
        if (share, shares) not in bound:
            bound[share, shares] = bind(share, shares)
        numbers, calls = bound[share, shares]
        for number, value in zip(numbers, values, strict=True):
            number[...] = value
        for ufunc, operands, out in calls:
            ufunc(*operands, out)

    return apply


def sum_of_squares(vector: Array) -> float:
    """Return the sum of a piece's squares."""
    return float(np.dot(vector, vector))
