"""Which kernels compute a model: NumPy calls, or the fused loops of the `fast` extra."""

from collections.abc import Callable
from importlib.util import find_spec

from charlm.errors import UsageError
from charlm.kernels.numpy.elementwise import elementwise
from charlm.kernels.numpy.recurrence import WeightsInPlace, numpy_recurrences, units_first
from charlm.network.backend import Backend
from charlm.network.loss import cross_entropy_with_gradient
from charlm.network.products import sum_by_symbol, weight_gradient
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
