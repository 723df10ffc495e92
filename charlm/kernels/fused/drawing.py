"""Narrowing and drawing as compiled code, for one row of logits; what they mean is in `charlm.kernels.narrowing`."""

from typing import Any

import numpy as np
from numba import njit

from charlm.kernels import narrowing

EXACT: dict[str, Any] = {"nogil": True, "error_model": "numpy", "boundscheck": False}
_tempered, _stays = (njit(inline="always", **EXACT)(function) for function in (narrowing.tempered, narrowing.stays))


@njit(**EXACT)
def draw(logits, p, uniform, temperature, top_k, top_p, min_p):  # type: ignore[no-untyped-def]
    """Return the symbol at which the cumulated probability of those that stay passes a random number.

    Parameters
    ----------
    logits : ndarray of float32, shape (V,)
        What the model gave; not changed.
    p : ndarray of float64, shape (V,)
        To work in.
    uniform : float
        At least 0 and below 1.
    temperature, top_k, top_p, min_p
        See `charlm.inference.filters.Filter.limits`.
    """
    V = logits.size
    likeliest = 0
    for v in range(1, V):
        if logits[v] > logits[likeliest]:
            likeliest = v
    if temperature == 0:
        return likeliest
    highest = np.float64(logits[likeliest])
    total = 0.0
    for v in range(V):
        p[v] = _tempered(np.float64(logits[v]), highest, temperature)
        total += p[v]
    if top_k < V or top_p <= 1 or min_p > 0:
        total = _narrow(p, total, top_k, top_p, min_p)
    limit = uniform * total
    cumulated, last = 0.0, likeliest
    for v in range(V):
        if p[v] > 0:
            cumulated += p[v]
            if cumulated > limit:
                return v
            last = v
    return last


@njit(**EXACT)
def _narrow(p, total, top_k, top_p, min_p):  # type: ignore[no-untyped-def]
    """Put the symbols that are out at 0 and return the sum of the others."""
    order = np.argsort(-p, kind="mergesort")
    for v in range(p.size):
        p[v] /= total
    of_top_k = 0.0
    for rank in range(min(p.size, top_k)):
        of_top_k += p[order[rank]]
    likeliest = p[order[0]]
    cumulated, remaining = 0.0, 0.0
    for rank in range(p.size):
        symbol = order[rank]
        probability = p[symbol]
        if _stays(rank, probability, cumulated, likeliest, top_k, top_p, min_p):
            remaining += probability
        else:
            p[symbol] = 0.0
        cumulated += probability / of_top_k
    return remaining
