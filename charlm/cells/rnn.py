"""The simple recurrent cell: one layer of tanh units that see the input and their own last output.

    h = tanh(a_h)

with a_h = W_x x + b + W_h h', where h' is the hidden state of the step before. Elman, "Finding structure in time"
(1990), with tanh for his logistic units, as the frameworks have it. Its memory fades: a gradient passes through W_h
and the slope of tanh at every step (Bengio, Simard & Frasconi 1994).
"""

from charlm.activations import tanh, tanh_slope
from charlm.arrays import Array
from charlm.cells.cell import Cell, Gate


def forward(a_h: Array, h_before: Array) -> tuple[Array, ...]:
    """Return the activation and the new state; all arrays are (B, H)."""
    h = tanh(a_h)
    return h, h


def backward(saved: Array, h_before: Array, h: Array, dh: Array) -> tuple[Array | float, ...]:
    """Return the gradient of the pre-activation, and that of the state before except through W_h."""
    da_h = dh * tanh_slope(h)
    return da_h, 0.0


CELL = Cell("rnn", gates=(Gate("h"),), carried=("h",), forward=forward, backward=backward)
