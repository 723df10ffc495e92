"""Every key with its type, range, default and meaning, in the order of the file."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from charlm.cells import NAMES
from charlm.config.options import OPTIMIZER_OPTIONS, SCHEDULE_OPTIONS, UNIT_OPTIONS, Key, options_of
from charlm.config.values import (
    Betas,
    Character,
    Column,
    Count,
    CountOrZero,
    Decay,
    Encoding,
    Epochs,
    Layers,
    Logs,
    Megabytes,
    Minutes,
    OneOf,
    Order,
    Paths,
    Positive,
    Separator,
    Share,
    Size,
    Units,
    Workers,
)
from charlm.network.regularisers import dropout
from charlm.training.optimizers import RULES, SGD, Adam, RMSprop, Rule
from charlm.training.schedules import SCHEDULES, Cosine, Plateau, Step, WarmUp

EXAMPLE = "data/plays/*.txt"


def _untitled(schema: dict[str, Any]) -> None:
    for entry in schema["properties"].values():
        entry.pop("title", None)  # pydantic's titles only repeat the keys


def order_alone(value: Any) -> Any:
    """Read null and 'auto' in place of a section as the order in it."""
    return {"order": value} if stands_alone(value) else value


def stands_alone(value: Any) -> bool:
    """Tell whether a value may stand in place of a section of `SHORTHANDS`."""
    return value is None or value == "auto"


class _Section(BaseModel):
    model_config = ConfigDict(
        frozen=True, strict=True, extra="forbid", allow_inf_nan=False, json_schema_extra=_untitled
    )


def _chosen(registry: Mapping[str, type[Any]], name: str, section: BaseModel) -> Any:
    """Make the class of a name from those keys of a section that are its options."""
    return registry[name](**{option: getattr(section, option) for option in options_of(registry)[name]})


class Split(_Section):
    """How the text is divided for training, validation and test."""

    train: Positive = Field(default=0.9, le=1, description="fraction of the text to learn from")
    valid: Share = Field(default=0.05, description="fraction that chooses the best checkpoint")
    test: Share = Field(default=0.05, description="fraction for the final score")
    layout: Annotated[str, OneOf("a layout", ("tail", "stripes"))] = Field(
        default="tail", description="where the last two lie: at the end, or spread over the text"
    )


class Corpus(_Section):
    """The text to learn from."""

    path: Paths = Field(
        examples=[EXAMPLE], description="file, directory, glob, '-' (stdin), 'stdlib:*.py', or a list of them"
    )
    encoding: Encoding = Field(default="utf-8", description="encoding of the files")
    unit: Annotated[str, OneOf("a unit", tuple(UNIT_OPTIONS))] = Field(default="char", description="what a symbol is")
    mode: Annotated[str, OneOf("a mode", ("stream", "lines"))] = Field(
        default="stream", description="one running text, or independent lines such as names"
    )
    column: Column | None = Field(
        default=None, description="the column of .csv, .tsv or .jsonl files to read, with mode 'lines'"
    )
    newlines: Annotated[str, OneOf("a choice of newlines", ("lf", "keep"))] = Field(
        default="lf", description="turn every line end into \\n, or keep them as they are"
    )
    separator: Separator = Field(default="\n", description="put between two files if the first does not end with it")
    normalize: Annotated[str, OneOf("a normalization form", ("NFC", "NFD", "NFKC", "NFKD"))] | None = Field(
        default=None, description="Unicode normalization form"
    )
    lowercase: bool = Field(default=False, description="turn the text into lower case")
    min_count: Count = Field(default=1, description="rarer characters become the unknown symbol")
    unknown: Character = Field(default="\ufffd", description="the symbol for rare characters, if min_count is above 1")
    split: Split = Field(default=Split(), description="how the text is divided")


class Dropout(_Section):
    """How many activations are dropped while training."""

    input: Decay = Field(default=dropout.Dropout().input, description="rate before the first layer")
    between: Decay = Field(default=dropout.Dropout().between, description="rate between layers")
    output: Decay = Field(default=dropout.Dropout().output, description="rate after the last layer")
    locked: bool = Field(default=dropout.Dropout().locked, description="one mask for a whole window, not one a step")

    def build(self) -> dropout.Dropout:
        """Return the rates as the network reads them."""
        return dropout.Dropout(**dict(self))


class NGram(_Section):
    """What is counted in the text beside the network."""

    order: Order | None = Field(default=None, description="symbols of an n-gram added to the network; 'auto' is 9")
    max_megabytes: Megabytes = Field(default=64, description="its largest size; rarer contexts are left out for it")


class Model(_Section):
    """The network."""

    cell: Annotated[str, OneOf("a cell", NAMES)] = Field(default="lstm", description="the recurrent cell")
    hidden_size: Units = Field(default=256, description="hidden units in a layer")
    num_layers: Layers = Field(default=2, description="recurrent layers")
    embedding_size: Units | None = Field(default=None, description="width of the input embedding; null is one-hot")
    dropout: Dropout = Field(default=Dropout(), description="activations dropped while training")
    ngram: Annotated[NGram, BeforeValidator(order_alone)] = Field(
        default=NGram(), description="counts of the text, added to the network's logits"
    )
    tie_weights: bool = Field(default=False, description="share the embedding with the output layer")
    dtype: Annotated[str, OneOf("a dtype", ("float32", "float64"))] = Field(
        default="float32", description="floating-point type of the weights"
    )


class Training(_Section):
    """How long and in which pieces to train, and what to do along the way."""

    batch_size: Size = Field(default=64, description="parallel text streams")
    seq_length: Size = Field(default=64, description="characters in a window of truncated backpropagation")
    epochs: Epochs | None = Field(default=None, description="length in passes; 10 if no length is given")
    max_steps: Count | None = Field(default=None, description="length in optimizer steps, instead of epochs")
    max_minutes: Minutes | None = Field(default=None, description="length in minutes; beside another, the most")
    clip_norm: Positive | None = Field(default=5.0, description="largest norm of the whole gradient")
    clip_value: Positive | None = Field(default=None, description="largest absolute value in the gradient")
    ema: Annotated[float, Field(gt=0, lt=1)] | None = Field(
        default=None, description="decay of a moving average of the weights"
    )
    early_stopping: Count | None = Field(default=None, description="evaluations without improvement before stopping")
    reset_probability: Share = Field(default=0.02, description="chance per window that a stream forgets its state")
    on_nonfinite: Annotated[str, OneOf("an action", ("stop", "rollback"))] = Field(
        default="stop", description="when numbers diverge: stop, or go back to the last checkpoint at half the rate"
    )
    log_every: Count = Field(default=20, description="steps between lines in metrics.jsonl")
    eval_every: Count = Field(default=500, description="steps between evaluations")
    checkpoint_every: Count = Field(default=500, description="steps between checkpoints")
    sample_every: CountOrZero = Field(default=500, description="steps between samples; 0 is never")
    sample_length: Size = Field(default=200, description="characters in a sample")
    sample_temperature: float = Field(default=0.8, ge=0, description="low is cautious, high is adventurous")
    log_to: Logs = Field(default=(), description="where figures and samples go, too: [tensorboard]")


class Optimizer(_Section):
    """How gradients change the weights."""

    name: Annotated[str, OneOf("an optimizer", tuple(OPTIMIZER_OPTIONS))] = Field(
        default="adam", description="update rule"
    )
    learning_rate: Positive = Field(default=2e-3, description="peak learning rate")
    betas: Betas = Field(default=Adam().betas, description="adam, adamw, muon: decay of the two moments")
    eps: Positive = Field(default=Adam().eps, description="all but sgd: added to the denominator")
    alpha: Decay = Field(default=RMSprop().alpha, description="rmsprop: decay of the squared gradient")
    momentum: Decay = Field(default=SGD().momentum, description="sgd: fraction of the last step that is added")
    nesterov: bool = Field(default=SGD().nesterov, description="sgd: look ahead along the momentum")
    weight_decay: float = Field(default=Adam().weight_decay, ge=0, description="pull of the weights towards zero")

    def build(self) -> Rule:
        """Return the update rule with its numbers."""
        rule: Rule = _chosen(RULES, self.name, self)
        return rule


class Schedule(_Section):
    """How the learning rate moves."""

    name: Annotated[str, OneOf("a schedule", tuple(SCHEDULE_OPTIONS))] = Field(
        default="constant", description="shape after the warm-up"
    )
    warmup_steps: CountOrZero = Field(default=WarmUp().steps, description="steps of linear rise to the peak")
    factor: Annotated[float, Field(gt=0, lt=1)] = Field(
        default=Step().factor, description="step, exponential: multiplier per drop; plateau: per trigger"
    )
    every: Count = Field(default=Step().every, description="step: epochs between drops")
    after: float = Field(default=Step().after, ge=0, le=1e9, description="step, exponential: first epochs left alone")
    final_ratio: Share = Field(
        default=Cosine().final_ratio, description="cosine, linear: last rate / peak rate; plateau: lowest"
    )
    patience: Count = Field(
        default=Plateau().patience, description="plateau: evaluations without improvement before a drop"
    )

    def build(self) -> WarmUp:
        """Return the schedule with its numbers, and its warm-up around it."""
        return WarmUp(_chosen(SCHEDULES, self.name, self), self.warmup_steps)


class Config(_Section):
    """All settings of a training run; build one with `load` or `from_dict`."""

    corpus: Corpus = Field(description="the text to learn from")
    preset: Annotated[str, OneOf("a preset", ("auto",))] | None = Field(
        default=None, description="'auto' chooses every key that is not given, by the text and the minutes"
    )
    model: Model = Field(default=Model(), description="the network")
    training: Training = Field(default=Training(), description="length, pieces, checkpoints and samples")
    optimizer: Optimizer = Field(default=Optimizer(), description="how gradients change the weights")
    schedule: Schedule = Field(default=Schedule(), description="how the learning rate moves")
    seed: int = Field(default=1, ge=0, lt=2**64, description="equal seeds give equal runs")
    workers: Workers = Field(default="auto", description="batch shards that run in parallel; 'auto' looks at the cores")
    kernels: Annotated[str, OneOf("a choice of kernels", ("auto", "numpy", "fused"))] = Field(
        default="auto", description="NumPy, or fused loops, which need Numba"
    )

    @model_validator(mode="before")
    @classmethod
    def _column_as_lines(cls, data: Any) -> Any:
        """Choose, with a preset, the one mode that a column has; the text is read before the other keys are chosen."""
        corpus = data.get("corpus") if isinstance(data, dict) and data.get("preset") is not None else None
        if isinstance(corpus, dict) and corpus.get("column") is not None:
            return {**data, "corpus": {"mode": "lines", **corpus}}
        return data

    def to_dict(self) -> dict[str, Any]:
        """Return the configuration as nested dictionaries that JSON and YAML can hold.

        Every default is written out, but with a preset only what was given: it chooses the rest.
        """
        return self.model_dump(mode="json", exclude_unset=self.preset is not None)


def _sections(section: type[BaseModel] = Config, key: Key = ()) -> Iterator[tuple[Key, type[BaseModel]]]:
    yield key, section
    for name, field in section.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from _sections(field.annotation, (*key, name))


SECTIONS = dict(_sections())
SHORTHANDS: dict[Key, str] = {("model", "ngram"): "order"}  # the keys of sections that may stand in place of them
KEYS = tuple((*key, name) for key, section in SECTIONS.items() for name in section.model_fields)
