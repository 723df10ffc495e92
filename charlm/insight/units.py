"""Which units of a network follow something readable, and how well, beside what chance would give.

The strength with which a unit follows a feature is the smaller of its correlations (Pearson's, without the sign) with
it in the first and in the second half of the text, and 0 where their signs differ. So what is found in one half has to
hold in the other.

The strongest of some thousand units is strong by chance. Two baselines say how strong, each with the same statistic and
the same choice of the strongest unit:

* the feature shifted in time, round each half: what it would be if the unit had nothing to do with the text there;
* the network with the weights of every gate in random order: what it would be if the weights were as large as they are,
  but had learnt nothing. Such a network reads the text, too, so its units do correlate with, say, capitals.

Each gives some samples of the strongest unit. The bound is their mean and five standard deviations, of Fisher's z; a
unit that is above both bounds is found. The largest of many values has about a Gumbel distribution, of which one in
1,000 is beyond that; as so few samples tell the deviation only roughly, chance may come to a few times as much.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from charlm.arrays import Array, IntArray
from charlm.insight.readable import FEATURES
from charlm.insight.traces import Unit, read, units_of
from charlm.network.architecture import Architecture

SHIFTS = 50
SHUFFLES = 16
DEVIATIONS = 5.0
STRONGEST = 1 - 1e-6  # Fisher's z of 1 is infinite
LEAST_CHANGES = 10  # in each half of the text; a feature that changes more rarely is not looked for
LEAST_CHARACTERS = 1_000
PART, PARTS = 500, 32  # the least length of the parts in which a text is read, and how many at most
COLUMNS = 512  # units whose correlations are computed at once


@dataclass(frozen=True, slots=True)
class Chance:
    """What the strongest unit comes to by chance.

    Attributes
    ----------
    shifted, shuffled : float
        The bound by shifts of the feature in time, and by networks with weights in random order.
    """

    shifted: float
    shuffled: float

    @property
    def bound(self) -> float:
        """What a unit has to exceed."""
        return max(self.shifted, self.shuffled)


@dataclass(frozen=True, slots=True)
class Following:
    """How well a unit follows a feature.

    Attributes
    ----------
    unit : Unit
        The unit.
    feature : str
        The name of the feature.
    first, second : float
        Its correlation in the first half of the text, and in the second.
    chance : Chance
        What the strongest unit comes to by chance.
    """

    unit: Unit
    feature: str
    first: float
    second: float
    chance: Chance

    @property
    def strength(self) -> float:
        """The smaller of both correlations without its sign; 0 where their signs differ."""
        return float(strength(np.array([self.first, self.second])))

    @property
    def found(self) -> bool:
        """Whether the unit is stronger than chance explains."""
        return self.strength > self.chance.bound


@dataclass(frozen=True, slots=True)
class Ranking:
    """The units of a network by what they follow.

    Attributes
    ----------
    units : list of Following
        Every unit with the feature that it follows best: those that are found first, then by strength.
    features : dict of str to Following
        The strongest unit of every feature that the text has.
    missing : list of str
        The features of which the text has too little.
    """

    units: list[Following]
    features: dict[str, Following]
    missing: list[str]

    @property
    def found(self) -> list[Following]:
        """The units that follow something better than chance explains."""
        return [following for following in self.units if following.found]


def rank(
    architecture: Architecture,
    parameters: Mapping[str, Array],
    ids: IntArray,
    text: Sequence[str],
    ends: IntArray,
    seed: int = 0,
    on_steps: Callable[[int], object] = lambda steps: None,
) -> Ranking:
    """Rank the units of a network by how well they follow the features of `charlm.insight.readable`.

    Parameters
    ----------
    architecture : Architecture
        The network.
    parameters : mapping of str to ndarray
        Its weights.
    ids : ndarray of int, shape (N,)
        The text as the network reads it.
    text : sequence of str
        Its n characters.
    ends : ndarray of int, shape (n,)
        The place in `ids` of the last symbol of each character.
    seed : int
        Of the shifts and shuffles.
    on_steps : callable
        Called with the number of steps whenever a layer of a network has done some; `steps` has their sum.
    """
    values = {name: feature(text) for name, feature in FEATURES.items()}
    present = [name for name, value in values.items() if len(text) >= LEAST_CHARACTERS and _varies(value)]
    missing = [name for name in FEATURES if name not in present]
    if not present:
        return Ranking([], {}, missing)
    parts = _parts(len(ids))
    ids = ids[: len(ids) // parts * parts]
    ends = ends[ends < len(ids)]
    features = np.stack([values[name][: len(ends)] for name in present], axis=1)

    def activations(weights: Mapping[str, Array]) -> Array:
        return read(architecture, weights, ids, parts, on_steps).values[ends]

    rng = np.random.default_rng(seed)
    of_network = activations(parameters)
    shifted = [bound(_strongest_shifted(of_network, feature, rng)) for feature in features.T]
    samples = [
        strength(correlations(activations(shuffled(architecture, parameters, rng)), features)).max(axis=0)
        for _ in range(SHUFFLES)
    ]
    chances = [Chance(*both) for both in zip(shifted, map(bound, np.transpose(samples)), strict=True)]
    return _ranked(units_of(architecture), present, missing, correlations(of_network, features), chances)


def steps(architecture: Architecture, symbols: int) -> int:
    """Return how many steps `rank` takes for a text of so many symbols, over all layers and networks."""
    return (1 + SHUFFLES) * architecture.num_layers * (symbols // _parts(symbols))


def correlations(values: Array, features: Array) -> Array:
    """Return the correlations in the two halves of a text, (2, U, F), of values (n, U) and features (n, F).

    What does not vary has correlation 0.
    """
    half = len(values) // 2
    halves = slice(0, half), slice(half, 2 * half)
    standard = [_standardised(features[rows]) for rows in halves]
    result = np.empty((2, values.shape[1], features.shape[1]), np.float32)
    for first in range(0, values.shape[1], COLUMNS):
        columns = slice(first, first + COLUMNS)
        for place, rows in enumerate(halves):
            result[place, columns] = _standardised(values[rows, columns]).T @ standard[place]
    return result


def strength(correlations: Array) -> Array:
    """Return how strong correlations of two halves, (2, ...), are together; see this module."""
    weaker = np.abs(correlations).min(axis=0)
    return np.where(correlations[0] * correlations[1] > 0, weaker, 0)


def bound(strongest: Array) -> float:
    """Return what samples of the strongest unit stay below; see this module."""
    z = np.arctanh(np.minimum(strongest, STRONGEST))
    return float(np.tanh(z.mean() + DEVIATIONS * z.std()))


def shuffled(architecture: Architecture, parameters: Mapping[str, Array], rng: np.random.Generator) -> dict[str, Array]:
    """Return weights of which those of every gate, of an embedding and of the read-out are in random order."""
    result = {}
    for name, array in parameters.items():
        gates = len(array) // architecture.hidden_size if name.startswith("rnn.") else 1
        blocks = [rng.permutation(block.ravel()).reshape(block.shape) for block in np.split(array, gates)]
        result[name] = np.concatenate(blocks)
    return result


def _varies(feature: Array) -> bool:
    """Tell whether a feature changes often enough in both halves of a text."""
    changes = np.diff(feature) != 0
    half = len(changes) // 2
    return bool(min(changes[:half].sum(), changes[half:].sum()) >= LEAST_CHANGES)


def _standardised(columns: Array) -> Array:
    """Return columns of mean 0 and of length 1, or 0 where nothing varies."""
    columns = columns.astype(np.float32)
    columns -= columns.mean(axis=0)
    length = np.sqrt(np.einsum("nu,nu->u", columns, columns))
    columns /= np.where(length > 1e-4, length, np.inf)
    return columns


def _strongest_shifted(values: Array, feature: Array, rng: np.random.Generator) -> Array:
    """Return the strength of the strongest unit for each of some shifts of a feature in time, round each half."""
    half = len(feature) // 2
    halves = feature[: 2 * half].reshape(2, half)
    offsets = rng.integers(half // 20, half - half // 20, SHIFTS)
    moved = np.stack([np.roll(halves, offset, axis=1).ravel() for offset in offsets], axis=1)
    strongest: Array = strength(correlations(values, moved)).max(axis=0)
    return strongest


def _parts(symbols: int) -> int:
    """Return into how many parts a text is cut: an even number, so that none is in both halves."""
    return max(2, min(PARTS, symbols // PART // 2 * 2))


def _ranked(units: list[Unit], names: list[str], missing: list[str], found: Array, chances: list[Chance]) -> Ranking:
    """Return the ranking, given correlations (2, U, F)."""

    def following(unit: int, feature: int) -> Following:
        first, second = map(float, found[:, unit, feature])
        return Following(units[unit], names[feature], first, second, chances[feature])

    strengths = strength(found)
    above = strengths - [chance.bound for chance in chances]
    best = [following(unit, feature) for unit, feature in enumerate(above.argmax(axis=1))]
    best.sort(key=lambda following: (not following.found, -following.strength))
    strongest = {name: following(int(strengths[:, place].argmax()), place) for place, name in enumerate(names)}
    return Ranking(best, strongest, missing)
