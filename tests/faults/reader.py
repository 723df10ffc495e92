"""Reads a file again and again while another process writes over it: ``python -m tests.faults.reader KIND PATH``."""

import sys
import time
from pathlib import Path

import numpy as np

from charlm.corpus import loading
from charlm.corpus.cache import Folder, Plan
from charlm.errors import CharlmError
from charlm.files import checkpoint
from tests.corpora import DEFAULTS, SPLIT, WHOLE

SECONDS = 1.5
SIZE = 8_000_000  # bytes of each file
IDS = np.random.default_rng(1).integers(0, 65, SIZE, dtype=np.uint8)


def write(kind: str, folder: Path) -> Path:
    """Make a file of a kind and return its path."""
    if kind == "checkpoint":
        checkpoint.save(folder / "c.safetensors", {"x": IDS}, {})
        return folder / "c.safetensors"
    if kind == "corpus":
        (folder / "corpus.txt").write_bytes((IDS + 32).tobytes())
        return folder / "corpus.txt"
    Folder(folder, []).make("key", Plan(IDS.dtype, SIZE, lambda: [IDS], dict))
    return folder / "key.ids"


def read(kind: str, path: Path) -> bool:
    """Read it, look at every byte, and return whether it was refused."""
    try:
        if kind == "checkpoint":
            found = checkpoint.load(path)[0]["x"]
        elif kind == "corpus":
            found = loading.load(str(path), **{**DEFAULTS, "split": {**SPLIT, **WHOLE}}).train
            return not len(found)
        else:
            entry = Folder(path.parent, []).find("key")
            if entry is None:
                return True
            time.sleep(0.02)  # it is used long after it was found
            found = entry.ids
    except CharlmError:
        return True
    assert np.array_equal(found, IDS)
    return False


if __name__ == "__main__":
    refused = []
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        refused.append(read(sys.argv[1], Path(sys.argv[2])))
    print(len(refused), sum(refused))
