"""Which kernels compute a model: NumPy calls, or the fused loops of the `fast` extra."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from math import inf
from typing import Any

from charlm.errors import UsageError
from charlm.kernels import Array, IntArray
from charlm.kernels.elementwise import Apply, elementwise
from charlm.layers import Part, sum_by_symbol, weight_gradient
from charlm.loss import cross_entropy_with_gradient
from charlm.recurrence import Recurrence, Weights, WeightsInPlace, numpy_recurrences, units_first


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
        Makes, from T B and the width of the widest input, what does the work of that name in `charlm.layers`.
    cross_entropy_with_gradient : callable
        See `charlm.loss`.
    sum_by_symbol : callable
        See `charlm.layers`.
    elementwise : callable
        See `charlm.kernels.elementwise`.
    pairs_from : float
        From how many units on streams are multiplied in pairs, and one without a partner costs as much as two.
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
    when_compiling: Callable[[Callable[[], None]], None]


def _numpy() -> Backend:
    return Backend(
        "numpy",
        numpy_recurrences,
        WeightsInPlace,
        units_first,
        lambda rows, width: weight_gradient,
        cross_entropy_with_gradient,
        sum_by_symbol,
        elementwise,
        pairs_from=inf,
        when_compiling=lambda tell: None,
    )


def _fused() -> Backend:
    from charlm.recurrence_fused import BACKEND_PARTS

    return Backend("fused", *BACKEND_PARTS)


BACKENDS: dict[str, Callable[[], Backend]] = {"numpy": _numpy, "fused": _fused}


def load_backend(name: str) -> Backend:
    """Return the kernels of a name, ``numpy`` or ``fused``; the latter compiles or loads them when first used."""
    return BACKENDS[name]()


def choose(kernels: str, dtype: str) -> str:
    """Settle which kernels to use.

    Parameters
    ----------
    kernels : str
        ``numpy``, ``fused`` or ``auto``, the fastest that is installed.
    dtype : str
        ``float32`` or ``float64``; the fused kernels compute in float32 only.

    Raises
    ------
    UsageError
        If fused kernels are asked for and Numba is not installed, or the network is of float64.
    """
    installed = find_spec("numba") is not None
    if kernels == "fused" and dtype != "float32":
        raise UsageError(f"kernels: fused needs a float32 network, this one is {dtype}; choose kernels: numpy")
    if kernels == "fused" and not installed:
        raise UsageError("kernels: fused needs Numba: pip install 'charlm[fast]', or choose kernels: numpy")
    if kernels == "auto":
        return "fused" if installed and dtype == "float32" else "numpy"
    return kernels
