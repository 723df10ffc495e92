"""What others propose for recurrent networks, tried in PyTorch before any of it is built into charlm.

    python benchmarks/ablations.py data/tiny-shakespeare.txt
    python benchmarks/ablations.py data/tiny-shakespeare.txt --layer-norm
    python benchmarks/ablations.py data/plays/*.txt --output-dropout 0.3 --zoneout 0.05

Each run prints the loss of the validation part, in nats, after each quarter of its training. The training is
that of `configs/shakespeare-2min.yaml`, here with one layer of 256, but for what an option changes; Muon is charlm's
equation, the random numbers are not charlm's. Needs PyTorch beside charlm, as `make bench-torch` installs them.
"""

import argparse
from math import cos, pi
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional

from charlm.training import orthogonal
from charlm.training.optimizers import ORTHOGONAL

SPLIT = 0.9, 0.95  # of each of several texts; of one text the last tenth is for validation
BETAS = 0.5, 0.99
WARMUP = 100  # steps
VALIDATION_STREAMS = 50


def options() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("text", nargs="+", type=Path)
    for name, value, words in (
        ("steps", 3000, "of 32 x 64 characters"),
        ("seed", 1, "of weights and masks"),
        ("hidden-size", 256, "H"),
        ("num-layers", 1, "L"),
        ("input-dropout", 0.0, "of the characters that a window reads"),
        ("output-dropout", 0.1, "after the last layer"),
        ("between-dropout", 0.0, "between layers"),
        ("learning-rate", 1.2e-2, "the highest"),
        ("weight-decay", 3e-2, "decoupled"),
        ("batch-size", 32, "B"),
        ("seq-length", 64, "T"),
        ("zoneout", 0.0, "how likely a unit keeps its state (Krueger et al. 2017)"),
        ("symbol-dropout", 0.0, "how likely a window does not see a symbol (Gal & Ghahramani 2016)"),
        ("weight-drop", 0.0, "how likely a recurrent weight is zero for a window (Merity et al. 2018)"),
        ("activation", 0.0, "times the mean square of what dropout leaves of the output (Merity et al. 2017)"),
        ("temporal", 0.0, "times the mean square of the output's changes (the same)"),
        ("random-windows", 0, "the standard deviation of T (Merity et al. 2018)"),
    ):
        parser.add_argument(f"--{name}", type=type(value), default=value, help=f"{words} (default {value})")
    parser.add_argument("--layer-norm", action="store_true", help="of both pre-activations (Ba et al. 2016)")
    parser.add_argument("--residual", action="store_true", help="add what a layer reads to what it says")
    parser.add_argument("--read-all", action="store_true", help="let the output see all layers (Graves 2013)")
    parser.add_argument("--growing-windows", action="store_true", help="T/2, T and 2T, for a third of the text each")
    parser.add_argument("--growing-batches", action="store_true", help="B/2, B and 2B, for a third of the text each")
    return parser.parse_args()


class Network:
    """GRU layers with the regularisers that the options name.

    Parameters
    ----------
    symbols : int
        V.
    options : argparse.Namespace
        The command line.
    """

    def __init__(self, symbols: int, options: argparse.Namespace) -> None:
        self.options = options
        units, self.symbols = options.hidden_size, symbols
        self.weights: dict[str, torch.Tensor] = {}
        for layer in range(options.num_layers):
            self._add(f"ih{layer}", 3 * units, units if layer else symbols)
            self._add(f"hh{layer}", 3 * units, units)
            for side in ("i", "h"):
                self.weights[f"bias_{side}{layer}"] = torch.zeros(3 * units)
                if options.layer_norm:
                    self.weights[f"gain_{side}{layer}"] = torch.ones(3 * units)
        self._add("out", symbols, units * (options.num_layers if options.read_all else 1))
        self.weights["bias_out"] = torch.zeros(symbols)
        for weight in self.weights.values():
            weight.requires_grad_()

    def _add(self, name: str, rows: int, columns: int) -> None:
        limit = self.options.hidden_size**-0.5
        self.weights[name] = torch.empty(rows, columns).uniform_(-limit, limit)

    def zero_state(self, streams: int) -> list[torch.Tensor]:
        """Return the state of streams that have read nothing."""
        return [torch.zeros(streams, self.options.hidden_size) for _ in range(self.options.num_layers)]

    def forward(
        self, ids: torch.Tensor, states: list[torch.Tensor], training: bool
    ) -> tuple[torch.Tensor, list[torch.Tensor], torch.Tensor]:
        """Return the logits, the states after the window, and what the regularisers of activations add to the loss."""
        o, w = self.options, self.weights
        outputs: list[torch.Tensor] = []
        leaving = []
        for layer in range(o.num_layers):
            if layer == 0:
                table = w["ih0"].t()
                if training and o.symbol_dropout:
                    table = table * mask(o.symbol_dropout, self.symbols, 1)
                pre = functional.embedding(ids, table)
                if training and o.input_dropout:
                    pre = pre * mask(o.input_dropout, *ids.shape, 1)
            else:
                pre = dropped(outputs[-1], o.between_dropout, training) @ w[f"ih{layer}"].t()
            out, state = self._recurrence(self._normed(pre, layer, "i"), states[layer], layer, training)
            if o.residual and layer:
                out = out + outputs[-1]
            outputs.append(out)
            leaving.append(state.detach())
        last = torch.cat(outputs, 2) if o.read_all else outputs[-1]
        read = dropped(last, o.output_dropout, training)
        penalty = o.activation * read.pow(2).mean() + o.temporal * (last[1:] - last[:-1]).pow(2).mean()
        return read @ w["out"].t() + w["bias_out"], leaving, penalty

    def _normed(self, pre: torch.Tensor, layer: int, side: str) -> torch.Tensor:
        """Add the bias; with layer norm, each gate's pre-activations get the mean 0 and the variance 1 first."""
        if self.options.layer_norm:
            gates = pre.unflatten(-1, (3, -1))
            pre = functional.layer_norm(gates, gates.shape[-1:]).flatten(-2) * self.weights[f"gain_{side}{layer}"]
        return pre + self.weights[f"bias_{side}{layer}"]

    def _recurrence(
        self, pre: torch.Tensor, state: torch.Tensor, layer: int, training: bool
    ) -> tuple[torch.Tensor, torch.Tensor]:
        o, units = self.options, self.options.hidden_size
        weight = self.weights[f"hh{layer}"]
        if training and o.weight_drop:
            weight = weight * mask(o.weight_drop, *weight.shape)
        weight = weight.t()
        out = []
        for from_input in pre.unbind(0):
            from_state = self._normed(state @ weight, layer, "h")
            gates = torch.sigmoid(from_input[:, : 2 * units] + from_state[:, : 2 * units])
            reset, update = gates.chunk(2, 1)
            new = torch.tanh(from_input[:, 2 * units :] + reset * from_state[:, 2 * units :])
            following = new + update * (state - new)
            if o.zoneout:
                kept = (torch.rand(state.shape) < o.zoneout).float() if training else o.zoneout
                following = kept * state + (1 - kept) * following
            state = following
            out.append(state)
        return torch.stack(out), state


def mask(rate: float, *shape: int) -> torch.Tensor:
    """Return 0 with a probability, else what keeps the mean."""
    return (torch.rand(shape) >= rate).float() / (1 - rate)


def dropped(x: torch.Tensor, rate: float, training: bool) -> torch.Tensor:
    """Apply dropout."""
    return x * mask(rate, *x.shape) if training and rate else x


class Muon:
    """charlm's Muon: orthogonal steps for the matrices between states, AdamW for the others."""

    def __init__(self, weights: dict[str, torch.Tensor], decay: float) -> None:
        self._weights, self._decay = weights, decay
        self._moments = {name: (torch.zeros_like(w), torch.zeros_like(w)) for name, w in weights.items()}

    @torch.no_grad()
    def step(self, rate: float, number: int) -> None:
        """Take a step, counted from 1, and forget the gradients."""
        for name, weight in self._weights.items():
            assert weight.grad is not None
            mean, square = self._moments[name]
            if name.startswith(("hh", "ih")) and name != "ih0":
                mean += (1 - orthogonal.MOMENTUM) * (weight.grad - mean)
                for gate, direction in zip(weight.chunk(3), mean.chunk(3), strict=True):
                    gate *= 1 - ORTHOGONAL * rate * self._decay
                    gate -= ORTHOGONAL * rate * torch.from_numpy(orthogonal.orthogonal(direction.numpy()))
            else:
                mean += (1 - BETAS[0]) * (weight.grad - mean)
                square += (1 - BETAS[1]) * (weight.grad**2 - square)
                root = (square / (1 - BETAS[1] ** number)).sqrt() + 1e-8
                weight *= 1 - rate * self._decay
                weight -= rate / (1 - BETAS[0] ** number) * mean / root
            weight.grad = None


def read(texts: list[Path]) -> tuple[torch.Tensor, torch.Tensor, int]:
    """Return the training part, the validation part and the number of symbols."""
    first, last = SPLIT if len(texts) > 1 else (SPLIT[0], 1.0)
    train = valid = ""
    for path in sorted(texts):
        text = path.read_text("utf-8")
        train += text[: int(first * len(text))]
        valid += text[int(first * len(text)) : int(last * len(text))]
    ids = {symbol: number for number, symbol in enumerate(sorted(set(train + valid)))}
    return torch.tensor([ids[s] for s in train]), torch.tensor([ids[s] for s in valid]), len(ids)


def streams(text: torch.Tensor, count: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Return a text as streams, and what follows each of their symbols, both (length, streams)."""
    length = (len(text) - 1) // count
    inputs, targets = text[: length * count], text[1 : length * count + 1]
    return inputs.view(count, length).t().contiguous(), targets.view(count, length).t().contiguous()


@torch.no_grad()
def validate(network: Network, text: torch.Tensor) -> float:
    """Return the loss of a text, in nats a character."""
    inputs, targets = streams(text, VALIDATION_STREAMS)
    states, total = network.zero_state(VALIDATION_STREAMS), 0.0
    for begin in range(0, len(inputs), 256):
        logits, states, _ = network.forward(inputs[begin : begin + 256], states, training=False)
        total += functional.cross_entropy(
            logits.flatten(0, 1), targets[begin : begin + 256].flatten(), reduction="sum"
        ).item()
    return total / inputs.numel()


def main() -> None:
    """Train, and print the losses."""
    o = options()
    torch.manual_seed(o.seed)
    random = np.random.default_rng(o.seed)
    train, valid, symbols = read(o.text)
    network = Network(symbols, o)
    optimizer = Muon(network.weights, o.weight_decay)
    total, done, step, size, quarter = o.steps * o.batch_size * o.seq_length, 0, 0, 0, 1
    while done < total:
        third = int(3 * done / total)
        count = [o.batch_size // 2, o.batch_size, 2 * o.batch_size][third] if o.growing_batches else o.batch_size
        length = [o.seq_length // 2, o.seq_length, 2 * o.seq_length][third] if o.growing_windows else o.seq_length
        if o.random_windows:
            middle = length if random.random() < 0.95 else length / 2
            length = max(8, int(random.normal(middle, o.random_windows)))
        if count != size:
            size, place = count, 0
            (inputs, targets), states = streams(train, size), network.zero_state(size)
        if place + length > len(inputs):
            place, states = 0, network.zero_state(size)
        logits, states, penalty = network.forward(inputs[place : place + length], states, training=True)
        loss = functional.cross_entropy(logits.flatten(0, 1), targets[place : place + length].flatten())
        (loss + penalty).backward()
        place, done, step = place + length, done + length * size, step + 1
        rate = o.learning_rate * min(1, step / WARMUP) * (1 + cos(pi * min(1, done / total))) / 2
        optimizer.step(rate * length / o.seq_length if o.random_windows else rate, step)
        if done >= quarter * total / 4:
            print(f"{quarter}/4 of the training, {step:,} steps: {validate(network, valid):.4f}", flush=True)
            quarter += 1


if __name__ == "__main__":
    main()
