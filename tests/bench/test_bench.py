"""Facts about measuring: what is counted, what is reported, and that a stopwatch changes nothing."""

import json
import subprocess
import sys
from dataclasses import replace
from itertools import islice
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from charlm.bench import Product, Report, measure, network, products, random_symbols, training
from charlm.bench.stopwatch import Stopwatch
from charlm.cells import NAMES
from charlm.cli.bench import command
from charlm.config import Config
from charlm.kernels.choice import load_backend
from charlm.network import products as layers
from charlm.network.architecture import Architecture
from charlm.network.model import Model
from charlm.workers.team import Team
from tests.networks import BACKENDS
from tests.runs import configured

ARCHITECTURE = Architecture("lstm", vocabulary_size=5, hidden_size=4, num_layers=2)


def small(**changes: Any) -> Config:
    """Return the configuration that goes with ARCHITECTURE."""
    keys = {"model__hidden_size": 4, "model__num_layers": 2, "training__batch_size": 2, "training__seq_length": 3}
    return configured("-", **{**keys, "workers": 2, **changes})


@pytest.fixture(scope="module")
def report() -> Report:
    return measure(small(), 5, 3, peak_size=256)


def flops(architecture: Architecture, dropped: bool = False) -> int:
    return sum(product.flops for product in products(architecture, 3, 2, dropped))


# --- What is counted


def test_the_operations_of_two_lstm_layers_are_those_counted_by_hand():
    # V 5, H 4, 16 gate rows, T 3, B 2, so 6 places; a multiplication with its addition counts 2.
    a_step = 2 * 2 * 4 * 16  # one of h W_h^T, da W_h for 2 streams
    recurrent = 3 * a_step + 3 * a_step + 2 * 6 * 4 * 16  # forward, backward, and the gradient of W_h at once
    between = 3 * (2 * 6 * 4 * 16)  # x W_x^T, its gradient of W_x and of x
    read_out = 3 * (2 * 6 * 4 * 5)
    assert flops(ARCHITECTURE) == 2 * recurrent + between + read_out == 7632


def test_an_embedding_is_multiplied_once_a_symbol_or_under_dropout_once_a_place():
    embedded = replace(ARCHITECTURE, embedding_size=7)
    assert flops(embedded) - flops(ARCHITECTURE) == 3 * (2 * 5 * 7 * 16)
    assert flops(embedded, dropped=True) - flops(ARCHITECTURE) == 3 * (2 * 6 * 7 * 16)


@pytest.mark.parametrize("cell", NAMES)
def test_the_counted_operations_of_a_layer_are_those_that_numpy_is_asked_for(monkeypatch, cell):
    config, team = small(model__cell=cell, model__num_layers=1, workers=1), Team(1)
    model = network(config, 5)
    trainer = training(config, model, team, random_symbols(config, 5))
    matmul, asked = np.matmul, []

    def counting(left, right, out):
        if left.ndim == 2:  # a product with a vector of ones is a sum
            asked.append(2 * left.shape[0] * left.shape[1] * right.shape[1])
        return matmul(left, right, out=out)

    monkeypatch.setattr(layers, "FEW_SYMBOLS", 0)  # to sum by symbol is no product, even where one does it
    monkeypatch.setattr(np, "matmul", counting)
    next(trainer.run())
    team.close()
    assert sum(asked) == flops(model.architecture)


@pytest.mark.parametrize("transposed", ["", "A", "B"])
def test_a_product_done_again_is_as_large_and_as_frequent_as_it_says(monkeypatch, transposed):
    matmul, done = np.matmul, []

    def noting(left, right, out):
        done.append((left.shape, right.shape, left.flags.c_contiguous, right.flags.c_contiguous))
        return matmul(left, right, out=out)

    monkeypatch.setattr(np, "matmul", noting)
    Product("any", 3, 4, 5, transposed, times=2).replay("float32")()
    assert done == [((3, 4), (4, 5), transposed != "A", transposed != "B")] * 2


# --- What is reported


def test_the_figures_are_of_one_another(report):
    assert report.steps == 3
    assert report.split == (2, 1)
    assert 0 < report.step.low <= report.step.median <= report.step.high
    assert report.chars_per_second == pytest.approx(6 / report.step.median)
    assert report.flops == 7632
    assert report.flops_per_second == pytest.approx(7632 / report.step.median)
    assert report.share_of_peak == pytest.approx(report.flops_per_second / report.peak)
    assert report.written_per_second > 0
    assert report.peak > 1e8


def test_the_orthogonal_steps_of_muon_are_a_part(report):
    muon = measure(small(optimizer__name="muon"), 5, 3, peak_size=256)
    assert "orthogonal steps" in [part.name for part in muon.parts]
    assert "orthogonal steps" not in [part.name for part in report.parts]


def test_the_parts_are_a_steps_and_their_operations_the_steps(report):
    names = [part.name for part in report.parts]
    assert names[0] == "preparing weights"
    assert names[-1] == "rest"
    assert {"time loops, forward", "time loops, backward", "softmax and loss", "look-up gradient"} < set(names)
    assert sum(part.flops for part in report.parts) == report.flops
    assert all(part.seconds > 0 for part in report.parts[:-1])
    assert sum(part.seconds for part in report.parts) >= report.instrumented * (1 - 1e-9)


@pytest.mark.parametrize("kernels", BACKENDS)
def test_a_stopwatch_changes_no_number(kernels):
    def losses(watched: bool) -> list[float]:
        team, model = Team(2), Model(ARCHITECTURE, load_backend(kernels))
        if watched:
            model.backend = Stopwatch().watch(model.backend)
        steps = islice(training(small(), model, team, random_symbols(small(), 5)).run(), 4)
        found = [progress.loss for progress in steps]
        team.close()
        return found

    assert losses(watched=True) == losses(watched=False)


def test_a_stopwatch_adds_up_by_name():
    stopwatch = Stopwatch()
    double = stopwatch.timed("doubling", lambda x: 2 * x)
    assert [double(3), double(4)] == [6, 8]
    assert stopwatch.total("doubling") > 0
    assert stopwatch.total("halving") == 0
    stopwatch.clear()
    assert stopwatch.total("doubling") == 0


def test_the_peak_of_memory_stays_when_the_memory_is_given_back():
    code = (
        "import numpy as np; from charlm.memory import peak_memory\n"
        "before = peak_memory(); np.ones(8_000_000); print(before, peak_memory())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    before, after = map(int, done.stdout.split())
    assert before > 10e6
    assert 60e6 < after - before < 70e6


# --- The command


def run(*arguments: str) -> str:
    small = ("--set", "model.hidden_size=8", "--set", "training.batch_size=4", "--set", "training.seq_length=4")
    result = CliRunner().invoke(command, [*arguments, *small, "--repeat", "2"], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_json_has_every_figure():
    document = json.loads(run("--json", "--vocabulary", "17"))
    assert set(document) == {
        "model", "kernels", "batch_size", "seq_length", "workers", "blas_threads", "steps",
        "seconds_per_step", "chars_per_second", "flops_per_step", "gflops", "peak_gflops", "share_of_peak",
        "peak_memory_bytes",
        "sampled_chars_per_second", "instrumented_seconds_per_step", "parts", "loop_products_seconds",
    }  # fmt: skip
    assert document["model"]["vocabulary_size"] == 17
    assert document["model"]["hidden_size"] == 8
    assert document["steps"] == 2
    assert set(document["seconds_per_step"]) == {"median", "low", "high"}
    assert set(document["parts"][0]) == {"name", "seconds", "flops", "measured"}


def test_a_configuration_is_measured_without_its_corpus(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text(
        "corpus: {path: nowhere.txt, mode: lines}\nmodel: {cell: gru, embedding_size: 6, dropout: {output: 0.5}}\n"
        "optimizer: {name: sgd}\nkernels: numpy\n"
    )
    written = run(str(path))
    assert "2 x gru of 8, 65 symbols, 4 x 4 characters, float32, numpy kernels" in written
    assert "its n-gram" not in written
    both = run(str(path), "--set", "model.ngram.order=3")
    assert "chars/s, one text, by the network alone, without its n-gram\n" in both
    for line in ("training", "step", "products", "writing", "memory", "time loops, forward", "optimizer", "rest"):
        assert f"\n{line}" in written
