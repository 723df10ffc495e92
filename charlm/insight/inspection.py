"""What the units of a network do along a text, with all that a page of it shows."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from charlm.arrays import Array, IntArray
from charlm.corpus.vocabulary import Vocabulary
from charlm.inference.symbolwise import Expected
from charlm.inference.text import characters
from charlm.insight.saturation import Saturation, gates_of, saturation
from charlm.insight.traces import Traces, Unit, read
from charlm.insight.units import Ranking, rank, steps
from charlm.network.architecture import Architecture


class Scale(NamedTuple):
    """The values between which a unit is shown, as far below its middle as above.

    Attributes
    ----------
    low, high : float
        0 and 1 for a gate; the largest value without its sign, and that below zero, for what has a sign.
    """

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Inspection:
    """A text of n characters as a network reads it.

    Attributes
    ----------
    characters : list of str
        The text; bytes that are no UTF-8 have become U+FFFD.
    bits : ndarray of float64, shape (n,)
        The surprise of each character, NaN for the first.
    guesses : ndarray of int, shape (n, k)
        The likeliest symbols where each character begins, the likeliest first.
    probabilities : ndarray of float64, shape (n, k)
        Their probabilities.
    symbols : tuple of str
        The vocabulary; in a model of bytes ``chr(b)`` stands for the byte b.
    traces : Traces
        Every gate and state after each character.
    gates, states : list of str
        The letters of the gates that are between 0 and 1, and of the states; all else is what may enter a state.
    ranking : Ranking
        The units by what they follow.
    saturation : list of Saturation
        How often each gate is shut or open.
    """

    characters: list[str]
    bits: Array
    guesses: IntArray
    probabilities: Array
    symbols: tuple[str, ...]
    traces: Traces
    gates: list[str]
    states: list[str]
    ranking: Ranking
    saturation: list[Saturation]

    @property
    def strongest(self) -> Unit:
        """The unit that follows something best; the first one where the text tells of none."""
        return self.ranking.units[0].unit if self.ranking.units else self.traces.units[0]

    def scale(self, unit: Unit) -> Scale:
        """Return the values between which a unit is shown."""
        if unit.array in self.gates:
            return Scale(0.0, 1.0)
        largest = float(np.abs(self.traces.of(unit)).max()) or 1.0
        return Scale(-largest, largest)

    def deviations(self, unit: Unit) -> Array:
        """Return the values of a unit, (n,), as shares of the way from the middle of its scale to an end: -1 to 1."""
        low, high = self.scale(unit)
        deviations: Array = (self.traces.of(unit) - (low + high) / 2) / ((high - low) / 2)
        return deviations


def inspection(
    architecture: Architecture,
    parameters: Mapping[str, Array],
    vocabulary: Vocabulary,
    ids: IntArray,
    expected: Expected,
    on_progress: Callable[[int, int], object] = lambda done, total: None,
) -> Inspection:
    """Read a text with a network, and rank its units.

    Parameters
    ----------
    architecture, parameters, vocabulary
        The network and its symbols.
    ids : ndarray of int, shape (N,)
        The text, at least one symbol.
    expected : Expected
        What the model expected of each of them.
    on_progress : callable
        Called with how much is done and of how much.
    """
    total = architecture.num_layers * len(ids) + steps(architecture, len(ids))
    done = 0

    def on_steps(more: int) -> None:
        nonlocal done
        done += more
        on_progress(done, total)

    text, begins, ends = characters_of(ids, vocabulary)
    before = [symbol for symbol in [architecture.start_symbol] if symbol is not None]
    traces = read(architecture, parameters, np.append(before, ids).astype(np.int64), on_steps=on_steps)
    traces = Traces(traces.units, traces.values[ends + len(before)])
    losses = np.append(0, np.cumsum(np.nan_to_num(expected.losses)))
    return Inspection(
        characters=text,
        bits=np.where(np.isnan(expected.losses[begins]), np.nan, losses[ends + 1] - losses[begins]) / np.log(2),
        guesses=expected.guesses[begins],
        probabilities=np.exp(expected.log_p[begins]),
        symbols=vocabulary.symbols,
        traces=traces,
        gates=gates_of(architecture.equations),
        states=list(architecture.equations.carried),
        ranking=rank(architecture, parameters, ids, text, ends, on_steps=on_steps),
        saturation=saturation(architecture.equations, traces),
    )


def characters_of(ids: IntArray, vocabulary: Vocabulary) -> tuple[list[str], IntArray, IntArray]:
    """Return the characters of a text, and the places in `ids` of the first and the last symbol of each."""
    spelling = characters(vocabulary)
    pieces = [spelling.spell(int(symbol)) for symbol in ids]
    pieces[-1] += spelling.rest()
    text: list[str] = []
    begins: list[int] = []
    ends: list[int] = []
    begun = 0
    for place, piece in enumerate(pieces):
        text += piece  # a byte may complete two characters, of which the first is U+FFFD
        begins += [begun] * len(piece)
        ends += [place] * len(piece)
        begun = place + 1 if piece else begun
    return text, np.array(begins), np.array(ends)
