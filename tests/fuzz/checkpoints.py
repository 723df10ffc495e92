"""Fuzzed checkpoints: raw bytes, and headers, metadata and tensors whose checksums were made right again."""

import contextlib
import json
import struct
import zlib
from pathlib import Path
from random import Random
from typing import Any

import numpy as np

import charlm
from charlm.api.language_model import LanguageModel
from charlm.errors import CharlmError
from charlm.files import checkpoint, modelfile, schema
from tests.fuzz.mutations import BYTES, ODD, mutated, mutated_json
from tests.runs import configured, corpus_file, finish, resume, start, unsynced

VARIANTS: dict[str, dict[str, Any]] = {
    "lstm": {},
    "gru": {"model__cell": "gru", "model__embedding_size": 2, "model__tie_weights": True, "training__ema": 0.9},
    "lines": {"corpus__mode": "lines", "model__cell": "rnn", "optimizer__name": "sgd", "optimizer__momentum": 0.5},
    "bytes": {
        "corpus__unit": "byte",
        "model__cell": "lstm-1997",
        "model__dtype": "float64",
        "schedule__name": "plateau",
    },
    "rare": {"corpus__min_count": 12, "model__cell": "simple-gru", "training__on_nonfinite": "rollback"},
    "ngram": {"model__ngram__order": 3, "training__ema": 0.9},
    "ngram of lines": {"model__ngram__order": 4, "corpus__mode": "lines"},
}
ADAPTED = "ngram"  # that variant is also there as a model that has adapted to a text
USED = 12  # one of so many models writes a text and is scored
RESUMED = 128  # one of so many is resumed
BESIDE = ("metrics.jsonl", "samples.txt", "config.yaml")


class Checkpoints:
    """`charlm.load` and what a model is used for, and a resume.

    Parameters
    ----------
    folder : Path
        Where the runs are made.
    """

    def __init__(self, folder: Path) -> None:
        corpus = corpus_file(folder, 300)
        self._run = folder / "run"
        self._run.mkdir()
        self._path = self._run / "last.safetensors"
        self._sealed = folder / "sealed.safetensors"
        self._seeds = []
        for name, changes in VARIANTS.items():
            small = configured(corpus, model__hidden_size=2, training__max_steps=6, **changes)
            run = finish(start(folder / name, small))
            self._seeds.append((run / "last.safetensors").read_bytes())
        adapted = folder / "adapted.safetensors"
        with unsynced:
            charlm.load(folder / ADAPTED).adapt("a tree or a stone in rain is lost\n" * 2)[0].save(adapted)
        self._seeds.append(adapted.read_bytes())
        files = {folder / name / "last.safetensors": folder / name for name in VARIANTS} | {adapted: folder / ADAPTED}
        self._sound = [(*checkpoint.load(file), run) for file, run in files.items()]
        self._texts = [json.dumps(metadata) for _, metadata, _ in self._sound]

    def make(self, rng: Random) -> bytes:
        """Return the bytes of a file."""
        which = rng.randrange(len(self._seeds))
        match rng.randrange(10):
            case 0:
                return mutated(rng, self._seeds[which], BYTES, self._seeds)
            case 1:
                return self._with_header(rng, self._seeds[which])
            case 2 | 3:
                tensors = dict(self._sound[which][0])
                for _ in range(rng.choice((1, 1, 2))):
                    _change_tensor(rng, tensors)
                return self._seal(tensors, self._sound[which][1])
            case _:
                return self._seal(self._sound[which][0], mutated_json(rng, self._texts[which]))

    def use(self, case: bytes) -> None:
        """Read a file for every purpose."""
        self._path.write_bytes(case)
        saved = modelfile.load(self._path, training=True)
        model = LanguageModel(saved, self._path, workers=1)
        chosen = zlib.crc32(case)
        if chosen % USED == 0:
            with contextlib.suppress(CharlmError):
                model.sample(length=2, seed=1)
            with contextlib.suppress(CharlmError):
                model.score(model.encode("".join(model.vocabulary.symbols[:3]) * 2))
        model.config  # noqa: B018 - a property that reads
        schema.check_run(self._path, saved.metadata)
        if chosen % RESUMED == 0:
            self._resume(case)

    def _resume(self, case: bytes) -> None:
        beside = self._sound[chosen_run(case, len(self._sound))][2]
        for name in BESIDE:
            (self._run / name).write_bytes((beside / name).read_bytes())
        with resume(self._run) as run:
            assert run.record.total_steps >= 0

    def _seal(self, tensors: dict[str, Any], metadata: Any) -> bytes:
        if not isinstance(metadata, dict):
            metadata = {"architecture": metadata}
        metadata = {name: value for name, value in metadata.items() if name not in ("format", "checksum")}
        with unsynced:
            checkpoint.save(self._sealed, tensors, metadata)
        return self._sealed.read_bytes()

    def _with_header(self, rng: Random, raw: bytes) -> bytes:
        (length,) = struct.unpack("<Q", raw[:8])
        text = raw[8 : 8 + length].decode()
        if rng.random() < 0.7:
            value = mutated_json(rng, text)
            if isinstance(value, dict) and rng.random() < 0.5 and value:  # one tensor that is no longer what it was
                value[rng.choice(list(value))] = {"dtype": "F32", "shape": rng.choice(ODD), "data_offsets": [0, 0]}
            header = json.dumps(value).encode()
        else:
            header = mutated(rng, text.encode(), BYTES, [text.encode()])
        return struct.pack("<Q", len(header)) + header + raw[8 + length :]


def chosen_run(case: bytes, runs: int) -> int:
    """Return which run's files stand beside a checkpoint."""
    return zlib.adler32(case) % runs


@np.errstate(all="ignore")
def _change_tensor(rng: Random, tensors: dict[str, Any]) -> None:
    name = rng.choice(list(tensors))
    array = tensors[name]
    match rng.randrange(8):
        case 0:
            del tensors[name]
        case 1:
            tensors[f"{name}{rng.choice('x0_.')}"] = tensors.pop(name)
        case 2:
            tensors[name] = array.astype(rng.choice(("f2", "f4", "f8", "i1", "i8", "u8", "?")))
        case 3:
            tensors[name] = array.reshape(-1)[: rng.randrange(3)]
        case 4:
            tensors[name] = array.reshape((1,) * rng.randrange(9) + array.shape)
        case 5:
            tensors[name] = np.repeat(array, 2, axis=-1) if array.ndim else array
        case 6:
            tensors[name] = tensors[rng.choice(list(tensors))]
        case 7:
            changed = array.reshape(-1).copy()
            if changed.size:
                odd = np.array(rng.choice((0, 1, 1e3, 1e30, 3e38, -3e38, np.inf, np.nan)))
                changed[rng.randrange(changed.size) :] = odd.astype(changed.dtype)
            tensors[name] = changed.reshape(array.shape)
