"""One worker's share of a batch: its streams, computed by the whole model."""

from dataclasses import dataclass

import numpy as np

from charlm.arrays import IntArray
from charlm.network.architecture import State
from charlm.network.model import Model
from charlm.network.parameters import Parameters
from charlm.network.regularisers.dropout import Dropout
from charlm.network.workspace import Prepared


@dataclass(frozen=True, slots=True)
class Share:
    """Which part of what a worker computes.

    Attributes
    ----------
    seq_length, batch_size : int
        T, and the B of the whole batch, of all ranks together.
    first, streams : int
        The number of the share's first stream in the batch, and how many there are.
    dropout : Dropout
        Its rates.
    seed : int
        Of the dropout masks.
    """

    seq_length: int
    batch_size: int
    first: int
    streams: int
    dropout: Dropout
    seed: int


class Shard:
    """A share of a batch, computed.

    Parameters
    ----------
    model : Model
        The network.
    share : Share
        The streams.
    """

    def __init__(self, model: Model, share: Share) -> None:
        self._model, self._share = model, share
        self.workspace = model.workspace(share.seq_length, share.streams, share.dropout, share.first)

    def compute(
        self,
        parameters: Parameters,
        prepared: Prepared,
        inputs: IntArray,
        targets: IntArray,
        initial: State,
        step: int,
    ) -> tuple[float, State]:
        """Compute the share's loss and, into its workspace, its part of the gradient of the batch's mean loss.

        Parameters
        ----------
        parameters, prepared : Parameters, Prepared
            The weights, and the same as `Model.prepare` left them.
        inputs, targets : ndarray of int, shape (T, B)
            The share's part of a window.
        initial : State
            What its streams carry in.
        step : int
            The step, for the dropout masks.

        Returns
        -------
        float, State
            The sum of the symbols' losses in nats, and what the streams carry out, which the next window overwrites.
        """
        for mask in self.workspace.masks:
            if mask is not None:
                mask.draw(self._share.seed, step)
        scale = 1 / (self._share.seq_length * self._share.batch_size)
        inputs, targets = np.ascontiguousarray(inputs), np.ascontiguousarray(targets)
        return self._model.loss_and_gradients(parameters, prepared, self.workspace, inputs, targets, initial, scale)
