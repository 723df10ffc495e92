"""The tables of an n-gram: its contexts, what followed each, and how often."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from charlm.arrays import Array, IntArray

Keys = npt.NDArray[np.int64]
S = TypeVar("S", bound=np.generic)
DISCOUNTS = 3  # of what was counted once, twice, and more often


@dataclass(frozen=True)
class Order:
    """The contexts of one length m, and what followed them.

    A context is known by its suffix, the context of length m - 1 that ends it, and by the older symbol before that. So
    a text is looked up from its last symbol backwards, for as long as there is such a context.

    Attributes
    ----------
    contexts : ndarray of int64, shape (C,)
        The place of the suffix in the order below, times V, plus the older symbol; increasing. The one context of
        length 0 is [0].
    begins : ndarray of int64, shape (C + 1,)
        Where the followers of each context begin in the next two; the last is their number, G.
    symbols : ndarray of int, shape (G,)
        The symbols that followed, increasing within a context.
    counts : ndarray of int, shape (G,)
        How often. At the highest order these are occurrences; below, the number of different older symbols before
        the context and its follower (Kneser & Ney 1995), or occurrences where a context reaches an item's beginning.
    discounts : ndarray of float64, shape (3,)
        What is taken from a count of 1, of 2, and of 3 or more.
    """

    contexts: Keys
    begins: Keys
    symbols: IntArray
    counts: IntArray
    discounts: Array

    @cached_property
    def totals(self) -> Array:
        """The sum of each context's counts, (C,)."""
        return np.add.reduceat(self.counts.astype(np.float64), self.begins[:-1])

    @cached_property
    def shares(self) -> Array:
        """What each follower has of its context's distribution before interpolation, (G,), float32."""
        return np.asarray((self.counts - self._taken) / self.of_followers(self.totals), np.float32)

    @cached_property
    def backoff(self) -> Array:
        """What each context leaves to the distribution of its suffix, (C,), float32."""
        return np.asarray(np.add.reduceat(self._taken, self.begins[:-1]) / self.totals, np.float32)

    @property
    def _taken(self) -> Array:
        """What is taken from the count of each follower, (G,)."""
        return np.asarray(self.discounts[np.minimum(self.counts, DISCOUNTS) - 1])

    def of_followers(self, values: npt.NDArray[S]) -> npt.NDArray[S]:
        """Return for each follower, (G,), what a value of each context, (C,), is for its own."""
        return np.repeat(values, np.diff(self.begins))

    def find(self, keys: Keys) -> tuple[IntArray, npt.NDArray[np.bool_]]:
        """Return where contexts lie, and which of them there are."""
        places = np.minimum(self.contexts.searchsorted(keys), len(self.contexts) - 1)
        return places, self.contexts[places] == keys


@dataclass(frozen=True)
class NGram:
    """All orders of an n-gram of N symbols, the last of which is predicted.

    Attributes
    ----------
    vocabulary_size : int
        V.
    orders : tuple of Order
        The contexts of length 0 to N - 1.
    """

    vocabulary_size: int
    orders: tuple[Order, ...]

    @property
    def order(self) -> int:
        """N."""
        return len(self.orders)

    @cached_property
    def size(self) -> int:
        """The bytes of its tensors."""
        return sum(array.nbytes for array in self.tensors.values())

    @property
    def entries(self) -> int:
        """The number of followers in all orders."""
        return sum(len(order.counts) for order in self.orders)

    @cached_property
    def tensors(self) -> dict[str, npt.NDArray[Any]]:
        """The tables as plain arrays, in the smallest types that hold them.

        Of the order m: ``m.older`` (C,), the older symbol of each context, ``m.extended`` (C of the order below,), how
        many contexts extend each context of that order, ``m.followers`` (C,), ``m.symbols`` (G,), ``m.counts`` (G,)
        and ``m.discounts`` (3,).
        """
        tensors: dict[str, npt.NDArray[Any]] = {}
        below = 1
        for m, order in enumerate(self.orders):
            if m > 0:
                suffix, older = np.divmod(order.contexts, self.vocabulary_size)
                tensors[f"{m}.older"] = smallest(older)
                tensors[f"{m}.extended"] = smallest(np.bincount(suffix, minlength=below))
            tensors[f"{m}.followers"] = smallest(np.diff(order.begins))
            tensors[f"{m}.symbols"] = smallest(order.symbols)
            tensors[f"{m}.counts"] = smallest(order.counts)
            tensors[f"{m}.discounts"] = order.discounts
            below = len(order.contexts)
        return tensors

    @classmethod
    def from_tensors(cls, vocabulary_size: int, order: int, tensors: Mapping[str, npt.NDArray[Any]]) -> "NGram":
        """Return the n-gram that `tensors` describes; every number is checked, as a file may come from anybody.

        Raises
        ------
        ValueError
            If an array is missing or is not what it has to be.
        """
        orders: list[Order] = []
        for m in range(order):
            contexts = np.zeros(1, np.int64)
            if m > 0:
                contexts = _contexts(tensors, m, vocabulary_size, len(orders[-1].contexts))
            followers = _whole(tensors, f"{m}.followers", len(contexts), 1, vocabulary_size)
            begins = np.concatenate([[0], np.cumsum(followers)])
            symbols = _whole(tensors, f"{m}.symbols", int(begins[-1]), 0, vocabulary_size - 1)
            counts = _whole(tensors, f"{m}.counts", int(begins[-1]), 1)
            keys = np.repeat(np.arange(len(contexts)), followers) * vocabulary_size + symbols
            if (np.diff(keys) <= 0).any():
                raise ValueError(f"the tensor {m}.symbols is not in order")
            discounts = _tensor(tensors, f"{m}.discounts", DISCOUNTS)
            if discounts.dtype != np.float64 or not ((discounts > 0) & (discounts <= [1, 2, 3])).all():
                raise ValueError(f"the tensor {m}.discounts does not hold discounts")
            orders.append(Order(contexts, begins, smallest(symbols), smallest(counts), discounts))
        return cls(vocabulary_size, tuple(orders))


def _contexts(tensors: Mapping[str, npt.NDArray[Any]], m: int, vocabulary_size: int, below: int) -> Keys:
    extended = _whole(tensors, f"{m}.extended", below, 0, vocabulary_size)
    older = _whole(tensors, f"{m}.older", int(extended.sum()), 0, vocabulary_size - 1)
    contexts = np.repeat(np.arange(below), extended) * vocabulary_size + older
    if not len(contexts) or (np.diff(contexts) <= 0).any():
        raise ValueError(f"the tensor {m}.older is not in order")
    return contexts


def smallest(values: IntArray) -> IntArray:
    """Return whole numbers that are not negative in the smallest type that holds them."""
    return values.astype(np.min_scalar_type(int(values.max(initial=0))))


def _tensor(tensors: Mapping[str, npt.NDArray[Any]], name: str, length: int) -> npt.NDArray[Any]:
    if name not in tensors:
        raise ValueError(f"the tensor {name} is missing")
    if tensors[name].shape != (length,):
        raise ValueError(f"the tensor {name} has the shape {list(tensors[name].shape)}, not [{length}]")
    return tensors[name]


def _whole(
    tensors: Mapping[str, npt.NDArray[Any]], name: str, length: int, least: int, most: int = 2**40
) -> npt.NDArray[np.int64]:
    array = _tensor(tensors, name, length)
    if array.dtype.kind != "u" or (len(array) and not least <= int(array.min()) <= int(array.max()) <= most):
        raise ValueError(f"the tensor {name} does not hold whole numbers from {least:,} to {most:,}")
    return array.astype(np.int64)
