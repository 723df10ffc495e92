"""The network: from symbols to the logits of the next symbols, and the gradients of their loss.

    look-up or embedding -> dropout -> recurrent layer -> dropout -> ... -> recurrent layer -> dropout -> read-out

A `Model` is an architecture with the kernels that compute it. It holds no weights, no state and no random numbers:
they are arguments and results. So scoring cannot disturb training, and two threads can compute two halves of a batch.
"""

import numpy as np

from charlm.arrays import Array, IntArray
from charlm.network import inputs
from charlm.network.architecture import Architecture, State
from charlm.network.backend import Backend
from charlm.network.parameters import Parameters
from charlm.network.products import bias_gradient, rows, sum_rows
from charlm.network.recurrence import Inputs, LayerWeights, Symbols
from charlm.network.regularisers.dropout import Dropout
from charlm.network.workspace import Prepared, Workspace


class Model:
    """A network of one architecture, computed by one set of kernels.

    Parameters
    ----------
    architecture : Architecture
        The network.
    backend : Backend
        The kernels; `charlm.kernels.choice` has them.
    """

    def __init__(self, architecture: Architecture, backend: Backend) -> None:
        self.architecture, self.backend = architecture, backend
        self.cell = architecture.equations

    def prepared(self) -> Prepared:
        """Return a `Prepared` for `prepare` to fill."""
        return Prepared(self.architecture, self.backend)

    def workspace(
        self, seq_length: int, batch_size: int, dropout: Dropout | None = None, first_stream: int = 0
    ) -> Workspace:
        """Return the arrays for windows of T steps of B streams; see `Workspace`."""
        return Workspace(self.architecture, self.backend, seq_length, batch_size, dropout, first_stream)

    def split_streams(self, streams: int, workers: int) -> list[slice]:
        """Return the streams of each worker, as suits the kernels."""
        return self.backend.split_streams(streams, workers, self.architecture.hidden_size)

    def decoder(self, parameters: Parameters) -> Array:
        """Return the read-out's matrix, (V, H): where weights are tied, the embedding's; of weights or of gradients."""
        return parameters["embedding.weight" if self.architecture.tie_weights else "decoder.weight"]

    def prepare(self, parameters: Parameters, prepared: Prepared, share: int = 0, shares: int = 1) -> None:
        """Bring the weights into the forms that windows read, or one of several threads' share of them."""
        for layer, weights in enumerate(prepared.weights):
            weights.prepare(LayerWeights.of(parameters, layer), share, shares)
        inputs.fill_table(parameters, prepared.table, share, shares)

    def forward(
        self, parameters: Parameters, prepared: Prepared, workspace: Workspace, ids: IntArray, initial: State
    ) -> State:
        """Compute a window's logits into the workspace, with the dropout masks that it holds.

        Parameters
        ----------
        parameters, prepared : Parameters, Prepared
            The weights, and the forms of them that `prepare` made.
        workspace : Workspace
            Receives the logits and all that a backward pass needs.
        ids : ndarray of int, shape (T, B)
            The symbols.
        initial : State
            The states at the end of the window before; only read.

        Returns
        -------
        State
            The states at the end of this window: views that the workspace's next window overwrites.
        """
        keep = self._keep(ids)
        entering: Symbols | Inputs | None = inputs.enter(parameters, prepared.table, workspace, ids)
        for layer, loop in enumerate(workspace.loops):
            loop.forward(prepared.weights[layer], initial[layer], entering, keep)
            output, mask = workspace.outputs[layer], workspace.masks[layer + 1]
            if mask is not None:
                np.multiply(loop.after[0], mask.values, out=output)
            entering = Inputs(output)
        np.matmul(rows(output), self.decoder(parameters).T, out=workspace.logits)
        workspace.logits += parameters["decoder.bias"]
        return tuple(tuple(after[-1] for after in loop.after) for loop in workspace.loops)

    def loss_and_gradients(
        self,
        parameters: Parameters,
        prepared: Prepared,
        workspace: Workspace,
        ids: IntArray,
        targets: IntArray,
        initial: State,
        scale: float,
    ) -> tuple[float, State]:
        """Compute a window's loss and, into the workspace, the gradients: backpropagation truncated to the window.

        Werbos, "Backpropagation through time" (1990); Williams & Peng (1990) for the truncation: the initial
        state counts as a constant.

        Parameters
        ----------
        parameters, prepared, workspace, ids, initial
            As for `forward`.
        targets : ndarray of int, shape (T, B)
            The symbols that followed.
        scale : float
            The factor of each symbol's loss: 1 / (T B) of the whole batch for the gradient of the mean.

        Returns
        -------
        float, State
            The sum of the symbols' losses in nats, not scaled, and the state as from `forward`.
        """
        state = self.forward(parameters, prepared, workspace, ids, initial)
        return self.gradients(parameters, prepared, workspace, ids, targets, scale), state

    def gradients(
        self,
        parameters: Parameters,
        prepared: Prepared,
        workspace: Workspace,
        ids: IntArray,
        targets: IntArray,
        scale: float,
    ) -> float:
        """Compute the loss and the gradients of the window that `forward` computed last; see `loss_and_gradients`.

        Returns
        -------
        float
            The sum of the symbols' losses in nats, not scaled.
        """
        loss = self.backend.cross_entropy_with_gradient(workspace.logits, targets.reshape(-1), scale)
        self._backward(parameters, prepared, workspace, ids)
        return loss

    def _backward(self, parameters: Parameters, prepared: Prepared, workspace: Workspace, ids: IntArray) -> None:
        """Write the gradients of all parameters into the workspace, given those of its logits: `forward` backward."""
        g, keep = workspace.gradients, self._keep(ids)
        d_logits, d_output = workspace.logits, workspace.d_output
        np.matmul(d_logits.T, rows(workspace.outputs[-1]), out=self.decoder(g))
        sum_rows(d_logits, g["decoder.bias"])
        np.matmul(d_logits, self.decoder(parameters), out=rows(d_output))
        for layer, loop in reversed(list(enumerate(workspace.loops))):
            mask = workspace.masks[layer + 1]
            if mask is not None:
                d_output *= mask.values
            loop.backward(prepared.weights[layer], d_output, keep, d_output if layer > 0 else None)
            d_weights = LayerWeights.of(g, layer)
            workspace.weight_gradient(loop.h_hat, rows(loop.before[0]), d_weights.weight_hh)
            if d_weights.bias_split is not None:
                first_split = self.cell.summed * self.architecture.hidden_size
                bias_gradient(loop.h_hat, d_weights.bias_split, first_split)
            if layer > 0:
                workspace.weight_gradient(loop.x_hat, rows(workspace.outputs[layer - 1]), d_weights.weight_ih)
                bias_gradient(loop.x_hat, d_weights.bias)
        inputs.gradients(parameters, self.backend, workspace, ids)

    def _keep(self, ids: IntArray) -> Array | None:
        """Return 0 where an item starts and the state is forgotten, 1 elsewhere, (T, B); None where no item does."""
        if self.architecture.start_symbol is None:
            return None
        keep: Array = (ids != self.architecture.start_symbol).astype(self.architecture.dtype)
        return keep
