"""How well a model predicts a text: the mean loss of its characters, read in order with the state carried over."""

from dataclasses import dataclass
from functools import partial
from math import exp, log

import numpy as np

from charlm.arrays import Array, Ids, IntArray
from charlm.corpus.scoring_windows import EvaluationWindows, Mask, evaluation_streams
from charlm.network.architecture import State
from charlm.network.loss import cross_entropy
from charlm.network.model import Model
from charlm.network.parameters import Parameters
from charlm.network.workspace import Prepared, Workspace
from charlm.workers.split import split_streams
from charlm.workers.team import Team

SEQ_LENGTH = 16  # of the windows that a text is scored in; the state is carried, so it changes nothing but the memory
MOST_STREAMS = 64  # read at once: few enough for small memory, enough for quick products
CHARS_PER_STREAM = 2_000  # at the least: a stream's first characters are predicted from a state that has read nothing
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
    """

    loss: float
    accuracy: float
    chars: int
    worst_stream: float
    streams: int = 1
    unit: str = "char"

    @property
    def bits_per_char(self) -> float:
        """The loss in bits."""
        return self.loss / log(2)

    @property
    def perplexity(self) -> float:
        """The number of equally likely characters that would be as hard to predict; infinite past float64's range."""
        return exp(self.loss) if self.loss < 700 else float("inf")

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
    """

    def __init__(self, model: Model, team: Team, prepared: Prepared | None = None) -> None:
        self._model, self._team = model, team
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
        at_once = min(MOST_STREAMS, max(1, len(ids) // chars_per_stream))
        streams = evaluation_streams(ids, at_once, self._model.architecture.start_symbol)
        reading = self._begin(parameters, len(streams.starts))
        self._model.prepare(parameters, self._prepared)
        for inputs, targets, mask in EvaluationWindows(ids, streams, SEQ_LENGTH):
            mask = np.ones(inputs.shape, bool) if mask is None else mask
            self._team.map(partial(self._read, reading, inputs, targets, mask))
        chars = int(reading.counts.sum())
        return Score(
            loss=float(reading.losses.sum() / chars),
            accuracy=float(reading.hits.sum() / chars),
            chars=chars,
            worst_stream=float((reading.losses / np.maximum(reading.counts, 1)).max()),
            streams=len(streams.starts),
        )

    def _begin(self, parameters: Parameters, streams: int) -> "Reading":
        shards = split_streams(streams, min(self._team.workers, streams))
        states = [self._model.architecture.zero_state(shard.stop - shard.start) for shard in shards]
        return Reading(parameters, shards, states, *np.zeros((3, streams)))

    def _read(self, reading: "Reading", inputs: IntArray, targets: IntArray, mask: Mask, worker: int) -> None:
        """Read a window of one worker's streams."""
        if worker >= len(reading.shards):
            return
        shard = reading.shards[worker]
        inputs, targets, mask = inputs[:, shard], targets[:, shard].reshape(-1), mask[:, shard]
        steps, streams = inputs.shape
        workspace = self._workspaces.get((worker, streams))
        if workspace is None:
            workspace = self._workspaces[worker, streams] = self._model.workspace(SEQ_LENGTH, streams)
        whole = np.pad(inputs, ((0, SEQ_LENGTH - steps), (0, 0)), mode="edge")  # the last window may be short
        after = self._model.forward(reading.parameters, self._prepared, workspace, whole, reading.states[worker])
        reading.states[worker] = tuple(tuple(array.copy() for array in layer) for layer in after)
        logits = workspace.logits[: targets.size]
        hit = (logits.argmax(axis=1) == targets).reshape(mask.shape)
        loss = cross_entropy(logits, targets).reshape(mask.shape)
        reading.losses[shard] += (loss * mask).sum(axis=0, dtype=np.float64)
        reading.hits[shard] += (hit & mask).sum(axis=0)
        reading.counts[shard] += mask.sum(axis=0)


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
    losses, hits, counts : ndarray, shape (S,)
        Of each stream, the sum of its losses, the first guesses that were right, and the symbols predicted.
    """

    parameters: Parameters
    shards: list[slice]
    states: list[State]
    losses: Array
    hits: Array
    counts: Array
