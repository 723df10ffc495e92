"""A configuration that a text and the minutes choose: `preset: auto`."""

import re
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from typing import Any

from charlm.cells import CELLS
from charlm.config.keys import Config, Corpus, Model
from charlm.config.reading import from_dict
from charlm.corpus.facts import Facts
from charlm.corpus.sources import STANDARD_INPUT, is_read_once
from charlm.corpus.vocabulary import UNITS
from charlm.errors import UsageError
from charlm.phrases import amount, count

DEFAULT_MINUTES = 5.0
TEXTS = (".txt", ".text", ".md", ".csv", ".tsv", ".jsonl", ".gz", ".bz2", ".xz")  # suffixes that no configuration has
SPEEDS = {"fused": 100e9, "numpy": 40e9}  # operations a second of training on as many cores, about:
CORES = 2


@dataclass(frozen=True, slots=True)
class Size:
    """A network for a training of some minutes.

    Attributes
    ----------
    minutes : float
        From which on it pays on a text that is long enough, with fused kernels on two cores.
    hidden_size, num_layers, batch_size : int
        H, L and B.
    cell : str
        Its cell.
    epochs : float
        How often it must read the text in the minutes to pay, by the operations that are counted for them.
    """

    minutes: float
    hidden_size: int
    num_layers: int
    batch_size: int
    cell: str
    epochs: float = 0

    @property
    def operations(self) -> float:
        """What is computed in these minutes."""
        return self.minutes * 60 * SPEEDS["fused"]


@dataclass(frozen=True, slots=True)
class Supply:
    """What a text of some length bears.

    Attributes
    ----------
    characters : int
        From which length on.
    most_units : int
        The largest H that it trains well.
    dropout : float
        After the last layer.
    most_epochs : int
        How often it is read at the most.
    thorough_epochs : int
        How often `THOROUGH` reads it, where the minutes are enough for that; 0 where that network was not tried.
    """

    characters: int
    most_units: int
    dropout: float
    most_epochs: int
    thorough_epochs: int = 0

    def bears(self, size: Size) -> bool:
        """Tell whether the text is long enough for a network of some size."""
        return self.most_units >= size.hidden_size


SIZES = (
    Size(0, 256, 1, 32, "gru"),
    Size(10, 384, 1, 32, "gru"),
    Size(25, 320, 2, 64, "lstm"),
    Size(25, 448, 2, 64, "lstm", epochs=7),
)
SUPPLIES = (
    Supply(0, 128, 0.5, 20),
    Supply(50_000, 256, 0.5, 15, 30),
    Supply(250_000, 256, 0.3, 40, 25),
    Supply(400_000, 512, 0.1, 30),
    Supply(4_000_000, 512, 0.05, 20),
)
THOROUGH = Size(0, 256, 2, 32, "lstm")  # for a short text that the minutes let it read often
THOROUGH_KEYS = {
    "model.dropout.input": 0.1,
    "model.dropout.between": 0.4,
    "model.dropout.output": 0.5,
    "training.ema": 0.998,
    "schedule.final_ratio": 0.2,
}
SELDOM = 3  # times that a text is read at the most, where a single layer is better off without dropout
SELDOM_DEEP = 12  # the same, where two or more layers are better off with little of it
SMALL_DROPOUT, LARGE_DROPOUT = 0.1, 0.3  # after each of two or more layers
LEARNING_RATE, WEIGHT_DECAY = 1.2e-2, 0.03  # of Muon with betas of 0.5 and 0.99
EMBEDDED_FROM = 256  # symbols from which an embedding is smaller than the first layer's matrix


def is_text(path: str) -> bool:
    """Tell by its name whether what is given in place of a configuration is a text to choose one for."""
    return path == STANDARD_INPUT or Path(path).suffix.lower() in TEXTS


def name_of(text: str) -> str:
    """Return the name of a run on a text."""
    return re.sub(r"[^\w-]+", "-", Path(text).stem).strip("-") or "text"


def refuse_preset(config: Config, where: str = "") -> None:
    """Refuse a configuration that leaves keys to a preset, for what reads no text.

    Parameters
    ----------
    config : Config
        A configuration.
    where : str
        What names it at the beginning of the message, with a colon and a blank.

    Raises
    ------
    UsageError
        If it has a preset.
    """
    if config.preset is not None:
        raise UsageError(
            f"{where}preset: {config.preset} chooses by a text, and none is read here; give the config.yaml of a run "
            "that it began"
        )


def resolve(
    config: Config, facts: Facts, kernels: str, cores: int = CORES, source: Path | None = None
) -> tuple[Config, list[str]]:
    """Return a configuration in which the text and the minutes chose every key that was not given.

    Parameters
    ----------
    config : Config
        With `preset: auto`.
    facts : Facts
        What the text is like.
    kernels : str
        ``fused`` or ``numpy``, which is slower.
    cores : int
        How many there are; one computes half as much in its minutes.
    source : Path, optional
        The run or checkpoint whose network `config` has.

    Returns
    -------
    Config
        The choice; `preset` is null in it.
    list of str
        What was chosen and why, a line each.
    """
    minutes = _minutes(config)
    operations = minutes * 60 * SPEEDS[kernels] * min(1.0, cores / CORES)
    size = _size(config, facts, operations)
    chosen = _choose(config, facts, operations, size)
    if config.optimizer.model_fields_set >= {"name"} and config.optimizer.name != chosen["optimizer.name"]:
        chosen = {key: value for key, value in chosen.items() if not key.startswith("optimizer.")}
    if config.schedule.model_fields_set >= {"name"}:
        chosen.pop("schedule.final_ratio", None)  # not every schedule has it
    values = config.to_dict()
    for key, value in chosen.items():
        *sections, name = key.split(".")
        place, model = values, config
        for section in sections:
            place, model = place.setdefault(section, {}), getattr(model, section)
        if name not in model.model_fields_set:
            place[name] = value
    t = config.training
    if t.epochs is None and t.max_steps is None:
        values["training"]["max_minutes"] = minutes
        if t.model_fields_set >= {"epochs", "max_steps"}:  # as in a file of all keys, which thereby gives no length
            values["training"]["epochs"] = chosen["training.epochs"]
    values["preset"] = None
    resolved = from_dict(values, "preset auto")
    time = f"{amount(minutes, 'minute')} with {kernels} kernels{' on one core' * (cores < CORES)}"
    return resolved, _reasons(resolved, config, facts, _why_size(config, facts, operations, size, time, source))


def _minutes(config: Config) -> float:
    t = config.training
    return t.max_minutes if t.max_minutes is not None else DEFAULT_MINUTES


def _supply(facts: Facts) -> Supply:
    return [entry for entry in SUPPLIES if facts.characters >= entry.characters][-1]


def _mode(config: Config, facts: Facts) -> str:
    if "mode" in config.corpus.model_fields_set:
        return config.corpus.mode
    return "lines" if facts.listed and not _why_one_stream(config.corpus) else "stream"


def _epochs(facts: Facts, operations: float, cell: str, units: int, layers: int, embedding: int = 0) -> float:
    """Return how often so much computing lets a network read a text, about."""
    gates = len(CELLS[cell].gates)
    of_a_character = 6 * units * (gates * (units + embedding) + (layers - 1) * gates * 2 * units + facts.symbols)
    return operations / of_a_character / facts.characters


def _epochs_of(size: Size, facts: Facts, operations: float) -> float:
    return _epochs(facts, operations, size.cell, size.hidden_size, size.num_layers)


def _paying(facts: Facts, operations: float) -> list[Size]:
    """Return the networks for which so much computing is enough, whether or not the text bears them."""
    return [
        entry for entry in SIZES
        if operations >= entry.operations and _epochs_of(entry, facts, operations) >= entry.epochs
    ]  # fmt: skip


def _size(config: Config, facts: Facts, operations: float) -> Size:
    """Return the network that so much computing and the text's length choose."""
    m, t, supply = config.model, config.training, _supply(facts)
    own = m.model_fields_set & {"cell", "num_layers", "hidden_size"} or t.epochs is not None or t.max_steps is not None
    if _mode(config, facts) == "stream" and not own and _reads_thoroughly(facts, operations):
        return THOROUGH
    return [SIZES[0], *(entry for entry in _paying(facts, operations) if supply.bears(entry))][-1]


def _why_size(config: Config, facts: Facts, operations: float, size: Size, time: str, source: Path | None) -> str:
    if config.model.model_fields_set >= {"hidden_size"}:
        return "as given" if source is None else f"as in {source}"
    supply = _supply(facts)
    if size is THOROUGH:
        return f"as {time} let it read a text of this length {supply.thorough_epochs} times"
    if not supply.bears(_paying(facts, operations)[-1]):
        return "the most that a text of this length trains well"
    return f"the size for {time} and a text of this length"


def _can_be_lines(corpus: Corpus) -> bool:
    return corpus.split.layout == "tail" and corpus.separator in ("", "\n")


def _why_one_stream(corpus: Corpus) -> str:
    """Say why a list is read as one stream where no mode is given, or nothing where it is read as lines."""
    if not _can_be_lines(corpus):
        return "as lines have no stripes and no separator"
    if is_read_once(corpus.path):  # it stays the stream that it was read as
        return "as it can be read only once (set corpus.mode to lines to read each as an item)"
    return ""


def _choose(config: Config, facts: Facts, operations: float, size: Size) -> dict[str, Any]:
    """Return the keys that go with a size, a text and so much computing, by their dotted names, beside what is given.

    A key that is given has its value here, too, as others follow from it.
    """
    m, t = config.model, config.training

    def given(section: Any, name: str, otherwise: Any) -> Any:
        return getattr(section, name) if name in section.model_fields_set else otherwise

    supply, mode, thorough = _supply(facts), _mode(config, facts), size is THOROUGH
    cell, layers = given(m, "cell", size.cell), given(m, "num_layers", size.num_layers)
    units = given(m, "hidden_size", min(size.hidden_size, supply.most_units))
    embedding = given(m, "embedding_size", min(64, units) if facts.symbols >= EMBEDDED_FROM else None)
    most_epochs = supply.thorough_epochs if thorough else supply.most_epochs
    window = min(64, max(16, 4 * ceil((facts.median_line * 2 + 1) / 4))) if mode == "lines" else 64
    seq_length = given(t, "seq_length", max(1, min(window, facts.characters - 1)))
    batch = given(t, "batch_size", max(1, min(size.batch_size, facts.characters // (4 * seq_length))))
    read = t.epochs or most_epochs
    if t.max_steps is not None:
        read = t.max_steps * batch * seq_length / facts.characters
    if t.max_minutes is not None or (t.epochs is None and t.max_steps is None):
        read = min(read, _epochs(facts, operations, cell, units, layers, embedding or 0))
    if layers == 1:
        dropout = supply.dropout if read > SELDOM else 0.0
    else:
        dropout = max(supply.dropout, LARGE_DROPOUT if read > SELDOM_DEEP else SMALL_DROPOUT)
    steps = max(1, int(read * facts.characters / (batch * seq_length)))
    every = max(50, min(1_000, steps // 12))
    chosen = {
        "corpus.mode": mode,
        "model.cell": cell,
        "model.hidden_size": units,
        "model.num_layers": layers,
        "model.embedding_size": embedding,
        "model.dropout.output": dropout,
        "model.dropout.between": dropout if layers > 1 else 0.0,
        "model.ngram.order": "auto",
        "training.batch_size": batch,
        "training.seq_length": seq_length,
        "training.epochs": float(most_epochs) if t.max_steps is None else None,
        "training.clip_norm": 5.0 if layers == 1 else 1.0,
        "training.eval_every": every,
        "training.checkpoint_every": every,
        "training.sample_every": every,
        "optimizer.name": "muon",
        "optimizer.learning_rate": LEARNING_RATE,
        "optimizer.betas": [0.5, 0.99],
        "optimizer.weight_decay": WEIGHT_DECAY,
        "schedule.name": "cosine",
        "schedule.warmup_steps": min(100, steps // 20),
    }
    return chosen | THOROUGH_KEYS if thorough else chosen


def _reads_thoroughly(facts: Facts, operations: float) -> bool:
    """Tell whether so much computing lets the thorough network read a text as often as it wants to."""
    epochs = _supply(facts).thorough_epochs if facts.symbols < EMBEDDED_FROM else 0
    return 0 < epochs <= _epochs_of(THOROUGH, facts, operations)


def _reasons(config: Config, given: Config, facts: Facts, why_size: str) -> list[str]:
    """Say in five lines what was chosen and why, and what was given."""
    m, t, rate, unit = config.model, config.training, config.optimizer.learning_rate, UNITS[config.corpus.unit].noun
    lines = config.corpus.mode == "lines"
    form = "a list of short lines, each an item of its own" if lines else "a running text, read as one stream"
    if config.corpus.column is not None:
        form = f"the fields of column {config.corpus.column!r}, each an item of its own"
    elif "mode" in given.corpus.model_fields_set:
        form = f"read as {'lines, each an item of its own' if lines else 'one stream'}, as given"
    elif facts.listed and (why := _why_one_stream(config.corpus)):
        form = f"a list of short lines, read as one stream, {why}"
    elif _can_be_lines(config.corpus):
        form += f" (if not, set corpus.mode to {'stream' if lines else 'lines'})"
    ngram = "an n-gram beside it, which knows the text in some seconds (model.ngram.order null leaves it out)"
    if m.ngram.order is None:
        ngram = "no n-gram beside it, as given"
    lengths = [count(t.max_steps, "step")] if t.max_steps is not None else []
    lengths += [amount(t.epochs, "epoch")] if t.epochs is not None else []
    lengths += [amount(t.max_minutes, "minute")] if t.max_minutes is not None else []
    length = ", at most ".join(reversed(lengths))
    if t.epochs is not None and given.training.epochs is None:
        length += ", as more would only learn the text by heart"
    return [
        f"preset auto: {count(facts.characters, unit)} of {count(facts.symbols, 'symbol')} are {form}",
        f"  {m.num_layers} x {m.cell} of {m.hidden_size}: {why_size}",
        f"  {_dropout(m)}",
        f"  {ngram}",
        f"  {length}; {t.batch_size} x {t.seq_length} {unit}s a step; learning rate {rate:g}",
    ]


def _dropout(model: Model) -> str:
    """Say where dropout is, and what for."""
    d = model.dropout
    places = {"on the input": d.input, "between the layers": d.between, "after the last layer": d.output}
    found = [f"{rate:g} {place}" for place, rate in places.items() if rate]
    if not found:
        return "no dropout"
    return f"dropout {', '.join(found)}, against learning by heart"
