"""Runs a cell's equations in NumPy without allocating: records them once, then replays them in place.

A cell is written as plain expressions (`charlm.cells.cell`), and evaluated as such NumPy makes a new array for
every operation. Here the function is called once with symbols in place of arrays; what it does to them is a list of
operations, each result of which is given a home: the array of the output that it is, or a scratch array that is free
by then. Binding the list to arrays makes ufunc calls with an `out`, which a time loop replays.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import FunctionType
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from charlm.arrays import Array

Call: TypeAlias = tuple[Callable[..., Any], tuple[Array, ...], Array]


class _Operation(NamedTuple):
    ufunc: Callable[..., Any]
    operands: tuple["_Symbol", ...]
    result: "_Symbol"


class _Symbol:
    """A value that has no numbers yet; arithmetic on it is written down in its recording."""

    def __init__(self, recording: "list[_Operation]") -> None:
        self.recording = recording

    def apply(self, ufunc: Callable[..., Any], *operands: "_Symbol") -> "_Symbol":
        result = _Symbol(self.recording)
        self.recording.append(_Operation(ufunc, operands, result))
        return result

    def __add__(self, other: "_Symbol") -> "_Symbol":
        return self.apply(np.add, self, other)

    def __sub__(self, other: "_Symbol") -> "_Symbol":
        return self.apply(np.subtract, self, other)

    def __mul__(self, other: "_Symbol") -> "_Symbol":
        return self.apply(np.multiply, self, other)

    def __truediv__(self, other: "_Symbol") -> "_Symbol":
        return self.apply(np.divide, self, other)


def _activations(one: _Symbol) -> dict[str, Callable[[_Symbol], _Symbol]]:
    """Return the functions of `charlm.activations` on symbols."""

    def sigmoid(x: _Symbol) -> _Symbol:
        power = x.apply(np.exp, x.apply(np.negative, x))
        return x.apply(np.reciprocal, power + one)

    return {
        "sigmoid": sigmoid,
        "tanh": lambda x: x.apply(np.tanh, x),
        "sqrt": lambda x: x.apply(np.sqrt, x),
        "sigmoid_slope": lambda s: s - s * s,
        "tanh_slope": lambda t: one - t * t,
    }


def with_globals(function: Callable[..., Any], names: dict[str, Any]) -> FunctionType:
    """Return the function with other things behind the global names it uses."""
    return FunctionType(function.__code__, names, function.__name__)


@dataclass(frozen=True, slots=True)
class Program:
    """A recorded elementwise function.

    Operands are places: first the inputs, then the outputs, then the scratch arrays, then the constant one.

    Attributes
    ----------
    operations : tuple
        ufunc, places of the operands, place of the result.
    inputs, outputs, scratch : int
        How many arrays of each kind it works on.
    zeros : frozenset of int
        The outputs that are the literal 0.0; nothing is written to them.
    """

    operations: tuple[tuple[Callable[..., Any], tuple[int, ...], int], ...]
    inputs: int
    outputs: int
    scratch: int
    zeros: frozenset[int]

    def bind(self, inputs: Sequence[Array], outputs: Sequence[Array | None], scratch: Sequence[Array]) -> list[Call]:
        """Return the calls that run the program on these arrays; all have one shape.

        `outputs` are the arrays to write to, the very arrays of the inputs that they overwrite; those named in
        `zeros` may be None.
        """
        one: Array = np.ones((), dtype=inputs[0].dtype)
        places: list[Any] = [*inputs, *outputs, *scratch[: self.scratch], one]
        return [(ufunc, tuple(places[o] for o in operands), places[to]) for ufunc, operands, to in self.operations]


def record(function: Callable[..., tuple[Any, ...]], inputs: int, overwrites: Sequence[int | None]) -> Program:
    """Record an elementwise function of `inputs` arrays.

    Parameters
    ----------
    function : callable
        Uses +, -, * and / on its arguments and the names of `charlm.activations`, and returns a tuple.
    inputs : int
        How many arguments it takes.
    overwrites : sequence of int or None
        For each output, the input whose array it takes over, or None where it has an array of its own.

    Returns
    -------
    Program
        The operations in an order in which no array is overwritten before it has been read for the last time.
    """
    recording: list[_Operation] = []
    one = _Symbol(recording)
    arguments = [_Symbol(recording) for _ in range(inputs)]
    results = with_globals(function, dict(_activations(one)))(*arguments)
    homes: dict[_Symbol, int] = {}  # the output that a symbol is
    zeros = set()
    for index, result in enumerate(results):
        if not isinstance(result, _Symbol):
            zeros.add(index)
        elif result in arguments and overwrites[index] == arguments.index(result):
            pass  # an input that stays where it is
        elif result in homes or result in arguments:  # the same value in a second place
            copy = result.apply(np.positive, result)
            homes[copy] = index
        else:
            homes[result] = index
    order = _put_off_overwriting(recording, arguments, homes, overwrites)
    places: dict[_Symbol, int] = {symbol: index for index, symbol in enumerate(arguments)}
    scratch = _allocate(order, homes, places, first=inputs + len(results))
    places[one] = inputs + len(results) + scratch
    operations = tuple((o.ufunc, tuple(places[s] for s in o.operands), places[o.result]) for o in order)
    return Program(operations, inputs, len(results), scratch, frozenset(zeros))


def _put_off_overwriting(
    recording: list[_Operation],
    arguments: list[_Symbol],
    homes: dict[_Symbol, int],
    overwrites: Sequence[int | None],
) -> list[_Operation]:
    """Return the operations reordered so that each output is written after the last reading of what it overwrites."""
    waiting = list(recording)
    order: list[_Operation] = []
    done = {symbol for operation in recording for symbol in operation.operands}
    done -= {operation.result for operation in recording}

    def ready(operation: _Operation) -> bool:
        if not done.issuperset(operation.operands):
            return False
        overwritten = overwrites[homes[operation.result]] if operation.result in homes else None
        if overwritten is None:
            return True
        return not any(arguments[overwritten] in o.operands for o in waiting if o is not operation)

    while waiting:
        operation = next((o for o in waiting if ready(o)), None)
        if operation is None:
            # The result is needed to compute what still reads the array it would overwrite: copy it there last.
            operation = next(o for o in waiting if done.issuperset(o.operands))
            copy = operation.result.apply(np.positive, operation.result)
            homes[copy] = homes.pop(operation.result)
            waiting.append(recording[-1])
        waiting.remove(operation)
        order.append(operation)
        done.add(operation.result)
    return order


def _allocate(order: list[_Operation], homes: dict[_Symbol, int], places: dict[_Symbol, int], first: int) -> int:
    """Give every result a place, outputs their own and the others scratch arrays; return how many of those."""
    outputs_from = len(places)
    last_use = {symbol: index for index, operation in enumerate(order) for symbol in operation.operands}
    free: list[int] = []
    scratch = 0
    for index, operation in enumerate(order):
        for symbol in set(operation.operands):
            if last_use[symbol] == index and places.get(symbol, -1) >= first:
                free.append(places[symbol])
        if operation.result in homes:
            places[operation.result] = outputs_from + homes[operation.result]
            continue
        if not free:
            free.append(first + scratch)
            scratch += 1
        places[operation.result] = free.pop()
    return scratch
