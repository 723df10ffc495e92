"""Trains, writes and takes a training step apart, on random symbols, with a clock in hand."""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from time import perf_counter

import numpy as np

from charlm.arrays import Ids
from charlm.bench.memory import peak_memory
from charlm.bench.products import BACKWARD, FORWARD, INPUT, READ_OUT, WEIGHTS, Product, products
from charlm.bench.stopwatch import LOOK_UP, OPTIMIZER, SOFTMAX, Stopwatch
from charlm.corpus.windows import Windows
from charlm.inference.sampler import Filter, Sampler
from charlm.inference.scorer import Scorer
from charlm.kernels.choice import load_backend
from charlm.network.architecture import Architecture
from charlm.network.model import Model
from charlm.network.regularisers.dropout import Dropout
from charlm.randomness import Purpose, generator
from charlm.training.batch import Batch, split_among
from charlm.training.optimizers import Optimizer, Options
from charlm.training.schedules import Schedule
from charlm.training.trainer import Plan, Trainer
from charlm.workers.ranks import Ranks
from charlm.workers.split import Split, available_cores, plan_split
from charlm.workers.team import Team

WARM_UP = 3  # steps before the first that counts: caches fill, kernels compile
WINDOWS = 8  # of random symbols, read over and over
PEAK_SIZE = 2048  # of the square matrices whose product shows the machine's peak
PEAK_REPEATS = 5
REPLAYS = 5  # of what is timed by itself
WRITTEN = 5_000  # characters written to time sampling
SEED = 1
LEARNING_RATE = 1e-3

PREPARING = "preparing weights"
NORM = "gradient norm"
REST = "rest"


@dataclass(frozen=True, slots=True)
class Setting:
    """What is measured: a network, its batches, and what is done with the gradients.

    Attributes
    ----------
    architecture : Architecture
        The network; its vocabulary's size is how many symbols the random text has.
    kernels : str
        ``numpy`` or ``fused``.
    batch_size, seq_length : int
        B and T.
    dropout : Dropout
        Its rates.
    workers : int or str
        As `charlm.workers.team.plan_split` takes them.
    optimizer : str
        A name from `charlm.training.optimizers.NAMES`.
    options : Options
        The numbers of its rule.
    clip_norm, clip_value, ema : float or None
        As for `charlm.training.trainer.Plan`.
    """

    architecture: Architecture
    kernels: str
    batch_size: int
    seq_length: int
    dropout: Dropout
    workers: int | str
    optimizer: str
    options: Options
    clip_norm: float | None
    clip_value: float | None
    ema: float | None


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
    threads : Split
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

    threads: Split
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


def measure(setting: Setting, steps: int) -> Report:
    """Train, write and take apart, on random symbols.

    Parameters
    ----------
    setting : Setting
        What to measure.
    steps : int
        How many training steps to time, at least 1.
    """
    a = setting.architecture
    model = Model(a, load_backend(setting.kernels))
    threads = plan_split(setting.workers, setting.batch_size, threads_pay=a.hidden_size >= model.backend.threads_from)
    team = Team(*threads)
    trainer = training(setting, model, team, random_symbols(setting))
    step = Spread.of(_steps(trainer, WARM_UP + steps)[WARM_UP:])
    memory = peak_memory()
    peak = matrix_peak(a.dtype)
    instrumented, parts = _parts(setting, team, steps)
    loop_products = _alone(team, _replays(setting, model, team, {FORWARD, BACKWARD}))
    team.close()
    return Report(
        threads=threads,
        steps=steps,
        step=step,
        chars_per_second=setting.batch_size * setting.seq_length / step.median,
        flops=sum(product.flops for product in _products(setting, setting.batch_size)),
        peak=max(peak, matrix_peak(a.dtype)),  # before and after, in case the machine was not quiet
        memory=memory,
        written_per_second=_sampling_speed(setting),
        parts=parts,
        instrumented=instrumented,
        loop_products=loop_products,
    )


def training(setting: Setting, model: Model, team: Team, symbols: Ids) -> Trainer:
    """Return a trainer that never evaluates, to take steps with.

    Parameters
    ----------
    setting : Setting
        What to train.
    model : Model
        The setting's network, made with its kernels.
    team : Team
        The threads.
    symbols : ndarray of int, shape (N,)
        The text, read from its beginning again and again; at least B T + 1 symbols.
    """
    B, T = setting.batch_size, setting.seq_length
    batch = Batch(model, model.architecture.initial_parameters(SEED), T, B, setting.dropout, SEED, team, Ranks())
    optimizer = Optimizer(setting.optimizer, setting.options, batch.parameters, batch.gradients, model.backend)
    plan = Plan(
        total_steps=sys.maxsize,
        learning_rate=LEARNING_RATE,
        schedule=Schedule("constant"),
        clip_norm=setting.clip_norm,
        clip_value=setting.clip_value,
        ema=setting.ema,
        reset_probability=0.0,
        eval_every=sys.maxsize,
        early_stopping=None,
        seed=SEED,
    )
    windows = Windows(symbols, B, T, SEED, rotate=False)
    return Trainer(plan, batch, optimizer, windows, Scorer(model, team, batch.prepared), symbols[:0])


def random_symbols(setting: Setting) -> Ids:
    """Return a text in which every symbol is as likely as any other, of a few windows."""
    size = setting.batch_size * (setting.seq_length * WINDOWS + 1)
    drawn = generator(SEED, Purpose.CHECK).integers(0, setting.architecture.vocabulary_size, size)
    return drawn.astype(np.uint32)


def _steps(trainer: Trainer, count: int) -> list[float]:
    """Return the seconds of some training steps."""
    return [progress.seconds for progress in islice(trainer.run(), count)]


def _sampling_speed(setting: Setting) -> float:
    """Return the symbols a second of writing one long text, as `charlm sample` does."""
    model = Model(setting.architecture, load_backend(setting.kernels))
    team = Team(available_cores())
    sampler = Sampler(model, model.architecture.initial_parameters(SEED), team=team)
    for length in (1, WRITTEN):  # the first compiles what is not compiled yet
        started = perf_counter()
        for _ in sampler.write([0], length, Filter(temperature=0.8), SEED):
            pass
        seconds = perf_counter() - started
    team.close()
    return WRITTEN / seconds


def matrix_peak(dtype: str) -> float:
    """Return the floating-point operations a second of the best of a few large matrix products on all cores."""
    team = Team(1, available_cores())
    rng = generator(SEED, Purpose.CHECK)
    left, right = (rng.random((PEAK_SIZE, PEAK_SIZE)).astype(dtype) for _ in range(2))
    out = np.empty_like(left)
    best = min(_time(partial(np.matmul, left, right, out)) for _ in range(PEAK_REPEATS))
    team.close()
    return 2 * PEAK_SIZE**3 / best


def _time(function: Callable[[], object]) -> float:
    started = perf_counter()
    function()
    return perf_counter() - started


def _products(setting: Setting, streams: int) -> list[Product]:
    return products(setting.architecture, setting.seq_length, streams, setting.dropout.input > 0)


def _replays(setting: Setting, model: Model, team: Team, parts: set[str]) -> list[Callable[[], None]]:
    """Return, for each worker of this process, a function that does its share of the products of some parts."""
    B, dtype = setting.batch_size, setting.architecture.dtype
    shards = split_among(model, B, team.workers)

    def of_worker(streams: int) -> Callable[[], None]:
        runs = [product.replay(dtype) for product in _products(setting, streams) if product.part in parts]

        def run() -> None:
            for each in runs:
                each()

        return run

    return [of_worker(shard.stop - shard.start) for shard in shards]


def _alone(team: Team, functions: Sequence[Callable[[], None]]) -> float:
    """Return the median seconds of one function for each worker, all at once."""
    times = [_time(lambda: team.map(lambda worker: functions[worker]())) for _ in range(1 + REPLAYS)]
    return float(np.median(times[1:]))


def _parts(setting: Setting, team: Team, steps: int) -> tuple[float, list[Part]]:
    """Return the median seconds of steps under the stopwatch, and what they are made of."""
    stopwatch = Stopwatch()
    model = Model(setting.architecture, load_backend(setting.kernels))
    model.backend = stopwatch.watch(model.backend)
    trainer = training(setting, model, team, random_symbols(setting))
    _steps(trainer, WARM_UP)
    stopwatch.clear()
    times = _steps(trainer, steps)
    flops: dict[str, int] = {}
    for product in _products(setting, setting.batch_size):
        flops[product.part] = flops.get(product.part, 0) + product.flops

    def in_place(name: str) -> Part:
        return Part(name, stopwatch.total(name) / steps / team.workers, flops.get(name, 0), "in place")

    def replayed(name: str) -> Part:
        return Part(name, _alone(team, _replays(setting, model, team, {name})), flops.get(name, 0), "alone")

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
    step = float(np.median(times))
    left_over = max(0.0, step - sum(part.seconds for part in parts))
    return step, [*(part for part in parts if part.seconds > 0), Part(REST, left_over, 0, "left over")]
