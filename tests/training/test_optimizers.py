"""Facts about the update rules: each one number by number, against its equation written once more."""

from collections.abc import Callable
from inspect import signature
from math import sqrt

import numpy as np
import pytest

from charlm.kernels.choice import load_backend
from charlm.network.parameters import Parameters
from charlm.training.optimizers import NAMES, RULES, SGD, Adagrad, Adam, AdamW, Muon, Optimizer, RMSprop, Rule
from tests.networks import KERNELS, assert_close

Step = Callable[[float, float, float, int], float]  # weight, gradient, rate and step (from 1) to the new weight
every_kernel = pytest.mark.parametrize(("kernels", "dtype"), KERNELS)

# The rules once more, for one weight, as the papers and PyTorch's documentation have them.


def literal_adam(o: Adam | AdamW | Muon, decoupled: bool = False) -> Step:
    m = v = 0.0

    def step(w: float, g: float, rate: float, t: int) -> float:
        nonlocal m, v
        if decoupled:
            w = w - rate * o.weight_decay * w
        else:
            g = g + o.weight_decay * w
        m = o.betas[0] * m + (1 - o.betas[0]) * g
        v = o.betas[1] * v + (1 - o.betas[1]) * g**2
        corrected_m, corrected_v = m / (1 - o.betas[0] ** t), v / (1 - o.betas[1] ** t)
        return w - rate * corrected_m / (sqrt(corrected_v) + o.eps)

    return step


def literal_adamw(o: AdamW | Muon) -> Step:
    return literal_adam(o, decoupled=True)


def literal_rmsprop(o: RMSprop) -> Step:
    v = 0.0

    def step(w: float, g: float, rate: float, t: int) -> float:
        nonlocal v
        g = g + o.weight_decay * w
        v = o.alpha * v + (1 - o.alpha) * g**2
        return w - rate * g / (sqrt(v) + o.eps)

    return step


def literal_adagrad(o: Adagrad) -> Step:
    total = 0.0

    def step(w: float, g: float, rate: float, t: int) -> float:
        nonlocal total
        g = g + o.weight_decay * w
        total += g**2
        return w - rate * g / (sqrt(total) + o.eps)

    return step


def literal_sgd(o: SGD) -> Step:
    velocity = 0.0

    def step(w: float, g: float, rate: float, t: int) -> float:
        nonlocal velocity
        g = g + o.weight_decay * w
        velocity = g if t == 1 else o.momentum * velocity + g
        return w - rate * (g + o.momentum * velocity if o.nesterov else velocity)

    return step


LITERAL: dict[type[Rule], Callable[..., Step]] = {
    Adam: literal_adam,
    AdamW: literal_adamw,
    Muon: literal_adamw,  # its matrices between states have tests of their own
    RMSprop: literal_rmsprop,
    Adagrad: literal_adagrad,
    SGD: literal_sgd,
}
CASES: list[Rule] = [
    Adam(),
    Adam(betas=(0.7, 0.9), eps=1e-3, weight_decay=0.1),
    Adam(betas=(0.0, 0.99)),
    AdamW(weight_decay=0.2),
    AdamW(betas=(0.5, 0.8), eps=1e-4),
    Muon(),
    Muon(betas=(0.5, 0.8), eps=1e-4, weight_decay=0.2),
    RMSprop(),
    RMSprop(alpha=0.8, eps=1e-2, weight_decay=0.05),
    Adagrad(),
    Adagrad(eps=1e-3, weight_decay=0.05),
    SGD(),
    SGD(weight_decay=0.1),
    SGD(momentum=0.9),
    SGD(momentum=0.9, nesterov=True, weight_decay=0.01),
]
every_case = pytest.mark.parametrize("rule", CASES, ids=str)


def optimizer_of(rule: Rule, size: int, kernels: str = "numpy", dtype: str = "float64"):
    parameters = Parameters({"w": (size,)}, np.dtype(dtype))
    gradients = parameters.like()
    return Optimizer(rule, parameters, gradients, load_backend(kernels)), parameters.flat, gradients.flat


@every_kernel
@every_case
def test_a_rule_moves_every_weight_as_its_equation_says(rule, kernels, dtype):
    size, rng = 37, np.random.default_rng(1)
    optimizer, weights, gradients = optimizer_of(rule, size, kernels, dtype)
    weights[...] = rng.normal(0, 1, size)
    expected = weights.astype(float)
    equations = [LITERAL[type(rule)](rule) for _ in range(size)]
    for step in range(1, 13):
        rate, scale = 0.1 / step, 1.0 if step % 2 else 0.25
        gradients[...] = rng.normal(0, 2, size)
        expected[...] = [
            equation(w, float(g) * scale, rate, step)
            for equation, w, g in zip(equations, expected, gradients, strict=True)
        ]
        optimizer.step(rate, step, scale, 0, 1)
    assert_close(weights, expected, 1e-12 if dtype == "float64" else 2e-5)


def test_a_rule_begins_with_the_numbers_that_its_documentation_promises():
    for rule in (Adam, AdamW, Muon):
        assert rule() == rule(betas=(0.9, 0.999), eps=1e-8, weight_decay=0)
    assert RMSprop() == RMSprop(alpha=0.99, eps=1e-8, weight_decay=0)
    assert Adagrad() == Adagrad(eps=1e-8, weight_decay=0)
    assert SGD() == SGD(momentum=0, nesterov=False, weight_decay=0)


def test_rules_keep_the_names_that_configurations_and_checkpoints_have():
    assert {"adagrad", "adam", "adamw", "muon", "rmsprop", "sgd"} <= set(NAMES) == set(RULES)


def test_every_rule_has_a_second_opinion():
    assert {type(rule) for rule in CASES} == set(RULES.values()) == set(LITERAL)


@every_case
def test_a_rules_scalars_are_those_that_its_equation_names(rule):
    taken, vectors = list(signature(rule.update).parameters), 2 + len(rule.moments)
    assert taken[:vectors] == ["weight", "gradient", *rule.moments]
    assert set(taken[vectors:]) == {"scale", *rule.scalars(0.1, 1)}


@every_kernel
@every_case
def test_a_step_leaves_the_gradient_as_it_was_and_a_second_run_gives_the_same_bits(rule, kernels, dtype):
    finals = []
    for _ in range(2):
        optimizer, weights, gradients = optimizer_of(rule, 50, kernels, dtype)
        weights[...] = np.linspace(-1, 1, 50)
        gradients[...] = np.linspace(3, -3, 50)
        for step in range(1, 5):
            optimizer.step(0.1, step, 0.5, 0, 1)
        np.testing.assert_array_equal(gradients, np.linspace(3, -3, 50).astype(dtype))
        finals.append([weights.copy(), *(moment.copy() for moment in optimizer.moments.values())])
    for array, expected in zip(*finals, strict=True):
        np.testing.assert_array_equal(array, expected)


@every_case
def test_restored_moments_go_on_as_those_that_were_saved(rule):
    rng = np.random.default_rng(2)
    whole, weights, gradients = optimizer_of(rule, 20)
    fresh, other_weights, other_gradients = optimizer_of(rule, 20)
    for step in range(1, 7):
        if step == 4:
            fresh.restore({moment: array.copy() for moment, array in whole.moments.items()})
            other_weights[...] = weights
        gradients[...] = rng.normal(0, 1, 20)
        other_gradients[...] = gradients
        whole.step(0.1, step, 1.0, 0, 1)
        if step >= 4:
            fresh.step(0.1, step, 1.0, 0, 1)
    np.testing.assert_array_equal(other_weights, weights)


@every_kernel
@pytest.mark.parametrize("rule", [rule for rule in CASES if rule.weight_decay == 0], ids=str)
def test_a_gradient_of_zero_moves_nothing_without_decay(rule, kernels, dtype):
    optimizer, weights, _ = optimizer_of(rule, 10, kernels, dtype)
    weights[...] = np.arange(10)
    for step in range(1, 4):
        optimizer.step(0.1, step, 1.0, 0, 1)
    np.testing.assert_array_equal(weights, np.arange(10))


@every_kernel
@pytest.mark.parametrize("rule", [Adam, AdamW, Muon])
def test_adams_first_step_has_the_size_of_the_rate(rule, kernels, dtype):
    optimizer, weights, gradients = optimizer_of(rule(), 3, kernels, dtype)
    gradients[...] = [1e-3, -5, 200]
    optimizer.step(0.01, 1, 1.0, 0, 1)
    np.testing.assert_allclose(weights, [-0.01, 0.01, -0.01], rtol=2e-5)
