"""One recurrent layer through time, forward and backward, as a textbook writes it.

    x_hat   = x W_x^T + b                          for all steps at once
    h_hat_t = h_{t-1} W_h^T + b_h                  b_h for split gates only
    s_t     = cell(x_hat_t, h_hat_t, s_{t-1})      the state s is (h) or (h, c)

and, from the last step to the first, where dh_t is the gradient of the loss by h_t:

    dh_t                        += d_output_t      what the loss sees of h_t directly
    dx_hat_t, dh_hat_t, ds_{t-1} = the cell's backward pass of ds_t
    dh_{t-1}                    += dh_hat_t W_h
    dW_x = sum_t dx_hat_t^T x_t       db   = sum_t dx_hat_t       dx = dx_hat W_x
    dW_h = sum_t dh_hat_t^T h_{t-1}   db_h = sum_t dh_hat_t

Werbos, "Backpropagation through time" (1990). This is the reference of the fast time loops in `charlm.kernels`. It
computes the same numbers with plain calls of the cell, and returns those of every step under the equations' names.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from charlm.arrays import Array
from charlm.cells import Cell
from charlm.network.recurrence import LayerWeights, States

Named = dict[str, Array]  # arrays (T, B, H) by the names of gates, pre-activations or states


class Steps(NamedTuple):
    """What a layer computes at every step of a window.

    Attributes
    ----------
    x : ndarray, shape (T, B, width)
        The input.
    keep : ndarray, shape (T, B)
        0 where the state before a step is forgotten, 1 elsewhere.
    before, after : dict of str to ndarray, each (T, B, H)
        The states before and after each step, by `Cell.carried`; ``after["h"]`` is the layer's output.
    pre_activations, gates : dict of str to ndarray, each (T, B, H)
        What the cell takes, by `Cell.pre_activations`, and what it makes of it, by `Cell.saved`.
    """

    x: Array
    keep: Array
    before: Named
    after: Named
    pre_activations: Named
    gates: Named


class Gradients(NamedTuple):
    """The gradients of the loss.

    Attributes
    ----------
    d_after, d_pre_activations : dict of str to ndarray, each (T, B, H)
        Of the states after each step, by the output and by all later steps together; of what the cell takes.
    d_initial : tuple of ndarray, each (B, H)
        Of the state before the window.
    d_x : ndarray, shape (T, B, width)
        Of the input.
    d_weights : LayerWeights
        Of the parameters.
    """

    d_after: Named
    d_pre_activations: Named
    d_initial: States
    d_x: Array
    d_weights: LayerWeights


def forward(cell: Cell, weights: LayerWeights, x: Array, initial: States, keep: Array | None = None) -> Steps:
    """Run a window x, (T, B, width), from an initial state; without `keep`, (T, B), no state is forgotten."""
    if keep is None:
        keep = np.ones(x.shape[:2], x.dtype)
    x_hat = x @ weights.weight_ih.T + weights.bias
    state, steps = initial, []
    for t in range(len(x)):
        before = tuple(keep[t, :, np.newaxis] * array for array in state)
        h_hat = before[0] @ weights.weight_hh.T
        if weights.bias_split is not None:
            h_hat[:, -len(weights.bias_split) :] += weights.bias_split
        pre_activations = _gate_by_gate(cell, x_hat[t], h_hat)
        results = cell.forward(*pre_activations, *before)
        saved, state = results[: cell.columns], results[cell.columns :]
        steps.append((before, state, pre_activations, saved))
    names = (cell.carried, cell.carried, cell.pre_activations, cell.saved)
    return Steps(x, keep, *map(_named, names, zip(*steps, strict=True)))


def backward(cell: Cell, weights: LayerWeights, steps: Steps, d_output: Array) -> Gradients:
    """Go back through a window that `forward` ran, given the gradient of its output, (T, B, H)."""
    G, summed = len(cell.gates), cell.summed
    d_state: States = tuple(np.zeros_like(d_output[0]) for _ in cell.carried)
    back = []
    for t in reversed(range(len(d_output))):
        d_after = (d_state[0] + d_output[t], *d_state[1:])
        known = [array[t] for named in (steps.gates, steps.before, steps.after) for array in named.values()]
        results = cell.backward(*known, *d_after)
        d_pre_activations, d_before = results[: cell.columns], results[cell.columns :]
        d_x_hat = np.concatenate(d_pre_activations[:G], axis=1)
        d_h_hat = np.concatenate([*d_pre_activations[:summed], *d_pre_activations[G:]], axis=1)
        through_weights = d_h_hat @ weights.weight_hh
        d_state = tuple(
            steps.keep[t, :, np.newaxis] * array for array in (d_before[0] + through_weights, *d_before[1:])
        )
        back.append((d_after, d_pre_activations, (d_x_hat, d_h_hat)))
    d_after, d_pre_activations, d_products = zip(*reversed(back), strict=True)
    d_x_hat, d_h_hat = map(np.stack, zip(*d_products, strict=True))
    d_weights = LayerWeights(
        weight_ih=np.einsum("tbg,tbw->gw", d_x_hat, steps.x, optimize=True),
        weight_hh=np.einsum("tbg,tbh->gh", d_h_hat, steps.before["h"], optimize=True),
        bias=d_x_hat.sum(axis=(0, 1)),
        bias_split=None if weights.bias_split is None else d_h_hat.sum(axis=(0, 1))[-len(weights.bias_split) :],
    )
    return Gradients(
        _named(cell.carried, d_after), _named(cell.pre_activations, d_pre_activations), d_state,
        d_x_hat @ weights.weight_ih, d_weights,
    )  # fmt: skip


def _gate_by_gate(cell: Cell, x_hat: Array, h_hat: Array) -> tuple[Array, ...]:
    """Return a step's pre-activations, each (B, H): sums of both products, then each product of the split gates."""
    from_x, from_h = (np.split(product, len(cell.gates), axis=1) for product in (x_hat, h_hat))
    sums = [x + h for x, h in zip(from_x[: cell.summed], from_h[: cell.summed], strict=True)]
    return (*sums, *from_x[cell.summed :], *from_h[cell.summed :])


def _named(names: Sequence[str], steps: Sequence[Sequence[Array]]) -> Named:
    """Return the arrays of all steps, (T, B, H), by name, given those of each step, (B, H)."""
    return {name: np.stack(arrays) for name, arrays in zip(names, zip(*steps, strict=True), strict=True)}
