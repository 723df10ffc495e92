"""Facts about orthogonal steps: each one against the same step by a singular value decomposition."""

import numpy as np
import pytest

from charlm.kernels.choice import load_backend
from charlm.network.architecture import Architecture
from charlm.training.optimizers import AdamW, Muon, Optimizer
from charlm.training.orthogonal import orthogonal
from tests.networks import KERNELS, assert_close

every_kernel = pytest.mark.parametrize(("kernels", "dtype"), KERNELS)
MOMENTUM, FACTOR = 0.9, 5  # what its documentation promises
HIDDEN = {"rnn.weight_hh_l0", "rnn.weight_ih_l1", "rnn.weight_hh_l1"}


def lifted(matrix):
    """What `orthogonal` gives, from the singular values."""
    u, values, vt = np.linalg.svd(matrix)
    values = values / np.sqrt((values**2).sum())
    for _ in range(3):
        values = 3.4445 * values - 4.7750 * values**3 + 2.0315 * values**5
    return u @ np.diag(values) @ vt


def optimizer_of(rule, cell="gru", kernels="numpy", dtype="float64", **options):
    net = Architecture(cell=cell, vocabulary_size=7, hidden_size=5, num_layers=2, dtype=dtype, **options)
    parameters = net.initial_parameters(3)
    gradients = parameters.like()
    return Optimizer(rule, parameters, gradients, load_backend(kernels)), parameters, gradients


@pytest.mark.parametrize("size", [1, 2, 30])
def test_an_orthogonal_matrix_is_the_iteration_of_the_singular_values(size):
    matrix = np.random.default_rng(size).normal(0, 3, (size, size))
    assert_close(orthogonal(matrix), lifted(matrix), 1e-12)


def test_all_directions_become_about_as_long_whatever_the_gradients_length():
    rng = np.random.default_rng(0)
    u, vt = (np.linalg.qr(rng.normal(size=(40, 40)))[0] for _ in range(2))
    for length in (1e-20, 1.0, 1e20):
        step = orthogonal(u @ np.diag(np.geomspace(0.03, 1, 40)) @ vt * length)
        values = np.linalg.svd(step, compute_uv=False)
        assert 0.3 < values.min() < values.max() < 1.21
    assert not orthogonal(np.zeros((3, 3), np.float32)).any()


@every_kernel
@pytest.mark.parametrize("cell", ["rnn", "gru", "lstm"])
def test_matrices_between_states_take_orthogonal_steps_gate_by_gate(cell, kernels, dtype):
    rule = Muon(weight_decay=0.1)
    optimizer, parameters, gradients = optimizer_of(rule, cell, kernels, dtype)
    rng = np.random.default_rng(1)
    expected = {name: parameters[name].astype(float) for name in HIDDEN}
    means = {name: np.zeros_like(array) for name, array in expected.items()}
    for step in range(1, 6):
        gradients.flat[...] = rng.normal(0, 1, gradients.flat.size)
        rate, scale = 0.02 / step, 0.5
        for name, weight in expected.items():
            means[name] = MOMENTUM * means[name] + (1 - MOMENTUM) * scale * gradients[name]
            weight *= 1 - FACTOR * rate * rule.weight_decay
            for gate in range(len(weight) // 5):
                rows = slice(gate * 5, gate * 5 + 5)
                weight[rows] -= FACTOR * rate * lifted(means[name][rows])
        optimizer.step(rate, step, scale, 0, 1)
    for name, weight in expected.items():
        assert_close(parameters[name], weight, 1e-12 if dtype == "float64" else 2e-5)


@every_kernel
@pytest.mark.parametrize("embedding", [None, 5])
def test_all_other_weights_move_as_with_adamw(embedding, kernels, dtype):
    numbers = ((0.6, 0.9), 1e-6, 0.1)
    runs = []
    for rule in (Muon(*numbers), AdamW(*numbers)):
        optimizer, parameters, gradients = optimizer_of(rule, "gru", kernels, dtype, embedding_size=embedding)
        for step in range(1, 4):
            gradients.flat[...] = np.random.default_rng(step).normal(0, 1, gradients.flat.size)
            optimizer.step(0.01, step, 1.0, 0, 1)
        runs.append(parameters)
    muon, adamw = runs
    for name in muon:
        assert np.array_equal(muon[name], adamw[name]) == (name not in HIDDEN), name


@every_kernel
def test_any_number_of_workers_gives_the_same_weights_and_a_restored_optimizer_goes_on_with_them(kernels, dtype):
    finals = []
    for workers in (1, 2, 3):
        optimizer, parameters, gradients = optimizer_of(Muon(), "lstm", kernels, dtype)
        for step in range(1, 5):
            if step == 3:
                saved = {name: array.copy() for name, array in optimizer.moments.items()}
                optimizer = Optimizer(Muon(), parameters, gradients, load_backend(kernels))
                optimizer.restore(saved)
            gradients.flat[...] = np.random.default_rng(step).normal(0, 1, gradients.flat.size)
            for worker in range(workers):
                optimizer.step(0.01, step, 1.0, worker, workers)
        finals.append(parameters.flat)
    np.testing.assert_array_equal(finals[0], finals[1])
    np.testing.assert_array_equal(finals[0], finals[2])
