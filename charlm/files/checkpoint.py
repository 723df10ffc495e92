"""Checkpoint files: named arrays and their metadata in one safetensors file, written whole or not at all.

The file is an ordinary safetensors file (https://github.com/huggingface/safetensors): any reader of that format opens
it. Its one metadata entry, `charlm`, is a JSON object with the format's version, whatever the caller stored, and three
SHA-256 checksums: of that metadata, of the model's tensors, and of the tensors that only training needs, whose names
begin with ``training.``. A reader who wants the model alone thus need not read, and can still verify, the rest.
"""

import hashlib
import json
import struct
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from charlm.atomic import atomic_file
from charlm.errors import DamagedFileError, FileError
from charlm.files import tensorfile
from charlm.files.tensorfile import TensorFile

FORMAT = 1
TRAINING_PREFIX = "training."
METADATA_KEY = "charlm"
DTYPE_NAMES = {np.dtype(code).name: name for name, code in tensorfile.DTYPES.items()}

Array = np.ndarray[Any, np.dtype[Any]]


def save(path: Path, tensors: Mapping[str, Array], metadata: Mapping[str, object]) -> None:
    """Write a checkpoint so that the file is either wholly the new one or wholly the old one.

    The bytes depend on the arguments alone: equal tensors and metadata give equal files.

    Parameters
    ----------
    path : pathlib.Path
        The file to make or replace; its folder exists.
    tensors : Mapping of str to numpy.ndarray
        Arrays of any shape whose dtype is a bool, an integer or a float of 8 to 64 bits.
    metadata : Mapping of str to object
        Anything JSON can hold, with strings for keys; ``format`` and ``checksum`` are taken.

    Raises
    ------
    WriteError
        When the file cannot be written; what stood at `path` is then untouched.
    ValueError
        When an array or a metadata key is one that the format cannot hold.
    """
    arrays = {name: _storable(name, array) for name, array in tensors.items()}
    save_tensors(path, arrays, {METADATA_KEY: _seal(arrays, metadata)})


def save_tensors(path: Path, tensors: Mapping[str, Array], metadata: Mapping[str, str]) -> None:
    """Write a plain safetensors file, whole or not at all.

    Parameters
    ----------
    path, tensors
        As for `save`.
    metadata : Mapping of str to str
        Its metadata.

    Raises
    ------
    WriteError, ValueError
        As `save` does.
    """
    arrays = {name: _storable(name, array) for name, array in tensors.items()}
    order = sorted(arrays, key=lambda name: (-arrays[name].itemsize, name))  # widest first keeps every array aligned
    with atomic_file(path) as file:
        file.write(_header({name: arrays[name] for name in order}, metadata))
        for name in order:
            file.write(_buffer(arrays[name]))


def load(path: Path, *, training: bool = True) -> tuple[dict[str, Array], dict[str, Any]]:
    """Read a checkpoint and verify its checksums.

    Parameters
    ----------
    path : pathlib.Path
        The file, as `resolve` finds it.
    training : bool
        False leaves the tensors that only training needs, named ``training.*``, unread.

    Returns
    -------
    tensors : dict of str to numpy.ndarray
        The arrays, each its own to write to.
    metadata : dict of str to object
        What was given to `save`.

    Raises
    ------
    FileError
        When the file is missing, unreadable, damaged, of a later format, or not a charlm checkpoint.
    """
    with tensorfile.opened(path) as file:
        metadata, checksums = _unseal(path, file.metadata)
        model_names, training_names = _groups(file.entries)
        tensors = _verified(path, file, model_names, checksums.get("model"))
        if training:
            tensors |= _verified(path, file, training_names, checksums.get("training"))
    return tensors, metadata


def read_metadata(path: Path) -> dict[str, Any]:
    """Read and verify a checkpoint's metadata alone, at the cost of the file's first few kilobytes.

    Parameters
    ----------
    path : pathlib.Path
        The file, as `resolve` finds it.

    Returns
    -------
    dict of str to object
        What was given to `save`.

    Raises
    ------
    FileError
        As `load` does, except that damage to a tensor goes unseen.
    """
    with tensorfile.opened(path) as file:
        return _unseal(path, file.metadata)[0]


def _storable(name: str, array: Array) -> Array:
    """Return the array in the file's form: C order, little-endian, of a dtype that the format has."""
    if array.dtype.name not in DTYPE_NAMES:
        raise ValueError(f"{name}: arrays of {array.dtype} cannot be stored")
    return np.asarray(array, dtype=array.dtype.newbyteorder("<"), order="C")


def _buffer(array: Array) -> memoryview:
    """Return the bytes of a C-ordered array without copying them."""
    return array.reshape(-1).view(np.uint8).data


def _header(arrays: Mapping[str, Array], metadata: Mapping[str, str]) -> bytes:
    """Build the part of a safetensors file that stands before the arrays, which follow in the mapping's order."""
    entries: dict[str, object] = {"__metadata__": dict(metadata)}
    start = 0
    for name, array in arrays.items():
        end = start + array.nbytes
        entries[name] = {"dtype": DTYPE_NAMES[array.dtype.name], "shape": array.shape, "data_offsets": [start, end]}
        start = end
    header = _json(entries).encode()
    header += b" " * (-len(header) % 8)
    return struct.pack("<Q", len(header)) + header


def _json(value: object, sort_keys: bool = False) -> str:
    return json.dumps(value, separators=(",", ":"), sort_keys=sort_keys)


def _groups(names: Iterable[str]) -> tuple[list[str], list[str]]:
    """Part tensor names into the model's and those that only training needs, each in order."""
    names = sorted(names)
    training = [name for name in names if name.startswith(TRAINING_PREFIX)]
    return [name for name in names if not name.startswith(TRAINING_PREFIX)], training


def _seal(arrays: Mapping[str, Array], metadata: Mapping[str, object]) -> str:
    """Return the metadata as text, with the version and the checksums of all that the file holds."""
    content = {"format": FORMAT, **metadata}
    if content["format"] != FORMAT or "checksum" in content:
        raise ValueError("the metadata keys 'format' and 'checksum' belong to the file format")
    model_names, training_names = _groups(arrays)
    checksums = {
        "metadata": _digest_of_metadata(content),
        "model": _digest_of_arrays({name: arrays[name] for name in model_names}),
        "training": _digest_of_arrays({name: arrays[name] for name in training_names}),
    }
    return _json({**content, "checksum": checksums}, sort_keys=True)


def _digest_of_metadata(content: Mapping[str, object]) -> str:
    return hashlib.sha256(_json(content, sort_keys=True).encode()).hexdigest()


def _digest_of_arrays(arrays: Mapping[str, Array]) -> str:
    digest = hashlib.sha256()
    for name, array in arrays.items():
        digest.update(_json([name, DTYPE_NAMES[array.dtype.name], array.shape]).encode())
        digest.update(_buffer(array))
    return digest.hexdigest()


def _unseal(path: Path, entries: Mapping[str, str] | None) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what was given to `save` as metadata, once it is verified, and the file's checksums."""
    text = (entries or {}).get(METADATA_KEY)
    if text is None:
        raise FileError(
            f"{path}: a safetensors file, but not charlm's: its metadata has no entry {METADATA_KEY!r}; "
            "a checkpoint is a file that `charlm train` wrote"
        )
    try:
        content = json.loads(text)
        version, checksums = content.pop("format"), content.pop("checksum")
        digest = _digest_of_metadata({"format": version, **content})
    except (AttributeError, ValueError, LookupError, TypeError, RecursionError) as error:
        raise DamagedFileError(f"{path}: damaged: its metadata cannot be read; use another copy of the file") from error
    if version != FORMAT:
        newer = isinstance(version, int) and version > FORMAT
        which, advice = ("a newer", "; update charlm") if newer else ("another", "")
        raise FileError(
            f"{path}: written by {which} charlm (format {version!r}); this one reads format {FORMAT}{advice}"
        )
    if not isinstance(checksums, dict) or checksums.get("metadata") != digest:
        raise DamagedFileError(
            f"{path}: damaged: its metadata does not match its checksum; use another copy of the file"
        )
    return content, checksums


def _verified(path: Path, file: TensorFile, names: Iterable[str], checksum: object) -> dict[str, Array]:
    """Read the named tensors and hold them against their checksum."""
    tensors = {name: file.read(name) for name in names}
    if _digest_of_arrays(tensors) != checksum:
        raise DamagedFileError(
            f"{path}: damaged: its tensors do not match their checksum; use another copy of the file"
        )
    return tensors
