"""Trains, writes and takes a training step apart, on random symbols, with a clock in hand."""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from time import perf_counter

import numpy as np

from charlm import assemble
from charlm.arrays import Ids
from charlm.bench.products import BACKWARD, FORWARD, INPUT, READ_OUT, WEIGHTS, Product, products
from charlm.bench.stopwatch import LOOK_UP, OPTIMIZER, SOFTMAX, Stopwatch
from charlm.config import Config
from charlm.corpus.windows import Windows
from charlm.inference.filters import Filter
from charlm.inference.sampler import Sampler
from charlm.memory import peak_memory
from charlm.network.architecture import Architecture
from charlm.network.model import Model
from charlm.randomness import Purpose, generator
from charlm.training.orthogonal import OrthogonalSteps
from charlm.training.trainer import Trainer
from charlm.workers.cores import available_cores, blas_cores
from charlm.workers.ranks import Ranks
from charlm.workers.split import Split
from charlm.workers.team import Team

WARM_UP = 3  # steps before the first that counts: caches fill, kernels compile
WINDOWS = 8  # of random symbols, read over and over
PEAK_SIZE = 2048
PEAK_REPEATS = 5
REPLAYS = 5  # of what is timed by itself
WRITTEN = 5_000  # characters written to time sampling
SEED = 1

PREPARING = "preparing weights"
NORM = "gradient norm"
ORTHOGONAL = "orthogonal steps"  # of Muon
REST = "rest"


@dataclass(frozen=True, slots=True)
class Spread:
    """Several measurements of one thing: the middle one, and those a quarter of the way from either end.

    Attributes
    ----------
    median, low, high : float
        The quartiles.
    """

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: list[float]) -> "Spread":
        """Return the quartiles of some values."""
        low, median, high = np.quantile(values, [0.25, 0.5, 0.75])
        return cls(float(median), float(low), float(high))


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a training step.

    Attributes
    ----------
    name : str
        What it does.
    seconds : float
        What it takes in a step; of several workers of one process, the mean.
    flops : int
        The floating-point operations of its matrix products, by all workers together; 0 where there are none.
    measured : str
        ``in place``, inside whole steps; ``alone``, done over again by itself; or ``left over``.
    """

    name: str
    seconds: float
    flops: int
    measured: str


@dataclass(frozen=True, slots=True)
class Report:
    """What `measure` found.

    Attributes
    ----------
    architecture : Architecture
        The network.
    kernels : str
        What computed it: ``numpy`` or ``fused``.
    split : Split
        Who shared a batch.
    steps : int
        How many were timed.
    step : Spread
        Seconds a training step.
    chars_per_second : float
        Symbols trained on in a second, at the median.
    flops : int
        The floating-point operations of a step's matrix products, two for each multiplication with its addition.
    peak : float
        Floating-point operations a second of a large matrix product in the network's dtype on all cores.
    memory : int
        The most memory that had been held by the end of the training steps, in bytes.
    written_per_second : float
        Symbols sampled in a second, in one text.
    parts : list of Part
        Of a step, in its order.
    instrumented : float
        The median seconds of the steps that the parts were measured in.
    loop_products : float
        Seconds that the products inside the time loops take as NumPy calls without what is between them.
    """

    architecture: Architecture
    kernels: str
    split: Split
    steps: int
    step: Spread
    chars_per_second: float
    flops: int
    peak: float
    memory: int
    written_per_second: float
    parts: list[Part]
    instrumented: float
    loop_products: float

    @property
    def flops_per_second(self) -> float:
        """The products' operations in a second of whole training steps, everything else in them included."""
        return self.flops / self.step.median

    @property
    def share_of_peak(self) -> float:
        """How much of the machine's matrix peak training reaches."""
        return self.flops_per_second / self.peak


def measure(config: Config, vocabulary_size: int, steps: int, *, peak_size: int = PEAK_SIZE) -> Report:
    """Train, write and take apart, on random symbols.

    Parameters
    ----------
    config : Config
        The network, its batches and its optimizer; the corpus is not read.
    vocabulary_size : int
        V.
    steps : int
        How many training steps to time, at least 1.
    peak_size : int
        Rows and columns of the square matrices whose product shows the machine's peak.
    """
    model, t = network(config, vocabulary_size), config.training
    split = assemble.split(config, model, Ranks())
    assemble.check_memory(config, model, split.workers, Ranks())
    team = Team(*split)
    symbols = random_symbols(config, vocabulary_size)
    step = Spread.of(_steps(training(config, model, team, symbols), WARM_UP + steps)[WARM_UP:])
    memory = peak_memory()
    peak = matrix_peak(model.architecture.dtype, peak_size)
    instrumented, parts = _parts(config, model, team, steps)
    loop_products = _alone(team, _replays(config, model, team, {FORWARD, BACKWARD}))
    team.close()
    peak = max(peak, matrix_peak(model.architecture.dtype, peak_size))  # again, in case the machine was not quiet
    return Report(
        architecture=model.architecture,
        kernels=model.backend.name,
        split=split,
        steps=steps,
        step=step,
        chars_per_second=t.batch_size * t.seq_length / step.median,
        flops=sum(product.flops for product in _products(config, model.architecture, t.batch_size)),
        peak=max(
            peak, matrix_peak(model.architecture.dtype, peak_size)
        ),  # before and after, in case the machine was not quiet
        memory=memory,
        written_per_second=_sampling_speed(model),
        parts=parts,
        instrumented=instrumented,
        loop_products=loop_products,
    )


def network(config: Config, vocabulary_size: int) -> Model:
    """Return the network of a configuration for V symbols, the first of which starts an item in lines mode."""
    return assemble.network(config, vocabulary_size, 0 if config.corpus.mode == "lines" else None)


def training(config: Config, model: Model, team: Team, symbols: Ids) -> Trainer:
    """Return a trainer that never evaluates, to take steps with.

    Parameters
    ----------
    config : Config
        How to train.
    model : Model
        The configuration's network with its kernels, from `network`.
    team : Team
        The threads.
    symbols : ndarray of int, shape (N,)
        The text, read from its beginning again and again; at least B T + 1 symbols.
    """
    t = config.training
    windows = Windows(symbols, t.batch_size, t.seq_length, config.seed, rotate=False)
    return assemble.trainer(config, assemble.batch(config, model, team, Ranks()), windows, symbols[:0], sys.maxsize)


def random_symbols(config: Config, vocabulary_size: int) -> Ids:
    """Return a text in which every symbol is as likely as any other, of a few windows."""
    size = config.training.batch_size * (config.training.seq_length * WINDOWS + 1)
    return generator(config.seed, Purpose.CHECK).integers(0, vocabulary_size, size).astype(np.uint32)


def _steps(trainer: Trainer, count: int) -> list[float]:
    """Return the seconds of some training steps."""
    return [progress.seconds for progress in islice(trainer.run(), count)]


def _sampling_speed(model: Model) -> float:
    """Return the symbols a second of writing one long text, as `charlm sample` does."""
    team = Team(available_cores())
    sampler = Sampler(model, model.architecture.initial_parameters(SEED), team=team)
    for length in (1, WRITTEN):  # the first compiles what is not compiled yet
        started = perf_counter()
        for _ in sampler.write([0], length, Filter(temperature=0.8), SEED):
            pass
        seconds = perf_counter() - started
    team.close()
    return WRITTEN / seconds


def matrix_peak(dtype: str, size: int) -> float:
    """Return the floating-point operations a second of the best of a few large matrix products on all cores."""
    team = Team(1, blas_cores(available_cores()))
    rng = generator(SEED, Purpose.CHECK)
    left, right = (rng.random((size, size)).astype(dtype) for _ in range(2))
    out = np.empty_like(left)
    best = min(_time(partial(np.matmul, left, right, out)) for _ in range(PEAK_REPEATS))
    team.close()
    return 2 * size**3 / best


def _time(function: Callable[[], object]) -> float:
    started = perf_counter()
    function()
    return perf_counter() - started


def _products(config: Config, architecture: Architecture, streams: int) -> list[Product]:
    return products(architecture, config.training.seq_length, streams, config.model.dropout.input > 0)


def _replays(config: Config, model: Model, team: Team, parts: set[str]) -> list[Callable[[], None]]:
    """Return, for each worker of this process, a function that does its share of the products of some parts."""
    a = model.architecture
    shards = model.split_streams(config.training.batch_size, team.workers)

    def of_worker(streams: int) -> Callable[[], None]:
        runs = [product.replay(a.dtype) for product in _products(config, a, streams) if product.part in parts]

        def run() -> None:
            for each in runs:
                each()

        return run

    return [of_worker(shard.stop - shard.start) for shard in shards]


def _alone(team: Team, functions: Sequence[Callable[[], None]]) -> float:
    """Return the median seconds of one function for each worker, all at once."""
    times = [_time(lambda: team.map(lambda worker: functions[worker]())) for _ in range(1 + REPLAYS)]
    return float(np.median(times[1:]))


def _parts(config: Config, unwatched: Model, team: Team, steps: int) -> tuple[float, list[Part]]:
    """Return the median seconds of steps under the stopwatch, and what they are made of."""
    stopwatch, a = Stopwatch(), unwatched.architecture
    model = Model(a, stopwatch.watch(unwatched.backend))
    trainer = training(config, model, team, random_symbols(config, a.vocabulary_size))
    _steps(trainer, WARM_UP)
    stopwatch.clear()
    times = _steps(trainer, steps)
    flops: dict[str, int] = {}
    for product in _products(config, a, config.training.batch_size):
        flops[product.part] = flops.get(product.part, 0) + product.flops

    def in_place(name: str) -> Part:
        return Part(name, stopwatch.total(name) / steps / team.workers, flops.get(name, 0), "in place")

    def replayed(name: str) -> Part:
        return Part(name, _alone(team, _replays(config, model, team, {name})), flops.get(name, 0), "alone")

    prepared, batch = model.prepared(), trainer.batch
    prepare = [partial(model.prepare, batch.parameters, prepared, w, team.workers) for w in range(team.workers)]
    norm = float(np.median([_time(batch.sum_of_squares) for _ in range(REPLAYS)]))
    parts = [
        Part(PREPARING, _alone(team, prepare), 0, "alone"),
        in_place(FORWARD),
        replayed(INPUT),
        replayed(READ_OUT),
        in_place(SOFTMAX),
        in_place(BACKWARD),
        in_place(WEIGHTS),
        in_place(LOOK_UP),
        Part(NORM, norm, 0, "alone"),
        in_place(OPTIMIZER),
    ]
    if config.optimizer.name == "muon":
        matrices = OrthogonalSteps(0.0, batch.parameters, batch.gradients)
        turn = [partial(matrices.step, 0.0, 1.0, w, team.workers) for w in range(team.workers)]  # rate 0: none moves
        parts.append(Part(ORTHOGONAL, _alone(team, turn), 0, "alone"))
    step = float(np.median(times))
    left_over = max(0.0, step - sum(part.seconds for part in parts))
    return step, [*(part for part in parts if part.seconds > 0), Part(REST, left_over, 0, "left over")]
