"""What fixes the shapes of a network: its parameters by name, their initial values, and the zero state."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np

from charlm.arrays import Array
from charlm.cells import CELLS, Cell
from charlm.network.parameters import Parameters
from charlm.network.recurrence import States
from charlm.randomness import Purpose, generator

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

    @property
    def equations(self) -> Cell:
        """The cell itself."""
        return CELLS[self.cell]

    @property
    def gates_width(self) -> int:
        """The rows of a layer's weight matrices: G H."""
        return len(self.equations.gates) * self.hidden_size

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """The name and shape of every parameter."""
        shapes: dict[str, tuple[int, ...]] = {}
        width = self.embedding_size or self.vocabulary_size
        if self.embedding_size is not None:
            shapes["embedding.weight"] = (self.vocabulary_size, self.embedding_size)
        for layer in range(self.num_layers):
            shapes[f"rnn.weight_ih_l{layer}"] = (self.gates_width, width)
            shapes[f"rnn.weight_hh_l{layer}"] = (self.gates_width, self.hidden_size)
            shapes[f"rnn.bias_ih_l{layer}"] = (self.gates_width,)
            if self.equations.split:
                shapes[f"rnn.bias_hh_l{layer}"] = (self.equations.split * self.hidden_size,)
            width = self.hidden_size
        if not self.tie_weights:
            shapes["decoder.weight"] = (self.vocabulary_size, self.hidden_size)
        shapes["decoder.bias"] = (self.vocabulary_size,)
        return shapes

    def parameters(self) -> Parameters:
        """Return parameters of the network's shapes, all zero."""
        return Parameters(self.shapes, np.dtype(self.dtype))

    def initial_parameters(self, seed: int) -> Parameters:
        """Return the parameters with which training starts.

        W_x is uniform with Glorot & Bengio's limit (2010), sqrt(6 / (fan-in + H)), gate by gate. W_h is orthogonal,
        gate by gate (Saxe, McClelland & Ganguli 2014), so that a state neither grows nor fades in the product. An
        embedding is normal with standard deviation 1 / sqrt(E), the read-out uniform within 1 / sqrt(H). Biases
        start at `Gate.bias`: 0, or 1 for the LSTM's forget gate.
        """
        rng = generator(seed, Purpose.WEIGHTS)
        parameters = self.parameters()
        H = self.hidden_size
        for name, array in parameters.items():
            if name == "embedding.weight":
                array[...] = rng.standard_normal(array.shape) / np.sqrt(array.shape[1])
            elif name.startswith("rnn.weight_ih"):
                limit = np.sqrt(6 / (array.shape[1] + H))
                array[...] = rng.uniform(-limit, limit, array.shape)
            elif name.startswith("rnn.weight_hh"):
                for gate in range(len(self.equations.gates)):
                    array[gate * H : (gate + 1) * H] = _orthogonal(rng, H)
            elif name.startswith("rnn.bias_ih"):
                array[...] = np.repeat([gate.bias for gate in self.equations.gates], H)
            elif name == "decoder.weight":
                array[...] = rng.uniform(-1 / np.sqrt(H), 1 / np.sqrt(H), array.shape)
        return parameters

    def zero_state(self, batch_size: int) -> State:
        """Return the zero state of B streams, from which a text starts."""
        return tuple(
            tuple(np.zeros((batch_size, self.hidden_size), self.dtype) for _ in self.equations.carried)
            for _ in range(self.num_layers)
        )


def _orthogonal(rng: np.random.Generator, size: int) -> Array:
    """Return a random orthogonal matrix, uniformly distributed (the signs as in Mezzadri 2007)."""
    q, r = np.linalg.qr(rng.standard_normal((size, size)))
    return np.asarray(q * np.sign(np.diag(r)))
