"""What the last digits of a run depend on beside its checkpoint: libraries, the processor, the kernels.

A checkpoint holds it, so that a resumed run can say why its bytes may not be those of an uncut one. Nothing in it may
differ between two processes on one machine: libraries that only some programs import, times and paths stay out.
"""

import sys
from collections.abc import Mapping, Sequence
from typing import TypeAlias

import numpy as np

from charlm import __version__
from charlm.kernels import sources
from charlm.network.backend import Backend
from charlm.phrases import shortened
from charlm.workers.blas import blas_library

DIGITS = 12  # of a digest
Provenance: TypeAlias = Mapping[str, Sequence[str]]  # by name: the version, and what it uses of the processor, in words


def provenance(backend: Backend) -> dict[str, list[str]]:
    """Return the version of each library that computes, with what it uses of this processor.

    Parameters
    ----------
    backend : Backend
        The kernels of the run.
    """
    features = np.show_config(mode="dicts").get("SIMD Extensions", {}).get("found", [])
    return {
        "charlm": [__version__, ""],
        "kernels": [sources.digest()[:DIGITS], ""],
        "system": [sys.platform, ""],
        "NumPy": [np.__version__, " ".join(features)],
        "BLAS": blas_library(),
        **backend.provenance(),
    }


def differences(before: Provenance, now: Provenance) -> list[str]:
    """Return what is another way now, in words, of what both name.

    Versions differ in what they report of a processor, so that is only compared where they are equal.
    """
    told = []
    for name in now:
        (version, uses), (version_now, uses_now) = before.get(name, now[name]), now[name]
        if version != version_now:
            told.append(f"{name} {shortened(version)} (here {version_now})")
        elif uses != uses_now:
            told.append(f"{name} {version} for a processor {_apart(uses.split(), uses_now.split())}")
    return told


def _apart(uses: Sequence[str], uses_now: Sequence[str]) -> str:
    """Return the words that only one of two lists has."""
    gone = shortened(" ".join(word for word in uses if word not in uses_now))
    come = shortened(" ".join(word for word in uses_now if word not in uses))
    if not gone:
        return f"without {come} (here with it)"
    return f"with {gone} (here {f'with {come}' if come else 'without'})"
