"""Counts an n-gram in a text by sorting: modified Kneser-Ney (Chen & Goodman 1999), for any number of symbols.

A gram of m + 1 symbols would need V^(m+1) numbers. Its context is ranked among the contexts that occur, order by order,
so that no number exceeds the length of the text times V.
"""

import numpy as np

from charlm.arrays import Array, IntArray
from charlm.ngram.tables import Keys, NGram, Order, smallest

FALLBACK = np.array([0.5, 1.0, 1.5])  # where a text is too short to estimate discounts, as KenLM does


def count(ids: IntArray, vocabulary_size: int, order: int, start_symbol: int | None = None) -> NGram:
    """Count a text.

    Parameters
    ----------
    ids : ndarray of int, shape (n,)
        The text, n at least 2.
    vocabulary_size : int
        V.
    order : int
        N, the number of symbols in a gram, at least 1.
    start_symbol : int, optional
        The symbol before which an item starts: a context reaches back to it and no further.

    Returns
    -------
    NGram
        Of the orders up to N, or fewer if the text has no context that is so long.
    """
    contexts, grams = _grams(ids, vocabulary_size, order, start_symbol)
    top = _order(contexts[-1], *grams[-1], vocabulary_size)
    return NGram(vocabulary_size, (*_lower_orders(contexts, grams, vocabulary_size), top))


def nested(ids: IntArray, vocabulary_size: int, order: int, start_symbol: int | None = None) -> list[NGram]:
    """Count a text once for the n-grams of all orders up to N; see `count`.

    Returns
    -------
    list of NGram
        Of 1, 2, ... N symbols, as `count` makes them; they differ in their highest order and share the lower ones.
    """
    contexts, grams = _grams(ids, vocabulary_size, order, start_symbol)
    lower = _lower_orders(contexts, grams, vocabulary_size)
    tops = [_order(of, *counted, vocabulary_size) for of, counted in zip(contexts, grams, strict=True)]
    return [NGram(vocabulary_size, (*lower[:m], top)) for m, top in enumerate(tops)]


def _grams(
    ids: IntArray, vocabulary_size: int, order: int, start_symbol: int | None
) -> tuple[list[Keys], list[tuple[Keys, IntArray]]]:
    """Return, for each order, its contexts, and its grams (context times V plus follower) with their occurrences."""
    ids = np.asarray(ids, np.int64)
    targets = np.arange(1, len(ids))  # the first symbol is given; places of what is predicted
    places = np.zeros(len(targets), np.int64)  # of the context of each target, in its order
    contexts: list[Keys] = [np.zeros(1, np.int64)]
    grams: list[tuple[Keys, IntArray]] = []
    length = 0
    while True:
        grams.append(np.unique(places * vocabulary_size + ids[targets], return_counts=True))
        if length == order - 1:
            return contexts, grams
        longer = targets > length
        if start_symbol is not None and length > 0:
            longer &= ids[targets - length] != start_symbol
        targets, places = targets[longer], places[longer]
        if not len(targets):
            return contexts, grams
        keys, places = np.unique(places * vocabulary_size + ids[targets - length - 1], return_inverse=True)
        contexts.append(keys)
        length += 1


def _lower_orders(contexts: list[Keys], grams: list[tuple[Keys, IntArray]], V: int) -> list[Order]:
    """Return the tables of all orders but the highest, whose counts are of continuations."""
    tables = []
    for m, (keys, occurrences) in enumerate(grams[:-1]):
        counts = _continuations(keys, occurrences, contexts[m + 1], grams[m + 1][0], V)
        tables.append(_order(contexts[m], keys, counts, V))
    return tables


def merged(first: NGram, second: NGram) -> NGram:
    """Return the n-gram of two texts, each of which was counted: the one that counting both would have made.

    Occurrences add up. How many different symbols came before a gram is counted anew in the grams that are longer by
    one; where those of the first n-gram were pruned, its own number is the least.

    Parameters
    ----------
    first, second : NGram
        Of the same vocabulary; the second has no more orders than the first.
    """
    V = first.vocabulary_size
    places: list[IntArray] = [np.zeros(1, np.int64)] * 2  # in the merged table of the order below
    contexts: list[Keys] = []
    grams: list[tuple[Keys, IntArray]] = []
    for m in range(first.order):
        both = [ngram.orders[m] for ngram in (first, second) if m < ngram.order]
        renamed = [
            place[order.contexts // V] * V + order.contexts % V for place, order in zip(places, both, strict=False)
        ]
        contexts.append(np.unique(np.concatenate(renamed)))
        places = [contexts[-1].searchsorted(keys) for keys in renamed]
        followed = [order.of_followers(at) * V + order.symbols for at, order in zip(places, both, strict=True)]
        keys = np.unique(np.concatenate(followed))
        counts: IntArray = np.zeros((2, len(keys)), np.int64)
        for row, own, order in zip(counts, followed, both, strict=False):
            row[keys.searchsorted(own)] = order.counts
        grams.append((keys, counts))
    tables = []
    for m, (keys, counts) in enumerate(grams):
        together: IntArray = counts.sum(axis=0)
        if m + 1 < len(grams):
            different = _continuations(keys, together, contexts[m + 1], grams[m + 1][0], V)
            together = np.maximum(different, counts.max(axis=0))
        tables.append(_order(contexts[m], keys, together, V))
    return NGram(V, tuple(tables))


def _continuations(keys: Keys, occurrences: IntArray, longer: Keys, longer_keys: Keys, V: int) -> IntArray:
    """Return how many different symbols came before each gram; its occurrences where none did."""
    place, follower = np.divmod(longer_keys, V)
    shorter = longer[place] // V * V + follower
    different = np.bincount(keys.searchsorted(shorter), minlength=len(keys))
    return np.where(different > 0, different, occurrences)


def _order(contexts: Keys, keys: Keys, counts: IntArray, V: int) -> Order:
    place, symbols = np.divmod(keys, V)
    begins = np.searchsorted(place, np.arange(len(contexts) + 1))
    return Order(contexts, begins, smallest(symbols), smallest(counts), _discounts(counts))


def _discounts(counts: IntArray) -> Array:
    """Estimate the three discounts from how many grams were counted once, twice, three and four times.

    Y = n1 / (n1 + 2 n2)    D_k = k - (k + 1) Y n_{k+1} / n_k
    """
    n = np.bincount(np.minimum(counts, 5), minlength=6).astype(np.float64)
    if not n[1:5].all():
        return FALLBACK.copy()
    k = np.arange(1, 4)
    estimated = k - (k + 1) * (n[1] / (n[1] + 2 * n[2])) * n[2:5] / n[1:4]
    return np.where((estimated > 0) & (estimated <= k), estimated, FALLBACK)


def pruned(ngram: NGram, most_bytes: int) -> tuple[NGram, int]:
    """Leave out the contexts that occurred least often, so that the tables fit into some bytes.

    Parameters
    ----------
    ngram : NGram
        What was counted.
    most_bytes : int
        The most that its tensors may take. The shortest contexts, of at most one symbol, always stay.

    Returns
    -------
    NGram, int
        The n-gram, and how often a context of two and more symbols had to occur to stay in it.
    """
    if ngram.size <= most_bytes:
        return ngram, 1
    least, smaller, occurrences = 1, ngram, _occurrences(ngram)
    while smaller.size > most_bytes and len(smaller.orders) > 2:
        least += max(1, least // 2)
        smaller = _without(ngram, occurrences, least)
    return smaller, least


def _occurrences(ngram: NGram) -> list[Array]:
    """Return how often each context of each order occurred, which below the highest order its counts do not say.

    A context occurred as often as those that extend it, or, at an item's beginning, where none does, as its counts say.
    """
    found = [ngram.orders[-1].totals]
    for order, longer in zip(ngram.orders[-2::-1], ngram.orders[:0:-1], strict=True):
        extended = np.bincount(longer.contexts // ngram.vocabulary_size, found[-1], len(order.contexts))
        found.append(np.maximum(extended, order.totals))
    return found[::-1]


def _without(ngram: NGram, occurrences: list[Array], least: int) -> NGram:
    """Return the n-gram without the contexts of two and more symbols that occurred less often."""
    V, orders = ngram.vocabulary_size, list(ngram.orders[:2])
    stay = [np.ones(len(order.contexts), bool) for order in orders]
    for order, occurred in zip(ngram.orders[2:], occurrences[2:], strict=True):
        suffix, older = np.divmod(order.contexts, V)
        kept = (occurred >= least) & stay[-1][suffix]
        if not kept.any():
            break
        renamed = np.cumsum(stay[-1]) - 1
        of_kept = order.of_followers(kept)
        begins = np.concatenate([[0], np.cumsum(np.diff(order.begins)[kept])])
        orders.append(
            Order(renamed[suffix[kept]] * V + older[kept], begins, order.symbols[of_kept], order.counts[of_kept],
                  order.discounts)
        )  # fmt: skip
        stay.append(kept)
    return NGram(V, tuple(orders))
