"""How kernels are compiled, and how what was compiled is found again."""

import warnings
from collections.abc import Callable
from contextlib import suppress
from hashlib import sha256
from typing import Any

import llvmlite
import numba
from numba import njit
from numba.core import config
from numba.core.registry import cpu_target

from charlm.errors import CharlmWarning
from charlm.kernels import sources
from charlm.phrases import one_line

SWITCHED_OFF = bool(getattr(config, "DISABLE_JIT", 0))
WARNED: list[Exception] = []  # of what went wrong with the cache; one warning is enough
OPTIONS: dict[str, Any] = {"nogil": True, "fastmath": True, "error_model": "numpy", "boundscheck": False}


def provenance() -> dict[str, list[str]]:
    """Return the versions that compile, with the processor that they compile for."""
    _, processor, features = cpu_target.target_context.codegen().magic_tuple()
    digest = sha256(features.encode()).hexdigest()[:12]
    return {
        "Numba": [numba.__version__, ""],
        "llvmlite": [llvmlite.__version__, f"{processor} {digest}"],
    }


def compiled_once(function: Callable[..., Any], *made_of: Any) -> Any:
    """Compile a function and keep the result in a file for the next process, if there is a place for it.

    Numba finds the file by the function's name and the age of its source, and would not notice a change in another
    module from which the function takes something. So the name is made to tell what was compiled: all the kernels, and
    what else the function is made of.
    """
    digest = sha256(repr((made_of, sources.digest())).encode()).hexdigest()[:16]
    function.__qualname__ = f"{function.__qualname__}_{digest}"
    compiled = njit(**OPTIONS)(function)
    try:
        compiled.enable_caching()
    except Exception as error:  # there is no folder to write in, or the source is in a zip file
        _warn_of_the_cache(error)
        return compiled
    compiled._cache = SafeCache(compiled._cache)
    return compiled


class SafeCache:
    """Numba's cache of one function, of which no fault stops the program: what cannot be read is compiled anew.

    Numba takes a file that is cut short, as after a power cut, or a full disk for a reason to stop.

    Parameters
    ----------
    cache : numba.core.caching.Cache
        What to read and write.
    """

    def __init__(self, cache: Any) -> None:
        self._cache = cache

    def load_overload(self, signature: Any, context: Any) -> Any:
        """Return the compiled function, or None if it has to be compiled."""
        try:
            return self._cache.load_overload(signature, context)
        except Exception as error:
            _warn_of_the_cache(error)
            with suppress(Exception):
                self._cache.flush()  # an index that cannot be read cannot be added to either
            return None

    def save_overload(self, signature: Any, compiled: Any) -> None:
        """Keep a compiled function."""
        try:
            self._cache.save_overload(signature, compiled)
        except Exception as error:
            _warn_of_the_cache(error)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._cache, name)


def _warn_of_the_cache(error: Exception) -> None:
    """Warn of the first fault; the others are most likely the same."""
    if not WARNED:
        WARNED.append(error)
        why = one_line(f"{type(error).__name__}: {error}")
        warnings.warn(
            f"the cache of compiled kernels cannot be used ({why}), so they are compiled again; the environment "
            "variable NUMBA_CACHE_DIR may name another folder for it",
            CharlmWarning,
            stacklevel=2,
        )
