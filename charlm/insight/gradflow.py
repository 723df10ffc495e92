"""How a gradient fades or explodes through time: that of one step's loss by the states before it.

    h_{t-k} -> ... -> h_t -> loss_t         lag k
    norm_k = mean over windows of | d loss_t / d h_{t-k} |

and the same for c where a cell has one. h and c are what a step hands to the next: the gradient by one of them holds
the other, so the loss, which is read from h, has no gradient by c at lag 0.

A gradient goes back from a step to the one before in two ways: through the weights W_h, and along the state itself,
where a cell keeps a part of it,

    d c_t / d c_{t-1} = f_t             in an LSTM, and exactly 1 without a forget gate: the constant error carousel

`Norms.along_state` has the gradient without all that passes through W_h, the truncation of Hochreiter & Schmidhuber,
"Long short-term memory" (1997). Everything is computed in float64 by `charlm.network.unroll`, without dropout.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from charlm.arrays import OVERFLOW, Array, IntArray
from charlm.errors import NotFiniteError, UsageError
from charlm.network import unroll
from charlm.network.architecture import Architecture
from charlm.network.loss import log_softmax
from charlm.network.recurrence import LayerWeights

BLOCK = 16  # windows that are computed at once, at the most
NUMBERS = 4_000_000  # of them have at the most so many gates in all steps and layers, which bounds the memory
Named = dict[str, Array]


class Norms(NamedTuple):
    """Norms of gradients by lag, each array of shape (L, lags + 1).

    Attributes
    ----------
    gradient : dict of str to ndarray
        By the name of the state, ``h`` or ``c``: the norm of the gradient in each layer, at lags from 0 on.
    along_state : dict of str to ndarray
        The same without what passes through W_h, and in a lower layer from what reaches it at the last step alone.
    windows : ndarray of int, shape (lags + 1,)
        The means are over so many windows. In a model of lines those are left out in which a line began since; where
        none is left, the norm is NaN.
    """

    gradient: Named
    along_state: Named
    windows: IntArray


def windows_of(text: IntArray, lags: int, most: int, name: str) -> IntArray:
    """Return windows, (T + 1, windows), that lie evenly in a text: T = 2 lags + 1 inputs, and what followed the last.

    The first `lags` inputs bring the network from the zero state to one that it has in the middle of a text. `name` is
    what has that text, for a message.

    Raises
    ------
    UsageError
        If the text is too short.
    """
    length = 2 * lags + 2
    if len(text) < length:
        raise UsageError(
            f"lags: {lags:,} need a text of at least {length:,} symbols, and that of {name} has {len(text):,}; "
            f"choose at most {max(0, len(text) // 2 - 1):,}, or give another text"
        )
    starts = np.unique(np.linspace(0, len(text) - length, most).astype(np.int64))
    return np.asarray(text[starts + np.arange(length)[:, np.newaxis]]).astype(np.int64)


def norms(
    architecture: Architecture,
    parameters: Mapping[str, Array],
    windows: IntArray,
    lags: int,
    on_windows: Callable[[int], object] | None = None,
) -> Norms:
    """Compute the norms of gradients through time.

    Parameters
    ----------
    architecture : Architecture
        The network; its dtype is ignored.
    parameters : mapping of str to ndarray
        Its weights.
    windows : ndarray of int, shape (T + 1, windows)
        What is read, from a zero state, and last the symbol whose loss it is.
    lags : int
        How many steps to go back, fewer than T.
    on_windows : callable, optional
        Called with how many more windows are done.

    Raises
    ------
    NotFiniteError
        If the weights are so large that the logits are not finite.
    """
    weights = {name: np.asarray(array, np.float64) for name, array in parameters.items()}
    sums: dict[tuple[int, str, bool], Array] = {}
    counts = np.zeros(lags + 1, np.int64)
    of_a_window = len(windows) * architecture.gates_width * architecture.num_layers
    width = min(BLOCK, max(1, NUMBERS // of_a_window))
    for first in range(0, windows.shape[1], width):
        block = windows[:, first : first + width]
        counts += _reaches(architecture, block[:-1], lags).sum(axis=1)
        with np.errstate(**OVERFLOW):
            for place, gradient in _gradients(architecture, weights, block).items():
                found = np.linalg.norm(gradient[: -lags - 2 : -1], axis=-1)  # (lags + 1, B), from the last step back
                sums[place] = sums.get(place, 0) + found.sum(axis=1)  # before a line they are 0
        if on_windows is not None:
            on_windows(block.shape[1])
    means = {place: np.where(counts > 0, total / np.maximum(counts, 1), np.nan) for place, total in sums.items()}
    for (_, state, _), mean in means.items():
        if state != "h":
            mean[0] = np.nan  # the loss is read from h alone
    by_state, along_state = (
        {
            state: np.stack([means[layer, state, without_weights] for layer in range(architecture.num_layers)])
            for state in architecture.equations.carried
        }
        for without_weights in (False, True)
    )
    return Norms(by_state, along_state, counts)


def _gradients(
    architecture: Architecture, weights: Mapping[str, Array], block: IntArray
) -> dict[tuple[int, str, bool], Array]:
    """Return the gradients of the last step's loss, each (T, B, H), by layer, state and whether W_h is left out."""
    cell, ids = architecture.equations, block[:-1]
    keep = _keep(architecture, ids)
    x, layers, steps = _entering(weights, ids), [], []
    for layer in range(architecture.num_layers):
        layers.append(LayerWeights.of(weights, layer))
        if layer == 0 and "embedding.weight" not in weights:
            layers[0] = layers[0]._replace(weight_ih=layers[0].weight_ih[:, np.unique(ids)])
        initial = tuple(np.zeros((ids.shape[1], architecture.hidden_size)) for _ in cell.carried)
        steps.append(unroll.forward(cell, layers[layer], x, initial, keep))
        x = steps[layer].after["h"]
    d_output, found = np.zeros_like(x), {}
    d_output[-1] = _by_last_output(weights, x[-1], block[-1])
    for layer in reversed(range(architecture.num_layers)):
        last_alone = np.concatenate([np.zeros_like(d_output[:-1]), d_output[-1:]])
        without = layers[layer]._replace(weight_hh=np.zeros_like(layers[layer].weight_hh))
        back = unroll.backward(cell, layers[layer], steps[layer], d_output)
        alone = unroll.backward(cell, without, steps[layer], last_alone)
        for state in cell.carried:
            found[layer, state, False], found[layer, state, True] = back.d_after[state], alone.d_after[state]
        d_output = back.d_x
    return found


def _entering(weights: Mapping[str, Array], ids: IntArray) -> Array:
    """Return the first layer's input: embedded symbols, or one-hot vectors of those symbols that occur."""
    if "embedding.weight" in weights:
        return weights["embedding.weight"][ids]
    symbols, places = np.unique(ids, return_inverse=True)
    return np.eye(len(symbols))[places.reshape(ids.shape)]


def _by_last_output(weights: Mapping[str, Array], h: Array, targets: IntArray) -> Array:
    """Return d loss_t / d h_t of the last layer, (B, H)."""
    decoder = weights["decoder.weight" if "decoder.weight" in weights else "embedding.weight"]
    logits = h @ decoder.T + weights["decoder.bias"]
    if not np.isfinite(logits).all():
        raise NotFiniteError.of_logits()
    d_logits = np.exp(log_softmax(logits))
    d_logits[np.arange(len(targets)), targets] -= 1
    return d_logits @ decoder


def _keep(architecture: Architecture, ids: IntArray) -> Array:
    """Return 0 where a line starts, so that the state before is forgotten, and 1 elsewhere, (T, B)."""
    start = architecture.start_symbol
    return np.ones(ids.shape) if start is None else (ids != start).astype(np.float64)


def _reaches(architecture: Architecture, ids: IntArray, lags: int) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Tell whether the state so many steps before the last one belongs to the same line, (lags + 1, B)."""
    back = _keep(architecture, ids)[: -lags - 1 : -1] > 0  # whether each step kept the state before it, from the last
    return np.concatenate([np.ones_like(back[:1]), np.logical_and.accumulate(back)])
