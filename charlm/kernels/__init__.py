"""The loops below the equations: in-place NumPy calls, and fused Numba loops where the `fast` extra is installed."""

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.floating[Any]]
IntArray = npt.NDArray[np.integer[Any]]
