"""The simple recurrent cell: one layer of tanh units that see the input and their own last output.

    h = tanh(a),   a = W_x x + b + W_h h'

where h' is the hidden state of the step before. Elman, "Finding structure in time" (1990), with tanh for his
logistic units, as the frameworks have it. Its memory fades: a gradient passes through W_h and the slope of tanh at
every step (Bengio, Simard & Frasconi 1994).
"""

from charlm.activations import tanh, tanh_slope
from charlm.arrays import Array
from charlm.cells.cell import Cell, Gate


def forward(a: Array, h_before: Array) -> tuple[Array, ...]:
    """Return the activation and the new state; all arrays are (B, H)."""
    h = tanh(a)
    return h, h


def backward(a: Array, h_before: Array, h: Array, dh: Array) -> tuple[Array | float, ...]:
    """Return the gradients of the pre-activation and, apart from the product, of the state before."""
    da = dh * tanh_slope(h)
    return da, 0.0


CELL = Cell("rnn", gates=(Gate("h"),), carried=("h",), forward=forward, backward=backward)
