"""What a recurrent cell is: an activation function with gates and a carried state.

The weights are not the cell's (`charlm.network.products` multiplies by them). At each step the layer computes, for
every gate,

    a = W_x x + b + W_h h'

and calls the cell with these pre-activations and the state before. A *split gate* is a gate that needs the product
with the input and the product with the state separately: it gets x_hat = W_x x + b in its place and, after all the
gates, h_hat = W_h h' + b_h. The cell is elementwise:

    forward(pre-activations..., state before...)                    -> (saved..., state...)
    backward(saved..., state before..., state..., dstate...)        -> (dpre-activations..., dstate before...)

`forward` returns one saved array for each pre-activation, which takes its place. `backward` returns the gradients of
the state before only as far as they do not pass through W_h; a literal 0.0 for h says that there is none. Both
use only binary + - * / and the functions of `charlm.activations`, and hold no number but that 0.0: kernels compile the
same functions for float32, where a literal would widen the arithmetic.

A new cell is one module like `charlm.cells.gru` and one line in `charlm.cells`. The module's docstring opens with the
equations, one a line, in an indented block: in the names of `Cell.pre_activations`, with a prime for the state before.
The tests evaluate these lines and compare.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Gate:
    """One block of H rows in the weight matrices.

    Attributes
    ----------
    name : str
        The letter that the equations use.
    bias : float
        The value with which training starts the gate's bias.
    split : bool
        Whether the cell needs the product with the input and the product with the state separately. Split gates
        come last.
    """

    name: str
    bias: float = 0.0
    split: bool = False


@dataclass(frozen=True, slots=True)
class Cell:
    """The equations of a cell and the names in them.

    Attributes
    ----------
    name : str
        Its name in configurations.
    gates : tuple of Gate
        In the order of the weight matrices' row blocks.
    carried : tuple of str
        The arrays that make up the state; the first is the output, ``h``.
    forward, backward : callable
        The equations, see this module.
    """

    name: str
    gates: tuple[Gate, ...]
    carried: tuple[str, ...]
    forward: Callable[..., tuple[Any, ...]]
    backward: Callable[..., tuple[Any, ...]]

    @property
    def summed(self) -> int:
        """How many gates take the sum of both products."""
        return sum(not gate.split for gate in self.gates)

    @property
    def split(self) -> int:
        """How many gates are split: they take each product separately."""
        return sum(gate.split for gate in self.gates)

    @property
    def columns(self) -> int:
        """How many arrays a step saves: one for each pre-activation that `forward` takes."""
        return len(self.gates) + self.split

    @property
    def pre_activations(self) -> tuple[str, ...]:
        """The names of what `forward` takes before the states: a_r, a_z, x_n, h_n for gates r, z and a split n."""
        takes = [f"{'x' if gate.split else 'a'}_{gate.name}" for gate in self.gates]
        return (*takes, *[f"h_{gate.name}" for gate in self.gates if gate.split])

    @property
    def saved(self) -> tuple[str, ...]:
        """The names of what `forward` returns before the states: r, z, n, h_n for gates r, z and a split n."""
        return (*[gate.name for gate in self.gates], *self.pre_activations[len(self.gates) :])
