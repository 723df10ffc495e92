"""What a network asks of its kernels."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from charlm.arrays import Array, IntArray
from charlm.network.products import Part
from charlm.network.recurrence import Recurrence, Weights

Apply: TypeAlias = Callable[[tuple[float, ...], int, int], None]


@dataclass(frozen=True, slots=True)
class Backend:
    """The parts of a model's computation that exist in more than one rendering.

    Attributes
    ----------
    name : str
        ``numpy`` or ``fused``.
    recurrences : callable
        Makes the time loops of all layers, from a cell, (T, B, H), their dtype, whether states may be zeroed inside a
        window, whether there will be gradients, and L.
    weights : callable
        Makes what its loops take for their weights, from a cell, H, and whether there is a layer below.
    empty : callable
        Makes an array of a shape and dtype, (..., width), in the order in which its loops read a window's rows.
    weight_gradient : callable
        Makes, from T B and the width of the widest input, what does the work of that name in `charlm.network.products`.
    cross_entropy_with_gradient : callable
        See `charlm.network.loss`.
    sum_by_symbol : callable
        See `charlm.network.products`.
    elementwise : callable
        See `charlm.kernels.numpy.elementwise`.
    pairs_from : float
        From how many units on streams are multiplied in pairs, and one without a partner costs as much as two.
    threads_from : int
        From how many units on several threads save time.
    when_compiling : callable
        Takes a function to call once, before something is compiled that no earlier run has compiled.
    """

    name: str
    recurrences: Callable[..., Sequence[Recurrence]]
    weights: Callable[..., Weights]
    empty: Callable[..., Array]
    weight_gradient: Callable[[int, int], Callable[[list[Part], Array, Array], None]]
    cross_entropy_with_gradient: Callable[[Array, IntArray, float], float]
    sum_by_symbol: Callable[[list[Part], IntArray, Array], None]
    elementwise: Callable[[Callable[..., tuple[Any, ...]], Sequence[Array], int, Sequence[int]], Apply]
    pairs_from: float
    threads_from: int
    when_compiling: Callable[[Callable[[], None]], None]
