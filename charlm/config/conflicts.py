"""Keys that are sound by themselves and disagree with each other."""

from collections.abc import Iterator, Mapping
from functools import reduce
from typing import Any

import numpy as np
from pydantic import BaseModel

from charlm.config.keys import Config
from charlm.config.options import OPTIMIZER_OPTIONS, SCHEDULE_OPTIONS, UNIT_OPTIONS, Key
from charlm.corpus.splits import add_up
from charlm.phrases import shown

CHOSEN = ("model", "training", "optimizer", "schedule")  # sections of which a preset chooses keys
Mistake = tuple[tuple[Key, ...], str]  # the keys involved, the one to blame first, and what is wrong


def conflicts(config: Config) -> Iterator[Mistake]:
    """Yield what does not go together, each with the keys that it is about.

    With a preset, keys that it may choose are not known yet: they are looked at once they are chosen.
    """
    for keys, message in _all_conflicts(config):
        if config.preset is None or all(key[0] not in CHOSEN or _is_given(config, key) for key in keys):
            yield keys, message


def _is_given(config: Config, key: Key) -> bool:
    *sections, name = key
    return name in reduce(getattr, sections, config).model_fields_set


def _all_conflicts(config: Config) -> Iterator[Mistake]:
    yield from _corpus_conflicts(config)
    yield from _model_conflicts(config)
    yield from _training_conflicts(config)
    yield from _lost_numbers(config)
    yield from _unused_options(config, "corpus", "unit", UNIT_OPTIONS)
    yield from _unused_options(config, "optimizer", "name", OPTIMIZER_OPTIONS)
    yield from _unused_options(config, "schedule", "name", SCHEDULE_OPTIONS)


def _mistake(message: str, *keys: str) -> Mistake:
    return tuple(tuple(key.split(".")) for key in keys), message


def _corpus_conflicts(config: Config) -> Iterator[Mistake]:
    corpus, split = config.corpus, config.corpus.split
    shares = (split.train, split.valid, split.test)
    if not add_up(shares):
        total = f"{' + '.join(f'{share:g}' for share in shares)} = {sum(shares):g}"
        names = ("corpus.split.train", "corpus.split.valid", "corpus.split.test")
        yield _mistake(f"train, valid and test must sum to 1, got {total}", *names)
    if corpus.min_count == 1 and corpus.unknown != _default(type(corpus), "unknown"):
        message = "has no effect with corpus.min_count 1; remove it or raise min_count"
        yield _mistake(message, "corpus.unknown", "corpus.min_count")
    if corpus.column is not None and corpus.mode != "lines":
        message = "needs corpus.mode 'lines', which reads its fields as items; set that, or remove the column"
        yield _mistake(message, "corpus.column", "corpus.mode")
    if corpus.mode == "lines" and corpus.separator not in ("", "\n"):
        message = "has no effect with 'lines', where every file ends with a line; remove it or choose mode 'stream'"
        yield _mistake(message, "corpus.separator", "corpus.mode")
    if corpus.mode == "lines" and split.layout != "tail":
        message = "has no effect with 'lines', whose lines are shuffled; remove it or choose mode 'stream'"
        yield _mistake(message, "corpus.split.layout", "corpus.mode")
    if corpus.mode == "lines" and corpus.unknown == "\n":
        yield _mistake("must not be the end of a line when corpus.mode is 'lines'", "corpus.unknown", "corpus.mode")


def _model_conflicts(config: Config) -> Iterator[Mistake]:
    model, dropout = config.model, config.model.dropout
    if model.tie_weights and model.embedding_size != model.hidden_size:
        needed = f"needs model.embedding_size equal to model.hidden_size ({model.hidden_size})"
        message = f"{needed}, got {shown(model.embedding_size)}"
        yield _mistake(message, "model.tie_weights", "model.embedding_size", "model.hidden_size")
    if dropout.between > 0 and model.num_layers == 1:
        message = "has no effect with model.num_layers 1; remove it or add a layer"
        yield _mistake(message, "model.dropout.between", "model.num_layers")
    if dropout.locked and not (dropout.input or dropout.between or dropout.output):
        rates = ("model.dropout.input", "model.dropout.between", "model.dropout.output")
        yield _mistake("has no effect while every rate is 0; remove it or set a rate", "model.dropout.locked", *rates)
    ngram = model.ngram
    if ngram.order is None and ngram.max_megabytes != _default(type(ngram), "max_megabytes"):
        message = "has no effect without an n-gram; remove it or set model.ngram.order"
        yield _mistake(message, "model.ngram.max_megabytes", "model.ngram.order")
    if config.kernels == "fused" and model.dtype != "float32":
        message = f"'fused' needs model.dtype 'float32', got '{model.dtype}'; choose 'auto' or 'numpy'"
        yield _mistake(message, "kernels", "model.dtype")


def _training_conflicts(config: Config) -> Iterator[Mistake]:
    training, optimizer, schedule = config.training, config.optimizer, config.schedule
    if training.max_steps is not None and training.epochs is not None:
        message = "only one of the two may be given, and training.epochs is given too; remove one"
        yield _mistake(message, "training.max_steps", "training.epochs")
    if training.max_steps is not None and schedule.warmup_steps >= training.max_steps:
        below = f"must be below training.max_steps ({training.max_steps}), got {schedule.warmup_steps}"
        message = f"{below}; set it to {training.max_steps // 10}, for example"
        yield _mistake(message, "schedule.warmup_steps", "training.max_steps")
    if optimizer.name == "sgd" and optimizer.nesterov and optimizer.momentum == 0:
        yield _mistake("needs optimizer.momentum above 0", "optimizer.nesterov", "optimizer.momentum", "optimizer.name")
    no_validation = "needs text for validation; set corpus.split.valid above 0"
    if config.corpus.split.valid == 0 and training.early_stopping is not None:
        yield _mistake(no_validation, "training.early_stopping", "corpus.split.valid")
    if config.corpus.split.valid == 0 and schedule.name == "plateau":
        yield _mistake(f"'plateau' {no_validation}", "schedule.name", "corpus.split.valid")


def _lost_numbers(config: Config) -> Iterator[Mistake]:
    """Find numbers that the network's floating-point type makes 0, infinite or, where it must be less, 1."""
    dtype = np.dtype(config.model.dtype)
    least, most = float(np.finfo(dtype).tiny), float(np.finfo(dtype).max)
    for name in (
        "optimizer.learning_rate",
        "optimizer.eps",
        "optimizer.weight_decay",
        "training.clip_norm",
        "training.clip_value",
    ):
        value = _value(config, name)
        if value and not least <= value <= most:
            limit = f"must be at least {least:.3g}" if value < least else f"must be at most {most:.3g}"
            yield _mistake(f"{limit} with model.dtype '{dtype}', got {value!r}", name, "model.dtype")
    for name in ("optimizer.momentum", "model.dropout.input", "model.dropout.between", "model.dropout.output"):
        value = _value(config, name)
        if dtype.type(value) == 1:
            yield _mistake(f"rounds to 1 with model.dtype '{dtype}', got {value!r}", name, "model.dtype")


def _value(config: Config, key: str) -> Any:
    """Return the value of a dotted key."""
    return reduce(getattr, key.split("."), config)


def _unused_options(config: Config, name: str, chooser: str, options: Mapping[str, Key]) -> Iterator[Mistake]:
    """Find options that only another choice uses; a default may stay, as in a file with every key written out."""
    section = getattr(config, name)
    choice = getattr(section, chooser)
    for option in type(section).model_fields:
        users = [f"'{user}'" for user, used in options.items() if option in used]
        unused = users and option not in options[choice]
        if unused and getattr(section, option) != _default(type(section), option):
            message = f"has no effect with '{choice}'; remove it or choose {name}.{chooser} {' or '.join(users)}"
            yield _mistake(message, f"{name}.{option}", f"{name}.{chooser}")


def _default(section: type[BaseModel], name: str) -> object:
    return section.model_fields[name].default
