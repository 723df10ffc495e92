"""The gated recurrent unit: a reset gate that hides the old state from the candidate, an update gate that keeps it.

    r = sigmoid(a_r)             how much of the old state the candidate sees
    z = sigmoid(a_z)             how much of the old state is kept
    n = tanh(x_n + r h_n)        the candidate
    h = (1 - z) n + z h'

with a = W_x x + b + W_h h' for r and z, and for the split gate n both products separately: x_n = W_xn x + b_n and
h_n = W_hn h' + b_hn.

Cho et al., "Learning phrase representations using RNN encoder-decoder" (2014), in the variant that cuDNN, PyTorch
and Keras (`reset_after`) compute: the reset gate scales the product W_hn h', where the paper has the product of the
scaled state, W_hn (r h'). So weights move between charlm and these frameworks without change. Chung et al. (2014)
write h = (1 - z) h' + z n: their z is 1 - z here.
"""

from charlm.activations import sigmoid, sigmoid_slope, tanh, tanh_slope
from charlm.arrays import Array
from charlm.cells.cell import Cell, Gate


def forward(a_r: Array, a_z: Array, x_n: Array, h_n: Array, h_before: Array) -> tuple[Array, ...]:
    """Return the gates, the candidate, its recurrent part and the new state; all arrays are (B, H)."""
    r = sigmoid(a_r)
    z = sigmoid(a_z)
    n = tanh(x_n + r * h_n)
    h = n + z * (h_before - n)
    return r, z, n, h_n, h


def backward(r: Array, z: Array, n: Array, h_n: Array, h_before: Array, h: Array, dh: Array) -> tuple[Array, ...]:
    """Return the gradients of the pre-activations, and that of the state before except through W_h."""
    dh_before = dh * z
    da_z = dh * (h_before - n) * sigmoid_slope(z)
    dx_n = (dh - dh_before) * tanh_slope(n)
    da_r = dx_n * h_n * sigmoid_slope(r)
    dh_n = dx_n * r
    return da_r, da_z, dx_n, dh_n, dh_before


CELL = Cell(
    "gru",
    gates=(Gate("r"), Gate("z"), Gate("n", split=True)),
    carried=("h",),
    forward=forward,
    backward=backward,
)
