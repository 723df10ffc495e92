"""Kinds of values beyond numbers and texts: a name out of a few, a path or several, the name of an encoding."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    ValidationError,
    WrapValidator,
)
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from charlm.files.logs import LOGS
from charlm.limits import MOST_LAYERS, MOST_MINUTES, MOST_ORDER, MOST_SIZE, MOST_UNITS, MOST_WORKERS

_AS_MEANT = (
    "must be in single quotes, or have forward slashes: in double quotes a backslash begins an escape, "
    r"as \n is a line end"
)


@dataclass(frozen=True)
class OneOf:
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


def must(sentence: str) -> WrapValidator:
    """Report whatever is wrong with a value in one sentence."""

    def check(value: Any, inner: Callable[[Any], Any]) -> Any:
        try:
            return inner(value)
        except ValidationError:
            raise PydanticCustomError("must", "{sentence}", {"sentence": sentence}) from None

    return WrapValidator(check)


def _tuple_of_list(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _as_meant(path: str | tuple[str, ...]) -> str | tuple[str, ...]:
    r"""Refuse a Windows path in double quotes, such as ``"C:\new"``, where ``\n`` has become a line end."""
    for one in [path] if isinstance(path, str) else path:
        if re.match(r"[A-Za-z]:|\\", one) and not one.isprintable():
            raise PydanticCustomError("must", "{sentence}", {"sentence": _AS_MEANT})
    return path


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


# Upper limits far above what anybody needs, so that a slip of the finger is told at once and nothing overflows.
Count = Annotated[int, Field(ge=1, le=10**12)]
CountOrZero = Annotated[int, Field(ge=0, le=10**12)]
Units = Annotated[int, Field(ge=1, le=MOST_UNITS)]
Layers = Annotated[int, Field(ge=1, le=MOST_LAYERS)]
Size = Annotated[int, Field(ge=1, le=MOST_SIZE)]
Epochs = Annotated[float, Field(gt=0, le=1e9)]
Minutes = Annotated[float, Field(gt=0, le=MOST_MINUTES)]
Share = Annotated[float, Field(ge=0, le=1)]
Decay = Annotated[float, Field(ge=0, lt=1)]
Positive = Annotated[float, Field(gt=0)]
NonEmpty = Annotated[str, Field(min_length=1)]
Paths = Annotated[
    NonEmpty | Annotated[tuple[NonEmpty, ...], Field(min_length=1)],
    BeforeValidator(_tuple_of_list),
    must("must be a path or a list of paths"),
    AfterValidator(_as_meant),
]
Encoding = Annotated[str, AfterValidator(_text_encoding), must("must be the name of a text encoding, such as 'utf-8'")]
Character = Annotated[
    str, Field(min_length=1, max_length=1), AfterValidator(_one_character), must("must be exactly one character")
]
Separator = Annotated[str, Field(max_length=100), must("must be a text of at most 100 characters, or ''")]
Column = Annotated[str, Field(min_length=1, max_length=200), must("must be the name of a column")]
Betas = Annotated[
    tuple[Decay, Decay], BeforeValidator(_tuple_of_list), must("must be two numbers, each at least 0 and below 1")
]
Logs = Annotated[
    tuple[Annotated[str, OneOf("a log", tuple(LOGS))], ...],
    Field(max_length=len(LOGS)),
    BeforeValidator(_tuple_of_list),
    must(f"must be [] or [{', '.join(LOGS)}]"),
]
Workers = Annotated[
    Literal["auto"] | Annotated[int, Field(ge=1, le=MOST_WORKERS)],
    must(f"must be 'auto' or a whole number from 1 to {MOST_WORKERS}"),
]
Order = Annotated[
    Literal["auto"] | Annotated[int, Field(ge=1, le=MOST_ORDER)],
    must(f"must be 'auto', or a whole number from 1 to {MOST_ORDER},"),
]
Megabytes = Annotated[float, Field(gt=0, le=100_000)]
