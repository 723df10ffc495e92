"""How well a model predicts a text: the mean loss of its characters, read in order with the state carried over."""

from dataclasses import dataclass
from math import exp, log

import numpy as np

from charlm.windows import EvaluationWindows, evaluation_streams
from charlm.kernels import Array, IntArray
from charlm.loss import cross_entropy
from charlm.model import Model, Prepared, State, Workspace
from charlm.parallel import Team
from charlm.parameters import Parameters

SEQ_LENGTH = 16  # of the windows that a text is scored in; the state is carried, so it changes nothing but the memory
CHARS_PER_STREAM = 2_000  # at the least: a stream's first characters are predicted from a state that has read nothing
FAR_APART = 1.5  # nats between the worst stream and the mean that are worth a word


@dataclass(frozen=True, slots=True)
class Score:
    """What a text cost.

    Attributes
    ----------
    loss : float
        The mean of the characters' losses in nats.
    accuracy : float
        The share of characters that were the model's first guess.
    chars : int
        How many characters were predicted: all but the first.
    worst_stream : float
        The highest mean loss of one of the streams that the text was read in, in nats.
    """

    loss: float
    accuracy: float
    chars: int
    worst_stream: float

    @property
    def bits_per_char(self) -> float:
        """The loss in bits."""
        return self.loss / log(2)

    @property
    def perplexity(self) -> float:
        """The number of equally likely characters that would be as hard to predict; infinite past float64's range."""
        return exp(self.loss) if self.loss < 700 else float("inf")

    @property
    def far_apart(self) -> bool:
        """Whether one stream went so much worse than the mean that the state may have run away."""
        return self.worst_stream - self.loss > FAR_APART


class Scorer:
    """Scores texts with one model.

    Parameters
    ----------
    model : Model
        The network.
    most_streams : int
        In how many streams a text is read at once, at the most; a short one is read in fewer.
    team : Team
        The threads that share them.
    """

    def __init__(self, model: Model, most_streams: int, team: Team) -> None:
        self._model, self._most_streams, self._team = model, most_streams, team
        self._prepared = Prepared(model)
        self._workspaces: dict[tuple[int, int], Workspace] = {}

    def score(self, parameters: Parameters, ids: IntArray) -> Score:
        """Predict every symbol of a text but the first, each from all those before it in its stream.

        Parameters
        ----------
        parameters : Parameters
            The weights.
        ids : ndarray of int, shape (n,)
            The text, n at least 2.
        """
        at_once = min(self._most_streams, max(1, len(ids) // CHARS_PER_STREAM))
        cut = evaluation_streams(ids, at_once, self._model.architecture.start_symbol)
        streams = len(cut.starts)
        workers = min(self._team.workers, streams)
        edges = [streams * worker // workers for worker in range(workers + 1)]
        shards = [slice(start, stop) for start, stop in zip(edges, edges[1:], strict=False)]
        losses, hits, counts = np.zeros((3, streams))
        self._model.prepare(parameters, self._prepared)
        states = [self._model.zero_state(shard.stop - shard.start) for shard in shards]
        for window in EvaluationWindows(ids, cut, SEQ_LENGTH):
            inputs, targets, counted = window

            def read(worker: int) -> None:
                if worker >= workers:
                    return
                shard = shards[worker]
                states[worker], loss, hit = self._read(
                    parameters, inputs[:, shard], targets[:, shard], states[worker], worker
                )
                mask = np.ones_like(loss, bool) if counted is None else counted[:, shard]
                losses[shard] += (loss * mask).sum(axis=0, dtype=np.float64)
                hits[shard] += (hit & mask).sum(axis=0)
                counts[shard] += mask.sum(axis=0)

            self._team.map(read)
        chars = int(counts.sum())
        return Score(
            loss=float(losses.sum() / chars),
            accuracy=float(hits.sum() / chars),
            chars=chars,
            worst_stream=float((losses / np.maximum(counts, 1)).max()),
        )

    def _read(
        self, parameters: Parameters, inputs: IntArray, targets: IntArray, state: State, worker: int
    ) -> tuple[State, Array, Array]:
        """Return the state after a window, and for each of its symbols the loss and whether it was guessed."""
        steps, streams = inputs.shape
        workspace = self._workspaces.get((worker, streams))
        if workspace is None:
            workspace = self._workspaces[worker, streams] = Workspace(self._model, SEQ_LENGTH, streams)
        whole = np.pad(inputs, ((0, SEQ_LENGTH - steps), (0, 0)), mode="edge")  # the last window may be short
        after = self._model.forward(parameters, self._prepared, workspace, whole, state)
        flat, logits = targets.reshape(-1), workspace.logits[: targets.size]
        guessed = logits.argmax(axis=1) == flat
        loss = cross_entropy(logits, flat)
        carried = tuple(tuple(array.copy() for array in layer) for layer in after)
        return carried, loss.reshape(steps, streams), guessed.reshape(steps, streams)
