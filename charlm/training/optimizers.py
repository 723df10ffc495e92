"""What is done with a gradient: the update rules of Adam, AdamW, Muon, RMSprop, Adagrad and SGD.

A rule is a class of its own numbers. Its `update` is elementwise: it is written once, for one weight, its gradient, its
moments and the scalars of the step, and the kernels run it over the flat vector of all weights. Its `scalars` are the
numbers that are the same for all weights at a step, by the names that they have in `update`. In the equations, g is the
clipped gradient, to which all rules but AdamW and Muon add lambda w for a weight decay of lambda. The conventions
(where epsilon stands, what starts at zero) are PyTorch's, so that a run can be compared with one there number by
number. Muon is elementwise in part; its other part is in `charlm.training.orthogonal`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from inspect import signature
from typing import Any, ClassVar, Protocol

import numpy as np

from charlm.activations import sqrt
from charlm.arrays import Array
from charlm.network.backend import Backend
from charlm.network.parameters import Parameters
from charlm.training.orthogonal import OrthogonalSteps, is_hidden

ORTHOGONAL = 5.0  # how many times the learning rate an orthogonal step is long


class Rule(Protocol):
    """An update rule.

    Attributes
    ----------
    moments : tuple of str
        What it remembers of each weight; all start at zero.
    """

    moments: ClassVar[tuple[str, ...]]

    @property
    def weight_decay(self) -> float:
        """Lambda, the pull towards zero: all rules but AdamW and Muon add lambda w to the gradient."""

    @property
    def update(self) -> Callable[..., tuple[Any, ...]]:
        """Elementwise: the weight, the gradient, the moments, `scale` and the other scalars to weight and moments.

        `scale` multiplies the gradient: it is the factor of clipping by norm.
        """

    def scalars(self, rate: float, step: int) -> dict[str, float]:
        """Return the scalars of a step, counted from 1, by their names in `update`; all but `scale`."""


@dataclass(frozen=True, slots=True)
class Adam:
    """Step against the mean gradient, divided by the root of its mean square (Kingma & Ba 2015).

        m = m + (1 - beta_1)(g - m);  v = v + (1 - beta_2)(g^2 - v);  w = (1 - shrink) w - rate m / (sqrt(v) + eps)

    The corrections of the first steps' bias are in `rate` and `eps`; `shrink` is 0, except for AdamW. The scalar
    `beta1_rest` is 1 - beta_1, and so on.

    Attributes
    ----------
    betas : tuple of float
        How much of the mean and of the mean square of the gradients is kept from step to step.
    eps : float
        Added to the root of the mean square.
    """

    betas: tuple[float, float] = (0.9, 0.999)
    eps: float = 1e-8
    weight_decay: float = 0.0
    moments: ClassVar[tuple[str, ...]] = ("mean", "square")

    @staticmethod
    def update(
        weight: Array, gradient: Array, mean: Array, square: Array, scale: Array, decay: Array, shrink: Array,
        beta1_rest: Array, beta2_rest: Array, rate: Array, eps: Array,
    ) -> tuple[Array, ...]:  # fmt: skip
        """Return the new weight, mean and mean square."""
        g = gradient * scale + weight * decay
        m = mean + beta1_rest * (g - mean)
        v = square + beta2_rest * (g * g - square)
        w = weight - weight * shrink - rate * m / (sqrt(v) + eps)
        return w, m, v

    def scalars(self, rate: float, step: int) -> dict[str, float]:
        """Return the scalars of a step; the corrections of the bias are moved out of the elementwise equation."""
        beta1, beta2 = self.betas
        root = (1 - beta2**step) ** 0.5
        return {
            "decay": self.weight_decay,
            "shrink": 0.0,
            "beta1_rest": 1 - beta1,
            "beta2_rest": 1 - beta2,
            "rate": rate * root / (1 - beta1**step),
            "eps": self.eps * root,
        }


@dataclass(frozen=True, slots=True)
class AdamW:
    """Adam with a decay of the weight itself, not of the gradient (Loshchilov & Hutter 2019).

    Attributes
    ----------
    betas, eps
        As Adam's.
    """

    betas: tuple[float, float] = (0.9, 0.999)
    eps: float = 1e-8
    weight_decay: float = 0.0
    moments: ClassVar[tuple[str, ...]] = Adam.moments
    update = staticmethod(Adam.update)

    def scalars(self, rate: float, step: int) -> dict[str, float]:
        """Return Adam's scalars, with the decay taken from the weight."""
        return {**Adam(self.betas, self.eps).scalars(rate, step), "shrink": rate * self.weight_decay}


@dataclass(frozen=True, slots=True)
class Muon(AdamW):
    """Orthogonal steps for the matrices between states (Jordan et al. 2024); AdamW for all other weights.

    Such a step has a spectral norm of about `ORTHOGONAL` times the learning rate, and the weight decay of these
    matrices is multiplied by that length. See `charlm.training.orthogonal`.

    Attributes
    ----------
    betas, eps
        As Adam's, for the other weights.
    """


@dataclass(frozen=True, slots=True)
class RMSprop:
    """Divide the gradient by the root of its mean square (Tieleman & Hinton 2012).

        v = v + (1 - alpha)(g^2 - v);  w = w - rate g / (sqrt(v) + eps)

    Attributes
    ----------
    alpha : float
        How much of the mean square is kept from step to step.
    eps : float
        Added to its root.
    """

    alpha: float = 0.99
    eps: float = 1e-8
    weight_decay: float = 0.0
    moments: ClassVar[tuple[str, ...]] = ("square",)

    @staticmethod
    def update(
        weight: Array, gradient: Array, square: Array, scale: Array, decay: Array, alpha_rest: Array, rate: Array,
        eps: Array,
    ) -> tuple[Array, ...]:  # fmt: skip
        """Return the new weight and mean square."""
        g = gradient * scale + weight * decay
        v = square + alpha_rest * (g * g - square)
        w = weight - rate * g / (sqrt(v) + eps)
        return w, v

    def scalars(self, rate: float, step: int) -> dict[str, float]:
        """Return the scalars, which are the same at all steps but for the rate."""
        return {"decay": self.weight_decay, "alpha_rest": 1 - self.alpha, "rate": rate, "eps": self.eps}


@dataclass(frozen=True, slots=True)
class Adagrad:
    """Divide the gradient by the root of the sum of all its squares so far (Duchi, Hazan & Singer 2011).

        v = v + g^2;  w = w - rate g / (sqrt(v) + eps)

    Attributes
    ----------
    eps : float
        Added to the root.
    """

    eps: float = 1e-8
    weight_decay: float = 0.0
    moments: ClassVar[tuple[str, ...]] = ("square",)

    @staticmethod
    def update(
        weight: Array, gradient: Array, square: Array, scale: Array, decay: Array, rate: Array, eps: Array
    ) -> tuple[Array, ...]:
        """Return the new weight and sum of squares."""
        g = gradient * scale + weight * decay
        v = square + g * g
        w = weight - rate * g / (sqrt(v) + eps)
        return w, v

    def scalars(self, rate: float, step: int) -> dict[str, float]:
        """Return the scalars, which are the same at all steps but for the rate."""
        return {"decay": self.weight_decay, "rate": rate, "eps": self.eps}


@dataclass(frozen=True, slots=True)
class SGD:
    """Step against the gradient, with momentum.

        u = momentum u + g;  w = w - rate (gain g + ahead u)

    Plain momentum (Polyak 1964) has gain 0 and ahead 1. Nesterov's (1983; Sutskever, Martens, Dahl & Hinton 2013) looks
    ahead along the velocity u: it has gain 1 and ahead = momentum.

    Attributes
    ----------
    momentum : float
        How much of the last step's velocity is kept.
    nesterov : bool
        Whether to look ahead.
    """

    momentum: float = 0.0
    nesterov: bool = False
    weight_decay: float = 0.0
    moments: ClassVar[tuple[str, ...]] = ("velocity",)

    @staticmethod
    def update(
        weight: Array, gradient: Array, velocity: Array, scale: Array, decay: Array, momentum: Array, ahead: Array,
        gain: Array, rate: Array,
    ) -> tuple[Array, ...]:  # fmt: skip
        """Return the new weight and velocity."""
        g = gradient * scale + weight * decay
        u = momentum * velocity + g
        w = weight - rate * (gain * g + ahead * u)
        return w, u

    def scalars(self, rate: float, step: int) -> dict[str, float]:
        """Return the scalars, which are the same at all steps but for the rate."""
        ahead, gain = (self.momentum, 1.0) if self.nesterov else (1.0, 0.0)
        return {"decay": self.weight_decay, "momentum": self.momentum, "ahead": ahead, "gain": gain, "rate": rate}


RULES: dict[str, type[Any]] = {
    "adagrad": Adagrad,
    "adam": Adam,
    "adamw": AdamW,
    "muon": Muon,
    "rmsprop": RMSprop,
    "sgd": SGD,
}
NAMES = tuple(RULES)


class Optimizer:
    """An update rule with the moments of one set of weights.

    Parameters
    ----------
    rule : Rule
        The rule, with its numbers.
    parameters : Parameters
        The weights that `step` changes, in place.
    gradients : Parameters
        The array from which `step` reads their gradients.
    backend : Backend
        The kernels.

    Attributes
    ----------
    moments : dict of str to ndarray
        What the rule remembers, to be saved and restored: for each moment a number a weight, and under ``orthogonal``
        the mean gradients of Muon's matrices.
    """

    def __init__(self, rule: Rule, parameters: Parameters, gradients: Parameters, backend: Backend) -> None:
        self._rule = rule
        self.moments: dict[str, Array] = {moment: np.zeros_like(parameters.flat) for moment in rule.moments}
        vectors = [parameters.flat, gradients.flat, *self.moments.values()]
        self._scalars = tuple(signature(rule.update).parameters)[len(vectors) :]
        writes = [0, *range(2, len(vectors))]  # it returns all vectors but the gradient
        elementwise = [slice(None)]
        self._orthogonal: OrthogonalSteps | None = None
        if isinstance(rule, Muon):
            self._orthogonal = OrthogonalSteps(rule.weight_decay, parameters, gradients)
            self.moments["orthogonal"] = self._orthogonal.mean
            elementwise = [place for name, place in parameters.places.items() if not is_hidden(name)]
        self._applies = [
            backend.elementwise(rule.update, [vector[part] for vector in vectors], len(self._scalars), writes)
            for part in elementwise
        ]

    def step(self, rate: float, step: int, scale: float, worker: int, workers: int) -> None:
        """Change the weights by one step.

        Parameters
        ----------
        rate : float
            The learning rate.
        step : int
            The number of this step, from 1.
        scale : float
            What the gradient is multiplied by: the factor of clipping by norm.
        worker, workers : int
            Which share of the weights to change, for several threads.
        """
        scalars = {"scale": scale, **self._rule.scalars(rate, step)}
        values = tuple(scalars[name] for name in self._scalars)
        for apply in self._applies:
            apply(values, worker, workers)
        if self._orthogonal is not None:
            self._orthogonal.step(ORTHOGONAL * rate, scale, worker, workers)

    def restore(self, moments: Mapping[str, Array]) -> None:
        """Take over saved moments."""
        for name, array in self.moments.items():
            array[...] = moments[name]
