"""A model as an ONNX graph: onnxruntime computes what NumPy does, step by step."""

import json
import sys
import warnings

import numpy as np
import pytest

import charlm
from tests.export.models import (
    OF_THE_PAGE,
    SHOWN,
    SYMBOLS,
    every_network,
    expected_after,
    run_example,
    saved,
    some_texts,
)


@pytest.fixture(scope="module")
def runtime():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what an installation minds about its surroundings
        pytest.importorskip("onnx", reason="the extra onnx is not installed: no graph is written")
        return pytest.importorskip("onnxruntime", reason="onnxruntime is not installed: no graph is run")


def session(runtime, path):
    return runtime.InferenceSession(str(path), providers=["CPUExecutionProvider"])


def read(step, ids, dtype):
    """Return the log-probabilities after each of ids, (T, B, V)."""
    names = [value.name for value in step.get_inputs()[1:]]
    layers, _, units = step.get_inputs()[1].shape
    state = {name: np.zeros((layers, ids.shape[1], units), dtype) for name in names}
    rows = []
    for symbols in ids:
        log_p, *after = step.run(None, {"ids": symbols, **state})
        state = dict(zip(names, after, strict=True))
        rows.append(log_p)
    return np.stack(rows)


@every_network
def test_the_graph_computes_what_numpy_does(runtime, tmp_path, name):
    model = saved(tmp_path, name)
    charlm.export_onnx(model, tmp_path / "step.onnx")
    ids = some_texts(model, 30, 3)
    log_p = read(session(runtime, tmp_path / "step.onnx"), ids, model.architecture.dtype)
    rounding = 1e-10 if name == "float64" else 2e-5
    np.testing.assert_allclose(log_p, expected_after(model, ids), atol=rounding)


def test_the_metadata_says_what_the_ids_mean(runtime, tmp_path):
    charlm.export_onnx(saved(tmp_path, start_symbol=0), tmp_path / "step.onnx")
    about = session(runtime, tmp_path / "step.onnx").get_modelmeta().custom_metadata_map
    assert json.loads(about["symbols"]) == list(SYMBOLS)
    assert (about["unit"], about["start_symbol"]) == ("char", "0")


def test_the_example_of_the_page_names_the_likeliest_character(runtime, tmp_path, monkeypatch, capsys):
    model = saved(tmp_path, vocabulary=OF_THE_PAGE)
    charlm.export_onnx(model, tmp_path / "plays.onnx")
    monkeypatch.chdir(tmp_path)
    run_example(SHOWN[-1], {})
    assert capsys.readouterr().out.startswith(repr(*model.next_probabilities("To be, or not to b", top=1)))


def test_without_the_package_it_is_named_and_nothing_is_written(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(charlm.CharlmError, match=r"needs the package onnx.*pip install 'charlm\[onnx\]'"):
        charlm.export_onnx(saved(tmp_path), tmp_path / "step.onnx")
    assert not (tmp_path / "step.onnx").exists()
