"""`charlm.inference.sampler.Filter` and the draw that follows it as compiled code, for one row of logits."""

from typing import Any

import numpy as np
from numba import njit

EXACT: dict[str, Any] = {"nogil": True, "error_model": "numpy", "boundscheck": False}


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
        See `charlm.inference.sampler.Filter.limits`.
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
        p[v] = np.exp((np.float64(logits[v]) - highest) / temperature)
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
    kept = min(p.size, top_k)
    of_kept = 0.0
    for rank in range(kept):
        of_kept += p[order[rank]]
    least = min_p * p[order[0]]
    cumulated, remaining = 0.0, 0.0
    for rank in range(p.size):
        symbol = order[rank]
        if rank < kept and (rank == 0 or cumulated < top_p) and p[symbol] >= least:
            cumulated += p[symbol] / of_kept
            remaining += p[symbol]
        else:
            p[symbol] = 0.0
            cumulated = 2.0  # symbols come by falling probability: none after this one stays
    return remaining
