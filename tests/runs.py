"""Small runs of training: their texts and configurations, and what of their files does not depend on the clock."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np

from charlm.config import Config, from_dict
from charlm.files import checkpoint
from charlm.files.metrics import read as read_metrics
from charlm.run import Run
from charlm.workers.ranks import Ranks

TIMES = ("seconds", "chars_per_second", "bytes_per_second")
# Power cuts are the matter of test_checkpoint.py, and a disk that others keep busy makes a hundred small runs wait.
unsynced = patch("os.fsync", lambda descriptor: None)
SMALL: dict[str, Any] = {
    "model.hidden_size": 8,
    "model.num_layers": 1,
    "training.batch_size": 4,
    "training.seq_length": 8,
    "training.max_steps": 24,
    "training.log_every": 4,
    "training.eval_every": 6,
    "training.checkpoint_every": 5,
    "training.sample_every": 8,
    "training.sample_length": 20,
    "kernels": "numpy",
    "workers": 1,
}

# All that a run carries from step to step, at once: masks, averages, drops of the rate, patience and resets.
EVERYTHING: dict[str, Any] = {
    "model__num_layers": 2,
    "model__dropout": {"input": 0.1, "between": 0.2, "output": 0.3},
    "training__ema": 0.9,
    "training__early_stopping": 50,
    "training__reset_probability": 0.2,
    "training__clip_value": 0.5,
    "optimizer__learning_rate": 1.0,
    "schedule__name": "plateau",
    "schedule__patience": 1,
    "schedule__factor": 0.5,
}


def text(characters: int = 1_500, seed: int = 0) -> str:
    """Return words of a few letters in lines of a few words, the same for the same arguments."""
    rng = np.random.default_rng(seed)
    words = ["".join(rng.choice(list("aeioulnrst"), rng.integers(1, 6))) for _ in range(20)]
    chosen, breaks = rng.choice(words, characters), rng.choice([" ", " ", " ", "\n"], characters)
    return "".join(word + end for word, end in zip(chosen, breaks, strict=True))[: characters - 1] + "\n"


def configured(path: Path | str, **changes: Any) -> Config:
    """Return a small configuration; keys are dotted, with double underscores for the dots."""
    values = {**SMALL, **{key.replace("__", "."): value for key, value in changes.items()}}
    nested: dict[str, Any] = {"corpus": {"path": str(path)}}
    for dotted, value in values.items():
        *sections, name = dotted.split(".")
        place = nested
        for section in sections:
            place = place.setdefault(section, {})
        place[name] = value
    return from_dict(nested, "test")


def corpus_file(folder: Path, characters: int = 1_500) -> Path:
    """Write a small corpus and return its path."""
    path = folder / "text.txt"
    path.write_text(text(characters), encoding="utf-8", newline="\n")
    return path


@unsynced
def start(directory: Path, config: Config, **options: Any) -> Run:
    return Run.start(directory, config, Ranks(), **options)


@unsynced
def resume(directory: Path) -> Run:
    return Run.resume(directory, Ranks())


@unsynced
def finish(run: Run) -> Path:
    """Train to the end and return the directory."""
    with run:
        for _ in run.train():
            pass
    return run.directory.path


@unsynced
def advance(run: Run, steps: int) -> None:
    """Train for some steps, and then drop everything, as a crash does."""
    for _, _ in zip(range(steps), run.train(), strict=False):
        pass


def metrics(directory: Path) -> list[dict[str, Any]]:
    return read_metrics(directory / "metrics.jsonl")


def timeless(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name not in TIMES}


def state(directory: Path) -> dict[str, Any]:
    """Return all that a run has come to, as bytes and numbers that can be compared, without its times."""
    tensors, metadata = checkpoint.load(directory / "last.safetensors")
    run = timeless(metadata["run"])
    run["interval"] = timeless(run["interval"])
    run["sizes"] = run["sizes"]["samples.txt"]  # that of metrics.jsonl depends on how times are written
    best = directory / "best.safetensors"
    return {
        "tensors": {name: (array.dtype, array.shape, array.tobytes()) for name, array in tensors.items()},
        "metadata": {**metadata, "run": run},
        "best": best.read_bytes() if best.exists() else None,
        "metrics": [timeless(line) for line in metrics(directory)],
        "samples": (directory / "samples.txt").read_bytes(),
        "config": (directory / "config.yaml").read_bytes(),
    }


def trained(folder: Path, name: str, content: str | bytes, **changes: Any) -> Path:
    """Train a small model on a text and return its run directory."""
    path = folder / f"{name}.txt"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return finish(start(folder / name, configured(path, **changes)))
