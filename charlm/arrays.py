"""The types of arrays that everything computes with."""

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.floating[Any]]
IntArray = npt.NDArray[np.integer[Any]]
Unsigned = np.unsignedinteger[Any]
Ids = npt.NDArray[Unsigned]  # the symbols of a text, by number

# Numbers that overflow end in others that are not finite, which are reported once; warnings before would hide that.
OVERFLOW: dict[str, Any] = {"over": "ignore", "invalid": "ignore"}
