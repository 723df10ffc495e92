"""One batch split over threads and machines: who computes which streams, and how the gradients add up.

The batch's streams are split over the ranks of an MPI job, and a rank's over its worker threads. Each thread runs
the whole model on its own streams, with single-threaded products; then the gradients are summed in a fixed order, so
that a run is reproducible.
"""

from itertools import pairwise

import numpy as np

from charlm.dropout import Dropout
from charlm.kernels import IntArray
from charlm.kernels.elementwise import pieces, sum_of_squares
from charlm.model import Model, Prepared, State, Workspace
from charlm.parallel import Ranks, Team
from charlm.parameters import Parameters


class Batch:
    """The gradient of a whole batch, computed by a team of threads on every rank.

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
        self._seed = seed
        self.streams = ranks.share(batch_size)
        mine = self.streams.stop - self.streams.start
        edges = [mine * worker // team.workers for worker in range(team.workers + 1)]
        self._shards = [slice(start, stop) for start, stop in pairwise(edges)]
        self.prepared = Prepared(model)
        self._workspaces = team.map(
            lambda worker: Workspace(
                model,
                seq_length,
                edges[worker + 1] - edges[worker],
                dropout,
                first_stream=self.streams.start + edges[worker],
            )
        )
        self.gradients = self._workspaces[0].gradients

    def zero_state(self) -> State:
        """Return the state of this rank's streams before they have read anything."""
        return self.model.zero_state(self.streams.stop - self.streams.start)

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
        scale = 1 / (self.seq_length * self.batch_size)
        inputs, targets = inputs[:, self.streams], targets[:, self.streams]
        workers = self.team.workers
        self.team.map(lambda worker: self.model.prepare(self.parameters, self.prepared, worker, workers))

        def compute(worker: int) -> tuple[float, State]:
            workspace, shard = self._workspaces[worker], self._shards[worker]
            for mask in workspace.masks:
                if mask is not None:
                    mask.draw(self._seed, step)
            return self.model.loss_and_gradients(
                self.parameters,
                self.prepared,
                workspace,
                np.ascontiguousarray(inputs[:, shard]),
                np.ascontiguousarray(targets[:, shard]),
                tuple(tuple(array[shard] for array in layer) for layer in initial),
                scale,
            )

        losses, states = zip(*self.team.map(compute), strict=True)
        total = np.array([sum(losses)])
        square = _in_order(self.team.map(self._add_up))
        if self.ranks.size > 1:
            self.ranks.sum(self.gradients.flat)
            self.ranks.sum(total)
            square = self.sum_of_squares()
        return float(total[0]) * scale, square, _joined(states)

    def _add_up(self, worker: int) -> list[float]:
        """Add the other workers' gradients to the first one's, for this worker's share, and return its squares."""
        whole, *others = (workspace.gradients.flat for workspace in self._workspaces)
        for piece in pieces(whole.size, worker, self.team.workers):
            for other in others:
                whole[piece] += other[piece]
        return self._squares(worker)

    def _squares(self, worker: int) -> list[float]:
        """Return the sum of the squares of each piece of this worker's share of the gradient."""
        flat = self.gradients.flat
        return [sum_of_squares(flat[piece]) for piece in pieces(flat.size, worker, self.team.workers)]

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
