"""charlm's side of the comparison: the trainer and the sampler as the commands use them."""

import json
import sys
from itertools import islice
from time import perf_counter
from typing import Any

import numpy as np
from turns import serve

from charlm import bench
from charlm.inference.sampler import Filter, Sampler
from charlm.kernels.choice import load_backend
from charlm.network.architecture import Architecture
from charlm.network.model import Model
from charlm.network.regularisers.dropout import Dropout
from charlm.training.optimizers import Options
from charlm.workers.ranks import Ranks
from charlm.workers.split import available_cores, plan_split
from charlm.workers.team import Team


def setting_of(shape: dict[str, Any]) -> bench.Setting:
    """Return what `charlm.bench` trains for a shape."""
    return bench.Setting(
        architecture=Architecture(
            cell=shape["cell"],
            vocabulary_size=shape["vocabulary_size"],
            hidden_size=shape["hidden_size"],
            num_layers=shape["num_layers"],
        ),
        kernels=shape.get("kernels", "numpy"),
        batch_size=shape["batch_size"],
        seq_length=shape["seq_length"],
        dropout=Dropout(),
        workers="auto",
        optimizer="adam",
        options=Options(),
        clip_norm=shape["clip_norm"],
        clip_value=None,
        ema=None,
    )


def main() -> None:
    """Answer questions."""
    shape = json.loads(sys.argv[1])
    setting = setting_of(shape)
    model = Model(setting.architecture, load_backend(setting.kernels))
    threads = plan_split(setting.workers, model, setting.batch_size, Ranks())
    with np.load(shape["file"]) as file:
        symbols = file["symbols"]
    trainer: Any = None

    def train(count: int) -> dict[str, list[float]]:
        nonlocal trainer
        if trainer is None:
            trainer = bench.training(setting, model, Team(*threads), symbols)
        steps = list(islice(trainer.run(), count))
        return {"seconds": [step.seconds for step in steps], "losses": [step.loss for step in steps]}

    def sample(length: int) -> float:
        team = Team(available_cores())  # as `charlm sample` has it
        sampler = Sampler(model, model.architecture.initial_parameters(bench.SEED), team=team)
        started = perf_counter()
        for _ in sampler.write([0], length, Filter(temperature=0.8), bench.SEED):
            pass
        seconds = perf_counter() - started
        team.close()
        return length / seconds

    serve({"train": train, "sample": sample, "about": lambda: str(threads)})


if __name__ == "__main__":
    main()
