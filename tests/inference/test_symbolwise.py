"""What is expected of every symbol, against the same read one symbol at a time by the predictor."""

from itertools import pairwise

import numpy as np
import pytest

from charlm.errors import NotFiniteError
from charlm.inference.predictor import Network as Predictor
from charlm.inference.symbolwise import SymbolReader
from charlm.ngram.counting import count
from charlm.ngram.mixture import Mixture, initial_scales
from charlm.workers.team import Team
from tests.networks import Network, Variant

NEWLINE, V = 0, 6
TEXT = np.random.default_rng(0).integers(1, V, 400)


def network(cell="gru", lines=False):
    return Network(Variant(lines=lines).architecture(cell, 2, V, 5))


def mixture_of(text, order=4):
    ngram = count(text, V, order)
    scales = initial_scales(order) + np.random.default_rng(5).normal(0, 0.1, initial_scales(order).shape)
    return Mixture(ngram, scales)


def along(net, mixture, ids, given=()):
    """Return the log-probabilities before each symbol of a text but those that are given first, (n, V)."""
    predictor = Predictor(net.model, net.parameters, mixture=mixture)
    whole = np.array([*given, *ids])
    return predictor.read(whole[:, None])[len(given) - 1 : -1, 0] if given else predictor.read(whole[:-1, None])[:, 0]


def losses_of(expected, ids):
    return -expected[np.arange(len(ids)), ids]


def lines_of(rng, number, longest=40):
    return [[*rng.integers(1, V, rng.integers(0, longest)).tolist(), NEWLINE] for _ in range(number)]


@pytest.fixture(params=[1, 2, 3])
def team(request):
    team = Team(request.param)
    yield team
    team.close()


@pytest.mark.parametrize("mixed", [False, True], ids=["alone", "mixed"])
@pytest.mark.parametrize("cell", ["gru", "lstm"])
def test_in_order_each_symbol_is_predicted_from_all_before_whatever_the_pieces(team, cell, mixed):
    net, mixture = network(cell), mixture_of(TEXT) if mixed else None
    reader = SymbolReader(net.model, net.parameters, team, mixture)
    cuts = [0, 1, 2, 20, 20, 53, 300, 400]
    pieces = [reader.read(TEXT[start:stop]).losses for start, stop in pairwise(cuts)]
    got = np.concatenate(pieces)
    assert np.isnan(got[0]), "the first is given"
    assert got[1:] == pytest.approx(losses_of(along(net, mixture, TEXT), TEXT[1:]), abs=1e-5 if mixed else 1e-10)
    reader.restart()
    assert reader.read(TEXT[:50]).losses == pytest.approx(got[:50], nan_ok=True, abs=1e-6)


@pytest.mark.parametrize("mixed", [False, True], ids=["alone", "mixed"])
@pytest.mark.parametrize("in_lines", [False, True], ids=["a model of a text", "a model of lines"])
def test_line_by_line_each_line_is_read_as_if_it_followed_a_newline(team, in_lines, mixed):
    rng = np.random.default_rng(1)
    net, lines = network(lines=in_lines), lines_of(rng, 700)
    lines[3] = [*rng.integers(1, V, 900).tolist(), NEWLINE]
    mixture = mixture_of(np.concatenate(lines)) if mixed else None
    got = SymbolReader(net.model, net.parameters, team, mixture, NEWLINE).read(np.concatenate(lines)).losses
    expected = [losses_of(along(net, mixture, line, [NEWLINE]), np.array(line)) for line in lines[:20]]
    begun = np.concatenate(expected)
    assert got[: len(begun)] == pytest.approx(begun, abs=1e-5 if mixed else 1e-10)
    assert np.isfinite(got).all()


def test_a_line_has_the_same_losses_alone_and_among_any_others(team):
    rng = np.random.default_rng(2)
    net, lines = network(), lines_of(rng, 300)
    reader = SymbolReader(net.model, net.parameters, team, mixture_of(TEXT), NEWLINE)
    together = reader.read(np.concatenate(lines)).losses
    ends = np.cumsum([len(line) for line in lines])
    for line, end in list(zip(lines, ends, strict=True))[::29]:
        assert reader.read(np.array(line)).losses == pytest.approx(together[end - len(line) : end], abs=1e-6)


def test_the_guesses_are_the_likeliest_symbols_with_their_probabilities(team):
    net = network()
    reader = SymbolReader(net.model, net.parameters, team, guesses=3)
    got, expected = reader.read(TEXT[:100]), along(net, None, TEXT[:100])
    order = np.argsort(-expected, axis=1)[:, :3]
    assert (got.guesses[1:] == order).all()
    assert got.log_p[1:] == pytest.approx(np.take_along_axis(expected, order, axis=1), abs=1e-10)
    assert np.isnan(got.log_p[0]).all()
    assert SymbolReader(net.model, net.parameters, team, guesses=50).read(TEXT[:9]).guesses.shape == (9, V)


def test_nothing_to_read_is_no_error_and_forgets_nothing(team):
    net = network()
    for newline in (None, NEWLINE):
        reader = SymbolReader(net.model, net.parameters, team, newline=newline)
        assert len(reader.read(TEXT[:0]).losses) == 0
        whole = reader.read(TEXT[:30]).losses
        reader.restart()
        if newline is None:
            halves = [reader.read(TEXT[:10]).losses, reader.read(TEXT[:0]).losses, reader.read(TEXT[10:30]).losses]
            assert np.concatenate(halves) == pytest.approx(whole, nan_ok=True)


def test_weights_that_are_too_large_are_told(team):
    net = network()
    net.parameters["decoder.weight"][:] = 1e308 * np.sign(net.parameters["decoder.weight"])
    with pytest.raises(NotFiniteError):
        SymbolReader(net.model, net.parameters, team).read(TEXT[:30])


@pytest.mark.parametrize("length", range(12))
def test_a_line_may_be_shorter_than_the_context_of_the_ngram(team, length):
    net, long = network(lines=True), mixture_of(TEXT, order=9)
    line = [*TEXT[:length].tolist(), NEWLINE]
    got = SymbolReader(net.model, net.parameters, team, long, NEWLINE).read(np.array(line)).losses
    assert got == pytest.approx(losses_of(along(net, long, line, [NEWLINE]), np.array(line)), abs=1e-5)
