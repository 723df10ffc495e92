"""Which kernels compute a model: NumPy calls, or the fused loops of the `fast` extra."""

import warnings
from collections.abc import Callable
from functools import cache
from importlib.util import find_spec

from charlm.errors import CharlmWarning, UsageError
from charlm.kernels.numpy.elementwise import elementwise
from charlm.kernels.numpy.recurrence import WeightsInPlace, numpy_recurrences, units_first
from charlm.network.backend import Backend
from charlm.network.loss import cross_entropy_with_gradient
from charlm.network.products import sum_by_symbol, weight_gradient
from charlm.phrases import one_line
from charlm.workers.split import split_streams

UNITS_FOR_THREADS = 256  # from which on NumPy's calls are long enough for threads not to wait for the interpreter


def _numpy() -> Backend:
    return Backend(
        name="numpy",
        recurrences=numpy_recurrences,
        weights=WeightsInPlace,
        empty=units_first,
        weight_gradient=lambda rows, width: weight_gradient,
        cross_entropy_with_gradient=cross_entropy_with_gradient,
        sum_by_symbol=sum_by_symbol,
        elementwise=elementwise,
        split_streams=lambda streams, workers, hidden_size: split_streams(streams, workers),
        threads_from=UNITS_FOR_THREADS,
        when_compiling=lambda tell: None,
        provenance=dict,
    )


def _fused() -> Backend:
    from charlm.kernels.fused.backend import BACKEND

    return BACKEND


BACKENDS: dict[str, Callable[[], Backend]] = {"numpy": _numpy, "fused": _fused}


def load_backend(name: str) -> Backend:
    """Return the kernels of a name, ``numpy`` or ``fused``; the latter compiles or loads them when first used."""
    return BACKENDS[name]()


def choose(kernels: str, dtype: str) -> str:
    """Settle which kernels to use.

    Where Numba is installed and does not work, ``auto`` warns (`CharlmWarning`) and takes NumPy's.

    Parameters
    ----------
    kernels : str
        ``numpy``, ``fused`` or ``auto``, the fastest that is installed.
    dtype : str
        ``float32`` or ``float64``; the fused kernels compute in float32 only.

    Raises
    ------
    UsageError
        If there are no kernels of that name, or fused ones are asked for and Numba is not installed or does not work,
        or the network is of float64.
    """
    if kernels not in ("auto", *BACKENDS):
        raise UsageError(f"kernels: {kernels!r} is not a choice of kernels (auto, {', '.join(BACKENDS)})")
    if kernels == "numpy" or (kernels == "auto" and dtype != "float32"):
        return "numpy"
    if dtype != "float32":
        raise UsageError(f"kernels: fused needs a float32 network, this one is {dtype}; choose kernels: numpy")
    if find_spec("numba") is None:
        if kernels == "auto":
            return "numpy"
        raise UsageError("kernels: fused needs Numba: pip install 'charlm[fast]', or choose kernels: numpy")
    if (fault := _fault_of_numba()) is None:
        return "fused"
    if kernels == "fused":
        raise UsageError(f"kernels: fused cannot be used: {fault}; choose kernels: numpy")
    warnings.warn(f"the fused kernels cannot be used, NumPy's take their place: {fault}", CharlmWarning, stacklevel=2)
    return "numpy"


@cache
def _fault_of_numba() -> str | None:
    """Return what keeps the compiled kernels from being used although Numba is installed, if anything does."""
    try:
        from charlm.kernels.fused import compiling

        if compiling.SWITCHED_OFF:
            return "NUMBA_DISABLE_JIT is set"
        from charlm.kernels.fused import backend  # noqa: F401 - compiles nothing yet
    except Exception as error:  # whatever goes wrong in an installation that does not fit together
        return f"Numba cannot be imported ({one_line(f'{type(error).__name__}: {error}')})"
    return None
