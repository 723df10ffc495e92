"""How well a model predicts a text: the mean loss of its characters, read in order with the state carried over."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import partial
from math import exp, log
from typing import Any

import numpy as np

from charlm.arrays import Array, Ids, IntArray
from charlm.corpus.scoring_windows import EvaluationWindows, Mask, evaluation_streams
from charlm.network.architecture import State
from charlm.network.loss import cross_entropy
from charlm.network.model import Model
from charlm.network.parameters import Parameters
from charlm.network.workspace import Prepared, Workspace
from charlm.ngram.mixture import Mixture, fitted_scales, initial_scales
from charlm.ngram.reading import Reader
from charlm.workers.split import split_streams
from charlm.workers.team import Team

SEQ_LENGTH = 16  # of the windows that a text is scored in; the state is carried, so it changes nothing but the memory
MOST_STREAMS = 64  # read at once: few enough for small memory, enough for quick products
CHARS_PER_STREAM = 2_000  # at the least: a stream's first characters are predicted from a state that has read nothing
FITTED = 1 << 20  # numbers of a distribution each, from which a mixture's scales are fitted, the most
LEAST_FITTED = 256  # places of a window, even where the distributions are larger
RUNAWAY = 1.5  # nats of the worst stream above the mean from which on a person is warned


@dataclass(frozen=True, slots=True)
class Score:
    """How well a text was predicted.

    Attributes
    ----------
    loss : float
        The mean of the characters' losses in nats.
    accuracy : float
        The share of characters that the model held likeliest.
    chars : int
        How many characters were predicted: all but the first.
    worst_stream : float
        The highest mean loss of one of the streams that the text was read in, in nats.
    streams : int
        In how many streams it was read, each from a state that has read nothing.
    unit : str
        What is called a character here: ``char``, or ``byte`` in a model of bytes.
    network_loss : float or None
        The loss of the network alone, where all else is that of its mixture with an n-gram.
    dynamic : bool
        Whether the model adapted to the text as it read it; see `charlm.inference.dynamic`.
    """

    loss: float
    accuracy: float
    chars: int
    worst_stream: float
    streams: int = 1
    unit: str = "char"
    network_loss: float | None = None
    dynamic: bool = False

    @property
    def bits_per_char(self) -> float:
        """The loss in bits."""
        return self.loss / log(2)

    @property
    def perplexity(self) -> float:
        """The number of equally likely characters that would be as hard to predict; infinite past float64's range."""
        return exp(self.loss) if self.loss < 700 else float("inf")

    @property
    def highest(self) -> float:
        """The loss, or the network's if that is the higher one: an n-gram hides that a network has diverged."""
        return self.loss if self.network_loss is None else max(self.loss, self.network_loss)

    @property
    def runaway(self) -> bool:
        """Whether one stream is so much worse than the mean that its state may have run away."""
        return self.worst_stream - self.loss > RUNAWAY


class Scorer:
    """Scores texts with one model.

    Parameters
    ----------
    model : Model
        The network.
    team : Team
        The threads that share them.
    prepared : Prepared, optional
        Workspace for the weights in the form that windows read; its contents are overwritten.
    mixture : Mixture, optional
        The n-gram that is added to the network.

    Attributes
    ----------
    mixture : Mixture or None
        The argument, with the scales of the last `fit`.
    """

    def __init__(
        self, model: Model, team: Team, prepared: Prepared | None = None, mixture: Mixture | None = None
    ) -> None:
        self._model, self._team, self.mixture = model, team, mixture
        self._prepared = prepared or model.prepared()
        self._workspaces: dict[tuple[int, int], Workspace] = {}

    def score(self, parameters: Parameters, ids: Ids, chars_per_stream: int = CHARS_PER_STREAM) -> Score:
        """Predict every symbol of a text but the first, each from all those before it in its stream.

        Parameters
        ----------
        parameters : Parameters
            The weights.
        ids : ndarray of int, shape (n,)
            The text, n at least 2.
        chars_per_stream : int
            How long a stream is at the least: several are read at once, which is quicker, but the first characters of
            each are predicted from little.
        """
        reading, windows = self._begin(parameters, ids, chars_per_stream)
        for inputs, targets, mask in windows:
            mask = np.ones(inputs.shape, bool) if mask is None else mask
            self._team.map(partial(self._read, reading, inputs, targets, mask))
        chars = int(reading.counts.sum())
        return Score(
            loss=float(reading.losses.sum() / chars),
            accuracy=float(reading.hits.sum() / chars),
            chars=chars,
            worst_stream=float((reading.losses / np.maximum(reading.counts, 1)).max()),
            streams=len(reading.counts),
            network_loss=None if self.mixture is None else float(reading.network_losses.sum() / chars),
        )

    def fit(self, parameters: Parameters, ids: Ids) -> None:
        """Fit the mixture's scales to the weights, on the first part of each stream of a text; see `FITTED`.

        They are a few dozen numbers (72 for a 9-gram), so the text may be the validation text: of 100,000 characters,
        what it then says of the mixture is some 0.0003 nats too good; of 1,000 it may be 0.03. They depend on the
        weights and the text alone, not on an earlier fit, so that evaluating again changes nothing. If the logits are
        not finite, they stay as they are, and the score tells.

        Parameters
        ----------
        parameters : Parameters
            The weights.
        ids : ndarray of int, shape (n,)
            The text, n at least 2.
        """
        if self.mixture is None:
            return
        symbols = self._model.architecture.vocabulary_size
        most = max(LEAST_FITTED, FITTED // symbols)
        reading, windows = self._begin(parameters, ids, CHARS_PER_STREAM)
        seen: list[tuple[Any, ...]] = []
        for inputs, targets, mask in windows:
            places = slice(None) if mask is None else mask.ravel()
            shares = self._team.map(partial(self._expected, reading, inputs))
            logits, log_p, kind = (_joined(arrays) for arrays in zip(*filter(None, shares), strict=True))
            seen.append(tuple(array[places][:most] for array in (logits, log_p, kind, targets.ravel())))
            if sum(len(arrays[0]) for arrays in seen) * symbols >= FITTED:
                break
        logits, log_p, kind, expected = map(np.concatenate, zip(*seen, strict=True))
        if np.isfinite(logits).all():
            initial = initial_scales(self.mixture.ngram.order)
            self.mixture = replace(self.mixture, scales=fitted_scales(initial, logits, log_p, kind, expected))

    def _begin(self, parameters: Parameters, ids: Ids, chars_per_stream: int) -> tuple["Reading", EvaluationWindows]:
        """Return a text that is about to be read, and its windows."""
        streams = evaluation_streams(ids, streams_of(len(ids), chars_per_stream), self._model.architecture.start_symbol)
        self._model.prepare(parameters, self._prepared)
        number = len(streams.starts)
        shards = split_streams(number, min(self._team.workers, number))
        widths = [shard.stop - shard.start for shard in shards]
        states = [self._model.architecture.zero_state(width) for width in widths]
        readers = [] if self.mixture is None else [self.mixture.reader(width) for width in widths]
        windows = EvaluationWindows(ids, streams, SEQ_LENGTH)
        return Reading(parameters, shards, states, readers, *np.zeros((4, number))), windows

    def _expected(
        self, reading: "Reading", inputs: IntArray, worker: int
    ) -> tuple[Array, Array | None, IntArray | None] | None:
        """Read a window of one worker's streams.

        Returns
        -------
        ndarray, shape (T, S, V)
            The network's logits, which the worker's next window overwrites.
        ndarray or None, shape (T, S, V)
            The n-gram's log-probabilities.
        ndarray of int or None, shape (T, S)
            The kind of the n-gram's longest context.
        """
        if worker >= len(reading.shards):
            return None
        inputs = inputs[:, reading.shards[worker]]
        steps, streams = inputs.shape
        workspace = self._workspaces.get((worker, streams))
        if workspace is None:
            workspace = self._workspaces[worker, streams] = self._model.workspace(SEQ_LENGTH, streams)
        whole = np.pad(inputs, ((0, SEQ_LENGTH - steps), (0, 0)), mode="edge")  # the last window may be short
        after = self._model.forward(reading.parameters, self._prepared, workspace, whole, reading.states[worker])
        reading.states[worker] = tuple(tuple(array.copy() for array in layer) for layer in after)
        logits = workspace.logits[: inputs.size].reshape(steps, streams, -1)
        return logits, *(reading.readers[worker].read(inputs) if reading.readers else (None, None))

    def _read(self, reading: "Reading", inputs: IntArray, targets: IntArray, mask: Mask, worker: int) -> None:
        """Read a window of one worker's streams, and add up how well it was predicted."""
        expected = self._expected(reading, inputs, worker)
        if expected is None:
            return
        (logits, log_p, kind), shard = expected, reading.shards[worker]
        mask, flat = mask[:, shard], logits.reshape(-1, logits.shape[-1])
        targets = targets[:, shard].reshape(-1)
        if self.mixture is not None and log_p is not None and kind is not None:
            loss = cross_entropy(flat, targets).reshape(mask.shape)
            reading.network_losses[shard] += (loss * mask).sum(axis=0, dtype=np.float64)
            self.mixture.mix(logits, log_p, kind)
        hit = (flat.argmax(axis=1) == targets).reshape(mask.shape)
        loss = cross_entropy(flat, targets).reshape(mask.shape)
        reading.losses[shard] += (loss * mask).sum(axis=0, dtype=np.float64)
        reading.hits[shard] += (hit & mask).sum(axis=0)
        reading.counts[shard] += mask.sum(axis=0)


def streams_of(chars: int, chars_per_stream: int = CHARS_PER_STREAM) -> int:
    """Return in how many streams a text of some length is read."""
    return min(MOST_STREAMS, max(1, chars // chars_per_stream))


def _joined(shares: Iterable[Any]) -> Any:
    """Return what several workers expect in their streams, (T, S, ...), as copies of one row a place, (T S, ...)."""
    joined = np.concatenate(list(shares), axis=1)
    return joined.reshape(-1, *joined.shape[2:])


@dataclass(frozen=True, slots=True)
class Reading:
    """A text while it is read: who reads which streams, their states, and their sums so far.

    Attributes
    ----------
    parameters : Parameters
        The weights.
    shards : list of slice
        Each worker's streams.
    states : list of State
        The states of each worker's streams after the last window.
    readers : list of Reader
        What reads each worker's streams with the n-gram; empty without one.
    losses, network_losses, hits, counts : ndarray, shape (S,)
        Of each stream, the sums of its losses and of those of the network alone, the first guesses that were right,
        and the symbols predicted.
    """

    parameters: Parameters
    shards: list[slice]
    states: list[State]
    readers: list[Reader]
    losses: Array
    network_losses: Array
    hits: Array
    counts: Array
