"""The gradient through time of networks of one unit, beside its analytic value.

    h_t = w h_{t-1} + x_t,   y_t = h_t       a linear unit with one input and one output
    d E_t / d x_tau = w^(t - tau) d E_t / d y_t

An input at time tau contributes to an error at time t by w^(t - tau): it explodes for |w| > 1, vanishes for |w| < 1
(Hochreiter 1991; Bengio, Simard & Frasconi 1994). A gated unit has a factor a step as well, which is no weight but the
share of the state that a gate keeps:

    c_t = c_{t-1} + i g          lstm-1997: 1, the constant error carousel (Hochreiter & Schmidhuber 1997)
    c_t = f c_{t-1} + i g        lstm: f, the forget gate (Gers, Schmidhuber & Cummins 2000)
    h_t = (1 - u) h_{t-1} + u c~ simple-gru: 1 - u, one minus the update gate

Both are computed by `charlm.network.unroll`, the gated units with the equations of their cells. All weights of a gated
unit are zero; its biases hold the gates where they are to be.
"""

from dataclasses import dataclass
from math import inf, log

import numpy as np

from charlm.arrays import OVERFLOW, Array
from charlm.cells import CELLS, Cell, Gate
from charlm.network import unroll
from charlm.network.recurrence import LayerWeights

LINEAR = Cell(
    "linear",
    gates=(Gate("h"),),
    carried=("h",),
    forward=lambda a_h, h_before: (a_h, a_h),
    backward=lambda saved, h_before, h, dh: (dh, 0.0),
)
OPEN = inf  # the pre-activation of a gate that is open, whose sigmoid is exactly 1


@dataclass(frozen=True, slots=True)
class ToyUnit:
    """A unit and the gradient of an error through its time.

    Attributes
    ----------
    name : str
        Its cell, and its weight or gate.
    state : str
        What the gradient is by: ``x``, the input, or ``c`` or ``h``, the state.
    factor : float
        By what the gradient is multiplied at each step back.
    computed : ndarray, shape (lags + 1,)
        By backpropagation through time, at lags from 0 on, if the gradient is 1 at lag 0. Where `state` is ``c``, lag
        0 is NaN: the error is read from h.
    """

    name: str
    state: str
    factor: float
    computed: Array

    @property
    def analytic(self) -> Array:
        """The powers of the factor, by lag."""
        with np.errstate(**OVERFLOW):
            return np.asarray(np.float64(self.factor) ** np.arange(len(self.computed)))


def linear(weight: float, lags: int) -> ToyUnit:
    """Return d E_t / d x_tau of the linear unit, for t - tau from 0 to `lags`; dE_t / dy_t is 1."""
    one = np.ones((1, 1))
    weights = LayerWeights(one, weight * one, np.zeros(1), None)
    x = np.zeros((lags + 1, 1, 1))
    x[0] = 1.0  # the input at tau; the unit is linear, so it does not matter
    _, back = _through(LINEAR, weights, x)
    return ToyUnit(f"w = {weight:g}", "x", weight, back.d_x[::-1, 0, 0])


def carousel(lags: int) -> ToyUnit:
    """Return the gradient by the state of an LSTM without a forget gate."""
    return ToyUnit("lstm-1997", "c", 1.0, _held("lstm-1997", {"o": OPEN}, lags))


def forgetting(gate: float, lags: int) -> ToyUnit:
    """Return the gradient by the state of an LSTM whose forget gate has a value from 0 to 1."""
    return ToyUnit(f"lstm, f = {gate:g}", "c", gate, _held("lstm", {"f": _logit(gate), "o": OPEN}, lags))


def updating(gate: float, lags: int) -> ToyUnit:
    """Return the gradient by the state of a simple GRU whose update gate has a value from 0 to 1."""
    held = _held("simple-gru", {"u": _logit(gate)}, lags)
    return ToyUnit(f"simple-gru, u = {gate:g}", "h", 1 - gate, held)


def _held(name: str, gates: dict[str, float], lags: int) -> Array:
    """Return the gradient by the state, (lags + 1,), of one unit whose gates are held by these pre-activations."""
    cell = CELLS[name]
    bias = np.array([gates.get(gate.name, 0.0) for gate in cell.gates])
    zero = np.zeros((len(bias), 1))
    state = cell.carried[-1]
    found = _through(cell, LayerWeights(zero, zero, bias, None), np.zeros((lags + 1, 1, 1)))[1].d_after[state]
    by_lag = found[::-1, 0, 0]
    return by_lag if state == "h" else np.concatenate([[np.nan], by_lag[1:]])


def _through(cell: Cell, weights: LayerWeights, x: Array) -> tuple[unroll.Steps, unroll.Gradients]:
    """Run a unit from the zero state, and go back from an error of slope 1 at the last step."""
    with np.errstate(**OVERFLOW):
        steps = unroll.forward(cell, weights, x, tuple(np.zeros((1, 1)) for _ in cell.carried))
        d_output = np.zeros((len(x), 1, 1))
        d_output[-1] = 1.0
        return steps, unroll.backward(cell, weights, steps, d_output)


def _logit(gate: float) -> float:
    """Return the pre-activation of a gate, the inverse of the sigmoid."""
    if gate in (0.0, 1.0):
        return inf if gate else -inf
    return log(gate / (1 - gate))
