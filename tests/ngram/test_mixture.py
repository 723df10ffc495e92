"""The scales of a mixture: their derivatives, their fit, and what they are good for."""

import numpy as np
import pytest

from charlm.network.loss import log_softmax
from charlm.ngram.mixture import PRIOR, Mixture, fitted_scales, initial_scales, loss_and_derivatives
from charlm.ngram.reading import kinds
from charlm.ngram.tables import NGram

ORDER, V, P = 2, 6, 400


@pytest.fixture
def case():
    rng = np.random.default_rng(1)
    logits, other = rng.normal(0, 1, (2, P, V))
    other -= np.log(np.exp(other).sum(1, keepdims=True))
    kind = rng.integers(0, kinds(ORDER), P)
    truth = 0.3 * logits + 1.2 * other
    targets = (truth + rng.gumbel(size=(P, V))).argmax(1)
    return logits, other, kind, targets


def test_the_derivatives_are_those_of_finite_differences(case):
    scales, step = np.random.default_rng(2).normal(0.5, 0.3, (kinds(ORDER), 2)), 1e-5
    _, first, second = loss_and_derivatives(scales, *case)
    for place in np.ndindex(scales.shape):
        there = [scales.copy(), scales.copy()]
        there[0][place] += step
        there[1][place] -= step
        (above, d_above, _), (below, d_below, _) = (loss_and_derivatives(at, *case) for at in there)
        assert first[place] == pytest.approx((above - below) / (2 * step), abs=1e-5)
        numeric = (d_above - d_below)[place[0]] / (2 * step)
        assert second[place[0], place[1]] == pytest.approx(numeric, abs=1e-4)


def test_the_fit_finds_how_the_text_was_made(case):
    start = initial_scales(ORDER)
    scales = fitted_scales(start, *case)
    logits, other, _, targets = case
    assert loss_and_derivatives(scales, *case)[0] < loss_and_derivatives(start, *case)[0] - 5
    pooled = fitted_scales(start, logits, other, np.zeros(P, int), targets)[0]
    assert pooled == pytest.approx([0.3, 1.2], abs=0.25)


def test_a_kind_that_does_not_occur_keeps_its_scales(case):
    logits, other, kind, targets = case
    scales = fitted_scales(initial_scales(ORDER), logits, other, np.minimum(kind, 3), targets)
    assert scales[4:] == pytest.approx(0.5)


def test_a_fit_of_sure_and_wrong_predictions_ends():
    logits = np.zeros((50, 3))
    logits[:, 0] = 1e4
    targets = np.ones(50, int)
    scales = fitted_scales(initial_scales(1), logits, logits.copy(), np.zeros(50, int), targets)
    assert np.isfinite(scales).all()


def test_logits_are_added_with_the_scales_of_their_kind(case):
    logits, other, kind, _ = case
    scales = np.random.default_rng(3).normal(size=(kinds(ORDER), 2))
    mixed = logits.copy()
    Mixture(NGram(V, ()), scales).mix(mixed, other.copy(), kind)
    assert mixed == pytest.approx(scales[kind, :1] * logits + scales[kind, 1:] * other, abs=1e-5)


@pytest.mark.parametrize("seed", range(4))
def test_scales_are_fitted_from_a_start_that_is_far_away_too(seed, monkeypatch):
    rng = np.random.default_rng(seed)
    logits, log_p = rng.normal(0, 2, (400, 5)), log_softmax(rng.normal(0, 2, (400, 5)))
    kind, targets = rng.integers(0, 4, 400), rng.integers(0, 5, 400)
    start = np.full((4, 2), 3.0)

    def penalised(scales):
        return loss_and_derivatives(scales, logits, log_p, kind, targets)[0] + PRIOR / 2 * ((scales - start) ** 2).sum()

    found = fitted_scales(start, logits, log_p, kind, targets)
    least = penalised(found)
    assert least < penalised(start)
    assert all(least < penalised(found + rng.normal(0, 0.05, (4, 2))) for _ in range(20))
    monkeypatch.setattr("charlm.ngram.mixture.ITERATIONS", 2)  # what was reached by then is kept
    assert least < penalised(fitted_scales(start, logits, log_p, kind, targets)) < penalised(start)
