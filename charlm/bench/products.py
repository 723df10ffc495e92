"""The matrix products of a training step: how large they are, and how to do them over again by themselves."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from charlm.arrays import Array
from charlm.network.architecture import Architecture

FORWARD = "time loops, forward"
BACKWARD = "time loops, backward"
WEIGHTS = "weight gradients"
INPUT = "embedding products"
READ_OUT = "read-out products"


@dataclass(frozen=True, slots=True)
class Product:
    """A matrix product C = A B that a training step does, maybe once a time step.

    Attributes
    ----------
    part : str
        The part of the step that it belongs to.
    rows, inner, columns : int
        A is (rows, inner), B is (inner, columns).
    transposed : str
        Which of the two is stored the other way round: ``""``, ``"A"`` or ``"B"``.
    times : int
        How often it is done; A and C are others each time.
    """

    part: str
    rows: int
    inner: int
    columns: int
    transposed: str = ""
    times: int = 1

    @property
    def flops(self) -> int:
        """Two operations for each multiplication with its addition."""
        return 2 * self.rows * self.inner * self.columns * self.times

    def replay(self, dtype: str) -> Callable[[], object]:
        """Return a function that does it on arrays of ones."""
        a = [_ones(self.rows, self.inner, dtype, self.transposed == "A") for _ in range(self.times)]
        b = _ones(self.inner, self.columns, dtype, self.transposed == "B")
        c: Array = np.empty((self.times, self.rows, self.columns), dtype)

        def run() -> None:
            for left, out in zip(a, c, strict=True):
                np.matmul(left, b, out=out)

        return run


def _ones(rows: int, columns: int, dtype: str, transposed: bool) -> Array:
    return np.ones((columns, rows), dtype).T if transposed else np.ones((rows, columns), dtype)


def products(architecture: Architecture, seq_length: int, batch_size: int, dropped: bool) -> list[Product]:
    """Return the matrix products of one training step, or of one worker's share of its streams.

    A one-hot input is looked up and not multiplied, and an embedding is multiplied with the input weights once for
    every symbol, not for every place in the window, unless there is dropout between the two. What a layer takes from
    the one below is multiplied in its time loops.

    Parameters
    ----------
    architecture : Architecture
        The network.
    seq_length, batch_size : int
        T and the number of streams.
    dropped : bool
        Whether there is dropout on the input.
    """
    a, T = architecture, seq_length
    H, V, N = a.hidden_size, a.vocabulary_size, T * batch_size
    width = a.gates_width
    found: list[Product] = []
    for layer in range(a.num_layers):
        if layer > 0:
            found += _forward_and_back((FORWARD, WEIGHTS, BACKWARD), N, H, width)
        elif a.embedding_size is not None:
            parts = (INPUT, WEIGHTS if dropped else INPUT, INPUT)
            found += _forward_and_back(parts, N if dropped else V, a.embedding_size, width)
        found.append(Product(FORWARD, batch_size, H, width, "B", T))
        found.append(Product(BACKWARD, batch_size, width, H, "", T))
        found.append(Product(WEIGHTS, width, N, H, "A"))
    return found + _forward_and_back((READ_OUT, READ_OUT, READ_OUT), N, H, V)


def _forward_and_back(parts: tuple[str, str, str], rows: int, width: int, outputs: int) -> list[Product]:
    """Return the products of y = x W^T, each in its part: itself, the gradient of W and the gradient of x."""
    forward, of_weight, of_input = parts
    return [
        Product(forward, rows, width, outputs, "B"),
        Product(of_weight, outputs, rows, width, "A"),
        Product(of_input, rows, outputs, width),
    ]
