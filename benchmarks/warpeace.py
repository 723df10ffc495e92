"""charlm against the published losses of a public benchmark: "tolstoi_char_rnn" of DeepOBS, on War and Peace.

    python benchmarks/warpeace.py data/warpeace.txt --epochs 5

DeepOBS (Schneider, Balles & Hennig 2019, https://github.com/fsschneider/DeepOBS) trains the network of
`configs/deepobs-tolstoi.yaml` on 50 rows of the text's first 80 %, from the beginning in every epoch, with the state
carried along and zero at an epoch's start. It tests on 50 rows of the rest, the state carried from zero, and reports
the mean loss of all characters. This does the same, and starts from the same distributions: DeepOBS leaves them to
TensorFlow 1, which draws everything uniformly within sqrt(6 / (fan-in + fan-out)), the two matrices of an LSTM as one
and the read-out's bias as well, and adds 1 to the forget gate. What differs is the random numbers.
"""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from time import perf_counter

import numpy as np
from pages import write_section

from charlm import assemble
from charlm.arrays import Array, Ids
from charlm.config import Config, Override, load
from charlm.corpus.loading import Corpus
from charlm.corpus.loading import load as load_corpus
from charlm.corpus.windows import Windows
from charlm.network.loss import cross_entropy
from charlm.network.model import Model
from charlm.network.parameters import Parameters
from charlm.training.trainer import Trainer
from charlm.workers.ranks import Ranks
from charlm.workers.team import Team

CONFIG = Path(__file__).parent.parent / "configs" / "deepobs-tolstoi.yaml"
PUBLISHED = {1: 1.7540, 5: 1.4213, 10: 1.3487, 20: 1.3058, 50: 1.2730, 100: 1.2541, 200: 1.2430}  # Adam, seed 42
SIZES = (3_266_185, 83, 653_237)  # characters, symbols, characters of the test part


def tensorflow_weights(model: Model, seed: int) -> Parameters:
    """Return weights drawn as TensorFlow 1 draws them by default."""
    rng = np.random.default_rng(seed)
    a, parameters = model.architecture, model.architecture.parameters()
    for name, array in parameters.items():
        if name.startswith("rnn.bias"):
            array[...] = np.repeat([gate.bias for gate in model.cell.gates], a.hidden_size)
            continue
        fans = sum(array.shape) if array.ndim == 2 else 2 * len(array)
        if name.startswith("rnn.weight"):  # one matrix for the input, which is as wide as the state, and the state
            fans = 2 * a.hidden_size + a.gates_width
        limit = np.sqrt(6 / fans)
        array[...] = rng.uniform(-limit, limit, array.shape)
    return parameters


INITIAL: dict[str, Callable[[Model, int], Parameters]] = {
    "tensorflow": tensorflow_weights,
    "charlm": lambda model, seed: model.architecture.initial_parameters(seed),
}


def whole_windows(ids: Ids, batch_size: int, seq_length: int) -> Ids:
    """Return as much of a text as fills whole windows, and the one character that follows it."""
    window = batch_size * seq_length
    return ids[: (len(ids) - 1) // window * window + 1]


def test_loss(model: Model, parameters: Parameters, ids: Ids, batch_size: int, seq_length: int) -> float:
    """Return the mean loss in nats over a text in B contiguous rows, the state carried from zero."""
    B, T = batch_size, seq_length
    ids = whole_windows(ids, B, T).astype(np.int32)
    inputs, targets = (np.ascontiguousarray(part.reshape(B, -1).T) for part in (ids[:-1], ids[1:]))  # (N / B, B)
    prepared, workspace = model.prepared(), model.workspace(T, B)
    model.prepare(parameters, prepared)
    state, total = model.architecture.zero_state(B), 0.0
    for start in range(0, len(inputs), T):
        window = slice(start, start + T)
        after = model.forward(parameters, prepared, workspace, inputs[window], state)
        state = tuple(tuple(array.copy() for array in layer) for layer in after)
        losses: Array = cross_entropy(workspace.logits, targets[window].reshape(-1))
        total += float(losses.sum(dtype=np.float64))
    return total / inputs.size


def trainer_of(config: Config, corpus: Corpus, initial: str) -> Trainer:
    """Put together what DeepOBS trains."""
    t, ranks = config.training, Ranks()
    model = assemble.network(config, len(corpus.vocabulary), None)
    batch = assemble.batch(config, model, Team(*assemble.split(config, model, ranks)), ranks)
    batch.parameters.flat[...] = INITIAL[initial](model, config.seed).flat
    text = whole_windows(corpus.train, t.batch_size, t.seq_length)
    windows = Windows(text, t.batch_size, t.seq_length, config.seed, rotate=False)
    return assemble.trainer(config, batch, windows, corpus.valid[:0], sys.maxsize)


def measure(config: Config, corpus: Corpus, initial: str, epochs: int) -> dict[int, float]:
    """Train, printing a line an epoch, and return the test losses by epoch."""
    t = config.training
    trainer = trainer_of(config, corpus, initial)
    model, steps = trainer.batch.model, trainer.run()
    losses = {}
    print(f"{'epoch':>5}{'training':>10}{'test':>9}{'published':>11}{'difference':>12}{'seconds':>9}")
    for epoch in range(1, epochs + 1):
        started = perf_counter()
        training = np.mean([next(steps).loss for _ in range(trainer.windows.steps_per_epoch)])
        seconds = perf_counter() - started
        losses[epoch] = test_loss(model, trainer.parameters, corpus.test, t.batch_size, t.seq_length)
        published = ""
        if epoch in PUBLISHED:
            published = f"{PUBLISHED[epoch]:>11.4f}{losses[epoch] - PUBLISHED[epoch]:>+12.4f}"
        print(f"{epoch:>5}{training:>10.4f}{losses[epoch]:>9.4f}{published:>23}{seconds:>9.0f}", flush=True)
    return losses


def check(corpus: Corpus) -> None:
    """Say so where the text is not the benchmark's."""
    found = (corpus.characters, len(corpus.vocabulary), len(corpus.test))
    if found != SIZES:
        print(f"not the benchmark's text: (characters, symbols, of them for test) are {found}, not {SIZES}",
              file=sys.stderr)  # fmt: skip


def table(losses: dict[int, float]) -> str:
    """Return the losses as a table in Markdown."""
    lines = ["| epochs | charlm, nats per character | published | difference |", "|---|---|---|---|"]
    for epoch, loss in losses.items():
        if epoch in PUBLISHED:
            lines.append(f"| {epoch} | {loss:.4f} | {PUBLISHED[epoch]:.4f} | {loss - PUBLISHED[epoch]:+.4f} |")
    return "\n".join(lines)


def main() -> None:
    """Train, print, and write where asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("text", help="War and Peace as DeepOBS prepares it, with its CR LF line ends")
    parser.add_argument("--epochs", type=int, default=5, help="how many to train (default 5)")
    parser.add_argument("--seed", type=int, help="another than the configuration's 42")
    parser.add_argument("--initial", choices=INITIAL, default="tensorflow", help="whose initial weights")
    parser.add_argument("--write", type=Path, metavar="PAGE", help="put the table into a page, between its marks")
    arguments = parser.parse_args()
    extra = [Override("corpus.path", arguments.text, "text")]
    if arguments.seed is not None:
        extra.append(Override("seed", arguments.seed, "--seed"))
    config = load(CONFIG, (), extra)
    corpus = load_corpus(**config.corpus.model_dump(), seed=config.seed)
    check(corpus)
    losses = measure(config, corpus, arguments.initial, arguments.epochs)
    print(f"\n{table(losses)}")
    if arguments.write:
        write_section(arguments.write, "benchmarks/warpeace.py", table(losses))


if __name__ == "__main__":
    main()
