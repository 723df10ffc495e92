"""Softmax and cross-entropy of a whole window at once."""

import numpy as np

from charlm.arrays import Array, IntArray


def log_softmax(logits: Array) -> Array:
    """Turn logits, (..., V), in place into log-probabilities: x - max - log sum exp(x - max), and return them."""
    logits -= logits.max(axis=-1, keepdims=True)
    logits -= np.log(np.exp(logits).sum(axis=-1, keepdims=True))
    return logits


def cross_entropy(logits: Array, targets: IntArray) -> Array:
    """Turn logits into log-probabilities, in place, and return the loss of each target.

        loss_n = -log softmax(logits_n)[target_n]

    Parameters
    ----------
    logits : ndarray, shape (N, V)
        Any real numbers; afterwards their log-probabilities. The largest of a row is subtracted first, so that
        no exponential overflows.
    targets : ndarray of int, shape (N,)
        The symbols that followed.

    Returns
    -------
    ndarray, shape (N,)
        The loss of each row in nats.
    """
    log_softmax(logits)
    return -logits[np.arange(len(targets)), targets]


def cross_entropy_with_gradient(logits: Array, targets: IntArray, scale: float) -> float:
    """Turn logits, in place, into the gradient of the scaled loss, and return the summed loss.

        dlogits_n = scale (softmax(logits_n) - onehot(target_n))

    Parameters
    ----------
    logits : ndarray, shape (N, V)
        As for `cross_entropy`; afterwards the gradient.
    targets : ndarray of int, shape (N,)
        The symbols that followed.
    scale : float
        The factor of each row's loss in the loss whose gradient is returned: 1 / (T B) for the mean.

    Returns
    -------
    float
        The sum of the rows' losses in nats, not scaled, added up in float64.
    """
    rows = np.arange(len(targets))
    logits -= logits.max(axis=1, keepdims=True)
    of_targets = logits[rows, targets].sum(dtype=np.float64)
    np.exp(logits, out=logits)
    sums = logits.sum(axis=1, keepdims=True)
    total = float(np.log(sums).sum(dtype=np.float64) - of_targets)
    logits *= logits.dtype.type(scale) / sums
    logits[rows, targets] -= logits.dtype.type(scale)
    return total
