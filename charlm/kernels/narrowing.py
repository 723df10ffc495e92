"""What temperature, top-k, top-p and min-p mean: elementwise functions that NumPy runs on arrays and Numba compiles."""

from typing import Any

import numpy as np


def tempered(logit: Any, highest: Any, temperature: Any) -> Any:
    """Return the weight of a symbol at a temperature above 0: e^((logit - highest) / temperature), from 0 to 1."""
    return np.exp((logit - highest) / temperature)


def stays(
    rank: Any, probability: Any, cumulated: Any, likeliest: Any, top_k: Any, top_p: Any, min_p: Any
) -> Any:  # fmt: skip
    """Tell whether a symbol may be drawn.

    Parameters
    ----------
    rank : int
        How many symbols are likelier; of equally likely ones, those that come first in the vocabulary.
    probability, likeliest : float
        Its probability, and that of the likeliest symbol.
    cumulated : float
        What the likelier symbols have together, as a share of what the `top_k` likeliest have.
    top_k, top_p, min_p
        See `charlm.inference.filters.Filter`.
    """
    return (rank < top_k) & (cumulated < top_p) & (probability >= min_p * likeliest)
