"""The control of `benchmarks/warpeace.py`: the same training done by PyTorch, its dropout and its random numbers.

    python benchmarks/warpeace_torch.py data/warpeace.txt --epochs 5

Needs PyTorch beside charlm, as `make bench-torch` installs them. It reads the same windows and starts from the same
initial weights; the test losses are charlm's, of the weights that PyTorch has trained.
"""

import argparse
from time import perf_counter

import torch
from torch import nn
from warpeace import CONFIG, INITIAL, test_loss, whole_windows

from charlm.config import Override, load
from charlm.corpus.loading import load as load_corpus
from charlm.corpus.windows import Windows
from charlm.files import modelfile
from charlm.kernels.choice import load_backend
from charlm.network.architecture import Architecture
from charlm.network.model import Model


class Network(nn.Module):
    """The benchmark's network, with PyTorch's layers under the names of a checkpoint's tensors."""

    def __init__(self, a: Architecture, dropout: tuple[float, float, float]) -> None:
        super().__init__()
        assert a.embedding_size is not None
        self.embedding = nn.Embedding(a.vocabulary_size, a.embedding_size)
        self.layers = nn.ModuleList(nn.LSTM(a.hidden_size, a.hidden_size) for _ in range(a.num_layers))
        self.drops = nn.ModuleList(nn.Dropout(rate) for rate in dropout)
        self.decoder = nn.Linear(a.hidden_size, a.vocabulary_size)
        for layer in self.layers:
            layer.bias_hh_l0.requires_grad_(False)  # charlm has one bias

    def named(self) -> dict[str, torch.Tensor]:
        """Return the weights as a checkpoint names them."""
        tensors = {"embedding.weight": self.embedding.weight}
        for number, layer in enumerate(self.layers):
            tensors |= {f"rnn.{name[:-1]}{number}": tensor for name, tensor in layer.named_parameters()}
        return {**tensors, "decoder.weight": self.decoder.weight, "decoder.bias": self.decoder.bias}

    def forward(self, inputs: torch.Tensor, states: list[tuple[torch.Tensor, torch.Tensor] | None]) -> torch.Tensor:
        """Return the logits, and leave in `states` what the streams carry on."""
        x = self.drops[0](self.embedding(inputs))
        for number, layer in enumerate(self.layers):
            x, (h, c) = layer(x, states[number])
            states[number] = (h.detach(), c.detach())
            x = self.drops[number + 1](x)
        return self.decoder(x)


def main() -> None:
    """Train and print a line an epoch."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("text", help="War and Peace as DeepOBS prepares it")
    parser.add_argument("--epochs", type=int, default=5, help="how many to train (default 5)")
    arguments = parser.parse_args()
    config = load(CONFIG, (), [Override("corpus.path", arguments.text, "text")])
    corpus = load_corpus(**config.corpus.model_dump(), seed=config.seed)
    m, t = config.model, config.training
    described = Architecture(m.cell, len(corpus.vocabulary), m.hidden_size, m.num_layers, m.embedding_size)
    model = Model(described, load_backend("numpy"))
    torch.manual_seed(config.seed)
    network = Network(described, (m.dropout.input, m.dropout.between, m.dropout.output))
    initial = modelfile.to_tensors(described, INITIAL["tensorflow"](model, config.seed))
    with torch.no_grad():
        for name, tensor in network.named().items():
            tensor.copy_(torch.from_numpy(initial[name].copy()))
    trained = [tensor for tensor in network.parameters() if tensor.requires_grad]
    optimizer = torch.optim.Adam(trained, lr=config.optimizer.learning_rate, fused=True)
    text = whole_windows(corpus.train, t.batch_size, t.seq_length)
    windows = Windows(text, t.batch_size, t.seq_length, config.seed, rotate=False)
    states: list[tuple[torch.Tensor, torch.Tensor] | None] = [None] * m.num_layers
    print(f"{'epoch':>5}{'training':>10}{'test':>9}{'seconds':>9}")
    for epoch in range(1, arguments.epochs + 1):
        started, total = perf_counter(), 0.0
        for step in range((epoch - 1) * windows.steps_per_epoch, epoch * windows.steps_per_epoch):
            window = windows.at(step)
            if window.first:
                states = [None] * m.num_layers
            logits = network(torch.from_numpy(window.inputs).long(), states)
            targets = torch.from_numpy(window.targets).long().reshape(-1)
            loss = nn.functional.cross_entropy(logits.reshape(len(targets), -1), targets)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item()
        seconds = perf_counter() - started
        arrays = {name: tensor.detach().numpy() for name, tensor in network.named().items()}
        tested = test_loss(model, modelfile.from_tensors(model, arrays), corpus.test, t.batch_size, t.seq_length)
        print(f"{epoch:>5}{total / windows.steps_per_epoch:>10.4f}{tested:>9.4f}{seconds:>9.0f}", flush=True)


if __name__ == "__main__":
    main()
