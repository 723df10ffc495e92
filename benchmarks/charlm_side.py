"""charlm's side of the comparison: the trainer and the sampler as the commands use them."""

import json
import sys
from itertools import islice
from time import perf_counter
from typing import Any

import numpy as np
from turns import serve

from charlm import assemble, bench
from charlm.config import Config, from_dict
from charlm.inference.filters import Filter
from charlm.inference.sampler import Sampler
from charlm.workers.cores import available_cores
from charlm.workers.ranks import Ranks
from charlm.workers.team import Team


def config_of(shape: dict[str, Any]) -> Config:
    """Return the configuration of a shape."""
    model = {name: shape[name] for name in ("cell", "hidden_size", "num_layers")}
    training = {name: shape[name] for name in ("batch_size", "seq_length", "clip_norm")}
    values = {
        "corpus": {"path": "-"},
        "model": model,
        "training": {**training, "reset_probability": 0.0},
        "optimizer": {"name": "adam", "learning_rate": shape["learning_rate"]},
        "kernels": shape.get("kernels", "numpy"),
    }
    return from_dict(values, shape["cell"])


def main() -> None:
    """Answer questions."""
    shape = json.loads(sys.argv[1])
    config = config_of(shape)
    model = bench.network(config, shape["vocabulary_size"])
    split = assemble.split(config, model, Ranks())
    with np.load(shape["file"]) as file:
        symbols = file["symbols"]
    trainer: Any = None

    def train(count: int) -> dict[str, list[float]]:
        nonlocal trainer
        if trainer is None:
            trainer = bench.training(config, model, Team(*split), symbols)
        steps = list(islice(trainer.run(), count))
        return {"seconds": [step.seconds for step in steps], "losses": [step.loss for step in steps]}

    def sample(length: int) -> float:
        team = Team(available_cores())  # as `charlm sample` has it
        sampler = Sampler(model, model.architecture.initial_parameters(config.seed), team=team)
        started = perf_counter()
        for _ in sampler.write([0], length, Filter(temperature=0.8), config.seed):
            pass
        seconds = perf_counter() - started
        team.close()
        return length / seconds

    serve({"train": train, "sample": sample, "about": lambda: str(split)})


if __name__ == "__main__":
    main()
