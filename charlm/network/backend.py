"""The contract of the kernels: the functions with which a network is computed, one set by NumPy, one compiled."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from charlm.arrays import Array, IntArray
from charlm.network.products import RowBlock
from charlm.network.recurrence import Recurrence, Weights

Apply: TypeAlias = Callable[[tuple[float, ...], int, int], None]


@dataclass(frozen=True, slots=True)
class Backend:
    """One set of kernels: the parts of a model's computation that have more than one implementation.

    Attributes
    ----------
    name : str
        ``numpy`` or ``fused``.
    recurrences : callable
        Returns the time loops of all layers, given the cell, (T, B, H), the dtype, whether states may be reset inside
        a window, whether gradients will be computed, and L.
    weights : callable
        Returns a `Weights` for its loops, given the cell, H, and whether there is a layer below.
    empty : callable
        Returns an array of a shape (..., width) and dtype, in the memory order in which the loops read a window's rows.
    weight_gradient : callable
        Returns a function like `charlm.network.products.weight_gradient`, given T B and the width of the widest input.
    cross_entropy_with_gradient : callable
        See `charlm.network.loss`.
    sum_by_symbol : callable
        See `charlm.network.products`.
    elementwise : callable
        See `charlm.kernels.numpy.elementwise`.
    split_streams : callable
        Cuts B streams into shares for so many workers, for a network of H units.
    threads_from : int
        The number of units from which on several threads save time.
    when_compiling : callable
        Takes a function to call once, before something is compiled that no earlier run has compiled.
    provenance : callable
        Returns what its results depend on beside NumPy; see `charlm.provenance`.
    """

    name: str
    recurrences: Callable[..., Sequence[Recurrence]]
    weights: Callable[..., Weights]
    empty: Callable[..., Array]
    weight_gradient: Callable[[int, int], Callable[[list[RowBlock], Array, Array], None]]
    cross_entropy_with_gradient: Callable[[Array, IntArray, float], float]
    sum_by_symbol: Callable[[list[RowBlock], IntArray, Array], None]
    elementwise: Callable[[Callable[..., tuple[Any, ...]], Sequence[Array], int, Sequence[int]], Apply]
    split_streams: Callable[[int, int, int], list[slice]]
    threads_from: int
    when_compiling: Callable[[Callable[[], None]], None]
    provenance: Callable[[], dict[str, list[str]]]
