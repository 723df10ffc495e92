"""From a configuration to the parts of a training: network, kernels, workers, batch and trainer."""

from charlm import phrases
from charlm.arrays import Ids
from charlm.config import Config
from charlm.corpus.windows import Windows
from charlm.errors import UsageError
from charlm.inference.scorer import Scorer
from charlm.kernels.choice import choose, load_backend
from charlm.memory import machine_memory
from charlm.network.architecture import Architecture
from charlm.network.model import Model
from charlm.ngram.counting import count, pruned
from charlm.ngram.mixture import Mixture, initial_scales
from charlm.phrases import megabytes
from charlm.training import memory
from charlm.training.batch import Batch
from charlm.training.optimizers import RULES, Optimizer
from charlm.training.trainer import Plan, Trainer
from charlm.workers.ranks import Ranks
from charlm.workers.split import Split, plan_split
from charlm.workers.team import Team

GIGABYTE = 10**9
MEGABYTE = 10**6
AUTO_ORDER = 9  # beside a network less was worse, and more won little, on the texts of docs/recipes.md
COUNTED = 20  # bytes for each symbol of the text and each order while it is counted, about


def architecture(config: Config, vocabulary_size: int, start_symbol: int | None) -> Architecture:
    """Return the network that a configuration describes, for V symbols.

    Parameters
    ----------
    config : Config
        The configuration.
    vocabulary_size : int
        V.
    start_symbol : int or None
        The symbol before which an item starts, in lines mode.
    """
    m = config.model
    return Architecture(
        cell=m.cell,
        vocabulary_size=vocabulary_size,
        hidden_size=m.hidden_size,
        num_layers=m.num_layers,
        embedding_size=m.embedding_size,
        tie_weights=m.tie_weights,
        dtype=m.dtype,
        start_symbol=start_symbol,
    )


def network(config: Config, vocabulary_size: int, start_symbol: int | None, kernels: str | None = None) -> Model:
    """Return that network with its kernels, those of a name or the configuration's choice."""
    described = architecture(config, vocabulary_size, start_symbol)
    return Model(described, load_backend(choose(kernels or config.kernels, described.dtype)))


def split(config: Config, model: Model, ranks: Ranks) -> Split:
    """Return how the streams of this rank are split over workers."""
    return plan_split(
        config.workers,
        config.training.batch_size // ranks.size,
        threads_pay=model.architecture.hidden_size >= model.backend.threads_from,
        processes=ranks.on_this_machine(),
    )


def needed_memory(config: Config, model: Model, workers: int, ranks: Ranks) -> int:
    """Return about how many bytes a training takes on this machine, in all of its ranks there."""
    t, processes = config.training, ranks.on_this_machine()
    bytes_of_a_rank = memory.needed_memory(
        model.architecture,
        t.seq_length,
        -(-t.batch_size // ranks.size),
        config.model.dropout.build(),
        workers=workers,
        moments=len(RULES[config.optimizer.name].moments) + (config.optimizer.name == "muon"),  # its matrices' mean
        averaged=t.ema is not None,
    )
    return processes * bytes_of_a_rank


def _check(needed: int, what: str, advice: str) -> None:
    """Raise a `UsageError` if something takes more memory than the machine has."""
    there = machine_memory()
    if there is not None and needed > there:
        raise UsageError(
            f"{what} takes about {needed / GIGABYTE:,.1f} GB of memory, and this machine has "
            f"{there / GIGABYTE:,.1f} GB; {advice}"
        )


def check_memory(config: Config, model: Model, workers: int, ranks: Ranks) -> None:
    """Raise a `UsageError` if a training takes more memory than the machine has."""
    advice = "lower model.hidden_size, training.batch_size or training.seq_length"
    _check(needed_memory(config, model, workers, ranks), "the training", advice)


def mixture(config: Config, text: Ids, vocabulary_size: int, start_symbol: int | None) -> tuple[Mixture | None, str]:
    """Count the n-gram that a configuration asks for in the training text.

    Returns
    -------
    Mixture or None
        The n-gram, with scales before any were fitted.
    str
        What was counted.

    Raises
    ------
    UsageError
        If counting takes more memory than the machine has.
    """
    settings = config.model.ngram
    if settings.order is None:
        return None, ""
    order = AUTO_ORDER if settings.order == "auto" else settings.order
    advice = "lower model.ngram.order or set it to null, or train on less text"
    _check(COUNTED * order * len(text), "counting the n-gram", advice)
    most = int(settings.max_megabytes * MEGABYTE)
    counted, least = pruned(count(text, vocabulary_size, order, start_symbol), most)
    asked = "" if counted.order == order or settings.order == "auto" else f" ({order} were asked for)"
    length = phrases.count(counted.order, "symbol")
    note = f"n-gram of {length}{asked}: {counted.entries:,} entries, {megabytes(counted.size)}"
    if least > 1:
        rare = f"contexts of two symbols or more that occurred fewer than {least} times"
        note += f"; {rare} are left out, for model.ngram.max_megabytes"
    if counted.size > most:
        note += f", which its shortest contexts alone exceed ({settings.max_megabytes:g} MB)"
    return Mixture(counted, initial_scales(counted.order)), note


def batch(config: Config, model: Model, team: Team, ranks: Ranks) -> Batch:
    """Return what computes gradients, with the weights that training starts from.

    Raises
    ------
    UsageError
        If a training takes more memory than the machine has; nothing has been allocated then.
    """
    t = config.training
    check_memory(config, model, team.workers, ranks)
    return Batch(
        model,
        model.architecture.initial_parameters(config.seed),
        t.seq_length,
        t.batch_size,
        config.model.dropout.build(),
        config.seed,
        team,
        ranks,
    )


def trainer(
    config: Config, of: Batch, windows: Windows, valid: Ids, total_steps: int, eval_every: int | None = None,
    mixture: Mixture | None = None,
) -> Trainer:  # fmt: skip
    """Return the training loop over a batch.

    Parameters
    ----------
    config : Config
        The configuration.
    of : Batch
        Computes gradients; holds the weights.
    windows : Windows
        The training text.
    valid : ndarray of int
        The validation text.
    total_steps : int
        The length of the run.
    eval_every : int, optional
        Steps between two evaluations; the configuration's where it is not given.
    mixture : Mixture, optional
        The n-gram that is added to the network.
    """
    c, t = config, config.training
    optimizer = Optimizer(c.optimizer.build(), of.parameters, of.gradients, of.model.backend)
    plan = Plan(
        total_steps=total_steps,
        learning_rate=c.optimizer.learning_rate,
        schedule=c.schedule.build(),
        clip_norm=t.clip_norm,
        clip_value=t.clip_value,
        ema=t.ema,
        reset_probability=t.reset_probability,
        eval_every=eval_every or t.eval_every,
        early_stopping=t.early_stopping,
        seed=c.seed,
        warmup_steps=c.schedule.warmup_steps,
    )
    return Trainer(plan, of, optimizer, windows, Scorer(of.model, of.team, of.prepared, mixture), valid)
