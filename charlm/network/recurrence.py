"""The contract of the fast time loops: what enters a recurrent layer, its weights, and what comes out.

`charlm.network.unroll` is the same computation, plainly written.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, Protocol

from charlm.arrays import Array, IntArray
from charlm.network.products import RowBlock

States = tuple[Array, ...]  # what a layer carries from step to step: (h,) or (h, c), each (B, H)


class Symbols:
    """The input of a first layer as symbols: a table of every symbol's x_hat, and the symbols of the window.

    With a one-hot input the product W_x x is a row of W_x^T; with an embedding it is a row of a product that has only
    V rows. So x_hat is looked up and not multiplied.
    """

    def __init__(self, table: Array, ids: IntArray) -> None:
        self.table = table  # (V, G H)
        self.ids = ids  # (T, B)


class Inputs:
    """The input of a layer as arrays, which the loop multiplies by W_x: the output of the layer below."""

    def __init__(self, x: Array) -> None:
        self.x = x  # (T, B, width)


class Weights(Protocol):
    """The weights of one layer in the form in which a time loop reads them, shared by all loops of a batch."""

    def prepare(self, layer: "LayerWeights", share: int = 0, shares: int = 1) -> None:
        """Read the weights for the next window; one of several threads' share of that work."""


class LayerWeights(NamedTuple):
    """One layer's parameters.

    Attributes
    ----------
    weight_ih : ndarray, shape (G H, width of the input)
        W_x.
    weight_hh : ndarray, shape (G H, H)
        W_h.
    bias : ndarray, shape (G H,)
        Of W_x x.
    bias_split : ndarray, shape (number of split gates H,), or None
        Of W_h h', for the split gates.
    """

    weight_ih: Array
    weight_hh: Array
    bias: Array
    bias_split: Array | None

    @classmethod
    def of(cls, parameters: Mapping[str, Array], layer: int) -> "LayerWeights":
        """Return the arrays of a layer among a network's parameters, or among their gradients."""
        return cls(
            weight_ih=parameters[f"rnn.weight_ih_l{layer}"],
            weight_hh=parameters[f"rnn.weight_hh_l{layer}"],
            bias=parameters[f"rnn.bias_ih_l{layer}"],
            bias_split=parameters.get(f"rnn.bias_hh_l{layer}"),
        )


class Recurrence(Protocol):
    """One layer's time loop with its arrays; kernels differ in the layout of these arrays and in how the loop runs.

    Attributes
    ----------
    x_hat : list of RowBlock
        Before `forward` W_x x + b, after `backward` its gradient.
    h_hat : list of RowBlock
        After `backward` the gradient of W_h h'; for gates that are not split, the same memory as `x_hat`.
    before, after : tuple of ndarray, each (T, B, H)
        The carried state before and after each step; ``after[0]`` is the layer's output.
    """

    x_hat: list[RowBlock]
    h_hat: list[RowBlock]
    before: States
    after: States

    def forward(self, weights: Any, initial: States, entering: Symbols | Inputs | None, keep: Array | None) -> None:
        """Run the window from the initial state, on what enters or, where that is None, on what is in `x_hat`.

        `keep`, (T, B), is 0 where the state before a step is forgotten and 1 elsewhere.
        """

    def backward(self, weights: Any, d_output: Array, keep: Array | None, d_input: Array | None) -> None:
        """Go back through the window, given the gradient of the output, (T, B, H).

        Where `Inputs` entered, `d_input` receives their gradient; it may be the memory of `d_output`.
        """

    @property
    def d_initial(self) -> States:
        """The gradient of the initial state, after `backward`."""


def state_arrays(
    empty: Callable[..., Array], count: int, shape: tuple[int, int, int], dtype: Any, resets: bool
) -> tuple[States, States]:
    """Return the arrays of some states before and after each step, each (T, B, H), as `empty` lays them out.

    Where no state is reset inside a window, before[t + 1] and after[t] are the same memory.
    """
    T, B, H = shape
    if resets:
        before = tuple(empty(shape, dtype) for _ in range(count))
        return before, tuple(empty(shape, dtype) for _ in range(count))
    whole = [empty((T + 1, B, H), dtype) for _ in range(count)]
    return tuple(states[:-1] for states in whole), tuple(states[1:] for states in whole)
