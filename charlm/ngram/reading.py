"""Reads texts with an n-gram: the longest context that it knows, and the distribution of what follows."""

from bisect import bisect_left
from collections.abc import Iterable
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from charlm.arrays import Array, IntArray
from charlm.ngram.tables import Keys, NGram

VARIETIES = (1, 2, 4)  # different followers of a context, the most of each class but the last
LEAST = np.finfo(np.float32).tiny  # what a symbol has to which the counts leave nothing in float32
DENSE = 1 << 20  # numbers in the distributions of one order that are computed beforehand, the most


def kinds(order: int) -> int:
    """Return how many kinds of contexts an n-gram of N symbols tells apart: K = 4 N, by length and followers."""
    return order * (len(VARIETIES) + 1)


class _Views(NamedTuple):
    """The arrays of an `Order`, seen so that single numbers are Python's own, which are quicker."""

    contexts: memoryview
    begins: memoryview
    symbols: memoryview
    shares: memoryview
    backoff: memoryview


class Distributions:
    """What follows the contexts of an n-gram, interpolated with what follows their suffixes.

        p_m(w | c) = (count(c, w) - D) / total(c) + backoff(c) p_{m-1}(w | suffix of c),    p_{-1}(w) = 1 / V

    Parameters
    ----------
    ngram : NGram
        The tables.
    """

    def __init__(self, ngram: NGram) -> None:
        self.ngram = ngram

    @cached_property
    def _views(self) -> list[_Views]:
        return [
            _Views(order.contexts.data, order.begins.data, order.symbols.data, order.shares.data, order.backoff.data)
            for order in self.ngram.orders
        ]

    @cached_property
    def _dense(self) -> list[Array]:
        """The distributions of the shortest contexts, (C, V) of each order, as far as they are small."""
        V = self.ngram.vocabulary_size
        below: Array = np.full((1, V), 1 / V, np.float32)
        tables: list[Array] = []
        for order in self.ngram.orders:
            if tables and len(order.contexts) * V > DENSE:
                break
            table = below[order.contexts // V] * order.backoff[:, None]
            table[order.of_followers(np.arange(len(table))), order.symbols] += order.shares
            tables.append(table)
            below = table
        return tables

    def contexts(self, recent: IntArray) -> list[tuple[IntArray, IntArray]]:
        """Look up the contexts of P places.

        Parameters
        ----------
        recent : ndarray of int, shape (N - 1, P)
            The symbols before each place, the last one first; -1 where there is none.

        Returns
        -------
        list of (ndarray of int, ndarray of int)
            For each order from 0 on, which of the P places have a context of it, and where it lies in its table.
        """
        places = np.arange(recent.shape[1])
        found: list[tuple[IntArray, IntArray]] = [(places, np.zeros(len(places), np.int64))]
        for order, older in zip(self.ngram.orders[1:], recent, strict=False):
            known, below = found[-1]
            symbols = older[known]
            where, there = order.find(below * self.ngram.vocabulary_size + symbols)
            there &= symbols >= 0
            found.append((known[there], where[there]))
        return found

    def probabilities(self, found: list[tuple[IntArray, IntArray]]) -> Array:
        """Return what follows some contexts, as `contexts` found them: (P, V), float32, rows that sum to 1."""
        orders, dense = self.ngram.orders, self._dense
        weight = np.ones(len(found[0][0]), np.float32)  # what longer contexts leave to the order at hand
        added = []
        for m in range(len(found) - 1, len(dense) - 1, -1):
            places, where = found[m]
            begins = orders[m].begins[where]
            lengths = orders[m].begins[where + 1] - begins
            ends = np.cumsum(lengths)
            entries = np.arange(lengths.sum()) + np.repeat(begins - (ends - lengths), lengths)
            shares = orders[m].shares[entries] * np.repeat(weight[places], lengths)
            added.append((np.repeat(places, lengths), orders[m].symbols[entries], shares))
            weight[places] *= orders[m].backoff[where]
        result = dense[0][found[0][1]]
        for (places, where), table in zip(found[1:], dense[1:], strict=False):
            result[places] = table[where]
        result *= weight[:, None]
        for places, symbols, shares in added:
            result[places, symbols] += shares
        return result

    def log_probabilities_of(self, recent: IntArray, targets: IntArray) -> Array:
        """Return the log-probability of one symbol at each of P places, (P,), without those of all the others.

        Parameters
        ----------
        recent : ndarray of int, shape (N - 1, P)
            As for `contexts`.
        targets : ndarray of int, shape (P,)
            The symbol at each place.
        """
        V = self.ngram.vocabulary_size
        p: Array = np.full(len(targets), 1 / V)
        for order, keys, (places, where) in zip(self.ngram.orders, self._keys, self.contexts(recent), strict=False):
            wanted = where * V + targets[places]
            at = np.minimum(keys.searchsorted(wanted), len(keys) - 1)
            p[places] = np.where(keys[at] == wanted, order.shares[at], 0) + order.backoff[where] * p[places]
        return np.log(p, out=p)

    @cached_property
    def _keys(self) -> list[Keys]:
        """The place of each follower's context times V, plus the follower, (G,) of each order."""
        V = self.ngram.vocabulary_size
        return [order.of_followers(np.arange(len(order.contexts))) * V + order.symbols for order in self.ngram.orders]

    def read(self, recent: IntArray) -> tuple[Array, IntArray]:
        """Read at P places.

        Parameters
        ----------
        recent : ndarray of int, shape (N - 1, P)
            As for `contexts`.

        Returns
        -------
        ndarray of float32, shape (P, V)
            The log-probabilities of what follows.
        ndarray of int, shape (P,)
            The kind of the longest context, from 0 to K - 1: its length, and how many different symbols followed it.
        """
        found = self.contexts(recent)
        kind = np.zeros(recent.shape[1], np.int64)
        for m, (places, where) in enumerate(found):
            begins = self.ngram.orders[m].begins
            variety = np.searchsorted(VARIETIES, begins[where + 1] - begins[where])
            kind[places] = m * (len(VARIETIES) + 1) + variety
        return _log(self.probabilities(found)), kind

    def read_one(self, recent: Iterable[int]) -> tuple[Array, int]:
        """Return the same at one place, (V,), in a tenth of the time that arrays of one place take.

        Parameters
        ----------
        recent : iterable of int
            The symbols before the place, the last one first.
        """
        V, place, path = self.ngram.vocabulary_size, 0, [0]
        for order, older in zip(self._views[1:], recent, strict=False):
            key = place * V + older
            place = bisect_left(order.contexts, key)
            if older < 0 or place == len(order.contexts) or order.contexts[place] != key:
                break
            path.append(place)
        dense, matched = self._dense, len(path) - 1
        base = min(matched, len(dense) - 1)
        result, weight = np.zeros(V, np.float32), 1.0
        numbers: Any = result.data
        for order, place in zip(self._views[matched:base:-1], path[:base:-1], strict=True):
            followers = slice(order.begins[place], order.begins[place + 1])
            for symbol, share in zip(order.symbols[followers], order.shares[followers], strict=True):
                numbers[symbol] += share * weight
            weight *= order.backoff[place]
        result += dense[base][path[base]] * weight
        begins = self._views[matched].begins
        variety = bisect_left(VARIETIES, begins[path[-1] + 1] - begins[path[-1]])
        return _log(result), matched * (len(VARIETIES) + 1) + variety


def _log(probabilities: Array) -> Array:
    """Return logarithms in place, which are finite even where what was counted leaves a symbol nothing in float32."""
    np.maximum(probabilities, LEAST, out=probabilities)
    return np.log(probabilities, out=probabilities)


class Reader:
    """N texts read in step with an n-gram.

    Parameters
    ----------
    distributions : Distributions
        The n-gram.
    count : int
        N.
    """

    def __init__(self, distributions: Distributions, count: int) -> None:
        self._distributions = distributions
        self._recent = np.full((distributions.ngram.order - 1, count), -1, np.int64)

    def restart(self) -> None:
        """Forget what was read."""
        self._recent[...] = -1

    @property
    def state(self) -> IntArray:
        """What is remembered of what was read, for `go_back`."""
        return self._recent.copy()

    def go_back(self, state: IntArray) -> None:
        """Remember what was remembered at another place."""
        self._recent[...] = state

    def read(self, ids: IntArray) -> tuple[Array, IntArray]:
        """Read on.

        Parameters
        ----------
        ids : ndarray of int, shape (T, N)
            The next T symbols of each text.

        Returns
        -------
        ndarray of float32, shape (T, N, V)
            The log-probabilities of what follows each.
        ndarray of int, shape (T, N)
            The kind of context that each was predicted from.
        """
        (steps, texts), before = ids.shape, len(self._recent)
        read = np.concatenate([self._recent[::-1], ids])  # the oldest first
        recent = np.stack([read[before - m : before - m + steps] for m in range(before)]) if before else read[:0]
        self._recent = read[len(read) - before :][::-1].copy()
        log_p, kind = self._distributions.read(recent.reshape(before, steps * texts))
        return log_p.reshape(steps, texts, -1), kind.reshape(steps, texts)

    def read_one(self, symbol: int) -> tuple[Array, int]:
        """Read one symbol of the only text; return the log-probabilities, (V,), and the kind of the context."""
        recent = self._recent[:, 0]
        recent[1:] = recent[:-1]
        recent[:1] = symbol
        return self._distributions.read_one(recent.tolist())
