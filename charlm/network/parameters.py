"""Named weight arrays that are views of one vector."""

from collections.abc import Iterator, Mapping
from math import prod
from typing import Any

import numpy as np

from charlm.arrays import Array


class Parameters(Mapping[str, Array]):
    """A model's weights, or anything of the same shapes: gradients, averages, an optimizer's moments.

    The arrays are views of one contiguous vector. So what treats all weights alike (an optimizer, clipping, a sum over
    workers) is one pass over `flat`, and what needs a certain matrix reads it by name.

    Attributes
    ----------
    flat : ndarray, shape (size,)
        All arrays, one after the other, in the order of `shapes`.
    shapes : dict of str to tuple
        The name and shape of each array.
    places : dict of str to slice
        Where each of them lies in `flat`.
    """

    def __init__(self, shapes: Mapping[str, tuple[int, ...]], dtype: Any, flat: Array | None = None) -> None:
        self.shapes = dict(shapes)
        size = sum(prod(shape) for shape in self.shapes.values())
        self.flat: Array = np.zeros(size, dtype) if flat is None else flat
        if self.flat.shape != (size,) or self.flat.dtype != dtype:
            raise ValueError(f"a vector of {size} {np.dtype(dtype).name} is needed, got {self.flat.shape} {flat!r}")
        self.places: dict[str, slice] = {}
        start = 0
        for name, shape in self.shapes.items():
            self.places[name] = slice(start, start + prod(shape))
            start += prod(shape)
        self._views = {name: self.flat[place].reshape(self.shapes[name]) for name, place in self.places.items()}

    def __getitem__(self, name: str) -> Array:
        return self._views[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._views)

    def __len__(self) -> int:
        return len(self._views)

    def like(self) -> "Parameters":
        """Return parameters of the same names and shapes, all zero."""
        return Parameters(self.shapes, self.flat.dtype)

    def copy(self) -> "Parameters":
        """Return parameters with the same numbers in new memory."""
        return Parameters(self.shapes, self.flat.dtype, self.flat.copy())

    def first_not_finite(self) -> str | None:
        """Return the name of the first array with an infinity or a NaN; None where all numbers are finite."""
        for name, array in self.items():
            if not np.isfinite([array.min(), array.max()]).all():  # both are NaN where anything is
                return name
        return None
