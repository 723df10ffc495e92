"""`charlm export`: a model in the forms of other programs."""

import re

import pytest

import charlm
from charlm import cli
from tests.runs import text, trained


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    trained(folder, "run", text(3_000), model__ngram={"order": 3})
    return folder


@pytest.fixture
def export(folder, capsys, monkeypatch):
    """Return a function that exports the model in this process and gives what was said if all went well."""
    monkeypatch.chdir(folder)

    def run(*arguments):
        status = cli.main(["export", "run", *map(str, arguments)])
        output, message = capsys.readouterr()
        assert (status, output) == (0, ""), message
        return message

    return run


def test_the_command_writes_what_the_function_writes_and_says_what_is_left_out(folder, export, tmp_path):
    said = export("--torch", tmp_path / "torch.safetensors")
    assert said == f"{tmp_path / 'torch.safetensors'}: written; the network alone, without its 3-gram\n"
    charlm.export_torch(charlm.load(folder / "run"), tmp_path / "same.safetensors")
    assert (tmp_path / "torch.safetensors").read_bytes() == (tmp_path / "same.safetensors").read_bytes()


def test_a_page_is_told_with_its_size_and_what_its_weights_cost(export, tmp_path):
    page, alone = tmp_path / "page.html", tmp_path / "alone.html"
    written, cost = export("--html", page, "--weights", "int8").splitlines()
    assert written == f"{page}: written, {page.stat().st_size / 1e6:.2f} MB"
    assert re.fullmatch(
        r"int8 weights: \d\.\d{4} nats per character with the 3-gram, \d\.\d{4} with the trained weights, "
        r"on \d+ characters of the validation text",
        cost,
    )
    export("--html", alone, "--weights", "int8", "--without-ngram")
    assert alone.stat().st_size < page.stat().st_size
    assert "3-gram" in page.read_text("utf-8")
    assert "3-gram" not in alone.read_text("utf-8")


def test_a_page_of_a_model_whose_text_was_moved_says_which_option_names_it(tmp_path, monkeypatch, capsys):
    trained(tmp_path, "run", text(3_000))
    (tmp_path / "run.txt").rename(tmp_path / "moved.txt")
    monkeypatch.chdir(tmp_path)
    assert cli.main(["export", "run", "--html", "page.html"]) == 0
    said = capsys.readouterr().err.splitlines()
    assert said[1].startswith("what float16 weights cost was not measured: run: its corpus cannot be read again: ")
    assert said[1].endswith("f it was moved, say where it is now (--corpus)")
    assert cli.main(["export", "run", "--html", "page.html", "--force", "--corpus", "moved.txt"]) == 0
    assert "nats per character" in capsys.readouterr().err


def test_a_file_is_replaced_only_by_force(export, tmp_path, capsys):
    file = tmp_path / "torch.safetensors"
    file.write_text("mine")
    assert cli.main(["export", "run", "--torch", str(file)]) == 2
    assert file.read_text() == "mine"
    capsys.readouterr()
    export("--torch", file, "--force")
    assert file.stat().st_size > 1000


def test_nothing_is_written_where_a_later_file_may_not_be(export, tmp_path):
    (tmp_path / "page.html").write_text("mine")
    first = tmp_path / "torch.safetensors"
    assert cli.main(["export", "run", "--torch", str(first), "--html", str(tmp_path / "page.html")]) == 2
    assert not first.exists()


def test_both_files_are_written_at_once(export, tmp_path):
    pytest.importorskip("onnx", reason="the extra onnx is not installed")
    assert export("--torch", tmp_path / "a", "--onnx", tmp_path / "b").count(": written") == 2
    assert (tmp_path / "b").stat().st_size > 1000
