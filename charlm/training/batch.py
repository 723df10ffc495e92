"""The gradient of one batch, whose streams are split over the machines of a job and the threads of a machine.

The streams of the batch are split over the ranks of an MPI job, and those of a rank over its threads, its workers. Each
worker computes the whole model on its own streams, with single-threaded products. Then the gradients are summed in a
fixed order, so that a run is reproducible.
"""

from collections.abc import Callable
from itertools import chain

import numpy as np

from charlm.arrays import Array, IntArray
from charlm.kernels.numpy.elementwise import pieces, sum_of_squares
from charlm.network.architecture import State
from charlm.network.model import Model
from charlm.network.parameters import Parameters
from charlm.network.regularisers.dropout import Dropout
from charlm.network.workspace import Workspace
from charlm.workers.ranks import Ranks
from charlm.workers.team import Team


class Batch:
    """The loss and the gradient of a whole batch, computed by a team on every rank.

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
        The seed of the dropout masks.
    team : Team
        The threads.
    ranks : Ranks
        The processes.

    Attributes
    ----------
    streams : slice
        Which of the batch's streams are this rank's.
    prepared : Prepared
        The weights in the form that the last window read; made anew for each, so that others may use it in between.
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
        self.seq_length, self.batch_size, self._seed = seq_length, batch_size, seed
        self.streams = ranks.share(batch_size)
        self._shares = model.split_streams(self.streams.stop - self.streams.start, team.workers)
        self.prepared = model.prepared()

        def workspace(worker: int) -> Workspace:
            share = self._shares[worker]
            return model.workspace(seq_length, share.stop - share.start, dropout, self.streams.start + share.start)

        self._workspaces = team.map(workspace)
        self.gradients = self._workspaces[0].gradients
        self._other_gradients = [workspace.gradients.flat for workspace in self._workspaces[1:]]

    def zero_state(self) -> State:
        """Return the state of this rank's streams before they have read anything."""
        return self.model.architecture.zero_state(self.streams.stop - self.streams.start)

    def loss_and_gradients(
        self, inputs: IntArray, targets: IntArray, initial: State, step: int
    ) -> tuple[float, float, State]:
        """Compute the loss and, into `gradients`, its gradient.

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
        team, ranks = self.team, self.ranks
        inputs, targets = inputs[:, self.streams], targets[:, self.streams]
        team.map(lambda worker: self.model.prepare(self.parameters, self.prepared, worker, team.workers))
        computed = team.map(lambda worker: self._compute(worker, inputs, targets, initial, step))
        losses, states = zip(*computed, strict=True)
        total = np.array([sum(losses)])
        squares = _in_order(team.map(self._add_up))
        if ranks.size > 1:  # pragma: no cover - in the processes of an MPI job, which the coverage does not see
            ranks.sum(self.gradients.flat)
            ranks.sum(total)
            squares = self.sum_of_squares()
        return float(total[0]) / (self.seq_length * self.batch_size), squares, _joined(states)

    def _compute(
        self, worker: int, inputs: IntArray, targets: IntArray, initial: State, step: int
    ) -> tuple[float, State]:
        """Compute one worker's streams: the sum of their losses, their state and, in its workspace, their gradient."""
        share, workspace = self._shares[worker], self._workspaces[worker]
        for mask in workspace.masks:
            if mask is not None:
                mask.draw(self._seed, step)
        entering = tuple(tuple(array[share] for array in layer) for layer in initial)
        ids, following = np.ascontiguousarray(inputs[:, share]), np.ascontiguousarray(targets[:, share])
        scale = 1 / (self.seq_length * self.batch_size)
        return self.model.loss_and_gradients(self.parameters, self.prepared, workspace, ids, following, entering, scale)

    def _add_up(self, worker: int) -> list[float]:
        """Add the other workers' gradients to the first one's, in one worker's pieces, and return their squares."""
        whole = self.gradients.flat
        for piece in self._pieces(worker):
            for other in self._other_gradients:
                whole[piece] += other[piece]
        return self._squares(worker)

    def change_gradients(self, change: Callable[[Array], None]) -> float:
        """Change every piece of the gradient in place, and return the sum of the squares of all elements after it."""

        def change_pieces(worker: int) -> list[float]:
            for piece in self._pieces(worker):
                change(self.gradients.flat[piece])
            return self._squares(worker)

        return _in_order(self.team.map(change_pieces))

    def sum_of_squares(self) -> float:
        """Return the sum of the squares of the gradient as it is now."""
        return _in_order(self.team.map(self._squares))

    def _squares(self, worker: int) -> list[float]:
        """Return the sum of the squares of each of one worker's pieces of the gradient."""
        flat = self.gradients.flat
        return [sum_of_squares(flat[piece]) for piece in self._pieces(worker)]

    def _pieces(self, worker: int) -> list[slice]:
        """Return the pieces of the gradient that one worker reads and changes."""
        return pieces(self.gradients.flat.size, worker, self.team.workers)


def _in_order(by_worker: list[list[float]]) -> float:
    """Add up the workers' sums piece by piece, which gives the same sum however many workers there are."""
    return sum(chain.from_iterable(by_worker))


def _joined(states: tuple[State, ...]) -> State:
    """Return the states of the workers' streams as one, in new arrays."""
    return tuple(
        tuple(np.concatenate(parts) for parts in zip(*layers, strict=True)) for layers in zip(*states, strict=True)
    )
