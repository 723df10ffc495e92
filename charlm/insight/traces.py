"""What every unit of a network does along a text: its gates and states after each symbol."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from charlm.arrays import OVERFLOW, Array, IntArray
from charlm.cells import Cell
from charlm.errors import UsageError
from charlm.network import unroll
from charlm.network.architecture import Architecture
from charlm.network.recurrence import LayerWeights, States
from charlm.network.unroll import Named
from charlm.phrases import as_written

WINDOW = 256  # steps that are read at once; the state is carried, so it changes nothing but the memory


class Unit(NamedTuple):
    """One element of a gate or of a state.

    Attributes
    ----------
    layer : int
        Its layer, from 0.
    array : str
        The letter of the gate or the state in the equations of the cell.
    place : int
        Its place in the array, from 0.
    """

    layer: int
    array: str
    place: int

    def __str__(self) -> str:
        return f"l{self.layer}.{self.array}.{self.place}"


@dataclass(frozen=True, slots=True)
class Traces:
    """The values of U units after each of n symbols.

    Attributes
    ----------
    units : list of Unit
        Layer by layer and gate by gate, the states after the gates.
    values : ndarray of float16, shape (n, U)
        Those of gates and of h are between -1 and 1; a cell state c grows by at most 1 a step.
    """

    units: list[Unit]
    values: Array

    def of(self, unit: Unit | str) -> Array:
        """Return the values of one unit, (n,), as float32.

        Parameters
        ----------
        unit : Unit or str
            The unit, or its name, such as ``l0.h.17``.

        Raises
        ------
        UsageError
            If the network has no such unit.
        """
        found = unit if isinstance(unit, Unit) and unit in self.units else unit_named(self.units, str(unit))
        return np.asarray(self.values[:, self.units.index(found)], np.float32)


def arrays_of(architecture: Architecture) -> list[str]:
    """Return the letters of the gates and states of a layer, each once."""
    cell = architecture.equations
    return list(dict.fromkeys([*(gate.name for gate in cell.gates), *cell.carried]))


def units_of(architecture: Architecture) -> list[Unit]:
    """Return the units of a network in the order of `Traces`."""
    return [
        Unit(layer, array, place)
        for layer in range(architecture.num_layers)
        for array in arrays_of(architecture)
        for place in range(architecture.hidden_size)
    ]


def unit_named(units: Sequence[Unit], name: str) -> Unit:
    """Return that of the units of a network which has a name such as ``l0.h.17``.

    Raises
    ------
    UsageError
        If the network has no such unit.
    """
    named = {str(unit): unit for unit in units}
    if name not in named:
        raise UsageError(
            f"unit: {as_written(name)} is no unit of this network; it has {units[0]} to {units[-1]}, and a layer "
            f"has {', '.join(dict.fromkeys(unit.array for unit in units))}"
        )
    return named[name]


def read(
    architecture: Architecture,
    parameters: Mapping[str, Array],
    ids: IntArray,
    streams: int = 1,
    on_steps: Callable[[int], object] = lambda steps: None,
) -> Traces:
    """Read a text, without dropout and from a zero state.

    Parameters
    ----------
    architecture : Architecture
        The network.
    parameters : mapping of str to ndarray
        Its weights.
    ids : ndarray of int, shape (n,)
        The text, n a multiple of `streams`.
    streams : int
        Into how many parts of equal length the text is cut, each of them read from a zero state.
    on_steps : callable
        Called with the number of steps whenever a layer has done some.
    """
    columns = ids.reshape(streams, -1).T
    layers = _layers(architecture, parameters, columns, on_steps)
    names = arrays_of(architecture)
    values = [_in_text_order(named[name]) for named in layers for name in names]
    return Traces(units_of(architecture), np.concatenate(values, axis=1))


def _in_text_order(array: Array) -> Array:
    """Return values (T, B, H) of all streams one after the other, (B T, H)."""
    values: Array = array.transpose(1, 0, 2).reshape(-1, array.shape[2])
    return values


def _layers(
    architecture: Architecture, parameters: Mapping[str, Array], ids: IntArray, on_steps: Callable[[int], object]
) -> Iterator[Named]:
    """Yield the gates and states of each layer by name, (T, B, H)."""
    keep = np.ones(ids.shape, architecture.dtype)
    if architecture.start_symbol is not None:
        keep[ids == architecture.start_symbol] = 0
    used, places = np.unique(ids, return_inverse=True)
    places = places.reshape(ids.shape)
    embedding = parameters.get("embedding.weight")
    table = np.eye(len(used), dtype=architecture.dtype) if embedding is None else embedding[used]

    def symbols(rows: slice) -> Array:
        return table[places[rows]]

    entering: Callable[[slice], Array] = symbols
    for layer, state in enumerate(architecture.zero_state(ids.shape[1])):
        weights = LayerWeights.of(parameters, layer)
        if layer == 0 and embedding is None:
            weights = weights._replace(weight_ih=weights.weight_ih[:, used])
        named = _through_time(architecture.equations, weights, entering, state, keep, on_steps)
        entering = named["h"].__getitem__
        yield {name: named[name].astype(np.float16) for name in arrays_of(architecture)}


def _through_time(
    cell: Cell,
    weights: LayerWeights,
    entering: Callable[[slice], Array],
    state: States,
    keep: Array,
    on_steps: Callable[[int], object],
) -> Named:
    """Return the gates and states of one layer, given what enters it at some steps."""
    windows = []
    for first in range(0, len(keep), WINDOW):
        rows = slice(first, first + WINDOW)
        with np.errstate(**OVERFLOW):
            steps = unroll.forward(cell, weights, entering(rows), state, keep[rows])
        windows.append({**steps.gates, **steps.after})
        state = tuple(windows[-1][name][-1] for name in cell.carried)
        on_steps(len(steps.keep))
    return {name: np.concatenate([window[name] for window in windows]) for name in windows[0]}
