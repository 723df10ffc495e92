"""The network: symbols in, a probability for every next symbol out, and the gradient of what that costs.

    look-up or embedding -> dropout -> recurrent layer -> dropout -> ... -> recurrent layer -> dropout -> read-out

A `Model` is an architecture with the kernels that compute it. It holds no weights, no state and no random numbers:
they come in as arguments and go out as results, so evaluating cannot disturb training and two threads can work on two
halves of a batch.
"""

import numpy as np

from charlm.arrays import Array, IntArray
from charlm.network.architecture import Architecture, State
from charlm.network.backend import Backend
from charlm.network.parameters import Parameters
from charlm.network.products import Part, bias_gradient, input_gradient, project, rows, sum_rows
from charlm.network.recurrence import Inputs, LayerWeights, Recurrence, Symbols
from charlm.network.regularisers.dropout import Dropout, Mask
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
        """Return a place for the weights as windows read them, which `prepare` fills."""
        return Prepared(self.architecture, self.backend)

    def workspace(
        self, seq_length: int, batch_size: int, dropout: Dropout | None = None, first_stream: int = 0
    ) -> Workspace:
        """Return the arrays for windows of T steps of B streams; see `Workspace`."""
        return Workspace(self.architecture, self.backend, seq_length, batch_size, dropout, first_stream)

    def decoder(self, parameters: Parameters) -> Array:
        """Return the read-out's matrix, (V, H): where weights are tied, the embedding's; of weights or of gradients."""
        return parameters["embedding.weight" if self.architecture.tie_weights else "decoder.weight"]

    def prepare(self, parameters: Parameters, prepared: Prepared, part: int = 0, parts: int = 1) -> None:
        """Bring the weights into the forms that windows read, or one of several threads' parts of them."""
        for layer, weights in enumerate(prepared.weights):
            weights.prepare(self._layer_weights(parameters, layer), part, parts)
        V = self.architecture.vocabulary_size
        mine = slice(V * part // parts, V * (part + 1) // parts)
        weight_ih, bias = parameters["rnn.weight_ih_l0"], parameters["rnn.bias_ih_l0"]
        if self.architecture.embedding_size is None:
            np.add(weight_ih.T[mine], bias, out=prepared.table[mine])
        else:
            np.matmul(parameters["embedding.weight"][mine], weight_ih.T, out=prepared.table[mine])
            prepared.table[mine] += bias

    def forward(
        self, parameters: Parameters, prepared: Prepared, workspace: Workspace, inputs: IntArray, initial: State
    ) -> State:
        """Compute a window's logits into the workspace, with the dropout masks that it holds.

        Parameters
        ----------
        parameters, prepared : Parameters, Prepared
            The weights, and the same as `prepare` left them.
        workspace : Workspace
            Receives everything; `logits` among it.
        inputs : ndarray of int, shape (T, B)
            The symbols.
        initial : State
            What the streams carry from the window before; not written to.

        Returns
        -------
        State
            What they carry to the next window; views that the workspace's next window overwrites.
        """
        keep = self._keep(inputs)
        for layer, loop in enumerate(workspace.loops):
            entering: Symbols | Inputs | None
            if layer == 0:
                entering = self._look_up(parameters, prepared, workspace, inputs)
            else:
                entering = Inputs(self._dropped(workspace, layer))
            loop.forward(prepared.weights[layer], initial[layer], entering, keep)
        y = self._dropped(workspace, len(workspace.loops))
        np.matmul(rows(y), self.decoder(parameters).T, out=workspace.logits)
        workspace.logits += parameters["decoder.bias"]
        return tuple(tuple(after[-1] for after in loop.after) for loop in workspace.loops)

    def loss_and_gradients(
        self,
        parameters: Parameters,
        prepared: Prepared,
        workspace: Workspace,
        inputs: IntArray,
        targets: IntArray,
        initial: State,
        scale: float,
    ) -> tuple[float, State]:
        """Compute a window's loss and, into the workspace, the gradients: backpropagation truncated to the window.

        Werbos, "Backpropagation through time" (1990); Williams & Peng (1990) for the truncation. The state carried
        in counts as a constant.

        Parameters
        ----------
        parameters, prepared, workspace, inputs, initial
            As for `forward`.
        targets : ndarray of int, shape (T, B)
            The symbols that came next.
        scale : float
            What each symbol's loss counts: 1 / (T B) of the whole batch for the gradient of the mean.

        Returns
        -------
        float, State
            The sum of the symbols' losses in nats, not scaled, and the state as from `forward`.
        """
        state = self.forward(parameters, prepared, workspace, inputs, initial)
        loss = self.backend.cross_entropy_with_gradient(workspace.logits, targets.reshape(-1), scale)
        self._backward(parameters, prepared, workspace, inputs)
        return loss, state

    def _backward(self, parameters: Parameters, prepared: Prepared, workspace: Workspace, inputs: IntArray) -> None:
        """Fill in the workspace's gradients, from those of its logits."""
        g = workspace.gradients
        keep = self._keep(inputs)
        top = len(workspace.loops)
        np.matmul(workspace.logits.T, rows(self._entered(workspace, top)), out=self.decoder(g))
        sum_rows(workspace.logits, g["decoder.bias"])
        np.matmul(workspace.logits, self.decoder(parameters), out=rows(workspace.d_output))
        for layer in range(top - 1, -1, -1):
            loop, mask = workspace.loops[layer], workspace.masks[layer + 1]
            if mask is not None:
                workspace.d_output *= mask.values
            loop.backward(prepared.weights[layer], workspace.d_output, keep, workspace.d_output if layer else None)
            workspace.weight_gradient(loop.h_hat, rows(loop.before[0]), g[f"rnn.weight_hh_l{layer}"])
            if self.cell.split:
                self._bias_split_gradient(loop, g[f"rnn.bias_hh_l{layer}"])
            if layer == 0:
                self._look_up_backward(parameters, workspace, inputs.reshape(-1))
            else:
                x = rows(self._entered(workspace, layer))
                workspace.weight_gradient(loop.x_hat, x, g[f"rnn.weight_ih_l{layer}"])
                bias_gradient(loop.x_hat, g[f"rnn.bias_ih_l{layer}"])

    def _look_up(
        self, parameters: Parameters, prepared: Prepared, workspace: Workspace, inputs: IntArray
    ) -> Symbols | None:
        """Return the first layer's input as symbols, or, under dropout, write its x_hat and return None."""
        mask = workspace.masks[0]
        if mask is None:
            return Symbols(prepared.table, inputs)
        x_hat, x = workspace.loops[0].x_hat, workspace.inputs[0]
        weight, bias = parameters["rnn.weight_ih_l0"], parameters["rnn.bias_ih_l0"]
        if x is None:
            factors = self._mask_of_symbols(mask, inputs).reshape(-1, 1)
            for part_rows, values in x_hat:
                np.take(weight[part_rows].T, inputs.reshape(-1), axis=0, out=values, mode="clip")
                values *= factors
                values += bias[part_rows]
        else:
            np.take(parameters["embedding.weight"], inputs, axis=0, out=x, mode="clip")
            x *= mask.values
            project(x_hat, rows(x), weight, bias)
        return None

    def _look_up_backward(self, parameters: Parameters, workspace: Workspace, ids: IntArray) -> None:
        """Fill in the gradients of the first layer's input weights and bias, and of the embedding."""
        g, mask, x = workspace.gradients, workspace.masks[0], workspace.inputs[0]
        d_x_hat, d_table = workspace.loops[0].x_hat, workspace.d_table
        if x is not None and mask is not None:
            bias_gradient(d_x_hat, g["rnn.bias_ih_l0"])
            workspace.weight_gradient(d_x_hat, rows(x), g["rnn.weight_ih_l0"])
            input_gradient(d_x_hat, parameters["rnn.weight_ih_l0"], rows(x))
            x *= mask.values
            d_embedding = np.empty_like(parameters["embedding.weight"])
            self.backend.sum_by_symbol([Part(slice(None), rows(x))], ids, d_embedding)
            self._add_embedding_gradient(g, d_embedding)
            return
        if mask is not None:
            bias_gradient(d_x_hat, g["rnn.bias_ih_l0"])
            factors = self._mask_of_symbols(mask, ids.reshape(workspace.d_output.shape[:2])).reshape(-1, 1)
            for part in d_x_hat:
                np.multiply(part.values, factors, out=part.values)
        self.backend.sum_by_symbol(d_x_hat, ids, d_table)
        if mask is None:
            sum_rows(d_table, g["rnn.bias_ih_l0"])
        if self.architecture.embedding_size is None:
            g["rnn.weight_ih_l0"][...] = d_table.T
        else:
            np.matmul(d_table.T, parameters["embedding.weight"], out=g["rnn.weight_ih_l0"])
            self._add_embedding_gradient(g, d_table @ parameters["rnn.weight_ih_l0"])

    def _bias_split_gradient(self, loop: Recurrence, d_bias_split: Array) -> None:
        """Write the gradient of b_h, which only the gates that keep the two products apart have."""
        first = self.cell.summed * self.architecture.hidden_size
        for part_rows, values in loop.h_hat:
            if part_rows.start >= first:
                sum_rows(values, d_bias_split[part_rows.start - first : part_rows.stop - first])

    def _layer_weights(self, parameters: Parameters, layer: int) -> LayerWeights:
        return LayerWeights(
            weight_ih=parameters[f"rnn.weight_ih_l{layer}"],
            weight_hh=parameters[f"rnn.weight_hh_l{layer}"],
            bias=parameters[f"rnn.bias_ih_l{layer}"],
            bias_split=parameters[f"rnn.bias_hh_l{layer}"] if self.cell.split else None,
        )

    def _add_embedding_gradient(self, gradients: Parameters, d_embedding: Array) -> None:
        """Store the embedding's gradient, on top of the read-out's where they share a matrix."""
        total = gradients["embedding.weight"]
        np.add(total if self.architecture.tie_weights else 0, d_embedding, out=total)

    def _mask_of_symbols(self, mask: Mask, inputs: IntArray) -> Array:
        """Return a one-hot input's mask as one factor for each symbol read, (T, B, 1)."""
        if mask.values.shape[2] == 1:
            return mask.values
        streams = np.arange(inputs.shape[1])
        factors: Array = mask.values[0, streams, inputs][:, :, np.newaxis]
        return factors

    def _dropped(self, workspace: Workspace, place: int) -> Array:
        """Return what enters a layer (at place L, the read-out): the output below, through dropout if there is any."""
        below, mask, dropped = workspace.loops[place - 1].after[0], workspace.masks[place], workspace.inputs[place]
        if mask is None or dropped is None:
            return below
        return np.multiply(below, mask.values, out=dropped)

    def _entered(self, workspace: Workspace, place: int) -> Array:
        """Return what `_dropped` returned in the forward pass."""
        dropped = workspace.inputs[place]
        return workspace.loops[place - 1].after[0] if dropped is None else dropped

    def _keep(self, inputs: IntArray) -> Array | None:
        """Return 0 where an item starts and the state is forgotten, 1 elsewhere, (T, B); None where no item does."""
        if self.architecture.start_symbol is None:
            return None
        keep: Array = (inputs != self.architecture.start_symbol).astype(self.architecture.dtype)
        return keep
