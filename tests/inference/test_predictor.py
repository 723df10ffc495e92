"""Everything that says what comes next keeps one contract: distributions that sum to one, of what was read alone."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest

from charlm.arrays import Array, IntArray
from charlm.cells import NAMES
from charlm.errors import NotFiniteError
from charlm.inference.dynamic import Adaptation, Rates
from charlm.inference.predictor import Network, Predictor
from charlm.kernels.choice import load_backend
from charlm.network.architecture import Architecture
from charlm.network.loss import log_softmax
from charlm.network.model import Model
from charlm.network.parameters import Parameters
from charlm.ngram.counting import count, pruned
from charlm.ngram.mixture import Mixture
from charlm.ngram.reading import Distributions, Reader, kinds
from charlm.ngram.tables import NGram

V, T = 5, 80


class Counts:
    """An n-gram alone as a predictor."""

    def __init__(self, ngram: NGram, count: int = 1) -> None:
        self._reader = Reader(Distributions(ngram), count)

    def restart(self) -> None:
        self._reader.restart()

    def read(self, ids: IntArray) -> Array:
        return log_softmax(self._reader.read(ids)[0].astype(np.float64))


class Dynamic:
    """A network that adapts to each of several texts, alone or mixed with its n-gram, as a predictor."""

    def __init__(self, model: Model, parameters: Parameters, count: int = 1, **options: Any) -> None:
        self._begin = lambda: [Adaptation(model, parameters, **options) for _ in range(count)]
        self.restart()

    def restart(self) -> None:
        self._texts = self._begin()

    def read(self, ids: IntArray) -> Array:
        return np.stack([text.read(ids[:, n]).mixture for n, text in enumerate(self._texts)], axis=1)


def network(cell: str, count: int, **options) -> Predictor:
    architecture = Architecture(cell, V, 6, 2, **options)
    parameters = architecture.initial_parameters(1)
    parameters.flat[...] *= 3  # far from uniform
    return Network(Model(architecture, load_backend("numpy")), parameters, count)


def counted(order: int, start_symbol: int | None = None) -> NGram:
    text = np.random.default_rng(4).integers(0, V, 300) * np.random.default_rng(5).integers(0, 2, 300)
    return count(text, V, order, start_symbol)


def pruned_to_half(ngram: NGram) -> NGram:
    return pruned(ngram, ngram.size // 2)[0]


def mixed(
    count: int,
    start_symbol: int | None = None,
    kind: type[Network | Dynamic] = Network,
    dtype: str = "float32",
    change: Callable[[NGram], NGram] = lambda ngram: ngram,
) -> Predictor:
    architecture = Architecture("gru", V, 6, 2, dtype=dtype, start_symbol=start_symbol)
    scales = np.random.default_rng(6).normal(0.5, 0.4, (kinds(4), 2))
    mixture = Mixture(change(counted(4, start_symbol)), scales)
    model = Model(architecture, load_backend("numpy"))
    options = {"rates": Rates(counts=32)} if kind is Dynamic else {}
    return kind(model, architecture.initial_parameters(1), count, mixture=mixture, **options)


def adapting(cell: str, count: int) -> Predictor:
    architecture = Architecture(cell, V, 6, 2)
    return Dynamic(Model(architecture, load_backend("numpy")), architecture.initial_parameters(1), count)


# What there is to try, by name; a function of how many texts are read in step.
PREDICTORS: dict[str, Callable[[int], Predictor]] = {
    **{f"network of {cell}": partial(network, cell) for cell in NAMES},
    "network of lines": partial(network, "gru", start_symbol=0),
    "network in float64": partial(network, "gru", dtype="float64"),
    "n-gram": lambda count: Counts(counted(4), count),
    "n-gram of one symbol": lambda count: Counts(counted(1), count),
    "network and n-gram": mixed,
    "network and n-gram of lines": partial(mixed, start_symbol=0),
    "network in float64 and n-gram": partial(mixed, dtype="float64"),
    "pruned n-gram": lambda count: Counts(pruned_to_half(counted(4)), count),
    "network and pruned n-gram": partial(mixed, change=pruned_to_half),
    **{f"adapting network of {cell}": partial(adapting, cell) for cell in NAMES},
    "adapting network and n-gram": partial(mixed, kind=Dynamic),
    "adapting network and n-gram of lines": partial(mixed, start_symbol=0, kind=Dynamic),
    "adapting network in float64 and n-gram": partial(mixed, dtype="float64", kind=Dynamic),
    "adapting network and pruned n-gram": partial(mixed, change=pruned_to_half, kind=Dynamic),
}


@pytest.fixture(params=PREDICTORS.values(), ids=list(PREDICTORS))
def make(request):
    return request.param


@pytest.fixture
def ids() -> IntArray:
    """Return three texts."""
    return np.random.default_rng(0).integers(0, V, (T, 3))


def test_probabilities_sum_to_one_at_every_position(make, ids):
    expected = make(3).read(ids)
    assert expected.shape == (T, 3, V)
    np.testing.assert_allclose(np.exp(expected).sum(axis=-1), 1, rtol=1e-12)


def test_what_comes_later_changes_nothing(make, ids):
    whole, changed = make(3).read(ids), ids.copy()
    changed[T // 2 :] = (changed[T // 2 :] + 1) % V
    np.testing.assert_array_equal(make(3).read(changed)[: T // 2], whole[: T // 2])


def test_a_text_read_in_pieces_is_the_text_read_at_once(make, ids):
    whole, predictor = make(3).read(ids), make(3)
    pieces = [predictor.read(piece) for piece in np.split(ids, [1, 2, 17])]
    np.testing.assert_array_equal(np.concatenate(pieces), whole)


def test_a_restart_forgets_all_that_was_read(make, ids):
    predictor = make(3)
    first = predictor.read(ids)
    predictor.restart()
    np.testing.assert_array_equal(predictor.read(ids), first)


def test_texts_read_in_step_do_not_disturb_each_other(make, ids):
    together = make(3).read(ids)
    for n in range(3):  # products of other shapes round differently, and plain units of large weights amplify that
        np.testing.assert_allclose(make(1).read(ids[:, n : n + 1])[:, 0], together[:, n], atol=1e-4)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_network_whose_weights_are_not_finite_says_so(bad):
    architecture = Architecture("gru", V, 6)
    parameters = architecture.initial_parameters(1)
    parameters["decoder.bias"][2] = bad
    predictor = Network(Model(architecture, load_backend("numpy")), parameters)
    with pytest.raises(NotFiniteError):
        predictor.read(np.zeros((3, 1), np.int32))
