"""How many threads NumPy's products may use, while somebody here limits them."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
from threadpoolctl import ThreadpoolController

_lock = Lock()
_limits: list["BlasLimit"] = []  # those in force, the latest last
_original: Any = None  # what was so before the first of them


class BlasLimit:
    """A limit of the whole process, in force until it is released.

    Limits may overlap, as threads of one program work with models at the same time: the latest is in force, and when
    the last one is released, everything is as it was before the first.

    Parameters
    ----------
    threads : int
        How many each product may use.
    """

    def __init__(self, threads: int) -> None:
        global _original
        self._threads = threads
        with _lock:
            before = _set(threads)
            if not _limits:
                _original = before
            _limits.append(self)

    def release(self) -> None:
        """End the limit; a second call does nothing."""
        with _lock:
            if self not in _limits:
                return
            _limits.remove(self)
            if _limits:
                _set(_limits[-1]._threads)
            else:
                _original.restore_original_limits()


@contextmanager
def blas_threads(threads: int) -> Iterator[None]:
    """Limit products while the context is open."""
    limit = BlasLimit(threads)
    try:
        yield
    finally:
        limit.release()


def blas_library() -> list[str]:
    """Return the name and version of the library that computes NumPy's products, and the processor it computes for.

    A program may have loaded others, as with SciPy: NumPy's own lies beside it, or was loaded first.
    """
    folder = Path(np.__file__).parent.parent
    found = [library for library in _controller().info() if library["user_api"] == "blas"]
    own = [library for library in found if _begins_with_numpy(Path(library["filepath"]), folder)]
    for library in own or found:
        name = f"{library['internal_api']} {library['version']}"
        return [name, library.get("architecture", "")]
    return [str(np.show_config(mode="dicts").get("Build Dependencies", {}).get("blas", {}).get("name")), ""]


def _begins_with_numpy(path: Path, folder: Path) -> bool:
    """Tell whether a file is in one of NumPy's folders: ``numpy.libs`` or, on macOS, ``numpy/.dylibs``."""
    return path.is_relative_to(folder) and path.relative_to(folder).parts[0].startswith("numpy")


@cache
def _controller() -> Any:
    return ThreadpoolController()


def _set(threads: int) -> Any:
    return _controller().limit(limits=threads, user_api="blas")
