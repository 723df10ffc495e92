"""Small networks with random weights, and what the tests of the mathematics need to compute with them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from importlib.util import find_spec
from typing import Any, cast

import numpy as np

from charlm.arrays import Array, Ids, IntArray
from charlm.corpus.windows import Window, Windows
from charlm.inference.scorer import Scorer
from charlm.kernels.choice import load_backend
from charlm.network.architecture import Architecture, State
from charlm.network.model import Model
from charlm.network.parameters import Parameters
from charlm.network.regularisers.dropout import Dropout
from charlm.network.workspace import Prepared
from charlm.training.batch import Batch
from charlm.training.optimizers import Adam, Optimizer, Rule
from charlm.training.schedules import Constant
from charlm.training.trainer import Plan, Trainer
from charlm.workers.ranks import Ranks
from charlm.workers.team import Team

FUSED = find_spec("numba") is not None and find_spec("charlm.kernels.fused") is not None
BACKENDS = ("numpy", "fused") if FUSED else ("numpy",)
DTYPES = {"numpy": ("float64", "float32"), "fused": ("float32",)}
KERNELS = [(kernels, dtype) for kernels in BACKENDS for dtype in DTYPES[kernels]]
ROUNDING = {"float64": 1e-12, "float32": 2e-5}  # of sums over small networks, as a share of their largest element

NO_DROPOUT = Dropout()
FRESH = Dropout(0.3, 0.25, 0.4)
LOCKED = replace(FRESH, locked=True)
START = 0  # the symbol before which an item starts, where a network has one

# How symbols may enter a network of 6 units that is read one symbol at a time.
INPUTS: dict[str, dict[str, Any]] = {
    "one-hot": {},
    "embedding": {"embedding_size": 4},
    "tied": {"embedding_size": 6, "tie_weights": True},
    "lines": {"start_symbol": 2},
}


@dataclass(frozen=True, slots=True)
class Variant:
    """The options of a network besides its cell and layers; `embedding` is E - H, as tied weights need E = H."""

    embedding: int | None = None
    tied: bool = False
    lines: bool = False
    dropout: Dropout = NO_DROPOUT

    def architecture(self, cell: str, num_layers: int, V: int, H: int, dtype: str = "float64") -> Architecture:
        """Return a network of this variant."""
        embedding_size = None if self.embedding is None else H + self.embedding
        return Architecture(cell, V, H, num_layers, embedding_size, self.tied, dtype, START if self.lines else None)


VARIANTS = {
    "one-hot": Variant(),
    "embedding": Variant(embedding=-1),
    "tied": Variant(embedding=0, tied=True),
    "lines": Variant(lines=True),
    "one-hot-dropout": Variant(dropout=FRESH),
    "one-hot-locked": Variant(dropout=LOCKED),
    "embedding-dropout": Variant(embedding=1, dropout=FRESH),
    "embedding-locked": Variant(embedding=-1, dropout=LOCKED),
    "tied-dropout": Variant(embedding=0, tied=True, dropout=FRESH),
    "tied-lines-locked": Variant(embedding=0, tied=True, lines=True, dropout=LOCKED),
}


@dataclass(frozen=True, slots=True)
class Result:
    """The results of a window, in arrays of their own."""

    loss: float
    logits: Array
    state: State
    gradients: Parameters
    d_initial: State


def copied(state: Sequence[Sequence[Array]]) -> State:
    """Return a state in memory of its own."""
    return tuple(tuple(array.copy() for array in layer) for layer in state)


def streams_of(state: State, streams: slice) -> State:
    """Return the state of some of the streams."""
    return tuple(tuple(array[streams] for array in layer) for layer in state)


def arrays_of(state: State) -> list[Array]:
    """Return the arrays of a state in a list."""
    return [array for layer in state for array in layer]


class Network:
    """A model with random weights; every call computes in new arrays."""

    def __init__(
        self, architecture: Architecture, seed: int = 0, kernels: str = "numpy", dropout: Dropout | None = None
    ) -> None:
        self.model = Model(architecture, load_backend(kernels))
        self.dropout = dropout or NO_DROPOUT
        self.seed = seed
        rng = np.random.default_rng(seed)
        self.parameters = self.model.architecture.initial_parameters(seed)
        self.parameters.flat += rng.normal(0, 0.3, self.parameters.flat.shape).astype(architecture.dtype)

    def ids(self, T: int, B: int, seed: int = 1) -> IntArray:
        """Return random symbols, (T, B)."""
        V = self.model.architecture.vocabulary_size
        return np.random.default_rng(seed).integers(0, V, (T, B)).astype(np.int32)

    def state(self, B: int, seed: int = 2) -> State:
        """Return a random state of B streams."""
        rng = np.random.default_rng(seed)
        zero = self.model.architecture.zero_state(B)
        return tuple(tuple(rng.normal(0, 0.5, a.shape).astype(a.dtype) for a in layer) for layer in zero)

    def prepared(self) -> Prepared:
        """Return the weights as windows read them."""
        prepared = self.model.prepared()
        self.model.prepare(self.parameters, prepared)
        return prepared

    def read(self, inputs: IntArray, initial: State) -> tuple[Array, State]:
        """Return the logits (T, B, V) of a window without dropout, and the state after it."""
        T, B = inputs.shape
        workspace = self.model.workspace(T, B)
        state = self.model.forward(self.parameters, self.prepared(), workspace, inputs, initial)
        return workspace.logits.reshape(T, B, -1), copied(state)

    def learn(
        self, inputs: IntArray, targets: IntArray, initial: State, scale: float | None = None, step: int = 0
    ) -> Result:
        """Return all that a training window computes; its logits are those before the gradient replaced them."""
        T, B = inputs.shape
        prepared, workspace = self.prepared(), self.model.workspace(T, B, self.dropout)
        for mask in workspace.masks:
            if mask is not None:
                mask.draw(self.seed, step)
        self.model.forward(self.parameters, prepared, workspace, inputs, initial)
        logits = workspace.logits.reshape(T, B, -1).copy()
        scale = 1 / inputs.size if scale is None else scale
        loss, state = self.model.loss_and_gradients(
            self.parameters, prepared, workspace, inputs, targets, initial, scale
        )
        d_initial = copied([loop.d_initial for loop in workspace.loops])
        return Result(loss, logits, copied(state), workspace.gradients.copy(), d_initial)


def assert_close(actual: Any, expected: Any, tolerance: float) -> None:
    """Compare arrays by their largest difference, as a share of the largest expected element (or of 1e-3)."""
    actual, expected = np.asarray(actual), np.asarray(expected)
    assert actual.shape == expected.shape
    assert np.isfinite(actual).all()
    largest = max(float(np.abs(expected).max(initial=0)), 1e-3)
    assert float(np.abs(actual - expected).max(initial=0)) <= tolerance * largest


class FixedWindows:
    """Windows in the trainer's form from text of B streams, (N, B), which one epoch reads once."""

    def __init__(self, text: IntArray, T: int) -> None:
        self.text, self.T = text.astype(np.int32), T
        self.steps_per_epoch = (len(text) - 1) // T

    def at(self, step: int) -> Window:
        """Return the window of a step."""
        epoch, window = divmod(step, self.steps_per_epoch)
        start = window * self.T
        read = self.text[start : start + self.T + 1]
        return Window(read[:-1], read[1:], epoch, window == 0)


PLAN = Plan(
    total_steps=10,
    learning_rate=0.05,
    schedule=Constant(),
    clip_norm=None,
    clip_value=None,
    ema=None,
    reset_probability=0.0,
    eval_every=1_000_000,
    early_stopping=None,
    seed=1,
)
NO_TEXT: Ids = np.zeros(0, np.uint8)


class Training:
    """A trainer of a network over a fixed text, with its team; a context manager that ends its threads."""

    def __init__(
        self,
        network: Network,
        text: IntArray,
        T: int,
        *,
        plan: Plan = PLAN,
        rule: Rule | None = None,
        workers: int = 1,
        valid: Ids = NO_TEXT,
        batch_type: type[Batch] = Batch,
        scorer_type: type[Scorer] = Scorer,
    ) -> None:
        B = text.shape[1]
        self.team = Team(workers)
        self.batch = batch_type(
            network.model, network.parameters, T, B, network.dropout, network.seed, self.team, Ranks()
        )
        self.optimizer = Optimizer(rule or Adam(), network.parameters, self.batch.gradients, network.model.backend)
        windows = cast(Windows, FixedWindows(text, T))
        scorer = scorer_type(network.model, self.team)
        self.trainer = Trainer(plan, self.batch, self.optimizer, windows, scorer, valid)

    def __enter__(self) -> Trainer:
        return self.trainer

    def __exit__(self, *_: object) -> None:
        self.team.close()


def pairs(state: State, other: State) -> Iterator[tuple[Array, Array]]:
    """Return the arrays of two states side by side."""
    return zip(arrays_of(state), arrays_of(other), strict=True)
