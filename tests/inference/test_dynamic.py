"""A model that adapts as it reads learns from the past alone, and leaves the model that it came from as it is."""

import numpy as np
import pytest

from charlm.errors import NotFiniteError
from charlm.inference.dynamic import SEGMENT, Adaptation, Rates, score
from charlm.inference.predictor import Network
from charlm.kernels.choice import load_backend
from charlm.network.architecture import Architecture
from charlm.network.model import Model
from charlm.ngram.counting import count
from charlm.ngram.growing import GrowingNGram
from charlm.ngram.mixture import Mixture, initial_scales

V = 5
ARCHITECTURE = Architecture("gru", V, 8, 1)
MODEL = Model(ARCHITECTURE, load_backend("numpy"))
WEIGHTS = ARCHITECTURE.initial_parameters(3)
STILL = Rates(weights=0, decay=0, scales=0, counts=0)


def text(length, seed=0):
    return np.random.default_rng(seed).integers(0, V, length)


@pytest.fixture(params=["network", "network and n-gram"])
def mixture(request):
    return None if request.param == "network" else Mixture(count(text(300, 4), V, 4), initial_scales(4))


def losses(mixture, ids, rates=None):
    """Return the loss of each symbol of a text but the first."""
    expected = Adaptation(MODEL, WEIGHTS, mixture, rates).read(ids[:-1]).mixture
    return -expected[np.arange(len(ids) - 1), ids[1:]]


def test_without_rates_it_is_the_model_that_does_not_adapt(mixture):
    ids = text(200)
    static = Network(MODEL, WEIGHTS, mixture=mixture).read(ids[:-1, None])[:, 0]
    np.testing.assert_allclose(losses(mixture, ids, STILL), -static[np.arange(199), ids[1:]], atol=1e-5)


def test_the_first_segment_is_predicted_by_the_model_as_it_was(mixture):
    ids = text(3 * SEGMENT)
    adapting, still = losses(mixture, ids), losses(mixture, ids, STILL)
    np.testing.assert_array_equal(adapting[:SEGMENT], still[:SEGMENT])
    assert (adapting[SEGMENT:] != still[SEGMENT:]).any()


def test_a_segment_costs_the_same_whatever_is_in_it_later(mixture):
    ids = text(4 * SEGMENT)
    rates = Rates(counts=SEGMENT)
    for place in range(SEGMENT, 3 * SEGMENT, 7):
        other = np.concatenate([ids[:place], np.random.default_rng(place).permutation(ids[place:])])
        np.testing.assert_array_equal(
            losses(mixture, other, rates)[: place - 1], losses(mixture, ids, rates)[: place - 1]
        )


def test_a_text_is_cheaper_when_it_comes_again(mixture):
    ids = np.tile([0, 1, 2, 3, 4, 4, 3, 1], 80)
    adapting, still = (losses(mixture, ids, rates) for rates in (Rates(weights=5e-2, counts=64), STILL))
    first, second = np.split(np.append(adapting, adapting[-1]), 2)
    assert second.mean() < first.mean() - 0.05
    assert second.mean() < still.mean() - 0.1


@pytest.mark.parametrize(
    "rates",
    [Rates(weights=0, decay=0, counts=0), Rates(weights=0, decay=0, scales=0, counts=2 * SEGMENT)],
    ids=["of another n-gram", "of the same n-gram"],
)
def test_the_counts_alone_make_a_repeated_text_cheaper(rates):
    mixture = Mixture(count(text(300, 4), V, 4), initial_scales(4))
    ids = np.tile(text(10 * SEGMENT), 4)
    gain = losses(mixture, ids, STILL) - losses(mixture, ids, rates)
    assert gain[-10 * SEGMENT :].mean() > gain[: 10 * SEGMENT].mean() + 0.05


def test_the_weights_that_were_given_never_change(mixture):
    before, adaptation = WEIGHTS.flat.copy(), Adaptation(MODEL, WEIGHTS, mixture)
    adaptation.read(text(200))
    np.testing.assert_array_equal(WEIGHTS.flat, before)
    assert (adaptation.parameters.flat != before).any()


def test_an_array_is_moved_by_a_share_of_its_own_size():
    larger = WEIGHTS.copy()
    larger["decoder.weight"][...] *= 4
    moved = []
    for weights in (WEIGHTS, larger):
        adaptation = Adaptation(MODEL, weights, rates=Rates(decay=0))
        adaptation.read(text(2 * SEGMENT))
        adaptation.read(text(1))  # the first step is each weight's whole rate, whatever its gradient is
        moved.append({name: np.abs(adaptation.parameters[name] - weights[name]).max() for name in weights})
    share = Rates().weights
    for name, distance in moved[0].items():
        assert distance <= 2.5 * share * np.sqrt(np.mean(WEIGHTS[name].astype(float) ** 2)) + 1e-7
    assert moved[1]["decoder.weight"] == pytest.approx(4 * moved[0]["decoder.weight"], rel=0.3)


def test_decay_keeps_the_weights_near_those_that_were_trained():
    def distance(decay):
        adaptation = Adaptation(MODEL, WEIGHTS, rates=Rates(decay=decay))
        adaptation.read(text(40 * SEGMENT))
        return np.abs(adaptation.parameters.flat - WEIGHTS.flat).mean()

    assert distance(0.1) < 0.7 * distance(0.0)


def test_two_readings_agree_to_the_bit(mixture):
    np.testing.assert_array_equal(losses(mixture, text(200)), losses(mixture, text(200)))


@pytest.mark.parametrize("rate", [1e38, 1e39, float("inf")])
def test_weights_that_diverge_are_an_error(mixture, rate):
    with np.errstate(all="ignore"), pytest.raises(NotFiniteError, match="diverged"):
        score(Adaptation(MODEL, WEIGHTS, mixture, Rates(weights=rate, decay=0)), text(30 * SEGMENT))


def test_finite_weights_whose_logits_are_not_finite_are_an_error(mixture):
    huge = WEIGHTS.copy()
    huge["decoder.weight"][...] = 3e38
    with np.errstate(all="ignore"), pytest.raises(NotFiniteError, match="diverged"):
        Adaptation(MODEL, huge, mixture, STILL).read(text(20))


def test_the_score_is_the_mean_of_what_was_predicted(mixture):
    ids = text(5 * SEGMENT + 3)
    result = score(Adaptation(MODEL, WEIGHTS, mixture), ids)
    assert result.dynamic
    assert result.chars == len(ids) - 1
    assert result.loss == pytest.approx(losses(mixture, ids).mean(), rel=1e-12)
    assert (result.network_loss is None) == (mixture is None)


def test_a_growing_ngram_expects_what_followed():
    growing, ids = GrowingNGram(V, 3), [0, 1, 2, 0, 1, 3, 0, 1, 2]
    assert growing.probabilities([0]) == pytest.approx(np.full(V, 1 / V))
    for place in range(1, len(ids)):
        growing.add(ids[:place][::-1], ids[place])
    after = growing.probabilities([1, 0])
    assert after.sum() == pytest.approx(1)
    assert after[2] > after[3] > after[4] > 0
    assert growing.probabilities([0]).argmax() == 1


def test_a_context_of_a_growing_ngram_does_not_reach_over_the_beginning_of_a_line():
    growing = GrowingNGram(V, 3, start_symbol=0)
    for before, symbol in ([1, 2], 0), ([0, 1, 2], 3), ([0, 4, 2], 4):
        growing.add(before, symbol)
    np.testing.assert_array_equal(growing.probabilities([0, 1]), growing.probabilities([0, 4]))
