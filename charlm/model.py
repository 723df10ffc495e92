"""The network: symbols in, a probability for every next symbol out, and the gradient of what that costs.

    look-up or embedding -> dropout -> recurrent layer -> dropout -> ... -> recurrent layer -> dropout -> read-out

A `Model` is the description of a network and the computation on it. It holds no weights, no state and no random
numbers: they come in as arguments and go out as results, so evaluating cannot disturb training and two threads can
work on two halves of a batch.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np

from charlm.backends import Backend, load_backend
from charlm.cells import CELLS
from charlm.dropout import Dropout, Mask
from charlm.kernels import Array, IntArray
from charlm.layers import Part, bias_gradient, input_gradient, project, rows, sum_rows
from charlm.parameters import Parameters
from charlm.randomness import Purpose, generator
from charlm.recurrence import Inputs, LayerWeights, Recurrence, States, Symbols, Weights

State = tuple[States, ...]  # the carried state of all layers: for each, (h,) or (h, c), each (B, H)


@dataclass(frozen=True, slots=True)
class Architecture:
    """What fixes the shapes of a network and what they mean.

    Attributes
    ----------
    cell : str
        A name from `charlm.cells.NAMES`.
    vocabulary_size, hidden_size, num_layers : int
        V, H and L.
    embedding_size : int or None
        E, or None for a one-hot input.
    tie_weights : bool
        Whether the read-out uses the embedding's matrix; needs E = H.
    dtype : str
        ``float32`` or ``float64``.
    start_symbol : int or None
        The symbol before which every item starts from a zero state (lines); None where the text is one stream.
    """

    cell: str
    vocabulary_size: int
    hidden_size: int
    num_layers: int = 1
    embedding_size: int | None = None
    tie_weights: bool = False
    dtype: str = "float32"
    start_symbol: int | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as plain values, for a checkpoint."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Architecture":
        """Return the architecture that `to_dict` described."""
        return cls(**{field.name: values[field.name] for field in fields(cls)})


class Prepared:
    """The weights in the forms in which a window reads them: made once a step, shared by all shards."""

    def __init__(self, model: "Model") -> None:
        a = model.architecture
        self.weights: list[Weights] = [
            model.backend.weights(model.cell, a.hidden_size, below=layer > 0) for layer in range(a.num_layers)
        ]
        self.table = model.backend.empty((a.vocabulary_size, model.gates_width), a.dtype)


class Workspace:
    """The arrays in which one shard of a batch is computed, made once and used for every window.

    Parameters
    ----------
    model : Model
        The network.
    seq_length, batch_size : int
        T, and the B of this shard.
    dropout : Dropout or None
        The rates of dropout for training; None for a workspace that computes no gradients.
    first_stream : int
        The number that the shard's first stream has in the whole batch.

    Attributes
    ----------
    loops : list of Recurrence
        The layers' time loops, which hold gates and states.
    inputs : list of ndarray or None
        What enters each layer, and last the read-out, where dropout makes it differ from what left the layer below.
    logits : ndarray, shape (T B, V)
        The read-out; after a backward pass its gradient.
    gradients : Parameters
        The shard's gradients, in a training workspace.
    weight_gradient : callable
        Does the work of that name in `charlm.layers` with room of its own; in a training workspace.
    """

    def __init__(
        self, model: "Model", seq_length: int, batch_size: int, dropout: Dropout | None = None, first_stream: int = 0
    ) -> None:
        a = model.architecture
        T, B, dtype = seq_length, batch_size, a.dtype
        training = dropout is not None
        resets = a.start_symbol is not None
        self.loops = model.backend.recurrences(model.cell, (T, B, a.hidden_size), dtype, resets, training, a.num_layers)
        self.logits = model.backend.empty((T * B, a.vocabulary_size), dtype)
        self.masks: list[Mask | None] = [None] * (a.num_layers + 1)
        self.inputs: list[Array | None] = [None] * (a.num_layers + 1)
        if dropout is None:
            return
        one_hot_width = a.vocabulary_size if dropout.locked else 1
        widths = [a.embedding_size or one_hot_width, *[a.hidden_size] * a.num_layers]
        for place, rate in enumerate(dropout.rates(a.num_layers)):
            if rate > 0:
                steps = 1 if dropout.locked else T
                self.masks[place] = Mask(place, rate, steps, B, widths[place], first_stream, dtype)
                if place > 0 or a.embedding_size is not None:
                    self.inputs[place] = np.empty((T, B, widths[place]), dtype)
        self.gradients = model.parameters()
        self.weight_gradient = model.backend.weight_gradient(T * B, max(a.hidden_size, a.embedding_size or 0))
        self.d_table = model.backend.empty((a.vocabulary_size, model.gates_width), dtype)
        self.d_output = model.backend.empty((T, B, a.hidden_size), dtype)


class Model:
    """A network of one architecture, computed by one set of kernels.

    Parameters
    ----------
    architecture : Architecture
        The network.
    kernels : str
        ``numpy`` or ``fused``.
    """

    def __init__(self, architecture: Architecture, kernels: str = "numpy") -> None:
        self.architecture = architecture
        self.cell = CELLS[architecture.cell]
        self.backend: Backend = load_backend(kernels)
        self.gates_width = len(self.cell.gates) * architecture.hidden_size
        self.shapes = self._shapes()

    def _shapes(self) -> dict[str, tuple[int, ...]]:
        a = self.architecture
        shapes: dict[str, tuple[int, ...]] = {}
        width = a.embedding_size or a.vocabulary_size
        if a.embedding_size is not None:
            shapes["embedding.weight"] = (a.vocabulary_size, a.embedding_size)
        for layer in range(a.num_layers):
            shapes[f"rnn.weight_ih_l{layer}"] = (self.gates_width, width)
            shapes[f"rnn.weight_hh_l{layer}"] = (self.gates_width, a.hidden_size)
            shapes[f"rnn.bias_ih_l{layer}"] = (self.gates_width,)
            if self.cell.apart:
                shapes[f"rnn.bias_hh_l{layer}"] = (self.cell.apart * a.hidden_size,)
            width = a.hidden_size
        if not a.tie_weights:
            shapes["decoder.weight"] = (a.vocabulary_size, a.hidden_size)
        shapes["decoder.bias"] = (a.vocabulary_size,)
        return shapes

    def parameters(self) -> Parameters:
        """Return parameters of the network's shapes, all zero."""
        return Parameters(self.shapes, np.dtype(self.architecture.dtype))

    def initial_parameters(self, seed: int) -> Parameters:
        """Return the parameters with which training starts.

        Matrices from below are uniform with Glorot & Bengio's limit (2010), sqrt(6 / (fan-in + H)), gate by gate;
        recurrent matrices are orthogonal, gate by gate (Saxe, McClelland & Ganguli 2014), so that a state neither
        grows nor fades in the product; an embedding is normal with deviation 1 / sqrt(E); the read-out is uniform
        within 1 / sqrt(H); biases are 0 but for those the cell starts elsewhere (the forget gate's 1).
        """
        rng = generator(seed, Purpose.WEIGHTS)
        a, parameters = self.architecture, self.parameters()
        H = a.hidden_size
        for name, array in parameters.items():
            if name == "embedding.weight":
                array[...] = rng.standard_normal(array.shape) / np.sqrt(array.shape[1])
            elif name.startswith("rnn.weight_ih"):
                limit = np.sqrt(6 / (array.shape[1] + H))
                array[...] = rng.uniform(-limit, limit, array.shape)
            elif name.startswith("rnn.weight_hh"):
                for gate in range(len(self.cell.gates)):
                    array[gate * H : (gate + 1) * H] = _orthogonal(rng, H)
            elif name.startswith("rnn.bias_ih"):
                array[...] = np.repeat([gate.bias for gate in self.cell.gates], H)
            elif name == "decoder.weight":
                array[...] = rng.uniform(-1 / np.sqrt(H), 1 / np.sqrt(H), array.shape)
        return parameters

    def decoder(self, parameters: Parameters) -> Array:
        """Return the read-out's matrix, (V, H): where weights are tied, the embedding's; of weights or of gradients."""
        return parameters["embedding.weight" if self.architecture.tie_weights else "decoder.weight"]

    def zero_state(self, batch_size: int) -> State:
        """Return the state of B streams that have read nothing."""
        a = self.architecture
        return tuple(
            tuple(np.zeros((batch_size, a.hidden_size), a.dtype) for _ in self.cell.carried)
            for _ in range(a.num_layers)
        )

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
            if self.cell.apart:
                self._bias_apart_gradient(loop, g[f"rnn.bias_hh_l{layer}"])
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

    def _bias_apart_gradient(self, loop: Recurrence, d_bias_apart: Array) -> None:
        """Write the gradient of b_h, which only the gates that keep the two products apart have."""
        first = self.cell.summed * self.architecture.hidden_size
        for part_rows, values in loop.h_hat:
            if part_rows.start >= first:
                sum_rows(values, d_bias_apart[part_rows.start - first : part_rows.stop - first])

    def _layer_weights(self, parameters: Parameters, layer: int) -> LayerWeights:
        return LayerWeights(
            weight_ih=parameters[f"rnn.weight_ih_l{layer}"],
            weight_hh=parameters[f"rnn.weight_hh_l{layer}"],
            bias=parameters[f"rnn.bias_ih_l{layer}"],
            bias_apart=parameters[f"rnn.bias_hh_l{layer}"] if self.cell.apart else None,
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


def _orthogonal(rng: np.random.Generator, size: int) -> Array:
    """Return a random orthogonal matrix, uniformly distributed (the signs as in Mezzadri 2007)."""
    q, r = np.linalg.qr(rng.standard_normal((size, size)))
    return np.asarray(q * np.sign(np.diag(r)))
