"""A model in PyTorch: the module that docs/export.md shows computes the same."""

import json
import sys
import warnings

import numpy as np
import pytest
from safetensors import safe_open

import charlm
from charlm.corpus.vocabulary import Vocabulary
from tests.export.models import OF_THE_PAGE, SHOWN, every_network, expected_after, run_example, saved, some_texts

ROWS = {"rnn": 1, "gru": 3, "lstm": 4, "simple-gru": 3, "lstm-1997": 4}  # gates of the layer in PyTorch


@pytest.fixture(scope="module")
def char_model():
    """Return the class that the page shows."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what an installation of PyTorch minds about its surroundings
        pytest.importorskip("torch", reason="PyTorch is not installed: the module of docs/export.md is not run")
    names: dict[str, object] = {}
    run_example(SHOWN[0], names)
    return names["CharModel"]


@every_network
def test_the_module_that_the_page_shows_gives_the_same_log_probabilities(char_model, tmp_path, name):
    import torch

    model = saved(tmp_path, name)
    charlm.export_torch(model, tmp_path / "torch.safetensors")
    texts = some_texts(model, 30, 3)
    ids, expected = torch.from_numpy(texts), expected_after(model, texts)
    with torch.no_grad():
        module = char_model(tmp_path / "torch.safetensors")
        whole, _ = module(ids)
        first, state = module(ids[:17])
        rest, _ = module(ids[17:], state)
    rounding = 1e-10 if name == "float64" else 2e-5
    np.testing.assert_allclose(whole.numpy(), expected, atol=rounding)
    np.testing.assert_allclose(torch.cat([first, rest]).numpy(), expected, atol=rounding)


def test_the_example_of_the_page_names_the_likeliest_character(char_model, tmp_path, monkeypatch, capsys):
    model = saved(tmp_path, vocabulary=OF_THE_PAGE)
    charlm.export_torch(model, tmp_path / "plays-torch.safetensors")
    monkeypatch.chdir(tmp_path)
    run_example(SHOWN[1], {"CharModel": char_model, "torch": sys.modules["torch"]})
    assert capsys.readouterr().out.startswith(repr(*model.next_probabilities("To be, or not to b", top=1)))


@every_network
def test_the_file_is_plain_safetensors_of_the_layers_shapes(tmp_path, name):
    model = saved(tmp_path, name)
    charlm.export_torch(model, tmp_path / "torch.safetensors")
    a = model.architecture
    rows, width = ROWS[a.cell] * a.hidden_size, a.embedding_size or a.vocabulary_size
    expected = {"decoder.weight": [a.vocabulary_size, 6], "decoder.bias": [a.vocabulary_size]}
    if a.embedding_size is not None:
        expected["embedding.weight"] = [a.vocabulary_size, a.embedding_size]
    for layer in range(a.num_layers):
        expected |= {f"rnn.{bias}_l{layer}": [rows] for bias in ("bias_ih", "bias_hh")}
        expected[f"rnn.weight_ih_l{layer}"] = [rows, width if layer == 0 else 6]
        expected[f"rnn.weight_hh_l{layer}"] = [rows, 6]
    with safe_open(tmp_path / "torch.safetensors", "np") as file:
        assert {name: file.get_slice(name).get_shape() for name in file.keys()} == expected  # noqa: SIM118
        assert {file.get_tensor(name).dtype.name for name in file.keys()} == {a.dtype}  # noqa: SIM118


@pytest.mark.parametrize(
    ("options", "expected"),
    [({}, {"unit": "char", "symbols": list("\n aébc<")}),
     ({"start_symbol": 3}, {"unit": "char", "symbols": list("\n aébc<"), "start_symbol": 3}),
     ({"vocabulary": Vocabulary.of(b"a\xc3\xa9")}, {"unit": "byte", "symbols": [97, 169, 195]})],
)  # fmt: skip
def test_the_metadata_says_what_the_ids_mean(tmp_path, options, expected):
    charlm.export_torch(saved(tmp_path, **options), tmp_path / "torch.safetensors")
    with safe_open(tmp_path / "torch.safetensors", "np") as file:
        about = file.metadata()
    assert about.pop("cell") == "gru"
    assert {"unit": about.pop("unit"), **{name: json.loads(text) for name, text in about.items()}} == expected
