"""The examples of docs/library.md and of the docstrings run, as a reader would type them."""

import doctest
import re
import shutil

import pytest

import charlm
from charlm.api import export, gradients, inspection, language_model, novelty, report, runs, training
from tests.conftest import ROOT
from tests.runs import trained, unsynced

PAGE = (ROOT / "docs" / "library.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
SHORTER = {
    '"max_minutes": 2': '"max_steps": 3, "batch_size": 4, "seq_length": 8',
    '"training.max_steps": 400': '"training.max_steps": 8, "training.sample_length": 5, "schedule.warmup_steps": 0',
    '"model.hidden_size": 128': '"model.hidden_size": 8',
    "max_steps=600": "max_steps=12",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Return a folder with what the page speaks of: corpora, configurations and models, all of them small."""
    folder = tmp_path_factory.mktemp("library")
    for name in ("configs", "data"):
        shutil.copytree(ROOT / name, folder / name)
    plays = "".join(path.read_text(encoding="utf-8") for path in sorted((ROOT / "data" / "plays").glob("*.txt")))
    (folder / "mine.txt").write_text(plays[:6_000], encoding="utf-8", newline="\n")
    (folder / "runs").mkdir()
    trained(folder / "runs", "plays", plays[:60_000])
    trained(folder / "runs", "bytes", plays[:3_000], corpus__unit="byte")
    return folder


def test_the_page_has_examples():
    assert len(EXAMPLES) > 10
    for given in SHORTER:
        assert given in "".join(EXAMPLES), "the page no longer says what is made shorter here"


@unsynced
def test_the_examples_run_one_after_the_other(folder, monkeypatch, capsys):
    monkeypatch.chdir(folder)
    names: dict[str, object] = {}
    for example in EXAMPLES:
        for given, shorter in SHORTER.items():
            example = example.replace(given, shorter)
        exec(compile(example, "docs/library.md", "exec"), names)
    output = capsys.readouterr().out
    for fact in ("False 5 of 8\nTrue 8\nTrue 12\n", "not in the vocabulary of ", "model.cell: 'lstmm' is not a cell"):
        assert fact in output


MODULES = (charlm, export, gradients, inspection, language_model, novelty, report, runs, training)
DOCSTRINGS = [found for module in MODULES for found in doctest.DocTestFinder().find(module) if found.examples]


@unsynced
@pytest.mark.parametrize("docstring", DOCSTRINGS, ids=lambda docstring: docstring.name)
def test_the_examples_of_a_docstring_run(folder, monkeypatch, docstring):
    monkeypatch.chdir(folder)
    shutil.rmtree(folder / "runs" / "mine", ignore_errors=True)
    docstring.globs = {"charlm": charlm, "model": charlm.load("runs/plays")}
    assert doctest.DocTestRunner().run(docstring).failed == 0


def test_every_function_that_the_page_shows_has_an_example():
    names = {docstring.name.split(".")[-1] for docstring in DOCSTRINGS}
    shown = {"load", "train", "load_config", "sample", "stream", "score", "log_probabilities", "next_probabilities"}
    assert names >= shown
    assert all(f".{name}(" in PAGE for name in shown)
