"""A network and an n-gram as one predictor: their logits are added, each with a learned scale.

    logits = a_k f(network) + s_k log p(n-gram)

The scales depend on k, the kind of the longest context that the n-gram knows: its length, and how many different
symbols followed it. An n-gram is to be trusted where it has seen much.
A log-linear mixture of the two errs less than either, for they err differently
(`docs/decisions/0020-an-ngram-beside-the-network.md`).
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from charlm.arrays import Array, IntArray
from charlm.network.loss import log_softmax
from charlm.ngram.reading import Distributions, Reader, kinds
from charlm.ngram.tables import NGram

PRIOR = 10.0  # in observations: how firmly a scale that little text supports stays at where it began
ITERATIONS = 12
CONVERGED = 1e-6  # nats per symbol


def initial_scales(order: int) -> Array:
    """Return the scales of an n-gram of N symbols before any were fitted, (K, 2): half of each."""
    return np.full((kinds(order), 2), 0.5)


@dataclass(frozen=True)
class Mixture:
    """An n-gram and the scales with which it is added to a network.

    Attributes
    ----------
    ngram : NGram
        Of order N.
    scales : ndarray of float64, shape (K, 2)
        For each kind of context, that of the network's logits and that of the n-gram's log-probabilities.
    """

    ngram: NGram
    scales: Array

    @cached_property
    def distributions(self) -> Distributions:
        """What the n-gram expects."""
        return Distributions(self.ngram)

    @cached_property
    def _factors(self) -> Array:
        return self.scales.astype(np.float32)

    def reader(self, count: int) -> Reader:
        """Return what reads N texts with the n-gram."""
        return Reader(self.distributions, count)

    def mix(self, logits: Array, log_p: Array, kind: IntArray | int) -> None:
        """Turn the network's logits, in place, into the mixture's.

        Parameters
        ----------
        logits, log_p : ndarray, shape (..., V)
            What the network and the n-gram expect; `log_p` is overwritten.
        kind : int or ndarray of int, shape (...)
            The kind of context at each place.
        """
        scales = self._factors[kind]
        logits *= scales[..., :1]
        log_p *= scales[..., 1:]
        logits += log_p


def loss_and_derivatives(
    scales: Array, logits: Array, log_p: Array, kind: IntArray, targets: IntArray
) -> tuple[float, Array, Array]:
    """Compute the summed loss of a mixture, and its first and second derivatives in the scales.

    With z = (f, log p), the derivative is E[z] - z(target), and the second one the covariance of z, both under the
    mixture's own distribution.

    Parameters
    ----------
    scales : ndarray of float64, shape (K, 2)
        Of each kind of context.
    logits, log_p : ndarray, shape (P, V)
        What the network and the n-gram expect.
    kind, targets : ndarray of int, shape (P,)
        The kind of context, and the symbol that came.

    Returns
    -------
    float, ndarray of shape (K, 2), ndarray of shape (K, 2, 2)
        In nats.
    """
    rows = np.arange(len(targets))
    z = np.stack([logits, log_p], axis=1).astype(np.float64)  # (P, 2, V)
    mixed = log_softmax(np.einsum("pk,pkv->pv", scales[kind], z))
    p = np.exp(mixed)
    means = np.einsum("pv,pkv->pk", p, z)
    z -= means[:, :, None]
    covariances = np.einsum("pv,pjv,pkv->pjk", p, z, z, optimize=["einsum_path", (0, 1), (0, 1)])
    first, second = np.zeros_like(scales), np.zeros((len(scales), 2, 2))
    np.add.at(first, kind, -z[rows, :, targets])
    np.add.at(second, kind, covariances)
    return -float(mixed[rows, targets].sum()), first, second


def fitted_scales(scales: Array, logits: Array, log_p: Array, kind: IntArray, targets: IntArray) -> Array:
    """Return the scales with the least loss, by Newton's method; the loss is convex in them.

    A weak pull towards the given scales decides for a kind that hardly occurs.

    Parameters
    ----------
    scales : ndarray of float64, shape (K, 2)
        Where to begin.
    logits, log_p, kind, targets
        As for `loss_and_derivatives`.
    """
    initial = scales

    def penalised(at: Array) -> tuple[float, Array, Array]:
        loss, first, second = loss_and_derivatives(at, logits, log_p, kind, targets)
        away = at - initial
        return loss + PRIOR / 2 * float((away**2).sum()), first + PRIOR * away, second + PRIOR * np.eye(2)

    loss, first, second = penalised(scales)
    for _ in range(ITERATIONS):
        step = np.linalg.solve(second, first[:, :, None])[:, :, 0]
        while True:
            candidate = penalised(scales - step)
            if candidate[0] <= loss or not np.isfinite(step).all() or np.abs(step).max() < 1e-9:
                break
            step = step / 2
        gain, scales = loss - candidate[0], scales - step
        loss, first, second = candidate
        if gain <= CONVERGED * len(targets):
            break
    return scales
