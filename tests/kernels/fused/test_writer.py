"""One text written by the fused kernels: the text that NumPy's writes, whatever the network, threads and limits."""

import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from charlm.cells import NAMES
from charlm.inference.filters import Filter
from charlm.inference.predictor import Network
from charlm.inference.sampler import Sampler, _draw
from charlm.kernels.choice import load_backend
from charlm.network.architecture import Architecture
from charlm.network.model import Model
from charlm.ngram.counting import count, merged, pruned
from charlm.ngram.mixture import Mixture
from charlm.ngram.reading import kinds
from charlm.randomness import Purpose, generator
from charlm.workers.team import Team
from tests.networks import FUSED, INPUTS

if not FUSED:
    pytest.skip("the fast extra is not installed", allow_module_level=True)

from charlm.kernels.fused import writer as writer_fused
from charlm.kernels.fused.drawing import draw
from charlm.kernels.fused.writing_loop import ROW

V = 7
KERNELS = ("fused", "numpy")


def network(cell, layers=2, hidden=6, vocabulary=V, **options):
    model = Model(Architecture(cell, vocabulary, hidden, layers, **options), load_backend("fused"))
    parameters = model.architecture.initial_parameters(3)
    # Strong enough for a state to matter, weak enough for a rounding error not to grow from step to step.
    parameters.flat += np.random.default_rng(0).normal(0, 0.4 / hidden**0.5, parameters.flat.shape).astype(np.float32)
    return model, parameters


def beside(vocabulary, order, start_symbol=None):
    """Return an n-gram of a text in which longer contexts tell more, and scales that differ by kind."""
    rng = np.random.default_rng(order)
    text = (rng.integers(0, vocabulary, 4_000) * rng.integers(0, 2, 4_000)).tolist() + [1, 2, 0, 1, 1] * 60
    ngram = count(np.array(text) % vocabulary, vocabulary, order, start_symbol)
    return Mixture(ngram, rng.uniform(0.3, 1.2, (kinds(order), 2)))


def written(model, parameters, kernels, team=None, prompt=(0,), length=150, narrow=Filter(), seed=3, **options):  # noqa: B008
    """Return the symbols, (length,), and the logits they were drawn by, (length, V)."""
    sampler = Sampler(Model(model.architecture, load_backend(kernels)), parameters, team=team, **options)
    steps = [(int(d.ids[0]), d.logits[0].copy()) for d in sampler.write(prompt, length, narrow, seed)]
    return np.array([symbol for symbol, _ in steps]), np.array([logits for _, logits in steps])


def assert_same(one, other):
    np.testing.assert_array_equal(one[0], other[0])
    np.testing.assert_allclose(one[1], other[1], atol=2e-5 * np.abs(other[1]).max())


@pytest.fixture
def busy_threads(monkeypatch):
    """Let every thread of a team take part, however small the network."""
    monkeypatch.setattr(writer_fused, "BYTES_A_THREAD", 1)


@pytest.mark.parametrize("layers", [1, 3])
@pytest.mark.parametrize("options", INPUTS.values(), ids=INPUTS)
@pytest.mark.parametrize("cell", NAMES)
def test_the_text_and_its_logits_are_those_of_numpy(cell, options, layers):
    model, parameters = network(cell, layers, **options)
    assert_same(written(model, parameters, "fused"), written(model, parameters, "numpy"))


@pytest.mark.parametrize(("hidden", "vocabulary"), [(1, 2), (16, ROW), (17, ROW + 1), (100, 3 * ROW)])
@pytest.mark.parametrize("cell", NAMES)
def test_units_and_symbols_that_do_not_fill_their_blocks_change_nothing(cell, hidden, vocabulary):
    model, parameters = network(cell, hidden=hidden, vocabulary=vocabulary)
    assert_same(written(model, parameters, "fused"), written(model, parameters, "numpy"))


@pytest.mark.parametrize("threads", [2, 3, 5])  # more than there are blocks, and than many machines have cores
@pytest.mark.parametrize("cell", NAMES)
@pytest.mark.usefixtures("busy_threads")
def test_threads_write_what_one_writes(cell, threads):
    model, parameters = network(cell, hidden=50, start_symbol=1)
    alone = written(model, parameters, "fused")
    team = Team(threads)
    together = written(model, parameters, "fused", team)
    team.close()
    for one, other in zip(alone, together, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("prompt", [[0], [1, 1, 0, 1, 0] * 60])
@pytest.mark.parametrize(("order", "vocabulary"), [(1, V), (2, 2), (5, V), (9, ROW + 1), (3, 3 * ROW)])
@pytest.mark.parametrize("start_symbol", [None, 1])
def test_the_text_beside_an_ngram_is_that_of_numpy(order, vocabulary, start_symbol, prompt):
    model, parameters = network("gru", vocabulary=vocabulary, start_symbol=start_symbol)
    mixture = beside(vocabulary, order, start_symbol)
    options = {"prompt": prompt, "length": 400, "mixture": mixture}
    fused = written(model, parameters, "fused", **options)
    assert_same(fused, written(model, parameters, "numpy", **options))
    assert not np.allclose(fused[1][0], written(model, parameters, "fused", prompt=prompt, length=1)[1][0], atol=0.1)


@pytest.mark.parametrize("adapted", [False, True])
@pytest.mark.parametrize("start_symbol", [None, 1])
def test_the_text_beside_a_pruned_and_an_adapted_ngram_is_that_of_numpy(start_symbol, adapted):
    model, parameters = network("gru", start_symbol=start_symbol)
    counted = beside(V, 5, start_symbol)
    smaller, least = pruned(counted.ngram, counted.ngram.size // 3)
    assert least > 1
    ngram = smaller
    if adapted:
        ngram = merged(smaller, count(np.random.default_rng(1).integers(0, V, 300), V, smaller.order, start_symbol))
    fused, numpys, whole = (
        written(model, parameters, kernels, length=400, mixture=Mixture(tables, counted.scales))
        for kernels, tables in (("fused", ngram), ("numpy", ngram), ("fused", counted.ngram))
    )
    assert_same(fused, numpys)
    assert (fused[0] != whole[0]).any()


@pytest.mark.parametrize("order", [None, 5])
@pytest.mark.parametrize("start_symbol", [None, 1])
@pytest.mark.parametrize("cell", NAMES)
def test_what_a_symbol_is_drawn_by_are_the_probabilities_of_the_predictor(cell, start_symbol, order):
    model, parameters = network(cell, start_symbol=start_symbol)
    mixture = None if order is None else beside(V, order, start_symbol)
    prompt = [0, 3, 1, 2]
    symbols, logits = written(model, parameters, "fused", prompt=prompt, length=300, mixture=mixture)
    p = np.exp(logits.astype(np.float64))
    predictor = Network(Model(model.architecture, load_backend("numpy")), parameters, mixture=mixture)
    expected = np.exp(predictor.read(np.array([*prompt, *symbols[:-1]])[:, None])[len(prompt) - 1 :, 0])
    np.testing.assert_allclose(expected.sum(axis=1), 1, rtol=1e-12)
    np.testing.assert_allclose(p / p.sum(axis=1, keepdims=True), expected, atol=2e-5)


@pytest.mark.parametrize("threads", [2, 3])
@pytest.mark.usefixtures("busy_threads")
def test_threads_write_beside_an_ngram_what_one_writes(threads):
    model, parameters = network("lstm", hidden=50, vocabulary=3 * ROW)
    mixture, team = beside(3 * ROW, 4), Team(threads)
    alone, together = (written(model, parameters, "fused", them, mixture=mixture) for them in (None, team))
    team.close()
    for one, other in zip(alone, together, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("order", [None, 4])
def test_a_symbol_that_is_never_drawn_is_not_drawn(order):
    model, parameters = network("gru")
    mixture = None if order is None else beside(V, order)
    text, other = (written(model, parameters, kernels, length=300, mixture=mixture, never=0)[0] for kernels in KERNELS)
    np.testing.assert_array_equal(text, other)
    assert (text > 0).all()
    assert (written(model, parameters, "fused", length=300, mixture=mixture)[0] == 0).any()


@pytest.mark.usefixtures("busy_threads")
def test_a_thread_that_never_comes_is_not_waited_for():
    team = Team(2)
    model, parameters = network("lstm", hidden=50)
    writer = writer_fused.FusedWriter(model, parameters, team)
    run, other_came = writer._run, threading.Event()

    def interrupted(worker, *arguments):
        if worker == 0:
            assert other_came.wait(timeout=10)
            raise KeyboardInterrupt
        other_came.set()
        run(worker, *arguments)

    writer._run = interrupted
    with pytest.raises(KeyboardInterrupt):
        next(writer.write([0], 40, Filter().limits(), generator(1, Purpose.SAMPLE, 0)))
    closing = threading.Thread(target=team.close, daemon=True)
    closing.start()
    closing.join(timeout=10)
    assert not closing.is_alive(), "a thread waits for the one that was interrupted"


def test_a_small_network_keeps_one_thread_busy_and_a_large_one_all():
    team = Team(2)
    networks = [network("lstm", hidden=hidden) for hidden in (64, 256)]
    threads = [writer_fused.FusedWriter(model, parameters, team)._threads for model, parameters in networks]
    team.close()
    assert threads == [1, 2]


@pytest.mark.parametrize("length", [0, 1, 255, 256, 257, 600])
def test_a_text_comes_in_pieces_and_is_whole(length):
    model, parameters = network("gru")
    assert_same(written(model, parameters, "fused", length=600), written(model, parameters, "numpy", length=600))
    whole = written(model, parameters, "fused", length=600)[0]
    np.testing.assert_array_equal(written(model, parameters, "fused", length=length)[0], whole[:length])


@pytest.mark.parametrize("prompt", [[3], [4, 2, 2, 5, 6], [1, 2, 3] * 200])
def test_what_a_prompt_says_is_read(prompt):
    model, parameters = network("lstm")
    one = written(model, parameters, "fused", prompt=prompt, length=40)
    assert_same(one, written(model, parameters, "numpy", prompt=prompt, length=40))
    assert not np.allclose(one[1][0], written(model, parameters, "fused", prompt=[0], length=1)[1][0], atol=1e-3)


def test_every_text_begins_from_a_state_that_has_read_nothing():
    model, parameters = network("lstm")
    sampler = Sampler(model, parameters)
    first, again = ([d.logits[0].copy() for d in sampler.write([0], 31, Filter(), 1)] for _ in range(2))
    np.testing.assert_array_equal(first, again)


def test_a_text_that_is_given_up_leaves_nothing_to_the_next():
    model, parameters = network("gru")
    sampler = Sampler(model, parameters)
    whole = [int(d.ids[0]) for d in sampler.write([0], 40, Filter(), 1)]
    next(sampler.write([0], 40, Filter(), 1))
    assert [int(d.ids[0]) for d in sampler.write([0], 40, Filter(), 1)] == whole


@pytest.mark.parametrize(
    "narrow",
    [
        Filter(0),
        Filter(0.3),
        Filter(2.0),
        Filter(top_k=3),
        Filter(top_p=0.6),
        Filter(min_p=0.6),
        Filter(0.7, 4, 0.9, 0.1),
    ],
)
def test_filters_narrow_a_text_as_they_do_in_numpy(narrow):
    model, parameters = network("lstm")
    one, other = (written(model, parameters, kernels, length=400, narrow=narrow) for kernels in KERNELS)
    assert_same(one, other)
    assert (one[0] != written(model, parameters, "fused", length=400)[0]).any()


# Multiples of 1/8 make ties common; the sums' last bits decide only where a limit is hit exactly.
@settings(max_examples=500)
@given(
    arrays(np.float32, st.integers(1, 9), elements=st.integers(-40, 40).map(lambda k: k / 8)),
    st.sampled_from([0.0, 1e-3, 0.1, 0.5, 1.0, 50.0]),
    st.none() | st.integers(1, 12),
    st.none() | st.floats(0.013, 0.987),
    st.none() | st.floats(0, 1).map(lambda share: share * 0.9931),
    st.floats(0, 1, exclude_max=True),
)
def test_a_draw_is_that_of_the_filters(logits, temperature, top_k, top_p, min_p, uniform):
    narrow = Filter(temperature, top_k, top_p, min_p)
    p = narrow.probabilities(logits[None])
    symbol = draw(logits, np.empty(len(logits)), uniform, *narrow.limits())
    assert p[0, symbol] > 0
    near = np.abs(p.cumsum() - uniform * p.sum()).min() < 1e-12
    assert near or symbol == _draw(p, np.array([uniform]))[0]


def test_draws_are_those_of_the_seed():
    model, parameters = network("rnn")
    symbols, logits = written(model, parameters, "fused", length=300, seed=8)
    uniforms = generator(8, Purpose.SAMPLE, 0).random(300)
    for symbol, row, uniform in zip(symbols, logits.astype(np.float64), uniforms, strict=True):
        p = np.exp(row - row.max())
        assert symbol == np.searchsorted(p.cumsum(), uniform * p.sum(), side="right")
