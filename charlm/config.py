"""The configuration: every key with its type, range and default, read from YAML with all mistakes told at once."""

import difflib
import itertools
import math
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, NoReturn, get_args

import yaml
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    ValidationError,
    WrapValidator,
    model_validator,
)
from pydantic_core import CoreSchema, ErrorDetails, PydanticCustomError, core_schema

from charlm.cells import NAMES
from charlm.errors import UsageError

Key = tuple[str, ...]
Mistake = tuple[tuple[Key, ...], str]  # the keys involved, the one to blame first, and what is wrong

# Which options a choice uses, among those that not every choice uses.
UNIT_OPTIONS: dict[str, Key] = {
    "char": ("encoding", "normalize", "lowercase", "min_count", "unknown"),
    "byte": (),
}
OPTIMIZER_OPTIONS: dict[str, Key] = {
    "adagrad": ("eps",),
    "adam": ("betas", "eps"),
    "adamw": ("betas", "eps"),
    "rmsprop": ("alpha", "eps"),
    "sgd": ("momentum", "nesterov"),
}
SCHEDULE_OPTIONS: dict[str, Key] = {
    "constant": (),
    "cosine": ("final_ratio",),
    "exponential": ("factor", "after"),
    "linear": ("final_ratio",),
    "plateau": ("factor", "final_ratio", "patience"),
    "step": ("factor", "every", "after"),
}
EXAMPLE = "data/plays"
LENGTHS = ("epochs", "max_steps", "max_minutes")  # of training; at most one is given


# --- Kinds of values


@dataclass(frozen=True)
class _OneOf:
    """A value out of a few names."""

    noun: str
    names: tuple[str, ...]

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_before_validator_function(self._check, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {**handler(schema), "enum": list(self.names)}

    def _check(self, value: Any) -> Any:
        if value not in self.names:
            raise PydanticCustomError("one_of", "{noun}", {"noun": self.noun, "names": self.names})
        return value


def _must(sentence: str) -> WrapValidator:
    """Tell whatever is wrong with a value in one sentence."""

    def check(value: Any, inner: Callable[[Any], Any]) -> Any:
        try:
            return inner(value)
        except ValidationError:
            raise PydanticCustomError("must", "{sentence}", {"sentence": sentence}) from None

    return WrapValidator(check)


def _tuple_of_list(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _text_encoding(name: str) -> str:
    try:
        " ".encode(name)
    except LookupError as error:  # also for codecs that are not text encodings, such as 'hex'
        raise ValueError from error
    return name


def _one_character(text: str) -> str:
    if len(text) != 1 or "\ud800" <= text <= "\udfff":
        raise ValueError
    return text


Count = Annotated[int, Field(ge=1)]
Share = Annotated[float, Field(ge=0, le=1)]
Decay = Annotated[float, Field(ge=0, lt=1)]
Positive = Annotated[float, Field(gt=0)]
NonEmpty = Annotated[str, Field(min_length=1)]
Paths = Annotated[
    NonEmpty | Annotated[tuple[NonEmpty, ...], Field(min_length=1)],
    BeforeValidator(_tuple_of_list),
    _must("must be a path or a list of paths"),
]
Encoding = Annotated[str, AfterValidator(_text_encoding), _must("must be the name of a text encoding, such as 'utf-8'")]
Character = Annotated[
    str, Field(min_length=1, max_length=1), AfterValidator(_one_character), _must("must be exactly one character")
]
Betas = Annotated[
    tuple[Decay, Decay], BeforeValidator(_tuple_of_list), _must("must be two numbers, each at least 0 and below 1")
]
Workers = Annotated[Literal["auto"] | Count, _must("must be 'auto' or a whole number of at least 1")]


# --- The keys, in the order of the file


def _untitled(schema: dict[str, Any]) -> None:
    for entry in schema["properties"].values():
        entry.pop("title", None)  # pydantic's titles only repeat the keys


class _Section(BaseModel):
    model_config = ConfigDict(
        frozen=True, strict=True, extra="forbid", allow_inf_nan=False, json_schema_extra=_untitled
    )


class Split(_Section):
    """How the text is divided for training, validation and test."""

    train: Positive = Field(default=0.9, le=1, description="fraction of the text to learn from")
    valid: Share = Field(default=0.05, description="fraction that chooses the best checkpoint")
    test: Share = Field(default=0.05, description="fraction kept for the final score")
    layout: Annotated[str, _OneOf("a layout", ("tail", "stripes"))] = Field(
        default="tail", description="where the last two lie: at the end, or spread over the text"
    )


class Corpus(_Section):
    """The text to learn from."""

    path: Paths = Field(
        examples=[EXAMPLE], description="file, directory, glob, '-' (stdin), 'stdlib:*.py', or a list of them"
    )
    encoding: Encoding = Field(default="utf-8", description="encoding of the files")
    unit: Annotated[str, _OneOf("a unit", tuple(UNIT_OPTIONS))] = Field(default="char", description="what a symbol is")
    mode: Annotated[str, _OneOf("a mode", ("stream", "lines"))] = Field(
        default="stream", description="one running text, or independent lines such as names"
    )
    newlines: Annotated[str, _OneOf("a choice of newlines", ("lf", "keep"))] = Field(
        default="lf", description="turn every line end into \\n, or keep them as they are"
    )
    normalize: Annotated[str, _OneOf("a normalization form", ("NFC", "NFD", "NFKC", "NFKD"))] | None = Field(
        default=None, description="Unicode normalization form"
    )
    lowercase: bool = Field(default=False, description="turn the text into lower case")
    min_count: Count = Field(default=1, description="rarer characters become the unknown symbol")
    unknown: Character = Field(default="\ufffd", description="the symbol for rare characters, if min_count is above 1")
    split: Split = Field(default=Split(), description="how the text is divided")


class Dropout(_Section):
    """How many activations are dropped while training."""

    input: Decay = Field(default=0.0, description="rate before the first layer")
    between: Decay = Field(default=0.0, description="rate between layers")
    output: Decay = Field(default=0.0, description="rate after the last layer")
    locked: bool = Field(default=False, description="one mask for a whole window, not one a step")


class Model(_Section):
    """The network."""

    cell: Annotated[str, _OneOf("a cell", NAMES)] = Field(default="lstm", description="the recurrent cell")
    hidden_size: Count = Field(default=256, description="hidden units in a layer")
    num_layers: Count = Field(default=2, description="recurrent layers")
    embedding_size: Count | None = Field(default=None, description="width of the input embedding; null is one-hot")
    dropout: Dropout = Field(default=Dropout(), description="activations dropped while training")
    tie_weights: bool = Field(default=False, description="share the embedding with the output layer")
    dtype: Annotated[str, _OneOf("a dtype", ("float32", "float64"))] = Field(
        default="float32", description="floating-point type of the weights"
    )


class Training(_Section):
    """How long and in which pieces to train, and what to do along the way."""

    batch_size: Count = Field(default=64, description="parallel text streams")
    seq_length: Count = Field(default=64, description="characters in a window of truncated backpropagation")
    epochs: Positive | None = Field(default=None, description="length in passes; 10 if no length is given")
    max_steps: Count | None = Field(default=None, description="length in optimizer steps, instead of epochs")
    max_minutes: Positive | None = Field(default=None, description="length in minutes, instead of epochs")
    clip_norm: Positive | None = Field(default=5.0, description="largest norm of the whole gradient")
    clip_value: Positive | None = Field(default=None, description="largest absolute value in the gradient")
    ema: Annotated[float, Field(gt=0, lt=1)] | None = Field(
        default=None, description="decay of a moving average of the weights"
    )
    early_stopping: Count | None = Field(default=None, description="evaluations without improvement before stopping")
    reset_probability: Share = Field(default=0.02, description="chance per window that a stream forgets its state")
    log_every: Count = Field(default=20, description="steps between lines in metrics.jsonl")
    eval_every: Count = Field(default=500, description="steps between evaluations")
    checkpoint_every: Count = Field(default=500, description="steps between checkpoints")
    sample_every: int = Field(default=500, ge=0, description="steps between samples; 0 is never")
    sample_length: Count = Field(default=200, description="characters in a sample")
    sample_temperature: float = Field(default=0.8, ge=0, description="low is cautious, high is adventurous")


class Optimizer(_Section):
    """How gradients change the weights."""

    name: Annotated[str, _OneOf("an optimizer", tuple(OPTIMIZER_OPTIONS))] = Field(
        default="adam", description="update rule"
    )
    learning_rate: Positive = Field(default=2e-3, description="peak learning rate")
    betas: Betas = Field(default=(0.9, 0.999), description="adam, adamw: decay of the two moments")
    eps: Positive = Field(default=1e-8, description="adam, adamw, rmsprop, adagrad: added to the denominator")
    alpha: Decay = Field(default=0.99, description="rmsprop: decay of the squared gradient")
    momentum: Decay = Field(default=0.0, description="sgd: share of the last step that is kept")
    nesterov: bool = Field(default=False, description="sgd: look ahead along the momentum")
    weight_decay: float = Field(default=0.0, ge=0, description="pull of the weights towards zero")


class Schedule(_Section):
    """How the learning rate moves."""

    name: Annotated[str, _OneOf("a schedule", tuple(SCHEDULE_OPTIONS))] = Field(
        default="constant", description="shape after the warm-up"
    )
    warmup_steps: int = Field(default=0, ge=0, description="steps of linear rise to the peak")
    factor: Annotated[float, Field(gt=0, lt=1)] = Field(
        default=0.97, description="step, exponential: multiplier per drop; plateau: per trigger"
    )
    every: Count = Field(default=1, description="step: epochs between drops")
    after: float = Field(default=0.0, ge=0, description="step, exponential: first epochs left alone")
    final_ratio: Share = Field(default=0.0, description="cosine, linear: last rate / peak rate; plateau: lowest")
    patience: Count = Field(default=3, description="plateau: evaluations without improvement before a drop")


class Config(_Section):
    """Everything a training run is told; build one with `load` or `Config.from_dict`."""

    corpus: Corpus = Field(description="the text to learn from")
    model: Model = Field(default=Model(), description="the network")
    training: Training = Field(default=Training(), description="length, pieces, checkpoints and samples")
    optimizer: Optimizer = Field(default=Optimizer(), description="how gradients change the weights")
    schedule: Schedule = Field(default=Schedule(), description="how the learning rate moves")
    seed: int = Field(default=1, ge=0, lt=2**64, description="equal seeds give equal runs")
    workers: Workers = Field(default="auto", description="batch shards that run in parallel; 'auto' looks at the cores")
    kernels: Annotated[str, _OneOf("a choice of kernels", ("auto", "numpy", "fused"))] = Field(
        default="auto", description="NumPy, or fused loops, which need Numba"
    )

    @model_validator(mode="after")
    def _agree(self) -> "Config":
        if mistakes := list(_conflicts(self)):
            told = "; ".join(f"{'.'.join(keys[0])}: {message}" for keys, message in mistakes)
            raise PydanticCustomError("conflicts", "{told}", {"told": told, "mistakes": mistakes})
        return self

    def to_dict(self) -> dict[str, Any]:
        """Return the configuration as nested dictionaries that JSON and YAML can hold, every default written out."""
        return self.model_dump(mode="json")

    @classmethod
    def from_dict(cls, data: object, where: str) -> "Config":
        """Build a configuration from what `to_dict` returned.

        Parameters
        ----------
        data : object
            Nested dictionaries; every key is checked as strictly as a file's.
        where : str
            What the dictionaries came from, such as a checkpoint's name, to begin each message with.

        Returns
        -------
        Config
            The checked configuration.

        Raises
        ------
        UsageError
            With one line for each problem.
        """
        return _Document(where, data).resolve()


def _sections(section: type[BaseModel] = Config, key: Key = ()) -> Iterator[tuple[Key, type[BaseModel]]]:
    yield key, section
    for name, field in section.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from _sections(field.annotation, (*key, name))


SECTIONS = dict(_sections())
KEYS = tuple((*key, name) for key, section in SECTIONS.items() for name in section.model_fields)


# --- Keys that must agree with each other


def _conflicts(config: Config) -> Iterator[Mistake]:
    yield from _corpus_conflicts(config)
    yield from _model_conflicts(config)
    yield from _training_conflicts(config)
    yield from _unused_options(config, "corpus", "unit", UNIT_OPTIONS)
    yield from _unused_options(config, "optimizer", "name", OPTIMIZER_OPTIONS)
    yield from _unused_options(config, "schedule", "name", SCHEDULE_OPTIONS)


def _mistake(message: str, *keys: str) -> Mistake:
    return tuple(tuple(key.split(".")) for key in keys), message


def _corpus_conflicts(config: Config) -> Iterator[Mistake]:
    corpus, split = config.corpus, config.corpus.split
    shares = (split.train, split.valid, split.test)
    if not math.isclose(sum(shares), 1, abs_tol=1e-6):
        total = f"{' + '.join(f'{share:g}' for share in shares)} = {sum(shares):g}"
        names = ("corpus.split.train", "corpus.split.valid", "corpus.split.test")
        yield _mistake(f"train, valid and test must sum to 1, got {total}", *names)
    if corpus.min_count == 1 and corpus.unknown != _default(Corpus, "unknown"):
        message = "has no effect with corpus.min_count 1; remove it or raise min_count"
        yield _mistake(message, "corpus.unknown", "corpus.min_count")
    if corpus.mode == "lines" and corpus.unknown == "\n":
        yield _mistake("must not be the end of a line when corpus.mode is 'lines'", "corpus.unknown", "corpus.mode")


def _model_conflicts(config: Config) -> Iterator[Mistake]:
    model, dropout = config.model, config.model.dropout
    if model.tie_weights and model.embedding_size != model.hidden_size:
        needed = f"needs model.embedding_size equal to model.hidden_size ({model.hidden_size})"
        message = f"{needed}, got {_shown(model.embedding_size)}"
        yield _mistake(message, "model.tie_weights", "model.embedding_size", "model.hidden_size")
    if dropout.between > 0 and model.num_layers == 1:
        message = "has no effect with model.num_layers 1; remove it or add a layer"
        yield _mistake(message, "model.dropout.between", "model.num_layers")
    if dropout.locked and not (dropout.input or dropout.between or dropout.output):
        rates = ("model.dropout.input", "model.dropout.between", "model.dropout.output")
        yield _mistake("has no effect while every rate is 0; remove it or set a rate", "model.dropout.locked", *rates)
    if config.kernels == "fused" and model.dtype != "float32":
        message = f"'fused' needs model.dtype 'float32', got '{model.dtype}'; choose 'auto' or 'numpy'"
        yield _mistake(message, "kernels", "model.dtype")


def _training_conflicts(config: Config) -> Iterator[Mistake]:
    training, optimizer, schedule = config.training, config.optimizer, config.schedule
    lengths = [length for length in LENGTHS if getattr(training, length) is not None]
    for length in lengths[1:]:
        message = f"only one length may be given, and training.{lengths[0]} is given too; remove one"
        yield _mistake(message, f"training.{length}", f"training.{lengths[0]}")
    if training.max_steps is not None and schedule.warmup_steps >= training.max_steps:
        message = f"must be below training.max_steps ({training.max_steps}), got {schedule.warmup_steps}"
        yield _mistake(message, "schedule.warmup_steps", "training.max_steps")
    if optimizer.name == "sgd" and optimizer.nesterov and optimizer.momentum == 0:
        yield _mistake("needs optimizer.momentum above 0", "optimizer.nesterov", "optimizer.momentum", "optimizer.name")
    no_validation = "needs text for validation; set corpus.split.valid above 0"
    if config.corpus.split.valid == 0 and training.early_stopping is not None:
        yield _mistake(no_validation, "training.early_stopping", "corpus.split.valid")
    if config.corpus.split.valid == 0 and schedule.name == "plateau":
        yield _mistake(f"'plateau' {no_validation}", "schedule.name", "corpus.split.valid")


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


# --- What is wrong, in plain words

_WORDS = {
    "int_type": "must be a whole number",
    "float_type": "must be a number",
    "bool_type": "must be true or false",
    "finite_number": "must be a finite number",
    "greater_than": "must be above {gt:.0f}",
    "greater_than_equal": "must be at least {ge:.0f}",
    "less_than": "must be below {lt:.0f}",
    "less_than_equal": "must be at most {le:.0f}",
    "must": "{sentence}",
}
_UNKNOWN = ("extra_forbidden", "invalid_key")
_BOOLEAN_WORDS = {"no": "false", "off": "false", "n": "false", "yes": "true", "on": "true", "y": "true"}
_REQUIRED: Key = ("corpus", "path")


def _validated(data: object) -> tuple[Config | None, list[ErrorDetails], list[Mistake]]:
    """Return the configuration, or pydantic's complaints about single values, or where sound values disagree."""
    try:
        return Config.model_validate(data), [], []
    except ValidationError as error:
        details = error.errors(include_url=False)
    conflicts = [mistake for detail in details for mistake in detail.get("ctx", {}).get("mistakes", [])]
    return None, [] if conflicts else details, conflicts


def _mistakes(data: object) -> tuple[Config | None, list[Mistake]]:
    """Check plain values: return the configuration, or all that is wrong with them."""
    config, details, conflicts = _validated(data)
    if not details:
        return config, conflicts
    mistakes: list[Mistake] = []
    wrong: set[Key] = set()
    for detail in details:
        kind, key = detail["type"], tuple(map(str, detail["loc"]))
        if kind == "missing":
            key = _REQUIRED
        mistakes.append(((key,), _told(key, kind, detail["input"], detail.get("ctx", {}))))
        wrong |= {key, (_meant(key) if kind in _UNKNOWN else None) or key}
    # pydantic compares keys only when each is sound: see whether the sound ones disagree with each other.
    sound = _without(data, wrong)
    sound["corpus"] = {"path": EXAMPLE, **sound.get("corpus", {})}
    _, _, conflicts = _validated(sound)
    known = [(keys, text) for keys, text in conflicts if not any(k[:n] in wrong for k in keys for n in range(4))]
    return None, mistakes + known


def _without(data: object, wrong: set[Key], key: Key = ()) -> dict[str, Any]:
    if not isinstance(data, dict):
        return {}
    return {
        name: _without(value, wrong, (*key, name)) if isinstance(value, dict) else value
        for name, value in data.items()
        if isinstance(name, str) and (*key, name) not in wrong
    }


def _told(key: Key, kind: str, value: object, context: Mapping[str, Any]) -> str:
    """Say one of pydantic's complaints about a value in plain words."""
    if kind == "missing":
        return f"is missing; name the text to learn from, such as {EXAMPLE}"
    if kind in _UNKNOWN:
        return _unknown_key(key)
    if key in SECTIONS:
        return f"must be a section with keys ({', '.join(SECTIONS[key].model_fields)}), got {_shown(value)}"
    nullable = type(None) in get_args(SECTIONS[key[:-1]].model_fields[key[-1]].annotation)
    if kind == "one_of":
        names = (*context["names"], *(["null"] if nullable else []))
        return f"{_shown(value)} is not {context['noun']}{_suggestion(str(value), names)} ({', '.join(names)})"
    or_null = " or null" if nullable else ""
    return f"{_WORDS[kind].format(**context)}{or_null}, got {_shown(value)}{_hint(kind, value)}"


def _hint(kind: str, value: object) -> str:
    if kind == "bool_type" and isinstance(value, str) and value.lower() in _BOOLEAN_WORDS:
        return f"; write {_BOOLEAN_WORDS[value.lower()]}"
    if kind in ("int_type", "float_type", "bool_type") and isinstance(value, str) and _scalar(value) != value:
        return ", which is text; remove the quotes"
    if kind == "int_type" and isinstance(value, float) and value.is_integer():
        return f"; write {int(value)}"
    return ""


def _meant(key: Key) -> Key | None:
    """Return the existing key that was most likely meant by one that does not exist."""
    spelled_out = tuple(".".join(key).split("."))  # `model.cell: gru` at the top level
    if spelled_out in KEYS:
        return spelled_out
    sibling = _nearest(key[-1], (known[-1] for known in KEYS if known[:-1] == key[:-1]))
    if sibling and key[-1] not in (known[-1] for known in KEYS):  # the same name elsewhere is nearer still
        return (*key[:-1], sibling)
    anywhere = _nearest(key[-1], (known[-1] for known in KEYS))
    return next((known for known in KEYS if known[-1] == anywhere), None)


def _unknown_key(key: Key) -> str:
    meant = _meant(key)
    if meant is None or meant[:-1] == key[:-1]:
        names = tuple(SECTIONS[key[:-1]].model_fields) if key[:-1] in SECTIONS else tuple(Config.model_fields)
        suggestion = f"; did you mean '{meant[-1]}'?" if meant else ""
        return f"is not a key{suggestion} ({', '.join(names)})"
    homes = [".".join(known[:-1]) or "the top level" for known in KEYS if known[-1] == meant[-1]]
    name = "it" if meant[-1] == key[-1] else f"'{meant[-1]}'"
    return f"is not a key here; {name} belongs to {' or '.join(homes)}"


def _suggestion(word: str, names: Iterable[str]) -> str:
    near = _nearest(word, names)
    return f"; did you mean '{near}'?" if near else ""


def _nearest(word: str, names: Iterable[str]) -> str | None:
    by_lower = {name.lower(): name for name in names}
    near = difflib.get_close_matches(word.lower(), by_lower, n=1)
    return by_lower[near[0]] if near else None


def _shown(value: object) -> str:
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, dict):
        return "a section"
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


# --- Values and where each was given


@dataclass(frozen=True)
class Override:
    """A value given outside the file.

    Attributes
    ----------
    key : str
        The dotted key, such as ``training.max_minutes``.
    value : object
        A plain value, such as YAML could hold.
    where : str
        What the person typed, such as ``--max-minutes``, to begin a message with.
    """

    key: str
    value: object
    where: str


@dataclass(frozen=True)
class _Place:
    rank: int  # its position in reading order
    where: str
    is_key: bool = False  # `where` names the key already, as a flag does


class _Document:
    """Plain values as they were given, the place of each, and all that is wrong with them."""

    def __init__(self, name: str, data: object = None) -> None:
        self.data: Any = {} if data is None else data
        self._ranks = itertools.count()
        self._places: dict[Key, _Place] = {(): _Place(next(self._ranks), name)}
        self._problems: list[tuple[int, str]] = []

    def mark(self, key: Key, where: str, is_key: bool = False) -> None:
        """Remember where a key was given; a second time in a file is a mistake."""
        place = _Place(next(self._ranks), where, is_key)
        if key in self._places and not is_key:
            message = f"is given twice; keep this one or the one at {self._places[key].where}"
            self._complain(place, key, message)
        else:
            self._places[key] = place

    def override(self, override: Override) -> None:
        """Give a key another value; a length replaces whatever length was given before."""
        *parents, name = key = tuple(override.key.split("."))
        self.mark(key, override.where, is_key=True)
        if key in SECTIONS:
            choices = ", ".join(".".join((*key, field)) for field in SECTIONS[key].model_fields)
            return self._complain(self._places[key], key, f"is a section; set one of its keys ({choices})")
        if key not in KEYS:
            return self._complain(self._places[key], key, _unknown_key(key))
        section = self.data
        for parent in parents:
            section = section.setdefault(parent, {}) if isinstance(section, dict) else None
        if isinstance(section, dict):  # anything else is a mistake of the file, told with the others
            if parents == ["training"] and name in LENGTHS and override.value is not None:
                for length in LENGTHS:
                    section.pop(length, None)
            section[name] = override.value

    def resolve(self) -> Config:
        """Return the configuration, or raise everything that is wrong in one `UsageError`."""
        config, mistakes = _mistakes(self.data)
        for keys, message in mistakes:
            key = next((key for key in keys if key in self._places), keys[0])
            self._complain(self._nearest_place(key), key, message)
        if config is None or self._problems:
            raise UsageError("\n".join(text for _, text in sorted(self._problems, key=lambda problem: problem[0])))
        return config

    def _nearest_place(self, key: Key) -> _Place:
        return next(self._places[key[:n]] for n in range(len(key), -1, -1) if key[:n] in self._places)

    def _complain(self, place: _Place, key: Key, message: str) -> None:
        parts = [place.where, "" if place.is_key else ".".join(key), message]
        self._problems.append((place.rank, _one_line(": ".join(part for part in parts if part))))


def _one_line(text: str) -> str:
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)


# --- YAML


_CORE = "tag:yaml.org,2002:"
_SCALARS: dict[str, tuple[str, str, Callable[[str], Any]]] = {  # pattern, first character, value
    "null": (r"(?:~|null|Null|NULL|)\Z", " ~ n N", lambda text: None),
    "bool": (r"(?:true|True|TRUE|false|False|FALSE)\Z", "t T f F", lambda text: text.lower() == "true"),
    "int": (r"[-+]?[0-9]{1,300}\Z", "- + 0 1 2 3 4 5 6 7 8 9", int),
    "float": (
        r"[-+]?(?:(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))\Z",
        "- + . 0 1 2 3 4 5 6 7 8 9",
        lambda text: float(re.sub(r"\.(?=[A-Za-z])", "", text)),  # Python writes inf and nan without the dot
    ),
}
_DEEPEST = 20
_LARGEST = 2**20
_QUOTE = "aliases, anchors and tags have no use here; put text that begins with '*', '&' or '!' in quotes"


class _Loader(yaml.SafeLoader):
    """YAML 1.2's plain values: `2e-3` is a number, `no` is text, and nothing refers, merges or constructs."""

    yaml_implicit_resolvers: dict[Any, Any] = {}  # noqa: RUF012 - PyYAML's own way to say it
    depth = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        event: Any = self.peek_event()  # type: ignore[no-untyped-call]
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None) or getattr(event, "tag", None):
            raise yaml.composer.ComposerError(None, None, _QUOTE, event.start_mark)
        if self.depth == _DEEPEST:
            raise yaml.composer.ComposerError(None, None, "too many brackets in brackets", event.start_mark)
        self.depth += 1
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node


class _Dumper(yaml.SafeDumper):
    """Quotes what either generation of YAML would not read as text, and keeps every value on one line."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _text_node(dumper: _Dumper, text: str) -> yaml.Node:
    return dumper.represent_scalar(f"{_CORE}str", text, style=None if text.isprintable() else '"')


_Dumper.add_representer(str, _text_node)
for _name, (_pattern, _first, _) in _SCALARS.items():
    for _class in (_Loader, _Dumper):
        _class.add_implicit_resolver(f"{_CORE}{_name}", re.compile(_pattern), _first.split(" "))


def _scalar(text: str) -> Any:
    """Return what plain text means in YAML."""
    for pattern, _, value in _SCALARS.values():
        if re.match(pattern, text):
            return value(text)
    return text


def _compose(text: str, name: str) -> yaml.Node | None:
    """Return the nodes of a YAML text, `None` if it is empty."""

    def fail(line: int, message: object) -> NoReturn:
        raise UsageError(_one_line(f"{name}:{line + 1}: is not valid YAML: {message}"))

    try:
        loader = _Loader(text)
    except yaml.reader.ReaderError as error:
        fail(text.count("\n", 0, error.position), f"{chr(int(error.character))!r} is a control character")
    try:
        return loader.get_single_node()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        in_reference = "alias" in (error.context or "") or "anchor" in (error.context or "")
        fail(mark.line if mark else loader.line, _QUOTE if in_reference else error.problem)
    except (ValueError, OverflowError):  # PyYAML passes on what it cannot turn into a character or a number
        fail(loader.line, "there is no such character or number")


def _value(node: yaml.Node, mark: Callable[[Key, int], None], key: Key = ()) -> Any:
    """Turn nodes into plain values, marking the line of every key."""
    if isinstance(node, yaml.ScalarNode):
        return _SCALARS[kind][2](node.value) if (kind := node.tag.removeprefix(_CORE)) in _SCALARS else node.value
    if isinstance(node, yaml.SequenceNode):
        return [_value(item, mark, key) for item in node.value]
    values: dict[str, Any] = {}
    for name_node, value_node in node.value:
        name = _one_line(name_node.value) if isinstance(name_node, yaml.ScalarNode) else "{...}"
        mark((*key, name), name_node.start_mark.line + 1)
        value = _value(value_node, mark, (*key, name))
        values.setdefault(name, value)
    return values


def _read_text(path: Path) -> str:
    try:
        if path.is_dir():
            raise UsageError(f"{path}: is a directory; a configuration is a YAML file")
        with path.open("rb") as file:
            data = file.read(_LARGEST + 1)
    except FileNotFoundError:
        raise UsageError(f"{path}: there is no such file") from None
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}") from None
    if len(data) > _LARGEST:
        raise UsageError(f"{path}: is too large for a configuration; the text to learn from is given by corpus.path")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise UsageError(f"{path}:{line}: is not UTF-8 text (byte 0x{data[error.start]:02x})") from None


def _read(path: Path) -> _Document:
    document = _Document(str(path))
    node = _compose(_read_text(path), str(path))
    if node is not None:
        document.data = _value(node, lambda key, line: document.mark(key, f"{path}:{line}"))
    return document


def _parse_override(text: str) -> Override:
    key, equals, value = text.partition("=")
    if not equals:
        raise UsageError(_one_line(f"--set {text}: needs KEY=VALUE, such as model.hidden_size=512"))
    where = f"--set {key}"
    node = _compose(value, where)
    if node is None:
        raise UsageError(_one_line(f"{where}: needs a value; write null for none"))
    return Override(key, _value(node, lambda key, line: None), where)


# --- What the other modules call


def load(path: Path | None, overrides: Sequence[str] = (), extra: Sequence[Override] = ()) -> Config:
    """Read a configuration file and what was given beside it.

    Later values win: the file's, then `overrides` from left to right, then `extra`. A length of training
    (``epochs``, ``max_steps`` or ``max_minutes``) given beside the file replaces every length given before it.

    Parameters
    ----------
    path : Path or None
        A YAML file in UTF-8; without one, every key has its default.
    overrides : sequence of str
        Texts such as ``model.hidden_size=512``, their values written as in YAML.
    extra : sequence of Override
        Values of command-line flags.

    Returns
    -------
    Config
        The checked configuration.

    Raises
    ------
    UsageError
        With one line for each problem, in reading order: where, what is wrong, what would be right.
    """
    document = _Document("") if path is None else _read(path)
    for override in (*map(_parse_override, overrides), *extra):
        document.override(override)
    return document.resolve()


def dump_yaml(config: Config) -> str:
    """Return a configuration as YAML with every key written out; `load` reads the same configuration back."""
    return "\n".join(_lines(Config, config.to_dict())) + "\n"


def commented_defaults() -> str:
    """Return a configuration file in ASCII with every key, its default, its meaning and its range."""
    lines = _lines(Config, Config(corpus=Corpus(path=EXAMPLE)).to_dict(), comments=True)
    return "\n".join(["# Every key with its default; all but corpus.path may be left out.", *lines]) + "\n"


def schema() -> dict[str, Any]:
    """Return the JSON Schema of a configuration file, for editors that complete and check as one types."""
    described = Config.model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **described, "title": "charlm configuration"}


def _lines(section: type[BaseModel], values: Mapping[str, Any], comments: bool = False, key: Key = ()) -> Iterator[str]:
    indent = "  " * len(key)
    properties = section.model_json_schema()["properties"]
    for name, field in section.model_fields.items():
        nested = SECTIONS.get((*key, name))
        line = f"{indent}{name}:" if nested else f"{indent}{name}: {_flow(values[name], ascii_only=comments)}"
        allowed = "" if nested else _allowed(properties[name])
        comment = f"# {field.description}" + (f" ({allowed})" if allowed else "")
        if comments and not key and (nested or name == "seed"):
            yield ""
        yield f"{line:<30} {comment}" if comments else line
        if nested:
            yield from _lines(nested, values[name], comments, (*key, name))


def _flow(value: object, ascii_only: bool) -> str:
    """Write a value as YAML on one line."""
    text = yaml.dump([value], Dumper=_Dumper, default_flow_style=True, allow_unicode=not ascii_only, width=sys.maxsize)
    return text.strip()[1:-1]


def _allowed(entry: Mapping[str, Any]) -> str:
    """Say in words what a JSON Schema allows."""
    if "anyOf" in entry:
        return ", or ".join(filter(None, map(_allowed, entry["anyOf"])))
    if "enum" in entry:
        return ", ".join(entry["enum"])
    words = {"exclusiveMinimum": "above", "minimum": "at least", "exclusiveMaximum": "below", "maximum": "at most"}
    bounds = [f"{word} {entry[bound]:.0f}" for bound, word in words.items() if bound in entry]
    return entry.get("const") or " and ".join(bounds) or ("null" if entry["type"] == "null" else "")
