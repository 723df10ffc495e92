"""How the distribution of the next symbol is narrowed before one is drawn: temperature, top-k, top-p, min-p."""

import sys
from dataclasses import dataclass

import numpy as np

from charlm.arrays import Array
from charlm.kernels.narrowing import stays, tempered


@dataclass(frozen=True, slots=True)
class Filter:
    """How the distribution is narrowed; in the order of the attributes.

    Attributes
    ----------
    temperature : float
        The logits are divided by it: below 1 sharpens, above 1 flattens, 0 takes the likeliest symbol.
    top_k : int or None
        Only the k likeliest symbols remain.
    top_p : float or None
        Only the fewest symbols remain that together have this probability (Holtzman et al. 2020).
    min_p : float or None
        Only symbols remain that are at least this share as likely as the likeliest (Nguyen et al. 2024).
    """

    temperature: float = 1.0
    top_k: int | None = None
    top_p: float | None = None
    min_p: float | None = None

    def limits(self) -> tuple[float, int, float, float]:
        """Return the attributes as numbers, None as a limit that keeps every symbol."""
        return (
            self.temperature,
            sys.maxsize if self.top_k is None else self.top_k,
            2.0 if self.top_p is None else self.top_p,
            0.0 if self.min_p is None else self.min_p,
        )

    def probabilities(self, logits: Array) -> Array:
        """Return what to draw from, (N, V): `weights` in rows that sum to 1."""
        p = self.weights(logits)
        p /= np.add.reduce(p, axis=1, keepdims=True)
        return p

    def weights(self, logits: Array) -> Array:
        """Return what to draw from; a draw needs no rows that sum to 1.

        Parameters
        ----------
        logits : ndarray, shape (N, V)
            What the model gave; not changed.

        Returns
        -------
        ndarray of float64, shape (N, V)
            Proportional to the probabilities, with 0 for the symbols that are out. Of symbols with equal logits at a
            limit of `top_k` or `top_p`, those that come first in the vocabulary stay.
        """
        if self.temperature == 0:
            usable = np.isfinite(np.maximum.reduce(logits, axis=1, keepdims=True))
            greedy = np.where(usable, 0.0, np.full(logits.shape, np.nan))
            greedy[np.arange(len(logits)), logits.argmax(axis=1)] = 1
            return greedy
        wide = logits.astype(np.float64)
        # Close to temperature 0 all but the likeliest are infinitely far away; invalid logits are noticed by the draw.
        with np.errstate(over="ignore", invalid="ignore"):
            p: Array = tempered(wide, np.maximum.reduce(wide, axis=1, keepdims=True), self.temperature)
        if self.top_k is None and self.top_p is None and self.min_p is None:
            return p
        p /= np.add.reduce(p, axis=1, keepdims=True)
        _, top_k, top_p, min_p = self.limits()
        order = np.argsort(-p, axis=1, kind="stable")
        ranked, rank = np.take_along_axis(p, order, axis=1), np.arange(p.shape[1])
        shares = ranked * (rank < top_k)
        shares /= shares.sum(axis=1, keepdims=True)
        before = np.zeros(ranked.shape)
        np.cumsum(shares[:, :-1], axis=1, out=before[:, 1:])
        ranked *= stays(rank, ranked, before, ranked[:, :1].copy(), top_k, top_p, min_p)
        np.put_along_axis(p, order, ranked, axis=1)
        return p
