"""The symbols a model knows, and the way from text to their numbers and back."""

import codecs
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from charlm.arrays import Ids, IntArray, Unsigned
from charlm.corpus.lookalikes import nearest, unicode_name
from charlm.errors import CharlmError, Remedy, UnknownSymbolError, UsageError
from charlm.phrases import as_written, shown

CHUNK = 1 << 18  # symbols looked up at a time: a few of these arrays fit into a core's cache
NAMED_UNKNOWNS = 8
POLICIES = ("error", "skip", "replace")


class Unit(NamedTuple):
    """What one symbol of a unit is made of: its code's width, the codec that turns codes into text, and its names."""

    noun: str
    short: str
    dtype: str
    codec: str
    errors: str
    codes: int


UNITS = {
    "char": Unit("character", "char", dtype="<u4", codec="utf-32-le", errors="surrogatepass", codes=0x110000),
    "byte": Unit("byte", "byte", dtype="u1", codec="utf-8", errors="replace", codes=0x100),
}


def codes(text: str | bytes) -> npt.NDArray[Any]:
    """Return the code points of a text or the values of bytes, without a loop over them.

    Parameters
    ----------
    text : str or bytes
        N characters or N bytes.

    Returns
    -------
    numpy.ndarray, shape (N,)
        uint8 for bytes and for ASCII text, uint16 for text that needs no surrogates in UTF-16, which is made much
        sooner than UTF-32, and uint32 for any other text. Read-only.
    """
    if isinstance(text, str) and text.isascii():
        text = text.encode("ascii")
    if isinstance(text, bytes):
        return np.frombuffer(text, dtype=np.uint8)
    units = text.encode("utf-16-le", "surrogatepass")
    if len(units) == 2 * len(text):
        return np.frombuffer(units, dtype="<u2")
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4")


@dataclass(frozen=True)
class Vocabulary:
    """V symbols, numbered by their place.

    Parameters
    ----------
    symbols : tuple of str
        One-character strings. In a byte vocabulary the byte of value b is written ``chr(b)``.
    unit : {"char", "byte"}
        Whether a symbol is a Unicode code point or a byte of UTF-8 (or of any file at all).
    unknown : int or None
        The id of the symbol that stands for characters which have none of their own.

    Raises
    ------
    CharlmError
        When the symbols are none, too long, repeated or no bytes, or when `unknown` is not one of their ids.
    """

    symbols: tuple[str, ...]
    unit: str = "char"
    unknown: int | None = None

    def __post_init__(self) -> None:
        """Refuse symbols that could not be distinguished."""
        if self.unit not in UNITS:
            raise CharlmError(f"vocabulary: {shown(self.unit)} is not a unit; it must be one of {', '.join(UNITS)}")
        if not self.symbols:
            raise CharlmError("vocabulary: there are no symbols; at least one is needed")
        for symbol in self.symbols:
            if len(symbol) != 1:
                raise CharlmError(f"vocabulary: {shown(symbol)} is not a symbol; each must be exactly one character")
            if ord(symbol) >= UNITS[self.unit].codes:
                raise CharlmError(f"vocabulary: {shown(symbol)} is not a byte; byte symbols are chr(0) to chr(255)")
        if len(set(self.symbols)) < len(self.symbols):
            (twice, _), *_ = Counter(self.symbols).most_common(1)
            raise CharlmError(f"vocabulary: {twice!r} occurs twice; every symbol must occur once")
        if self.unknown is not None and not 0 <= self.unknown < len(self.symbols):
            raise CharlmError(
                f"vocabulary: the unknown symbol's id {shown(self.unknown)} is not below {len(self.symbols)}"
            )

    @classmethod
    def of(cls, text: str | bytes) -> "Vocabulary":
        """Return the vocabulary of the characters of a text, or of the byte values of bytes, in order of code."""
        return cls(tuple(map(chr, np.unique(codes(text)))), "byte" if isinstance(text, bytes) else "char")

    def __len__(self) -> int:
        """Return V, the number of symbols."""
        return len(self.symbols)

    @property
    def dtype(self) -> np.dtype[Unsigned]:
        """The smallest unsigned integer type that holds every id."""
        return np.min_scalar_type(len(self) - 1)

    def id_of(self, symbol: str) -> int | None:
        """Return the id of one symbol, or None when the vocabulary lacks it."""
        return self._ids.get(symbol)

    def encode(self, text: str | bytes, on_unknown: str = "error") -> Ids:
        r"""Return the ids of a text.

        Parameters
        ----------
        text : str or bytes
            A character vocabulary takes text; a byte vocabulary takes bytes, or text, which it reads as UTF-8.
        on_unknown : {"error", "skip", "replace"}
            What to do with symbols that the vocabulary lacks: refuse them, leave them out, or put the unknown
            symbol in their place.

        Returns
        -------
        numpy.ndarray, shape (N,)
            Ids of type `dtype`; N is the number of symbols in the text, less those left out.

        Raises
        ------
        UnknownSymbolError
            When symbols are unknown and the policy is "error".
        UsageError
            When the policy is none, or it is "replace" and the vocabulary has no unknown symbol.
        """
        self._check_policy(on_unknown)
        symbols = self._symbols_in(text)
        ids = np.empty(len(symbols), dtype=self.dtype)
        end = 0
        for start in range(0, len(symbols), CHUNK):
            found = self._look_up(symbols[start : start + CHUNK])
            if found.max() >= len(self):
                if on_unknown == "error":
                    raise UnknownSymbolError(self._unknown_message(symbols), remedy=Remedy.SKIP_UNKNOWN)
                found = self._without_unknown(found, on_unknown)
            ids[end : end + len(found)] = found
            end += len(found)
        return ids[:end]

    def checked(self, ids: object) -> IntArray:
        """Return ids as an array of int64, shape (N,).

        Raises
        ------
        UsageError
            When they are no list of whole numbers, or one of them is no symbol's.
        """
        try:
            array = np.asarray(ids)
        except ValueError:  # lists of several lengths
            array = np.array(None)
        if isinstance(ids, bytearray | memoryview):  # whose numbers are those of bytes, and no ids
            array = np.array(None)
        if array.ndim != 1 or (len(array) and array.dtype.kind not in "iu"):
            raise UsageError(
                f"a text must be str, bytes or a list of ids, which are whole numbers, got {as_written(ids)}"
            )
        if len(array) and not 0 <= array.min() <= array.max() < len(self):
            raise UsageError(f"ids must be between 0 and {len(self) - 1}, got {array.min()} to {array.max()}")
        return array.astype(np.int64)

    def decode(self, ids: npt.ArrayLike) -> str:
        """Return the text of ids, shape (N,); bytes that are no UTF-8 become U+FFFD, the replacement character."""
        unit = UNITS[self.unit]
        return self._stored(ids).decode(unit.codec, unit.errors)

    def decoder(self) -> "Decoder":
        """Return a decoder for ids that arrive a few at a time."""
        return Decoder(self)

    def to_metadata(self) -> dict[str, Any]:
        """Return the vocabulary as a dictionary that JSON can hold; byte symbols as numbers."""
        symbols: list[Any] = [ord(s) for s in self.symbols] if self.unit == "byte" else list(self.symbols)
        return {"unit": self.unit, "symbols": symbols, "unknown": self.unknown}

    @classmethod
    def from_metadata(cls, metadata: object) -> "Vocabulary":
        """Return the vocabulary that `to_metadata` described.

        Parameters
        ----------
        metadata : object
            What a file says; nothing about it is taken on trust.

        Raises
        ------
        CharlmError
            When it describes no vocabulary.
        """
        if not isinstance(metadata, Mapping) or set(metadata) != {"unit", "symbols", "unknown"}:
            raise CharlmError("vocabulary: must have exactly the keys unit, symbols and unknown")
        unit, symbols, unknown = metadata["unit"], metadata["symbols"], metadata["unknown"]
        if not isinstance(unit, str) or not isinstance(symbols, list):
            raise CharlmError("vocabulary: unit must be a string and symbols a list")
        if unknown is not None and type(unknown) is not int:
            raise CharlmError(
                f"vocabulary: the unknown symbol's id must be a whole number or null, got {shown(unknown)}"
            )
        read = _byte_symbol if unit == "byte" else _character
        return cls(tuple(read(value) for value in symbols), unit, unknown)

    @cached_property
    def _ids(self) -> dict[str, int]:
        return {symbol: index for index, symbol in enumerate(self.symbols)}

    @cached_property
    def _codes(self) -> npt.NDArray[Any]:
        return np.array([ord(symbol) for symbol in self.symbols], dtype=UNITS[self.unit].dtype)  # (V,)

    @cached_property
    def _table(self) -> Ids:
        """The id of every code up to the highest, with V, which is no id, in the gaps and at the end."""
        size = max(int(self._codes.max()) + 2, 256)
        table = np.full(size, len(self), dtype=np.min_scalar_type(len(self)))
        table[self._codes] = np.arange(len(self))
        return table

    @cached_property
    def _byte_table(self) -> bytes | None:
        """The first 256 entries for `bytes.translate`, which is twice as fast as indexing, if an id fits a byte."""
        return self._table[:256].tobytes() if self._table.itemsize == 1 else None

    def _look_up(self, text: str | bytes) -> Ids:
        found = codes(text)
        if found.itemsize == 1 and self._byte_table is not None:
            return np.frombuffer(found.tobytes().translate(self._byte_table), dtype=np.uint8)
        ids: Ids = self._table.take(found, mode="clip")  # codes past the table read its last entry, V
        return ids

    def _without_unknown(self, found: Ids, policy: str) -> Ids:
        missing = found == len(self)
        ids: Ids = found[~missing] if policy == "skip" else found.copy()
        if policy == "replace" and self.unknown is not None:
            ids[missing] = self.unknown
        return ids

    def _check_policy(self, policy: str) -> None:
        if policy not in POLICIES:
            raise UsageError(f"on_unknown: {policy!r} is not a policy; it must be one of {', '.join(POLICIES)}")
        if policy == "replace" and self.unknown is None:
            raise UsageError(
                "on_unknown: 'replace' needs an unknown symbol, and this vocabulary has none (it is made when the "
                "corpus is read with min_count above 1); choose 'error' or 'skip'"
            )

    def _symbols_in(self, text: str | bytes) -> str | bytes:
        if self.unit == "char":
            if not isinstance(text, str):
                raise TypeError("a character vocabulary encodes text, not bytes")
            return text
        if isinstance(text, bytes):
            return text
        try:  # surrogateescape: the operating system's way to hand over arguments that are not UTF-8
            return text.encode("utf-8", "surrogateescape")
        except UnicodeEncodeError as error:
            raise UnknownSymbolError(f"the text has no UTF-8 form: {error.reason} at character {error.start}") from None

    def _stored(self, ids: npt.ArrayLike) -> bytes:
        return self._codes[np.asarray(ids, dtype=np.intp)].tobytes()

    def _unknown_message(self, symbols: str | bytes) -> str:
        found = map(chr, symbols) if isinstance(symbols, bytes) else symbols
        unknown = [symbol for symbol in dict.fromkeys(found) if symbol not in self._ids]
        named = [self._name_with_nearest(symbol) for symbol in unknown[:NAMED_UNKNOWNS]]
        more = f" and {len(unknown) - len(named)} more" if len(unknown) > len(named) else ""
        return f"not in the vocabulary of {len(self)} symbols: {', '.join(named)}{more}"

    def _name_with_nearest(self, symbol: str) -> str:
        near = ", ".join(self._show(other) for other in nearest(symbol, self.symbols, named=self.unit == "char"))
        return f"{self._show(symbol)} ({self._name(symbol)}; nearest {near})"

    def _show(self, symbol: str) -> str:
        return f"0x{ord(symbol):02X}" if self.unit == "byte" and ord(symbol) > 0x7F else repr(symbol)

    def _name(self, symbol: str) -> str:
        return f"byte {ord(symbol)}" if self.unit == "byte" else f"U+{ord(symbol):04X} {unicode_name(symbol)}".rstrip()


class Decoder:
    """Turns ids into text as they come, holding back the bytes of a character that is not complete yet."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        unit = UNITS[vocabulary.unit]
        self._vocabulary = vocabulary
        self._incremental = codecs.getincrementaldecoder(unit.codec)(unit.errors)

    def feed(self, ids: npt.ArrayLike) -> str:
        """Return the text that ids, shape (N,), complete; it may be empty."""
        return self._incremental.decode(self._vocabulary._stored(ids))

    def finish(self) -> str:
        """Return what was held back, as U+FFFD, and begin anew."""
        rest = self._incremental.decode(b"", final=True)
        self._incremental.reset()
        return rest


def _character(value: Any) -> str:
    if not isinstance(value, str):
        raise CharlmError(f"vocabulary: {shown(value)} is not a symbol; each must be exactly one character")
    return value


def _byte_symbol(value: Any) -> str:
    if type(value) is not int or not 0 <= value < 256:
        raise CharlmError(f"vocabulary: {shown(value)} is not a byte; byte symbols are whole numbers from 0 to 255")
    return chr(value)
