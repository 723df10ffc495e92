"""Makes the runs in `runs/`: checkpoints in the middle of a training, and what came of it at its end.

They were made once, with the last commit before the package was put into folders, and show that its checkpoints load,
score the same and go on to the same end. Made again, they would prove nothing:

    python tests/golden/make_runs.py

Which bytes a run ends in depends on the BLAS and the processor, so that `expected.json` says with which it was made.
"""

import hashlib
import json
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_info

from charlm.config import Config, from_dict
from charlm.files import checkpoint, modelfile
from charlm.inference.scorer import Scorer
from charlm.kernels.choice import load_backend
from charlm.network.model import Model
from charlm.run import Run
from charlm.workers.ranks import Ranks
from charlm.workers.team import Team

HERE = Path(__file__).parent / "runs"
CUT_AT = 13  # steps, of which the checkpoint of step 10 is kept
CASES: dict[str, dict[str, Any]] = {
    "gru-stream": {"model": {"cell": "gru", "num_layers": 2}, "optimizer": {"name": "adam"}},
    "lstm-lines": {
        "corpus": {"mode": "lines"},
        "model": {"cell": "lstm", "num_layers": 1, "embedding_size": 6, "dropout": {"input": 0.1, "output": 0.3}},
        "training": {"ema": 0.9, "reset_probability": 0.1},
        "optimizer": {"name": "adamw", "weight_decay": 0.01},
        "schedule": {"name": "cosine", "warmup_steps": 4},
    },
    "rnn-bytes": {
        "corpus": {"unit": "byte"},
        "model": {"cell": "rnn", "num_layers": 1},
        "training": {"clip_value": 0.05},
        "optimizer": {"name": "sgd", "momentum": 0.9, "learning_rate": 0.1},
    },
}
TRAINING = {
    "batch_size": 4, "seq_length": 16, "max_steps": 30, "log_every": 5, "eval_every": 10, "checkpoint_every": 10,
    "sample_every": 10, "sample_length": 40,
}  # fmt: skip


def machine() -> dict[str, Any]:
    """Return what the last bits of a product depend on."""
    blas = [{name: pool.get(name) for name in ("internal_api", "version", "architecture")}
            for pool in threadpool_info() if pool["user_api"] == "blas"]  # fmt: skip
    return {"numpy": np.__version__, "blas": blas}


def digest(path: Path) -> dict[str, str]:
    """Return the SHA-256 of every tensor of a checkpoint."""
    tensors, _ = checkpoint.load(path)
    return {name: hashlib.sha256(array.tobytes()).hexdigest() for name, array in sorted(tensors.items())}


def configuration(case: dict[str, Any]) -> Config:
    """Return the configuration of a case."""
    values: dict[str, Any] = {name: dict(section) for name, section in case.items()}
    values["corpus"] = {"path": "text.txt", **values.get("corpus", {})}
    values["model"] = {"hidden_size": 8, **values["model"]}
    values["training"] = {**TRAINING, **values.get("training", {})}
    return from_dict({**values, "kernels": "numpy", "workers": 1}, "make_runs")


def make(name: str) -> dict[str, Any]:
    """Train a case, keep its checkpoint, and return what came of it."""
    directory = Path(name)
    shutil.rmtree(directory, ignore_errors=True)
    run = Run.start(directory, configuration(CASES[name]), Ranks())
    for _, _ in zip(range(CUT_AT), run.train(), strict=False):
        pass
    run.close()
    kept = {file.name: file.read_bytes() for file in directory.iterdir()}
    left = modelfile.load(directory / "last.safetensors")
    team = Team(1)
    score = Scorer(Model(left.architecture, load_backend("numpy")), team).score(left.parameters, run.corpus.valid)
    run = Run.resume(directory, Ranks())
    for _ in run.train():
        pass
    run.close()
    _, metadata = checkpoint.load(directory / "last.safetensors")
    expected = {
        "left": {"loss": score.loss, "accuracy": score.accuracy, "chars": score.chars},
        "history": metadata["history"],
        "standing": metadata["run"]["standing"],
        "tensors": digest(directory / "last.safetensors"),
        "samples": (directory / "samples.txt").read_text(encoding="utf-8"),
    }
    shutil.rmtree(directory)
    directory.mkdir()
    for file in ("last.safetensors", "metrics.jsonl", "samples.txt", "config.yaml"):
        (directory / file).write_bytes(kept[file])
    return expected


if __name__ == "__main__":
    os.chdir(HERE)
    outcomes = {name: make(name) for name in CASES}
    Path("expected.json").write_text(json.dumps({"machine": machine(), "runs": outcomes}, indent=1) + "\n")
