"""What a text costs without a network, so that a loss means something: an n-gram, symbol frequencies, and guessing."""

from dataclasses import dataclass
from math import log, log2

import numpy as np

from charlm.arrays import Ids, IntArray
from charlm.ngram.counting import nested
from charlm.ngram.reading import Distributions

MOST_ORDER = 9  # on two million characters of War and Peace, 9 cost 0.0002 bits less than 8
MOST_COUNTED = 3_000_000  # symbols of the training part, as counting takes 100 bytes and more for each
MOST_SCORED = 1_000_000  # symbols of the validation part
BLOCK = 1 << 16  # symbols predicted at a time


@dataclass(frozen=True, slots=True)
class Baseline:
    """The cost of a validation part, in bits per symbol.

    Attributes
    ----------
    order : int
        N of the n-gram that costs least.
    bits : float
        Its cross-entropy on the validation part, every symbol but the first predicted.
    bits_of_order : dict of int to float
        The cross-entropy for each N.
    uniform_bits : float
        log2 V, for guessing among all symbols.
    training, counted : int
        How many symbols the training part has, and how many of them were counted, its last ones.
    scored : int
        How many symbols of the validation part were predicted, its first ones.
    """

    order: int
    bits: float
    bits_of_order: dict[int, float]
    uniform_bits: float
    training: int
    counted: int
    scored: int


def baseline(
    train: Ids,
    valid: Ids,
    vocabulary_size: int,
    start_symbol: int | None = None,
    most_order: int = MOST_ORDER,
    most_counted: int = MOST_COUNTED,
    most_scored: int = MOST_SCORED,
) -> Baseline:
    """Measure what a text costs.

    Parameters
    ----------
    train, valid : ndarray of int, shape (n,)
        The parts, each of at least 2 symbols.
    vocabulary_size : int
        V.
    start_symbol : int, optional
        The symbol before which an item starts, in lines mode.
    most_order : int
        The longest n-gram that is tried.
    most_counted, most_scored : int
        How much of each part is used at the most.
    """
    counted, scored = np.asarray(train[-most_counted:]), np.asarray(valid[: most_scored + 1])
    bits = {
        ngram.order: cross_entropy(Distributions(ngram), scored) / log(2)
        for ngram in nested(counted, vocabulary_size, most_order, start_symbol)
    }
    order = min(bits, key=lambda order: bits[order])
    return Baseline(
        order,
        bits[order],
        bits,
        log2(vocabulary_size),
        len(train),
        len(counted),
        len(scored) - 1,
    )


def cross_entropy(ngram: Distributions, ids: IntArray, block: int = BLOCK) -> float:
    """Return the mean cost of a text in nats per symbol, each but the first predicted from those before it.

    Parameters
    ----------
    ngram : Distributions
        Of order N.
    ids : ndarray of int, shape (n,)
        The text, n at least 2.
    block : int
        How many symbols are predicted at a time.
    """
    before = ngram.ngram.order - 1
    read = np.concatenate([np.full(before, -1), np.asarray(ids, np.int64)])
    total = 0.0
    for start in range(1, len(ids), block):
        stop = min(start + block, len(ids))
        recent = np.empty((before, stop - start), np.int64)
        for m in range(before):
            recent[m] = read[start + before - m - 1 : stop + before - m - 1]
        total -= float(ngram.log_probabilities_of(recent, read[start + before : stop + before]).sum())
    return total / (len(ids) - 1)
