"""Sampling: the filters against a literal rendering of their definitions, and texts that their seed decides."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from charlm.inference.filters import Filter
from charlm.inference.sampler import Sampler, _draw, beginning
from charlm.kernels.choice import load_backend
from charlm.network.architecture import Architecture
from charlm.network.model import Model
from charlm.randomness import Purpose, generator

# Multiples of 1/8 make ties common, and their differences are far from any limit's rounding.
LOGITS = arrays(
    np.float32, st.tuples(st.integers(1, 3), st.integers(1, 9)), elements=st.integers(-40, 40).map(lambda k: k / 8)
)
TEMPERATURES = st.sampled_from([0.1, 0.5, 0.8, 1.0, 2.0, 50.0])
LIMITS = {
    "top_k": st.none() | st.integers(1, 12),
    "top_p": st.none() | st.floats(0.01, 1),
    "min_p": st.none() | st.floats(0, 1),
}


def literally(logits, narrow):
    """Do what the definitions say for one row, symbol by symbol; None where rounding decides."""
    weights = [float(np.exp((float(x) - float(max(logits))) / narrow.temperature)) for x in logits]
    p = [weight / sum(weights) for weight in weights]
    ranking = sorted(range(len(p)), key=lambda symbol: (-p[symbol], symbol))
    if narrow.top_k is not None:
        ranking = ranking[: narrow.top_k]
    if narrow.top_p is not None:
        left = sum(p[symbol] for symbol in ranking)
        nucleus, total = [], 0.0
        for symbol in ranking:
            if abs(total - narrow.top_p) < 1e-9:
                return None
            if total >= narrow.top_p:
                break
            nucleus.append(symbol)
            total += p[symbol] / left
        ranking = nucleus
    if narrow.min_p is not None:
        if any(abs(p[symbol] - narrow.min_p * p[ranking[0]]) < 1e-12 for symbol in ranking if narrow.min_p < 1):
            return None
        ranking = [symbol for symbol in ranking if p[symbol] >= narrow.min_p * p[ranking[0]]]
    left = sum(p[symbol] for symbol in ranking)
    return [p[symbol] / left if symbol in ranking else 0.0 for symbol in range(len(p))]


@settings(max_examples=300)
@given(LOGITS, TEMPERATURES, *LIMITS.values())
def test_the_filters_do_what_their_definitions_say(logits, temperature, top_k, top_p, min_p):
    narrow = Filter(temperature, top_k, top_p, min_p)
    for got, row in zip(narrow.probabilities(logits), logits, strict=True):
        wanted = literally(row, narrow)
        assert wanted is None or np.allclose(got, wanted, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(
    ("narrow", "left"),
    [
        (Filter(), [0.5, 0.25, 0.125, 0.125]),
        (Filter(top_k=2), [2 / 3, 1 / 3, 0, 0]),
        (Filter(top_k=3), [4 / 7, 2 / 7, 1 / 7, 0]),
        (Filter(top_p=0.5), [1, 0, 0, 0]),
        (Filter(top_p=0.51), [2 / 3, 1 / 3, 0, 0]),
        (Filter(top_p=0.76), [4 / 7, 2 / 7, 1 / 7, 0]),
        (Filter(top_k=2, top_p=0.66), [1, 0, 0, 0]),
        (Filter(min_p=0.5), [2 / 3, 1 / 3, 0, 0]),
        (Filter(min_p=0.51), [1, 0, 0, 0]),
        (Filter(min_p=0.25), [0.5, 0.25, 0.125, 0.125]),
        (Filter(temperature=0.5), [16 / 22, 4 / 22, 1 / 22, 1 / 22]),
        (Filter(temperature=0.5, min_p=0.2), [0.8, 0.2, 0, 0]),
    ],
)
def test_the_filters_of_halves_and_quarters(narrow, left):
    logits = np.log([[0.5, 0.25, 0.125, 0.125]])
    assert np.allclose(narrow.probabilities(logits), [left])


@given(LOGITS, TEMPERATURES, *LIMITS.values())
def test_what_is_drawn_from_is_a_distribution_that_keeps_the_likeliest_symbol(logits, temperature, top_k, top_p, min_p):
    p = Filter(temperature, top_k, top_p, min_p).probabilities(logits)
    assert p.dtype == np.float64
    assert (p >= 0).all()
    assert np.allclose(p.sum(axis=1), 1, rtol=0, atol=1e-12)
    likeliest = logits.argmax(axis=1)
    assert (p[np.arange(len(p)), likeliest] == p.max(axis=1)).all()
    if top_k is not None:
        assert ((p > 0).sum(axis=1) <= top_k).all()


@given(LOGITS)
def test_temperature_0_takes_the_first_of_the_likeliest(logits):
    p = Filter(temperature=0, top_k=3).probabilities(logits)
    assert (p.argmax(axis=1) == logits.argmax(axis=1)).all()
    assert (p.sum(axis=1) == 1).all()
    assert (p.max(axis=1) == 1).all()


@pytest.mark.parametrize("temperature", [5e-324, 1e-300, 1e-30])
def test_a_temperature_close_to_0_is_close_to_greedy_and_warns_of_nothing(temperature):
    assert Filter(temperature).probabilities(np.array([[1, 3, 2]], np.float32)).tolist() == [[0, 1, 0]]


def test_the_logits_stay_as_they_are():
    logits = np.array([[1.0, 2.0, 4.0]], np.float32)
    Filter(0.5, 2, 0.9, 0.1).probabilities(logits)
    assert logits.tolist() == [[1, 2, 4]]


@given(
    arrays(
        np.float64, st.tuples(st.just(1), st.integers(1, 6)), elements=st.sampled_from([0.0, 1e-300, 0.1, 0.5, 1.0])
    ),
    st.floats(0, 1, exclude_max=True),
)
def test_no_symbol_that_is_out_is_ever_drawn(p, uniform):
    if p.sum() == 0:
        p[0, -1] = 1
    symbol = int(_draw(p, np.array([uniform]))[0])
    assert p[0, symbol] > 0


@pytest.mark.parametrize("uniform", [0.0, 1 - 2**-53])
def test_the_ends_of_the_random_numbers_draw_the_first_and_the_last_symbol_there_are(uniform):
    p = np.array([[0, 0.3, 0, 0.7, 0]])
    assert _draw(p, np.array([uniform]))[0] == (1 if uniform == 0 else 3)


def test_symbols_are_drawn_as_often_as_they_are_likely():
    p = np.tile([0.5, 0.2, 0.0, 0.3], (20_000, 1))
    counts = np.bincount(_draw(p, np.random.default_rng(0).random(len(p))), minlength=4)
    assert np.allclose(counts / len(p), p[0], atol=0.015)


# --- Texts


@pytest.fixture(scope="module")
def network():
    model = Model(
        Architecture("lstm", vocabulary_size=7, hidden_size=12, num_layers=2, dtype="float64"), load_backend("numpy")
    )
    parameters = model.architecture.initial_parameters(1)
    parameters.flat[:] += np.random.default_rng(0).normal(0, 0.5, parameters.flat.size)
    return model, parameters


def written(network, count=1, prompt=(0,), length=40, narrow=Filter(), seed=3):  # noqa: B008 - a frozen value
    """Return the symbols and their probabilities, both (N, length)."""
    ids, probabilities = [], []
    for step in Sampler(network[0], network[1], count).write(prompt, length, narrow, seed):
        ids.append(step.ids.copy())
        probabilities.append(step.probabilities())
    assert len(ids) == length
    return np.array(ids).T, np.array(probabilities).T


def expectations(network, symbols):
    """Yield the model's distribution after each symbol, by the means of training."""
    model, parameters = network
    prepared, workspace, state = model.prepared(), model.workspace(1, 1), model.architecture.zero_state(1)
    model.prepare(parameters, prepared)
    for symbol in symbols:
        state = model.forward(parameters, prepared, workspace, np.array([[symbol]], np.int32), state)
        p = np.exp(workspace.logits[0] - workspace.logits[0].max())
        yield p / p.sum()


def test_the_same_seed_gives_the_same_text_and_another_one_another(network):
    text, _ = written(network)
    assert (text == written(network)[0]).all()
    assert (text != written(network, seed=4)[0]).any()


def test_a_text_does_not_depend_on_how_many_are_written_with_it(network):
    alone, _ = written(network, length=1_100)  # more than is drawn at a time
    three, _ = written(network, count=3, length=1_100)
    assert (three[0] == alone[0]).all()
    assert (three[:2] == written(network, count=2, length=1_100)[0]).all()
    assert (three[1] != three[0]).any()


def test_a_text_is_none_of_those_of_another_seed(network):
    texts = {tuple(text) for seed in range(4) for text in written(network, count=3, length=60, seed=seed)[0]}
    assert len(texts) == 12


def test_a_text_is_drawn_from_what_the_model_expects_after_all_that_was_before(network):
    prompt, seed = [2, 5, 1], 9
    length = 1_030  # more than is drawn at a time
    text, probabilities = written(network, prompt=prompt, length=length, seed=seed)
    draws = generator(seed, Purpose.SAMPLE, 0).random(length)
    expected = list(expectations(network, [*prompt, *text[0, :-1]]))[len(prompt) - 1 :]
    for p, draw, symbol, probability in zip(expected, draws, text[0], probabilities[0], strict=True):
        assert symbol == np.searchsorted(p.cumsum(), draw, side="right")
        assert probability == pytest.approx(p[symbol])


def test_probabilities_are_the_models_whatever_the_filter(network):
    text, probabilities = written(network, narrow=Filter(temperature=0))
    for p, symbol, probability in zip(
        expectations(network, [0, *text[0, :-1]]), text[0], probabilities[0], strict=True
    ):
        assert symbol == p.argmax()
        assert probability == pytest.approx(p[symbol])


def test_in_lines_a_state_begins_anew_after_a_line_end():
    model = Model(
        Architecture("gru", vocabulary_size=5, hidden_size=6, dtype="float64", start_symbol=0), load_backend("numpy")
    )
    network = model, model.architecture.initial_parameters(1)
    one, _ = written(network, prompt=[0], length=10, narrow=Filter(temperature=0))
    other, _ = written(network, prompt=[1, 3, 2, 0], length=10, narrow=Filter(temperature=0))
    assert (one == other).all()
    assert not np.allclose(*list(expectations(network, [1, 3, 3]))[1:]), "a state there is"


def test_every_text_begins_from_a_state_that_has_read_nothing(network):
    sampler = Sampler(*network)
    first = [int(step.ids[0]) for step in sampler.write([0], 20, Filter(), 1)]
    assert [int(step.ids[0]) for step in sampler.write([0], 20, Filter(), 1)] == first


def test_no_length_is_no_text(network):
    assert written(network, length=0)[0].size == 0


@pytest.mark.parametrize(
    ("symbols", "start_symbol", "first"),
    [("abc", 1, 1), ("\n ab", None, 0), (" ab", None, 0), ("a b", None, 1), ("ab", None, 0), (" \n", None, 1)],
)
def test_a_text_without_a_prompt_begins_after_a_line_end_or_a_space(symbols, start_symbol, first):
    assert beginning(tuple(symbols), start_symbol) == first
