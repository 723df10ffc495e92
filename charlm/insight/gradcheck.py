"""Checks gradients against finite differences, which need nothing but the forward pass.

    df/dw = (f(w + e) - f(w - e)) / 2e + O(e^2)

in float64, with e chosen so that rounding and truncation both stay near 1e-10 of the loss.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from charlm.arrays import Array
from charlm.kernels.choice import load_backend
from charlm.network.architecture import Architecture
from charlm.network.backend import Backend
from charlm.network.loss import cross_entropy
from charlm.network.model import Model
from charlm.network.regularisers.dropout import Dropout
from charlm.ngram.mixture import loss_and_derivatives
from charlm.ngram.reading import kinds
from charlm.randomness import Purpose, generator

STEP = 1e-5
TOLERANCE = 1e-6  # the largest difference that passes, as a share of the tensor's largest gradient
NOISE = 0.3  # standard deviation of what is added to the initial weights and states, so that no gradient is zero


@dataclass(frozen=True, slots=True)
class Check:
    """One tensor's gradient against finite differences.

    Attributes
    ----------
    name : str
        The tensor.
    checked, size : int
        How many of its elements were checked, and how many it has.
    difference : float
        The largest difference, as a share of the largest gradient by finite differences.
    """

    name: str
    checked: int
    size: int
    difference: float

    @property
    def passed(self) -> bool:
        """Whether the difference is within the tolerance; not so if it is NaN."""
        return self.difference <= TOLERANCE


class Problem:
    """A small window of a network in float64, whose loss can be computed again and again.

    Parameters
    ----------
    architecture : Architecture
        The network; its dtype is ignored.
    dropout : Dropout
        Its rates; the masks stay the same.
    seed : int
        Of everything random.
    seq_length, batch_size : int
        T and B of the window.
    backend : Backend, optional
        The kernels to check, which compute in float64; NumPy's if not given.

    Attributes
    ----------
    tensors : dict of str to ndarray
        All that the loss depends on: the parameters by name, and the initial states.
    gradients : dict of str to ndarray
        Those that backpropagation computes.
    inputs : ndarray of int, shape (T, B)
        The window's symbols.
    """

    def __init__(
        self,
        architecture: Architecture,
        dropout: Dropout,
        seed: int,
        seq_length: int = 7,
        batch_size: int = 3,
        backend: Backend | None = None,
    ) -> None:
        self._model = Model(replace(architecture, dtype="float64"), backend or load_backend("numpy"))
        self._prepared = self._model.prepared()
        self._parameters = self._model.architecture.initial_parameters(seed)
        rng = generator(seed, Purpose.CHECK)
        self._parameters.flat += rng.normal(0, NOISE, self._parameters.flat.shape)
        shape = (seq_length, batch_size)
        self.inputs, self._targets = rng.integers(0, architecture.vocabulary_size, (2, *shape)).astype(np.int32)
        self._state = self._model.architecture.zero_state(batch_size)
        self._workspace = self._model.workspace(seq_length, batch_size, dropout)
        for mask in self._workspace.masks:
            if mask is not None:
                mask.draw(seed, 0)
        self.tensors = dict(self._parameters)
        for layer, states in enumerate(self._state):
            for name, array in zip(self._model.cell.carried, states, strict=True):
                array += rng.normal(0, NOISE, array.shape)
                self.tensors[f"initial {name} of layer {layer}"] = array
        self._model.prepare(self._parameters, self._prepared)
        self._model.loss_and_gradients(
            self._parameters, self._prepared, self._workspace, self.inputs, self._targets, self._state,
            scale=1 / self.inputs.size,
        )  # fmt: skip
        self.gradients = {name: array.copy() for name, array in self._workspace.gradients.items()}
        for layer, loop in enumerate(self._workspace.loops):
            for name, array in zip(self._model.cell.carried, loop.d_initial, strict=True):
                self.gradients[f"initial {name} of layer {layer}"] = array.copy()

    def loss(self) -> float:
        """Return the mean loss with the tensors as they are now, by the forward pass alone."""
        self._model.prepare(self._parameters, self._prepared)
        self._model.forward(self._parameters, self._prepared, self._workspace, self.inputs, self._state)
        return float(cross_entropy(self._workspace.logits, self._targets.reshape(-1)).mean())


def check(problem: Problem, seed: int, most: int | None = None) -> Iterator[Check]:
    """Check every tensor of a problem.

    Parameters
    ----------
    problem : Problem
        The network and its window.
    seed : int
        Of the choice of elements.
    most : int, optional
        How many elements of a tensor are checked at the most; all if not given.
    """
    rng = generator(seed, Purpose.CHECK, 1)
    for name, array in problem.tensors.items():
        size = array.size
        picked = np.arange(size) if most is None or size <= most else rng.choice(size, most, replace=False)
        numeric = np.array([_slope(problem, array, np.unravel_index(index, array.shape)) for index in picked])
        analytic = problem.gradients[name].reshape(-1)[picked]
        largest = max(float(np.abs(numeric).max()), 1e-8)
        yield Check(name, len(picked), size, float(np.abs(numeric - analytic).max()) / largest)


def check_scales(vocabulary_size: int, order: int, seed: int) -> Check:
    """Check the gradient by the scales with which an n-gram is added to a network, on random logits of both."""
    rng = generator(seed, Purpose.CHECK, 2)
    K = kinds(order)
    scales, places = rng.normal(0.5, NOISE, (K, 2)), 20 * K
    logits, log_p = rng.normal(0, 1, (2, places, vocabulary_size))
    kind, targets = rng.integers(0, K, places), rng.integers(0, vocabulary_size, places)

    def loss(place: tuple[int, ...], step: float) -> float:
        moved = scales.copy()
        moved[place] += step
        return loss_and_derivatives(moved, logits, log_p, kind, targets)[0]

    numeric = [(loss(place, STEP) - loss(place, -STEP)) / (2 * STEP) for place in np.ndindex(scales.shape)]
    analytic = loss_and_derivatives(scales, logits, log_p, kind, targets)[1].ravel()
    difference = float(np.abs(np.array(numeric) - analytic).max() / np.abs(numeric).max())
    return Check("ngram.scales", scales.size, scales.size, difference)


def _slope(problem: Problem, array: Array, index: tuple[np.intp, ...]) -> float:
    """Return the loss's slope along one element, by central differences."""
    value = array[index]
    array[index] = value + STEP
    above = problem.loss()
    array[index] = value - STEP
    below = problem.loss()
    array[index] = value
    return (above - below) / (2 * STEP)
