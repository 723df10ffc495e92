"""The sides of `benchmarks/score_lines.py`, each in a process of its own: the bits of lines that have one length.

Each reads the lines from a file as it goes, and gives the bits of each line, the newline after it included.
"""

import json
import sys
from collections import deque
from collections.abc import Iterator
from itertools import islice
from math import log, log2
from time import perf_counter
from typing import Any

import numpy as np
from turns import serve

BATCHES = (64, 128, 256, 512, 1024)  # lines that PyTorch may read in step
TRIED = 2048  # lines with which the fastest of these is found


class Charlm:
    """`LanguageModel.score_lines`, in NumPy."""

    def __init__(self, told: dict[str, Any]) -> None:
        import charlm

        self._model = charlm.load(told["model"], workers=told["threads"], ngram=False)

    def bits(self, lines: Iterator[str]) -> Iterator[float]:
        """Yield the bits of each line."""
        return (score.total_bits for score in self._model.score_lines(lines))


class PyTorch:
    """The same network in `torch.nn`, with the weights that `charlm.export_torch` wrote.

    The lines have one length, so no batch needs padding.
    """

    def __init__(self, told: dict[str, Any]) -> None:
        import safetensors
        import torch
        from torch_side import Network

        torch.set_num_threads(told["threads"])
        with safetensors.safe_open(told["torch"], "pt") as file:
            symbols = json.loads(file.metadata()["symbols"])
            weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        V, H = weights["decoder.weight"].shape
        cell = {1: "rnn", 3: "gru", 4: "lstm"}[len(weights["rnn.weight_hh_l0"]) // H]
        layers = sum(name.startswith("rnn.weight_hh") for name in weights)
        shape = {"cell": cell, "vocabulary_size": V, "hidden_size": H, "num_layers": layers}
        self._network = Network(shape).to(weights["decoder.bias"].dtype)
        self._network.load_state_dict(weights)
        self._one_hot = torch.eye(V, dtype=weights["decoder.bias"].dtype)
        codes = np.array([ord(symbol) for symbol in symbols])
        self._id_of = np.zeros(codes.max() + 1, np.int64)
        self._id_of[codes] = np.arange(V)
        self.batch_size = BATCHES[0]

    def choose(self, lines: list[str]) -> int:
        """Take the size of a batch that is the fastest of all, and return it."""
        seconds = {}
        for self.batch_size in (BATCHES[-1], *BATCHES):  # the first warms up: its time is replaced by the last
            started = perf_counter()
            consume(self.bits(iter(lines)))
            seconds[self.batch_size] = perf_counter() - started
        self.batch_size = min(seconds, key=seconds.__getitem__)
        return self.batch_size

    def bits(self, lines: Iterator[str]) -> Iterator[float]:
        """Yield the bits of each line."""
        import torch
        from torch.nn.functional import log_softmax

        while batch := list(islice(lines, self.batch_size)):
            text = "".join(f"\n{line}\n" for line in batch)
            codes = np.frombuffer(text.encode("utf-32-le"), np.uint32).reshape(len(batch), -1)
            ids = torch.from_numpy(self._id_of[codes.T])  # (T + 1, B)
            with torch.inference_mode():
                logits, _ = self._network(self._one_hot[ids[:-1]], None)
                log_p = log_softmax(logits, -1).gather(1, ids[1:].reshape(-1, 1))
                sums = log_p.double().view(-1, len(batch)).sum(0)
            yield from (sums / -log(2)).tolist()


class KenLM:
    """An n-gram of characters by KenLM's Python module, which has one thread."""

    def __init__(self, told: dict[str, Any]) -> None:
        import kenlm

        config = kenlm.Config()
        config.show_progress = False
        self._model = kenlm.Model(told["arpa"], config)
        self._words = str.maketrans(told["words"])

    def bits(self, lines: Iterator[str]) -> Iterator[float]:
        """Yield the bits of each line."""
        return (-log2(10) * self._model.score(" ".join(line.translate(self._words))) for line in lines)


SIDES: dict[str, Any] = {"charlm": Charlm, "PyTorch": PyTorch, "KenLM": KenLM}


def consume(values: Iterator[float]) -> None:
    """Compute values and keep none."""
    deque(values, maxlen=0)


def main() -> None:
    """Answer the questions of the benchmark."""
    told = json.loads(sys.argv[1])
    side = SIDES[told["side"]](told)

    def lines() -> Iterator[str]:
        with open(told["lines"], encoding="utf-8", newline="\n") as file:
            for line in file:
                yield line[:-1]

    def seconds() -> float:
        started = perf_counter()
        consume(side.bits(lines()))
        return perf_counter() - started

    serve({
        "choose": lambda: side.choose(list(islice(lines(), TRIED))),
        "bits": lambda number: list(side.bits(islice(lines(), number))),
        "seconds": seconds,
    })  # fmt: skip


if __name__ == "__main__":
    main()
