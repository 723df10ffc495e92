"""One batch split over threads and machines: who computes which streams, and how the gradients add up.

The batch's streams are split over the ranks of an MPI job, and a rank's over its threads. Each runs the whole model on
its own streams, with single-threaded products; then the gradients are summed in a fixed order, so that a run is
reproducible.
"""

from collections.abc import Callable

import numpy as np

from charlm.arrays import Array, IntArray
from charlm.kernels.numpy.elementwise import pieces, sum_of_squares
from charlm.network.architecture import State
from charlm.network.model import Model
from charlm.network.parameters import Parameters
from charlm.network.regularisers.dropout import Dropout
from charlm.training.shard import Shard, Share
from charlm.workers.ranks import Ranks
from charlm.workers.split import split_streams
from charlm.workers.team import Team


def split_among(model: Model, streams: int, shares: int) -> list[slice]:
    """Cut streams into what each of a team's workers computes."""
    return split_streams(streams, shares, pairs=model.architecture.hidden_size >= model.backend.pairs_from)


class Batch:
    """The gradient of a whole batch, computed by a team on every rank.

    Parameters
    ----------
    model : Model
        The network.
    parameters : Parameters
        Its weights.
    seq_length, batch_size : int
        T, and the B of all ranks together.
    dropout : Dropout
        Its rates.
    seed : int
        Of the dropout masks.
    team : Team
        The threads.
    ranks : Ranks
        The processes.

    Attributes
    ----------
    streams : slice
        Which of the batch's streams are this rank's.
    prepared : Prepared
        The weights as the last window read them; anew for each, so that others may use the room in between.
    gradients : Parameters
        The gradient of the mean loss of the whole batch, after `loss_and_gradients`.
    """

    def __init__(
        self,
        model: Model,
        parameters: Parameters,
        seq_length: int,
        batch_size: int,
        dropout: Dropout,
        seed: int,
        team: Team,
        ranks: Ranks,
    ) -> None:
        self.model, self.parameters, self.team, self.ranks = model, parameters, team, ranks
        self.seq_length, self.batch_size = seq_length, batch_size
        self.streams = ranks.share(batch_size)
        mine = self.streams.stop - self.streams.start
        self._parts = split_among(model, mine, team.workers)

        def share(worker: int) -> Share:
            part = self._parts[worker]
            first, streams = self.streams.start + part.start, part.stop - part.start
            return Share(seq_length, batch_size, first, streams, dropout, seed)

        self.prepared = model.prepared()
        self._shards = team.map(lambda worker: Shard(model, share(worker)))
        self.gradients = self._shards[0].workspace.gradients
        self._other_gradients = [shard.workspace.gradients.flat for shard in self._shards[1:]]

    def zero_state(self) -> State:
        """Return the state of this rank's streams before they have read anything."""
        return self.model.architecture.zero_state(self.streams.stop - self.streams.start)

    def loss_and_gradients(
        self, inputs: IntArray, targets: IntArray, initial: State, step: int
    ) -> tuple[float, float, State]:
        """Compute the loss, the gradients and their size.

        Parameters
        ----------
        inputs, targets : ndarray of int, shape (T, B)
            A window of the whole batch.
        initial : State
            What this rank's streams carry in.
        step : int
            The step, for the dropout masks.

        Returns
        -------
        float, float, State
            The mean loss of the whole batch in nats, the sum of the squares of its gradient, and what this rank's
            streams carry out, in arrays of their own.
        """
        inputs, targets = inputs[:, self.streams], targets[:, self.streams]
        workers = self.team.workers

        def of(worker: int) -> tuple[IntArray, IntArray, State, int]:
            part = self._parts[worker]
            entering = tuple(tuple(array[part] for array in layer) for layer in initial)
            return inputs[:, part], targets[:, part], entering, step

        self.team.map(lambda worker: self.model.prepare(self.parameters, self.prepared, worker, workers))
        computed = self.team.map(
            lambda worker: self._shards[worker].compute(self.parameters, self.prepared, *of(worker))
        )
        losses, states = zip(*computed, strict=True)
        total = np.array([sum(losses)])
        square = _in_order(self.team.map(self._add_up))
        if self.ranks.size > 1:
            self.ranks.sum(self.gradients.flat)
            self.ranks.sum(total)
            square = self.sum_of_squares()
        return float(total[0]) / (self.seq_length * self.batch_size), square, _joined(states)

    def _add_up(self, worker: int) -> list[float]:
        """Add the other workers' gradients to the first one's, for this worker's share, and return its squares."""
        whole = self.gradients.flat
        for piece in self._pieces(worker):
            for other in self._other_gradients:
                whole[piece] += other[piece]
        return self._squares(worker)

    def _squares(self, worker: int) -> list[float]:
        """Return the sum of the squares of each piece of this worker's share of the gradient."""
        flat = self.gradients.flat
        return [sum_of_squares(flat[piece]) for piece in self._pieces(worker)]

    def _pieces(self, worker: int) -> list[slice]:
        """Return the pieces of the gradient that one worker reads and changes."""
        return pieces(self.gradients.flat.size, worker, self.team.workers)

    def change_gradients(self, change: Callable[[Array], None]) -> float:
        """Change every piece of the gradient in place, and return the sum of the squares of all elements after it."""

        def change_share(worker: int) -> list[float]:
            for piece in self._pieces(worker):
                change(self.gradients.flat[piece])
            return self._squares(worker)

        return _in_order(self.team.map(change_share))

    def sum_of_squares(self) -> float:
        """Return the sum of the squares of the gradient as it is now."""
        return _in_order(self.team.map(self._squares))


def _in_order(by_worker: list[list[float]]) -> float:
    """Add up what the workers found, piece by piece: the same sum however many workers there are."""
    return sum(square for squares in by_worker for square in squares)


def _joined(states: tuple[State, ...]) -> State:
    """Return the shards' states as one, in new arrays."""
    return tuple(
        tuple(np.concatenate(parts) for parts in zip(*layers, strict=True)) for layers in zip(*states, strict=True)
    )
