"""Long short-term memory: a cell state c, and gates for what is written to it, kept in it and shown of it.

    i = sigmoid(a_i)             input gate: how much to write
    f = sigmoid(a_f)             forget gate: how much to keep
    g = tanh(a_g)                what to write
    o = sigmoid(a_o)             output gate: how much to show
    c = f c' + i g
    h = o tanh(c)

with a = W_x x + b + W_h h' for each. Hochreiter & Schmidhuber, "Long short-term memory" (1997), with the forget
gate of Gers, Schmidhuber & Cummins, "Learning to forget" (2000), and no peepholes. The bias of the forget gate
starts at 1, so that a new cell remembers (Jozefowicz, Zaremba & Sutskever 2015); PyTorch starts it near 0. The
order of the gates is PyTorch's. Course notes name the candidate c~ and the gates with a capital gamma.
"""

from charlm.activations import sigmoid, sigmoid_slope, tanh, tanh_slope
from charlm.arrays import Array
from charlm.cells.cell import Cell, Gate


def forward(a_i: Array, a_f: Array, a_g: Array, a_o: Array, h_before: Array, c_before: Array) -> tuple[Array, ...]:
    """Return the gates, the candidate and the new states h and c; all arrays are (B, H)."""
    i = sigmoid(a_i)
    f = sigmoid(a_f)
    g = tanh(a_g)
    o = sigmoid(a_o)
    c = f * c_before + i * g
    h = o * tanh(c)
    return i, f, g, o, h, c


def backward(
    i: Array,
    f: Array,
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
    dc_total = dc + dh * o * tanh_slope(tanh_c)
    da_i = dc_total * g * sigmoid_slope(i)
    da_f = dc_total * c_before * sigmoid_slope(f)
    da_g = dc_total * i * tanh_slope(g)
    dc_before = dc_total * f
    return da_i, da_f, da_g, da_o, 0.0, dc_before


CELL = Cell(
    "lstm",
    gates=(Gate("i"), Gate("f", bias=1.0), Gate("g"), Gate("o")),
    carried=("h", "c"),
    forward=forward,
    backward=backward,
)
