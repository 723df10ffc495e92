"""What is done with a gradient: the update rules of Adam, AdamW, RMSprop, Adagrad and SGD.

A rule is an elementwise function, written once for a weight, its gradient, its moments and the step's scalars, and
run by the kernels over the flat vector of all weights. The conventions (where epsilon stands, what starts at zero)
are PyTorch's, so that a run can be compared with one there number by number.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from charlm.activations import sqrt
from charlm.arrays import Array
from charlm.network.backend import Backend
from charlm.network.parameters import Parameters


@dataclass(frozen=True, slots=True)
class Options:
    """The numbers of the update rules; each rule reads its own.

    Attributes
    ----------
    betas : tuple of float
        How much of the mean and of the mean square of the gradients Adam keeps from step to step.
    eps : float
        Added to the root of the mean square.
    alpha : float
        How much of the mean square RMSprop keeps.
    momentum : float
        How much of the last step's direction is kept.
    nesterov : bool
        Whether the momentum is looked ahead of (Nesterov 1983; Sutskever, Martens, Dahl & Hinton 2013).
    weight_decay : float
        The pull towards zero: of the gradient, lambda w, and with AdamW of the weight itself.
    """

    betas: tuple[float, float] = (0.9, 0.999)
    eps: float = 1e-8
    alpha: float = 0.99
    momentum: float = 0.0
    nesterov: bool = False
    weight_decay: float = 0.0


def adam(
    weight: Array, gradient: Array, mean: Array, square: Array, scale: Array, decay: Array, shrink: Array,
    beta1_rest: Array, beta2_rest: Array, rate: Array, eps: Array,
) -> tuple[Array, ...]:  # fmt: skip
    """Follow the mean gradient, divided by the root of its mean square (Kingma & Ba 2015; Loshchilov & Hutter 2019).

    m = m + (1 - beta_1)(g - m);  v = v + (1 - beta_2)(g^2 - v);  w = (1 - shrink) w - rate m / (sqrt(v) + eps)

    The corrections of the first steps' bias are in `rate` and `eps`.
    """
    g = gradient * scale + weight * decay
    m = mean + beta1_rest * (g - mean)
    v = square + beta2_rest * (g * g - square)
    w = weight - weight * shrink - rate * m / (sqrt(v) + eps)
    return w, m, v


def rmsprop(
    weight: Array, gradient: Array, square: Array, scale: Array, decay: Array, alpha_rest: Array, rate: Array,
    eps: Array,
) -> tuple[Array, ...]:  # fmt: skip
    """Divide the gradient by the root of its mean square (Tieleman & Hinton 2012)."""
    g = gradient * scale + weight * decay
    v = square + alpha_rest * (g * g - square)
    w = weight - rate * g / (sqrt(v) + eps)
    return w, v


def adagrad(
    weight: Array, gradient: Array, square: Array, scale: Array, decay: Array, rate: Array, eps: Array
) -> tuple[Array, ...]:
    """Divide the gradient by the root of the sum of all its squares so far (Duchi, Hazan & Singer 2011)."""
    g = gradient * scale + weight * decay
    v = square + g * g
    w = weight - rate * g / (sqrt(v) + eps)
    return w, v


def sgd(
    weight: Array, gradient: Array, velocity: Array, scale: Array, decay: Array, momentum: Array, ahead: Array,
    gain: Array, rate: Array,
) -> tuple[Array, ...]:  # fmt: skip
    """Follow the gradient, with momentum (Polyak 1964), looked ahead of or not.

    u = momentum u + g;  w = w - rate (gain g + ahead u), where plain momentum has gain 0, ahead 1.
    """
    g = gradient * scale + weight * decay
    u = momentum * velocity + g
    w = weight - rate * (gain * g + ahead * u)
    return w, u


def _adam_scalars(options: Options, rate: float, step: int) -> tuple[float, ...]:
    beta1, beta2 = options.betas
    root = (1 - beta2**step) ** 0.5
    return options.weight_decay, 0.0, 1 - beta1, 1 - beta2, rate * root / (1 - beta1**step), options.eps * root


def _adamw_scalars(options: Options, rate: float, step: int) -> tuple[float, ...]:
    _, _, *rest = _adam_scalars(options, rate, step)
    return 0.0, rate * options.weight_decay, *rest


def _rmsprop_scalars(options: Options, rate: float, step: int) -> tuple[float, ...]:
    return options.weight_decay, 1 - options.alpha, rate, options.eps


def _adagrad_scalars(options: Options, rate: float, step: int) -> tuple[float, ...]:
    return options.weight_decay, rate, options.eps


def _sgd_scalars(options: Options, rate: float, step: int) -> tuple[float, ...]:
    ahead, gain = (options.momentum, 1.0) if options.nesterov else (1.0, 0.0)
    return options.weight_decay, options.momentum, ahead, gain, rate


@dataclass(frozen=True, slots=True)
class Rule:
    """An update rule: its equation, the names of its moments, and its scalars at a step.

    Attributes
    ----------
    update : callable
        Elementwise, of the weight, the gradient, the moments, the gradient's scale and the scalars; returns the
        new weight and moments.
    moments : tuple of str
        What it remembers of each weight; all start at zero.
    scalars : callable
        Options, learning rate and step (from 1) to the scalars.
    """

    update: Callable[..., tuple[Any, ...]]
    moments: tuple[str, ...]
    scalars: Callable[[Options, float, int], tuple[float, ...]]


RULES: dict[str, Rule] = {
    "adagrad": Rule(adagrad, ("square",), _adagrad_scalars),
    "adam": Rule(adam, ("mean", "square"), _adam_scalars),
    "adamw": Rule(adam, ("mean", "square"), _adamw_scalars),
    "rmsprop": Rule(rmsprop, ("square",), _rmsprop_scalars),
    "sgd": Rule(sgd, ("velocity",), _sgd_scalars),
}
NAMES = tuple(RULES)


class Optimizer:
    """An update rule with the moments of one set of weights.

    Parameters
    ----------
    name : str
        A name from `NAMES`.
    options : Options
        The rule's numbers.
    parameters : Parameters
        The weights that `step` will change, in place.
    gradients : Parameters
        Where their gradients will stand.
    backend : Backend
        The kernels.

    Attributes
    ----------
    moments : dict of str to ndarray, shape (size,)
        What the rule remembers, to be saved and restored.
    """

    def __init__(
        self, name: str, options: Options, parameters: Parameters, gradients: Parameters, backend: Backend
    ) -> None:
        self._rule, self._options = RULES[name], options
        self.moments: dict[str, Array] = {moment: np.zeros_like(parameters.flat) for moment in self._rule.moments}
        scalars = 1 + len(self._rule.scalars(options, 0.0, 1))
        self._apply = backend.elementwise(
            self._rule.update, [parameters.flat, gradients.flat, *self.moments.values()], scalars,
            [0, *range(2, 2 + len(self.moments))],
        )  # fmt: skip

    def step(self, rate: float, step: int, scale: float, part: int = 0, parts: int = 1) -> None:
        """Change the weights by one step.

        Parameters
        ----------
        rate : float
            The learning rate.
        step : int
            The number of this step, from 1.
        scale : float
            What the gradient is multiplied by: the clipping's factor.
        part, parts : int
            Which share of the weights to change, for several threads.
        """
        self._apply((scale, *self._rule.scalars(self._options, rate, step)), part, parts)

    def restore(self, moments: Mapping[str, Array]) -> None:
        """Take over saved moments."""
        for name, array in self.moments.items():
            array[...] = moments[name]
