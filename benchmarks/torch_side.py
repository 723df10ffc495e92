"""PyTorch's side of the comparison, at its best: nn.RNN, GRU and LSTM, fused Adam, its own choice of threads.

A one-hot input is multiplied, as `torch.nn` offers no recurrent layer that looks rows up; for training its windows are
made before the clock starts. Weights and symbols come from a file that charlm wrote, so both sides compute the same.
"""

import json
import sys
from time import perf_counter
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional
from turns import serve

LAYERS = {"rnn": nn.RNN, "gru": nn.GRU, "lstm": nn.LSTM}


class Network(nn.Module):
    """A recurrent network and its read-out, with the names that charlm's files have."""

    def __init__(self, shape: dict[str, Any]) -> None:
        super().__init__()
        V, H = shape["vocabulary_size"], shape["hidden_size"]
        self.rnn = LAYERS[shape["cell"]](V, H, shape["num_layers"])
        self.decoder = nn.Linear(H, V)

    def forward(self, x: torch.Tensor, state: Any) -> tuple[torch.Tensor, Any]:
        """Return the logits, (T B, V), and the state that is carried on."""
        output, state = self.rnn(x, state)
        return self.decoder(output.flatten(0, 1)), state


def detached(state: Any) -> Any:
    """Return the state as a constant: backpropagation ends here."""
    return tuple(part.detach() for part in state) if isinstance(state, tuple) else state.detach()


class Training:
    """Training steps on the windows of a text, read from its beginning again and again."""

    def __init__(self, shape: dict[str, Any], network: Network, symbols: torch.Tensor) -> None:
        self.network, self.clip_norm = network, shape["clip_norm"]
        self.optimizer = torch.optim.Adam(network.parameters(), lr=shape["learning_rate"], fused=True)
        T, B, V = shape["seq_length"], shape["batch_size"], shape["vocabulary_size"]
        streams = symbols[: len(symbols) // B * B].view(B, -1).T  # (N / B, B)
        self.windows = [
            (functional.one_hot(streams[start : start + T], V).float(), streams[start + 1 : start + T + 1].reshape(-1))
            for start in range(0, len(streams) - T, T)
        ]
        self.done, self.state = 0, None

    def steps(self, count: int) -> dict[str, list[float]]:
        """Take some steps, and return the seconds and the loss of each."""
        seconds, losses = [], []
        for _ in range(count):
            started = perf_counter()
            losses.append(self._step())
            seconds.append(perf_counter() - started)
        return {"seconds": seconds, "losses": losses}

    def _step(self) -> float:
        number = self.done % len(self.windows)
        inputs, targets = self.windows[number]
        logits, state = self.network(inputs, None if number == 0 else self.state)
        loss = functional.cross_entropy(logits, targets)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(self.network.parameters(), self.clip_norm, foreach=True)
        self.optimizer.step()
        self.state = detached(state)
        self.done += 1
        return loss.item()


@torch.inference_mode()
def sample(network: Network, length: int) -> tuple[list[int], float]:
    """Write symbols one at a time, and return them and how many a second."""
    one_hot = torch.eye(network.decoder.out_features)[:, None, None]  # the input of every symbol, made once
    symbol, state, written = 0, None, []
    started = perf_counter()
    for _ in range(length):
        logits, state = network(one_hot[symbol], state)
        symbol = int(torch.multinomial(torch.softmax(logits[0] / 0.8, 0), 1))
        written.append(symbol)
    return written, length / (perf_counter() - started)


def best_sampling_speed(network: Network, length: int) -> float:
    """Return the symbols a second with PyTorch's own choice of threads, or with one where that is faster."""
    own = torch.get_num_threads()
    speeds = [sample(network, length)[1]]
    torch.set_num_threads(1)
    speeds.append(sample(network, length)[1])
    torch.set_num_threads(own)
    return max(speeds)


def main() -> None:
    """Answer questions, or do the one thing that is asked for."""
    shape = json.loads(sys.argv[1])
    network = Network(shape)
    with np.load(shape["file"]) as file:
        weights = {name: torch.from_numpy(file[name]) for name in file.files if name != "symbols"}
        symbols = torch.from_numpy(file["symbols"].astype(np.int64))
    network.load_state_dict(weights)
    if "write" in shape:
        print(sample(network, shape["write"])[0])
    elif "train" in shape:
        Training(shape, network, symbols).steps(shape["train"])
    else:
        training = Training(shape, network, symbols)
        serve({
            "train": training.steps,
            "sample": lambda length: best_sampling_speed(network, length),
            "about": lambda: f"PyTorch {torch.__version__}, {torch.get_num_threads()} threads",
        })  # fmt: skip


if __name__ == "__main__":
    main()
