"""An n-gram added by compiled code is the one that NumPy adds, after any symbols and for any scales."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from charlm.ngram.counting import count, merged, pruned
from charlm.ngram.mixture import Mixture
from charlm.ngram.reading import kinds
from tests.networks import FUSED

if not FUSED:
    pytest.skip("the fast extra is not installed", allow_module_level=True)

from charlm.kernels.fused.mixing import mix, tables

V = 4
CHANGES = {
    "as it was counted": lambda ngram, read: ngram,
    "pruned": lambda ngram, read: pruned(ngram, ngram.size - 1)[0],
    "merged with a text that was read": merged,
    "pruned, then merged": lambda ngram, read: merged(pruned(ngram, ngram.size - 1)[0], read),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
@settings(max_examples=100)
@given(
    st.lists(st.integers(0, V - 1), min_size=2, max_size=40),
    st.integers(1, 5),
    st.none() | st.just(1),
    st.lists(st.lists(st.integers(0, V - 1), max_size=4), min_size=1, max_size=20),
)
def test_the_mixture_is_that_of_numpy(change, text, order, start_symbol, places):
    rng = np.random.default_rng(order)
    repeated = text * 2 + text[: len(text) // 2]  # so that some long contexts stay where others are left out
    counted = count(np.array(repeated), V, order, start_symbol)
    ngram = change(counted, count(rng.integers(0, V, 30), V, counted.order, start_symbol))
    mixture = Mixture(ngram, rng.uniform(-1, 2, (kinds(ngram.order), 2)))
    compiled = tables(mixture)
    for before in places:
        recent = [*before, *[-1] * ngram.order][: ngram.order - 1]
        expected = rng.normal(0, 2, V).astype(np.float32)
        logits, part = expected.copy(), expected.copy()
        mixture.mix(expected, *mixture.distributions.read_one(recent))
        mix(logits, 0, V, np.array(recent, np.int64), compiled, np.empty(V))
        np.testing.assert_allclose(logits, expected, rtol=1e-5, atol=1e-5)
        untouched = part.copy()
        mix(part, 1, 3, np.array(recent, np.int64), compiled, np.empty(V))
        np.testing.assert_array_equal(part, [untouched[0], *logits[1:3], untouched[3]])
