"""Weights in fewer bytes: in half precision, or as whole numbers with a scale for each row.

    int8: w ~ scale_i q,  scale_i = max |w_i| / 127,  q = round(w / scale_i)        for a matrix with rows w_i

Vectors, which are small, stay in float32.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from charlm.arrays import Array
from charlm.errors import CharlmError

Stored = np.ndarray[Any, np.dtype[Any]]
SCALES = ".scales"  # behind the name of a matrix: the name of its scales, (rows,)
STEPS = 127


def _plain(dtype: str) -> Callable[[str, Array], dict[str, Stored]]:
    return lambda name, array: {name: array.astype(dtype)}


def _whole(name: str, array: Array) -> dict[str, Stored]:
    if array.ndim == 1:
        return {name: array.astype("<f4")}
    largest = np.abs(array).max(axis=1)
    scales = (np.where(largest > 0, largest, 1) / STEPS).astype("<f4")
    return {name: np.rint(array / scales[:, None]).astype(np.int8), name + SCALES: scales}


STORAGES: Mapping[str, Callable[[str, Array], dict[str, Stored]]] = {
    "float16": _plain("<f2"),
    "int8": _whole,
    "float32": _plain("<f4"),
}


def stored(parameters: Mapping[str, Array], weights: str) -> dict[str, Stored]:
    """Return the tensors in which weights are stored.

    Parameters
    ----------
    parameters : mapping of str to ndarray
        Matrices and vectors.
    weights : str
        A name in `STORAGES`.

    Raises
    ------
    CharlmError
        If a weight is too large for the storage.
    """
    tensors: dict[str, Stored] = {}
    with np.errstate(over="ignore"):
        for name, array in parameters.items():
            tensors |= STORAGES[weights](name, array)
    if not all(np.isfinite(tensor).all() for tensor in tensors.values()):
        raise CharlmError(f"weights: {weights} does not hold weights as large as this model's; choose float32")
    return tensors


def restored(tensors: Mapping[str, Stored]) -> dict[str, Array]:
    """Return what stored weights are worth, by name, in float32: what a reader of them computes with."""
    values: dict[str, Array] = {}
    for name, tensor in tensors.items():
        if not name.endswith(SCALES):
            scales = tensors.get(name + SCALES)
            wide = tensor.astype(np.float32)
            values[name] = wide if scales is None else wide * scales[:, None]
    return values
