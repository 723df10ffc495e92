"""The GRU with only its update gate: the unit forgets exactly as much as it writes.

    u  = sigmoid(a_u)            how much to write
    c~ = tanh(a_c)               what to write
    h  = u c~ + (1 - u) h'

with a = W_x x + b + W_h h' for both. The state is called c in the notes of the deep-learning courses that teach
this form (Ng 2018) and h here and in the frameworks. It is Cho et al.'s unit (2014) without the reset gate; they
and PyTorch name the gate's complement, z = 1 - u.
"""

from charlm.activations import sigmoid, sigmoid_slope, tanh, tanh_slope
from charlm.arrays import Array
from charlm.cells.cell import Cell, Gate


def forward(a_u: Array, a_c: Array, h_before: Array) -> tuple[Array, ...]:
    """Return the gate, the candidate and the new state; all arrays are (B, H)."""
    u = sigmoid(a_u)
    c = tanh(a_c)
    h = h_before + u * (c - h_before)
    return u, c, h


def backward(u: Array, c: Array, h_before: Array, h: Array, dh: Array) -> tuple[Array, ...]:
    """Return the gradients of the pre-activations, and that of the state before except through W_h."""
    da_u = dh * (c - h_before) * sigmoid_slope(u)
    dc = dh * u
    da_c = dc * tanh_slope(c)
    dh_before = dh - dc
    return da_u, da_c, dh_before


CELL = Cell("simple-gru", gates=(Gate("u"), Gate("c")), carried=("h",), forward=forward, backward=backward)
