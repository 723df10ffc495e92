"""What a text costs without a network, held against each prediction made one by one."""

from collections import Counter
from math import log2

import numpy as np
import pytest

from charlm.insight.baseline import baseline, cross_entropy
from charlm.ngram.counting import count
from charlm.ngram.reading import Distributions
from tests.runs import text

LETTERS = sorted(set(text(3_000)))
V = len(LETTERS)
IDS = np.array([LETTERS.index(letter) for letter in text(3_000)], np.uint8)
TRAIN, VALID = IDS[:2_500], IDS[2_500:]


def one_by_one(train, valid, order, start=None):
    """Return the bits that each symbol but the first costs, in the mean, each read by itself."""
    distributions = Distributions(count(train, V, order, start))
    total = 0.0
    for at in range(1, len(valid)):
        recent = valid[max(0, at - order + 1) : at][::-1].astype(int).tolist()
        total -= float(distributions.read_one([*recent, *[-1] * (order - 1 - len(recent))])[0][valid[at]])
    return total / (len(valid) - 1) / np.log(2)


@pytest.mark.parametrize("start", [None, LETTERS.index("\n")])
def test_the_cost_is_that_of_every_prediction(start):
    found = baseline(TRAIN, VALID, V, start, 4)
    assert found.bits_of_order == pytest.approx({n: one_by_one(TRAIN, VALID, n, start) for n in (1, 2, 3, 4)}, abs=1e-5)
    assert found.bits == min(found.bits_of_order.values()) == found.bits_of_order[found.order]


def test_guessing_and_frequencies_cost_what_their_formulas_say():
    found = baseline(TRAIN, VALID, V, most_order=2)
    shares = Counter(TRAIN.tolist())
    costs = [-log2(shares[symbol] / len(TRAIN)) for symbol in VALID[1:].tolist()]
    assert found.uniform_bits == pytest.approx(log2(V))
    assert found.bits_of_order[1] == pytest.approx(sum(costs) / len(costs), abs=0.01)  # but for the discounts
    assert found.bits < found.bits_of_order[1] < found.uniform_bits


def test_no_more_is_counted_and_predicted_than_asked_for():
    found = baseline(TRAIN, VALID, V, most_order=3, most_counted=1_000, most_scored=200)
    assert (found.counted, found.scored) == (1_000, 200)
    assert found.bits_of_order[3] == pytest.approx(one_by_one(TRAIN[-1_000:], VALID[:201], 3), abs=1e-5)


@pytest.mark.parametrize("order", [1, 3])
def test_the_cost_does_not_depend_on_the_blocks_in_which_it_is_computed(order):
    distributions = Distributions(count(TRAIN, V, order))
    whole = cross_entropy(distributions, VALID)
    assert cross_entropy(distributions, VALID, block=7) == pytest.approx(whole, rel=1e-12)


def test_thousands_of_symbols_are_no_matter():
    rng = np.random.default_rng(1)
    ids = (rng.random(20_000) ** 3 * 5_000).astype(np.uint16)
    found = baseline(ids[:18_000], ids[18_000:], 5_000, most_order=3)
    assert 0 < found.bits < found.uniform_bits
