"""The first long short-term memory, without a forget gate: the constant error carousel.

    i = sigmoid(a_i)             input gate: how much to write
    g = tanh(a_g)                what to write
    o = sigmoid(a_o)             output gate: how much to show
    c = c' + i g
    h = o tanh(c)

with a = W_x x + b + W_h h' for each. Hochreiter & Schmidhuber, "Long short-term memory" (1997). The gradient of c
passes to c' unchanged, however many steps back. Nothing ever leaves the cell state either: on a long stream it grows
until tanh(c) saturates, and the forget gate was added for that (Gers, Schmidhuber & Cummins 2000). The paper uses
scaled logistic functions and truncates the gradient at the gates; here, as in later accounts, g and the output use
tanh and the gradient is exact.
"""

from charlm.activations import sigmoid, sigmoid_slope, tanh, tanh_slope
from charlm.arrays import Array
from charlm.cells.cell import Cell, Gate


def forward(a_i: Array, a_g: Array, a_o: Array, h_before: Array, c_before: Array) -> tuple[Array, ...]:
    """Return the gates, the candidate and the new states h and c; all arrays are (B, H)."""
    i = sigmoid(a_i)
    g = tanh(a_g)
    o = sigmoid(a_o)
    c = c_before + i * g
    h = o * tanh(c)
    return i, g, o, h, c


def backward(
    i: Array,
    g: Array,
    o: Array,
    h_before: Array,
    c_before: Array,
    h: Array,
    c: Array,
    dh: Array,
    dc: Array,
) -> tuple[Array | float, ...]:
    """Return the gradients of the pre-activations, and those of the states before except through W_h."""
    tanh_c = tanh(c)
    da_o = dh * tanh_c * sigmoid_slope(o)
    dc_before = dc + dh * o * tanh_slope(tanh_c)
    da_i = dc_before * g * sigmoid_slope(i)
    da_g = dc_before * i * tanh_slope(g)
    return da_i, da_g, da_o, 0.0, dc_before


CELL = Cell(
    "lstm-1997",
    gates=(Gate("i"), Gate("g"), Gate("o")),
    carried=("h", "c"),
    forward=forward,
    backward=backward,
)
