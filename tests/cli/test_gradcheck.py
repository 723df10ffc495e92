"""`charlm gradcheck`: one line a tensor, and a failure where one is wrong."""

import numpy as np
import pytest

from charlm import cli
from charlm.cells import NAMES
from charlm.config import dump_yaml
from charlm.network.model import Model
from charlm.ngram import mixture
from tests.runs import configured


@pytest.fixture
def gradcheck(tmp_path, capsys):
    """Return a function that checks a configuration in this process and gives status, output and messages."""

    def run(*arguments, **changes):
        path = tmp_path / "check.yaml"
        path.write_text(dump_yaml(configured("no such corpus.txt", **changes)), encoding="utf-8")
        status = cli.main(["gradcheck", str(path), "--most", "5", *arguments])
        return status, *capsys.readouterr()

    return run


@pytest.mark.parametrize("cell", NAMES)
def test_every_tensor_has_a_line_and_none_is_wrong(gradcheck, cell):
    status, output, message = gradcheck("--set", "model.num_layers=2", model__cell=cell)
    assert (status, message) == (0, "")
    rows = [line.split() for line in output.splitlines()]
    assert all(row[0] == "ok" for row in rows)
    names = {row[1] for row in rows}
    assert {
        "rnn.weight_ih_l0",
        "rnn.weight_hh_l1",
        "rnn.bias_ih_l1",
        "decoder.weight",
        "decoder.bias",
        "initial",
    } <= names


def test_the_options_of_the_network_are_checked_too(gradcheck):
    status, output, _ = gradcheck(
        model__embedding_size=8,
        model__tie_weights=True,
        model__dropout={"input": 0.2, "output": 0.3, "locked": True},
        corpus__mode="lines",
    )
    assert status == 0
    assert "embedding.weight" in output
    assert "decoder.weight" not in output


def test_a_wrong_gradient_is_named_and_fails(gradcheck, monkeypatch):
    backward = Model._backward

    def wrong(self, parameters, prepared, workspace, inputs):
        backward(self, parameters, prepared, workspace, inputs)
        workspace.gradients["rnn.weight_hh_l0"][...] *= np.float64(1.001)

    monkeypatch.setattr(Model, "_backward", wrong)
    status, output, message = gradcheck()
    assert status == 1
    assert [line.split()[1] for line in output.splitlines() if line.startswith("WRONG")] == ["rnn.weight_hh_l0"]
    assert message == "charlm: 1 gradients differ from finite differences by more than 1e-06\n"


def test_the_scales_of_an_ngram_are_checked_and_a_wrong_derivative_is_seen(gradcheck, monkeypatch):
    status, output, _ = gradcheck(model__ngram__order=5)
    assert (status, [line.split()[0] for line in output.splitlines() if "ngram.scales" in line]) == (0, ["ok"])
    right = mixture.loss_and_derivatives

    def wrong(*arguments):
        loss, first, second = right(*arguments)
        return loss, 1.001 * first, second

    monkeypatch.setattr("charlm.insight.gradcheck.loss_and_derivatives", wrong)
    assert gradcheck(model__ngram__order=5)[0] == 1
