"""A model that learns from a text while it reads it: dynamic evaluation (Krause, Kahembwe, Murray & Renals 2018).

A segment of the text is predicted; only then the weights, the counts and the scales are changed by it. The weights:

    w = w - rate size(w_0) g / (sqrt(v) + eps) + min(decay sqrt(v) / mean(sqrt(v)), 1) (w_0 - w)

Here g is the gradient of the segment's loss, v the mean of all squared gradients so far, w_0 are the weights that were
trained, and size(w_0) is the root mean square of the array that the weight belongs to. The paper takes v from the
training text, which is not at hand where a model is used, and has one rate for all arrays. Steps in proportion to an
array's size (You, Gitman & Ginsburg 2017) let networks of all widths, from all optimizers, adapt at the same rate.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from charlm.arrays import Array, IntArray
from charlm.errors import NotFiniteError
from charlm.inference.scorer import Score
from charlm.network.architecture import State
from charlm.network.loss import log_softmax
from charlm.network.model import Model
from charlm.network.parameters import Parameters
from charlm.network.regularisers.dropout import Dropout
from charlm.ngram.counting import count, merged
from charlm.ngram.growing import GrowingNGram
from charlm.ngram.mixture import Mixture
from charlm.ngram.reading import Distributions, Reader

SEGMENT = 32  # symbols that are predicted with the same weights
RECENT_ORDER = 8  # of the n-gram of the text that was read
EPS = 1e-8
FIRM = 25.0  # added to the sum of a scale's squared gradients, so that its first steps are small


@dataclass(frozen=True, slots=True)
class Rates:
    """How fast a model adapts; with all of them 0 it does not.

    What the n-gram counts is merged with the text read after `counts` symbols and again after as many or an eighth of
    the text read, whichever is more, as that takes the longer the larger the n-gram is.

    Attributes
    ----------
    weights : float
        The learning rate of the network's weights: a step as a share of the root mean square of an array.
    decay : float
        The share of the way back to the trained weights that a weight of mean gradients goes after each segment.
    scales : float
        The learning rate of the mixture's scales, for Adagrad.
    counts : int
        After how many symbols the n-gram counts the text that was read, too; 0 for never.
    """

    weights: float = 2.5e-3
    decay: float = 3e-3
    scales: float = 0.2
    counts: int = 2_048


@dataclass(frozen=True, slots=True)
class Expected:
    """What is expected after each of T symbols, as log-probabilities, (T, V), float64.

    Attributes
    ----------
    network : ndarray
        By the network alone.
    mixture : ndarray
        By the network and its n-grams together; the same array where there are none.
    """

    network: Array
    mixture: Array


class Adaptation:
    """One text read by a model that adapts to it; the given model stays as it is.

    Parameters
    ----------
    model : Model
        The network.
    parameters : Parameters
        The weights to begin with.
    mixture : Mixture, optional
        The n-gram that is added to the network.
    rates : Rates
        How fast it adapts.

    Attributes
    ----------
    parameters : Parameters
        The weights as they are now.
    mixture : Mixture or None
        The argument.
    """

    def __init__(
        self, model: Model, parameters: Parameters, mixture: Mixture | None = None, rates: Rates | None = None
    ) -> None:
        self._model, self._initial, self._rates = model, parameters, rates or Rates()
        self._lengths = np.empty_like(parameters.flat)  # of a step of each weight
        for place in parameters.places.values():
            self._lengths[place] = np.sqrt(np.square(parameters.flat[place], dtype=np.float64).mean())
        self._lengths *= self._rates.weights
        self._workspace, self._prepared = model.workspace(SEGMENT, 1, Dropout()), model.prepared()
        self.mixture = mixture
        self.parameters = self._initial.copy()
        self._squares = np.zeros_like(self.parameters.flat)
        self._segments = 0
        self._model.prepare(self.parameters, self._prepared)
        self._state: State = self._model.architecture.zero_state(1)
        self._inputs: list[int] = []  # of the segment at hand
        self._experts = None if self.mixture is None else Experts(self.mixture, self._model, self._rates)

    def read(self, ids: IntArray) -> Expected:
        """Read on, and adapt whenever a segment is complete.

        Parameters
        ----------
        ids : ndarray of int, shape (T,)
            The next symbols of the text.

        Raises
        ------
        NotFiniteError
            If the weights have diverged.
        """
        expected = []
        while len(ids):
            if len(self._inputs) == SEGMENT:
                self._adapt(np.array([*self._inputs[1:], ids[0]]))
                self._inputs = []
            read, ids = np.split(ids, [SEGMENT - len(self._inputs)])
            expected.append(self._expect(read))
        return Expected(*(np.concatenate([getattr(e, name) for e in expected]) for name in Expected.__slots__))

    def complete(self, last: int) -> None:
        """Learn from the segment at hand, full or not, whose last symbol is followed by a last one of the text."""
        self._adapt(np.array([*self._inputs[1:], last]))
        self._inputs = []

    def _expect(self, ids: IntArray) -> Expected:
        """Read on within the segment at hand."""
        before = len(self._inputs)
        self._inputs += ids.tolist()
        whole = np.pad(self._inputs, (0, SEGMENT - len(self._inputs)), mode="edge")[:, None]
        self._after = self._model.forward(self.parameters, self._prepared, self._workspace, whole, self._state)
        network = log_softmax(self._workspace.logits[before : len(self._inputs)].astype(np.float64))
        if not np.isfinite(network).all():
            raise _diverged()
        return Expected(network, network if self._experts is None else self._experts.read(ids, network))

    def _adapt(self, targets: IntArray) -> None:
        """Learn from the segment at hand, all of whose targets have been read."""
        if self._experts is not None:
            self._experts.adapt(targets)
        ids, workspace = np.array(self._inputs)[:, None], self._workspace
        if len(ids) < SEGMENT:  # it was read with symbols after it that are none
            workspace = self._model.workspace(len(ids), 1, Dropout())
            self._after = self._model.forward(self.parameters, self._prepared, workspace, ids, self._state)
        self._model.gradients(self.parameters, self._prepared, workspace, ids, targets[:, None], 1 / SEGMENT)
        self._state = tuple(tuple(array.copy() for array in layer) for layer in self._after)
        self._step(workspace.gradients.flat)
        self._model.prepare(self.parameters, self._prepared)

    def _step(self, gradient: Array) -> None:
        """Change the weights."""
        weights, rates = self.parameters.flat, self._rates
        self._segments += 1
        self._squares += (gradient * gradient - self._squares) / self._segments
        root = np.sqrt(self._squares)
        back = np.minimum(rates.decay * root / (root.mean() + EPS), 1) * (self._initial.flat - weights)
        weights += back - self._lengths * gradient / (root + EPS)
        if not np.isfinite(weights).all():
            raise _diverged()


class Experts:
    """What is added to a network while a model adapts: its n-gram, and another of the text that was read.

        logits = a_k f(network) + s_k log p(n-gram) + r_k log p(n-gram of the text read)

    As in `charlm.ngram.mixture`, the scales depend on k, the kind of the first n-gram's context. They begin as those of
    the model, r as 0, and follow their gradient with Adagrad's steps (Duchi, Hazan & Singer 2011), one rate a kind.

    Parameters
    ----------
    mixture : Mixture
        The n-gram of the model, and its scales.
    model : Model
        The network.
    rates : Rates
        How fast they adapt.
    """

    def __init__(self, mixture: Mixture, model: Model, rates: Rates) -> None:
        self._rates, self._ngram, self._start_symbol = rates, mixture.ngram, model.architecture.start_symbol
        self._reader = mixture.reader(1)
        self._read: list[int] = []  # the text
        self._due = rates.counts
        self._scales = np.pad(mixture.scales, ((0, 0), (0, 1)))  # (K, 3)
        self._squares = np.full((len(self._scales), 1), FIRM)
        self._symbols = model.architecture.vocabulary_size
        self._growing = GrowingNGram(self._symbols, RECENT_ORDER, self._start_symbol)
        self._begin_segment([])

    def _begin_segment(self, before: list[int]) -> None:
        """Forget the last segment but for the symbols before the next one, the last one first."""
        self._before = [before]
        self._kinds: IntArray = np.empty(0, np.int64)
        self._z: Array = np.empty((0, 3, self._symbols))

    def read(self, ids: IntArray, network: Array) -> Array:
        """Return what is expected after each of T symbols, given what the network expects; both (T, V)."""
        log_p, kinds = self._reader.read(ids[:, None])
        z = np.stack([network, log_p[:, 0], np.empty_like(network)], axis=1)  # (T, 3, V)
        for symbol, row in zip(ids.tolist(), z, strict=True):
            self._before.append([symbol, *self._before[-1]][: RECENT_ORDER - 1])
            np.log(self._growing.probabilities(self._before[-1]), out=row[2])
        self._kinds = np.concatenate([self._kinds, kinds[:, 0]])
        self._z = np.concatenate([self._z, z])
        return self._mixed(z, kinds[:, 0])

    def adapt(self, targets: IntArray) -> None:
        """Learn from the symbols that followed all that was read since the last time."""
        gradients = np.einsum("tv,tkv->tk", np.exp(self._mixed(self._z, self._kinds)), self._z)
        gradients -= self._z[np.arange(len(targets)), :, targets]
        summed = np.zeros_like(self._scales)
        np.add.at(summed, self._kinds, gradients)
        self._squares += (summed * summed).sum(axis=1, keepdims=True)
        self._scales -= self._rates.scales * summed / np.sqrt(self._squares)
        for before, symbol in zip(self._before[1:], targets.tolist(), strict=True):
            self._growing.add(before, symbol)
            self._read.append(before[0])
        self._begin_segment(self._before[-1])
        if self._rates.counts and len(self._read) >= self._due:
            self._count()

    def _count(self) -> None:
        """Let the n-gram of the model count the text that was read, too."""
        read, order = np.array(self._read), self._ngram.order
        ngram = merged(self._ngram, count(read, self._symbols, order, self._start_symbol))
        self._reader = Reader(Distributions(ngram), 1)
        self._reader.read(read[-order:, None])  # the context of what comes next
        self._due = len(read) + max(self._rates.counts, len(read) // 8)

    def _mixed(self, z: Array, kinds: IntArray) -> Array:
        """Return the mixture's log-probabilities, (T, V), of what the three expect, (T, 3, V)."""
        return log_softmax(np.einsum("tk,tkv->tv", self._scales[kinds], z))


def score(adaptation: Adaptation, ids: IntArray, on_progress: Callable[[int], object] | None = None) -> Score:
    """Let a model read a text in one stream, and measure how well it predicted every symbol but the first.

    Parameters
    ----------
    adaptation : Adaptation
        The model; it has adapted to the whole text afterwards.
    ids : ndarray of int, shape (n,)
        The text, n at least 2.
    on_progress : callable, optional
        Called after each segment with the number of its symbols.

    Raises
    ------
    NotFiniteError
        If the weights have diverged.
    """
    losses, hits = np.zeros(2), 0
    for begin in range(0, len(ids) - 1, SEGMENT):
        targets = ids[begin + 1 : begin + 1 + SEGMENT].astype(np.int64)
        expected = adaptation.read(ids[begin : begin + len(targets)].astype(np.int64))
        rows = np.arange(len(targets))
        losses -= [expected.mixture[rows, targets].sum(), expected.network[rows, targets].sum()]
        hits += int((expected.mixture.argmax(axis=1) == targets).sum())
        if on_progress is not None:
            on_progress(len(targets))
    adaptation.complete(int(ids[-1]))
    chars = len(ids) - 1
    loss, network_loss = (losses / chars).tolist()
    return Score(
        loss=loss,
        accuracy=hits / chars,
        chars=chars,
        worst_stream=loss,
        network_loss=None if adaptation.mixture is None else network_loss,
        dynamic=True,
    )


def _diverged() -> NotFiniteError:
    return NotFiniteError("the weights are no longer finite numbers: they diverged while the model adapted to the text")
