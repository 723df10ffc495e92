"""What `charlm.export_html` measures, writes and tells; tests/browser/test_writer.py runs the page."""

import json
import re

import numpy as np
import pytest

import charlm
from charlm.api import export
from charlm.cells import CELLS
from charlm.export.javascript import equations
from charlm.export.rounding import restored, stored
from charlm.files import modelfile
from tests.export.models import saved
from tests.runs import text, trained


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Return the run of a small model with an n-gram."""
    return trained(tmp_path_factory.mktemp("runs"), "run", text(3_000), model__ngram={"order": 4})


def content(path):
    """Return what the page's script loads."""
    (found,) = re.findall(r'<script type="application/json" id="model">(.*?)</script>', path.read_text("utf-8"))
    return json.loads(found)


def measured(report):
    """Return what the rounding costs, which was measured."""
    assert report.rounding is not None
    return report.rounding


@pytest.mark.parametrize("weights", ["float16", "int8"])
def test_what_rounding_costs_is_the_loss_of_a_model_with_those_weights(run, tmp_path, weights):
    model = charlm.load(run)
    report = charlm.export_html(model, tmp_path / "page.html", weights=weights)
    rounding = measured(report)
    values = restored(stored(model.parameters, weights))
    parameters = model.architecture.parameters()
    for name, array in parameters.items():
        array[...] = values[name]
    path = tmp_path / "rounded.safetensors"
    modelfile.save(path, model.architecture, parameters, model.vocabulary, {}, mixture=model.mixture)
    valid = model.read_part("valid")
    assert rounding.loss == pytest.approx(charlm.load(path).score(valid).loss, abs=1e-6)
    assert rounding.trained_loss == pytest.approx(model.score(valid).loss, abs=1e-6)
    assert rounding.loss != rounding.trained_loss
    assert rounding.chars == len(valid) - 1
    assert rounding.described in (tmp_path / "page.html").read_text("utf-8")
    assert report.size == (tmp_path / "page.html").stat().st_size


def test_a_page_that_would_be_too_large_has_no_ngram_and_says_so(run, tmp_path, monkeypatch):
    model = charlm.load(run)
    whole = charlm.export_html(model, tmp_path / "whole.html")
    assert (whole.notes, content(tmp_path / "whole.html")["order"]) == ((), 4)
    monkeypatch.setattr(export, "LARGEST_PAGE", whole.size - 1_000)
    part = charlm.export_html(model, tmp_path / "part.html")
    assert part.notes == ("without the 4-gram, with which the page would have 26.1 kB",)
    assert part.size < whole.size
    assert content(tmp_path / "part.html")["order"] == 0
    page = (tmp_path / "part.html").read_text("utf-8")
    assert part.notes[0] in page
    assert "symbols</title>" in page
    assert "with a 4-gram" not in page
    alone = charlm.load(run, ngram=False).score(model.read_part("valid")).loss
    assert measured(part).trained_loss == pytest.approx(alone, abs=1e-6)


def test_a_model_whose_corpus_is_not_known_is_exported_without_a_loss(tmp_path):
    report = charlm.export_html(saved(tmp_path), tmp_path / "page.html")
    assert report.rounding is None
    assert str(report.unmeasured).endswith(": does not say how its corpus was read")


def test_a_model_without_validation_text_is_exported_without_a_loss(tmp_path):
    run = trained(tmp_path, "whole", text(500), corpus__split={"train": 1, "valid": 0, "test": 0})
    report = charlm.export_html(charlm.load(run), tmp_path / "page.html")
    assert str(report.unmeasured) == f"{run} has no validation text"


def test_a_corpus_that_was_moved_can_be_named(tmp_path):
    run = trained(tmp_path, "run", text(3_000))
    (tmp_path / "run.txt").rename(tmp_path / "moved.txt")
    model = charlm.load(run)
    assert charlm.export_html(model, tmp_path / "a.html").rounding is None
    assert measured(charlm.export_html(model, tmp_path / "b.html", corpus=tmp_path / "moved.txt")).chars > 100
    with pytest.raises(charlm.CharlmError, match=r"gone\.txt"):
        charlm.export_html(model, tmp_path / "c.html", corpus=tmp_path / "gone.txt")
    assert not (tmp_path / "c.html").exists()


def test_the_same_model_gives_the_same_page(run, tmp_path):
    for name in "ab":
        charlm.export_html(charlm.load(run), tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_the_equations_of_a_cell_are_those_in_python():
    assert equations(CELLS["gru"]).splitlines()[3:] == [
        "    const a_r = columns[0 * H + j];",
        "    const a_z = columns[1 * H + j];",
        "    const x_n = columns[2 * H + j];",
        "    const h_n = columns[3 * H + j];",
        "    const h_before = states[0][j];",
        "    const r = sigmoid(a_r);",
        "    const z = sigmoid(a_z);",
        "    const n = tanh(x_n + r * h_n);",
        "    const h = n + z * (h_before - n);",
        "    states[0][j] = h;",
        "  }",
        "}",
    ]


def test_what_the_script_loads_cannot_end_its_element(tmp_path):
    charlm.export_html(saved(tmp_path), tmp_path / "page.html")
    (found,) = re.findall(r'id="model">(.*)', (tmp_path / "page.html").read_text("utf-8"))
    assert found.removesuffix("</script>").count("<") == 0
    assert "<" in content(tmp_path / "page.html")["symbols"]


def test_an_array_is_described_as_it_lies_in_the_page(tmp_path):
    model = saved(tmp_path)
    charlm.export_html(model, tmp_path / "page.html", weights="int8")
    described = {name: (kind, size) for name, kind, size in content(tmp_path / "page.html")["tensors"]}
    assert described["decoder.weight"] == ("|i1", model.parameters["decoder.weight"].size)
    assert described["decoder.weight.scales"] == ("<f4", 4 * len(model.vocabulary))
    assert described["decoder.bias"] == ("<f4", 4 * np.size(model.parameters["decoder.bias"]))


def test_a_model_is_written_although_the_file_that_it_was_read_from_has_gone(tmp_path):
    model = charlm.load(saved(tmp_path).path)
    model.path.unlink()
    kept = tmp_path / "kept.safetensors"
    kept.write_text("old")
    model.save(kept, overwrite=True)
    charlm.export_torch(model, tmp_path / "torch.safetensors")
    assert charlm.load(kept).sample(length=20, seed=1) == model.sample(length=20, seed=1)
