"""An n-gram added to one row of a network's logits as compiled code; the equations are in `charlm.ngram`."""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from charlm.arrays import Array, IntArray
from charlm.kernels.fused.compiling import OPTIONS
from charlm.ngram.mixture import Mixture
from charlm.ngram.reading import LEAST, VARIETIES
from charlm.ngram.tables import Keys


class Tables(NamedTuple):
    """The tables of all orders of an n-gram, one after the other, and how it is mixed.

    Numbers of other modules are here, too: a loop that was compiled with them would not notice that they are others.

    Attributes
    ----------
    starts : ndarray of int64, shape (N + 1,)
        Where the contexts of each order begin; as all the others without numbers if there is no n-gram.
    contexts : ndarray of int64, shape (C,)
        See `charlm.ngram.tables.Order`; a place counts from the start of its order.
    begins : ndarray of int64, shape (C + 1,)
        Where the followers of each context begin.
    symbols, shares : ndarray of int32 and of float32, shape (G,)
        The followers, and what each has of its context's distribution.
    backoff : ndarray of float32, shape (C,)
        What each context leaves to the distribution of its suffix.
    scales : ndarray of float32, shape (K, 2)
        Of the network's logits and of the n-gram's log-probabilities, for each kind of context.
    varieties : ndarray of int64
        How many different followers a context of each class but the last has, the most.
    least : float
        The least probability whose logarithm is taken.
    """

    starts: Keys
    contexts: Keys
    begins: Keys
    symbols: IntArray
    shares: Array
    backoff: Array
    scales: Array
    varieties: Keys
    least: float


def tables(mixture: Mixture | None) -> Tables:
    """Return the tables of an n-gram; empty ones, of the same types, where there is none."""
    varieties, least = np.array(VARIETIES, np.int64), float(LEAST)
    if mixture is None:
        none = np.zeros(0, np.int64)
        numbers: Array = np.zeros(0, np.float32)
        scales = numbers.reshape(0, 2)
        return Tables(none, none, none, none.astype(np.int32), numbers, numbers, scales, varieties, least)
    orders = mixture.ngram.orders

    def joined(parts: list[npt.NDArray[Any]], dtype: npt.DTypeLike) -> npt.NDArray[Any]:
        return np.concatenate(parts, dtype=dtype)

    followers = joined([np.diff(order.begins) for order in orders], np.int64)
    return Tables(
        np.cumsum([0, *(len(order.contexts) for order in orders)]),
        joined([order.contexts for order in orders], np.int64),
        np.concatenate([[0], np.cumsum(followers)]),
        joined([order.symbols for order in orders], np.int32),
        joined([order.shares for order in orders], np.float32),
        joined([order.backoff for order in orders], np.float32),
        mixture.scales.astype(np.float32),
        varieties,
        least,
    )


@njit(**OPTIONS)
def mix(logits, first, last, recent, tables, p):  # type: ignore[no-untyped-def]
    """Turn a network's logits, in place, into the mixture's.

    Parameters
    ----------
    logits : ndarray of float32, shape (at least V,)
        What the network expects.
    first, last : int
        Which of them are to be mixed.
    recent : ndarray of int, shape (N - 1,)
        The symbols before the place, the last one first; -1 where there is none.
    tables : Tables
        The n-gram.
    p : ndarray of float64, shape (V,)
        To work in.
    """
    p[:] = 1 / p.size
    context = 0
    kind = 0
    for m in range(tables.starts.size - 1):
        if m > 0:
            if recent[m - 1] < 0:
                break
            key = (context - tables.starts[m - 1]) * p.size + recent[m - 1]
            context = _place(tables.contexts, tables.starts[m], tables.starts[m + 1], key)
            if context < 0:
                break
        p *= tables.backoff[context]
        begin, end = tables.begins[context], tables.begins[context + 1]
        for follower in range(begin, end):
            p[tables.symbols[follower]] += tables.shares[follower]
        kind = m * (tables.varieties.size + 1)
        for most in tables.varieties:
            kind += end - begin > most
    of_network, of_ngram = tables.scales[kind, 0], tables.scales[kind, 1]
    for v in range(first, last):
        logits[v] = of_network * logits[v] + of_ngram * np.float32(np.log(max(p[v], tables.least)))


@njit(**OPTIONS)
def _place(contexts, begin, end, key):  # type: ignore[no-untyped-def]
    """Return where a context lies among those of its order, or -1."""
    after = end
    while begin < end:
        middle = (begin + end) // 2
        if contexts[middle] < key:
            begin = middle + 1
        else:
            end = middle
    return begin if begin < after and contexts[begin] == key else -1
