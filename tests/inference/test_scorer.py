"""Scores against the same sums taken one symbol at a time."""

import math
from itertools import pairwise

import numpy as np
import pytest

from charlm.corpus.scoring_windows import evaluation_streams
from charlm.inference.scorer import CHARS_PER_STREAM, MOST_STREAMS, Score, Scorer
from charlm.kernels.choice import load_backend
from charlm.network.architecture import Architecture
from charlm.network.model import Model
from charlm.ngram.counting import count
from charlm.ngram.mixture import Mixture, initial_scales
from charlm.workers.team import Team


def network(start_symbol=None, cell="gru"):
    model = Model(
        Architecture(cell, 6, 5, num_layers=2, dtype="float64", start_symbol=start_symbol), load_backend("numpy")
    )
    parameters = model.architecture.initial_parameters(1)
    parameters.flat[:] += np.random.default_rng(1).normal(0, 0.5, parameters.flat.size)
    return model, parameters


def one_by_one(net, ids):
    """Return every symbol's loss, and whether it was the likeliest, with the state carried from the first symbol."""
    model, parameters = net
    prepared, workspace, state = model.prepared(), model.workspace(1, 1), model.architecture.zero_state(1)
    model.prepare(parameters, prepared)
    losses, hits = [], []
    for symbol, following in pairwise(ids):
        state = model.forward(parameters, prepared, workspace, np.array([[symbol]], np.int32), state)
        logits = workspace.logits[0]
        losses.append(math.log(np.exp(logits).sum()) - logits[following])
        hits.append(logits.argmax() == following)
    return np.array(losses), np.array(hits)


def score(net, ids, workers=1, **options):
    team = Team(workers)
    result = Scorer(net[0], team).score(net[1], np.asarray(ids, np.uint8), **options)
    team.close()
    return result


@pytest.mark.parametrize("length", [2, 3, 16, 17, 18, 33, 200])
def test_a_score_is_the_mean_of_every_symbols_loss_but_the_firsts(length):
    ids = np.random.default_rng(length).integers(0, 6, length)
    net = network()
    losses, hits = one_by_one(net, ids)
    got = score(net, ids)
    assert got.chars == length - 1
    assert got.loss == pytest.approx(losses.mean(), abs=1e-12)
    assert got.accuracy == pytest.approx(hits.mean(), abs=1e-12)
    assert got.worst_stream == pytest.approx(got.loss, abs=1e-12)


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_a_long_text_is_read_in_streams_that_each_carry_their_state(workers):
    ids = np.random.default_rng(0).integers(0, 6, 2 * CHARS_PER_STREAM + 7)
    net = network()
    parts = [one_by_one(net, ids[start : stop + 1]) for start, stop in [(0, 2003), (2003, 4006)]]
    got = score(net, ids, workers)
    assert got.chars == len(ids) - 1
    assert got.loss == pytest.approx(np.concatenate([losses for losses, _ in parts]).mean(), abs=1e-12)
    assert got.accuracy == pytest.approx(np.concatenate([hits for _, hits in parts]).mean(), abs=1e-12)
    assert got.worst_stream == pytest.approx(max(losses.mean() for losses, _ in parts), abs=1e-12)


def test_lines_are_each_read_from_a_zero_state_and_every_character_counts_once():
    rng = np.random.default_rng(2)
    lines = [rng.integers(1, 6, rng.integers(0, 9)).tolist() for _ in range(1_200)]
    ids = np.array([0] + [symbol for line in lines for symbol in [*line, 0]])
    net = network(start_symbol=0)
    losses = [one_by_one(net, np.array([0, *line, 0]))[0] for line in lines[:100]]
    got = score(net, ids[: 1 + sum(len(line) + 1 for line in lines[:100])])
    assert got.loss == pytest.approx(np.concatenate(losses).mean(), abs=1e-12)
    whole = score(net, ids, workers=2)
    assert len(evaluation_streams(ids.astype(np.uint8), len(ids) // CHARS_PER_STREAM, 0).starts) > 1
    assert whole.chars == len(ids) - 1
    assert whole.loss == pytest.approx(one_by_one(net, ids)[0].mean(), abs=1e-12)


def test_a_scorer_keeps_nothing_of_the_text_before():
    net, team = network(), Team(1)
    scorer = Scorer(net[0], team)
    one, other = np.random.default_rng(3).integers(0, 6, (2, 50)).astype(np.uint8)
    first = scorer.score(net[1], one)
    scorer.score(net[1], other)
    assert scorer.score(net[1], one) == first
    team.close()


def test_the_weights_are_those_of_each_call():
    net, team = network(), Team(1)
    scorer, ids = Scorer(net[0], team), np.arange(50, dtype=np.uint8) % 6
    before = scorer.score(net[1], ids).loss
    net[1].flat[:] *= 0.5
    assert scorer.score(net[1], ids) == score(net, ids)
    assert scorer.score(net[1], ids).loss != before
    team.close()


def test_a_huge_text_is_read_in_no_more_than_so_many_streams():
    ids = np.random.default_rng(0).integers(0, 6, 2_000)
    got = score(network(), ids, chars_per_stream=2)
    assert (got.chars, got.streams) == (1_999, 63)
    losses = [one_by_one(network(), ids[s : min(s + 33, 2_000)])[0] for s in range(0, 1_999, 32)]
    assert len(losses) <= MOST_STREAMS
    assert got.loss == pytest.approx(np.concatenate(losses).mean(), abs=1e-12)


def scales_after_a_fit(model, parameters, team, counted, text):
    V = model.architecture.vocabulary_size
    scorer = Scorer(model, team, mixture=Mixture(count(counted, V, 2), initial_scales(2)))
    scorer.fit(parameters, text)
    assert scorer.mixture is not None
    return scorer.mixture.scales


def test_the_scales_of_a_mixture_are_fitted_to_the_first_part_of_each_stream_of_a_long_text():
    V, length = 500, 5 * CHARS_PER_STREAM + 1
    ids = np.random.default_rng(5).integers(0, V, length).astype(np.uint16)
    model, team = Model(Architecture("rnn", V, 4, 1), load_backend("numpy")), Team(1)
    parameters = model.architecture.initial_parameters(1)

    def fitted(text):
        return scales_after_a_fit(model, parameters, team, ids, text)

    late, early = ids.copy(), ids.copy()
    for stream in range(5):
        late[(stream + 1) * CHARS_PER_STREAM - 500 : (stream + 1) * CHARS_PER_STREAM] = 0
        early[stream * CHARS_PER_STREAM + 50 : stream * CHARS_PER_STREAM + 150] = 0
    np.testing.assert_array_equal(fitted(late), fitted(ids))
    assert (fitted(early) != fitted(ids)).any()
    team.close()


def test_of_thousands_of_symbols_the_fit_sees_the_first_steps_of_each_stream_of_a_window():
    V, streams = 5_000, MOST_STREAMS
    ids = np.random.default_rng(5).integers(0, V, streams * CHARS_PER_STREAM + 1).astype(np.uint16)
    model, team = Model(Architecture("rnn", V, 4, 1), load_backend("numpy")), Team(1)
    parameters = model.architecture.initial_parameters(1)
    later, sooner = ids.copy(), ids.copy()
    for stream in range(streams):
        begin = stream * CHARS_PER_STREAM
        later[begin + 6 : begin + 16] = 0
        sooner[begin + 1 : begin + 4] = 0
    before, after, other = (scales_after_a_fit(model, parameters, team, ids, text) for text in (ids, later, sooner))
    np.testing.assert_array_equal(before, after)
    assert (before != other).any()
    team.close()


def test_evaluating_again_changes_nothing():
    ids = np.random.default_rng(5).integers(0, 6, 3_000).astype(np.uint8)
    model, parameters = network()
    team = Team(1)
    scorer = Scorer(model, team, mixture=Mixture(count(ids, 6, 3), initial_scales(3)))
    scorer.fit(parameters, ids)
    first = scorer.score(parameters, ids).loss
    for _ in range(3):
        scorer.fit(parameters, ids)
    assert scorer.score(parameters, ids).loss == first
    team.close()


def test_bits_perplexity_and_a_stream_that_ran_away():
    fine = Score(loss=math.log(8), accuracy=0.5, chars=10, worst_stream=math.log(8) + 1.4)
    assert fine.bits_per_char == pytest.approx(3)
    assert fine.perplexity == pytest.approx(8)
    assert not fine.runaway
    assert Score(1.0, 0.5, 10, 9.0).runaway
    assert Score(1e6, 0.0, 10, 1e6).perplexity == math.inf
