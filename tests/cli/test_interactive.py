"""`charlm sample --interactive`: the model proposes, a person chooses, and the text is what was chosen."""

import io
import os
import subprocess
import sys
import time

import pytest

import charlm
from charlm import cli
from tests.conftest import ROOT
from tests.runs import text, trained


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    more = {"training__max_steps": 60, "optimizer__learning_rate": 0.02}
    trained(folder, "stream", text(3_000), **more)
    trained(folder, "lines", "emma\nolivia\nada\n" * 60, corpus__mode="lines", **more)
    trained(folder, "bytes", "täglich 猫\n" * 200, corpus__unit="byte", **more)
    return folder


@pytest.fixture
def converse(folder, capsys, monkeypatch):
    """Return a function that types lines, and gives what came on standard output and standard error."""
    monkeypatch.chdir(folder)

    def run(model, *typed, options=()):
        given = io.TextIOWrapper(io.BytesIO("".join(f"{line}\n" for line in typed).encode()))
        monkeypatch.setattr(sys, "stdin", given)
        status = cli.main(["sample", model, "--interactive", *options])
        output, message = capsys.readouterr()
        assert status == 0, message
        return output, message

    return run


def test_numbers_take_proposals_and_the_text_is_written_at_the_end(converse):
    together = charlm.load("stream").proposals("ti")
    first = together.propose()[1]
    together.take(first)
    second = together.propose()[0]
    output, message = converse("stream", "2", "1", options=("--prompt", "ti"))
    assert output == "ti" + first.text + second.text + "\n" * (not second.text.endswith("\n"))
    assert f'  2  "{first.text}" '.replace("\n", "\\n") in message
    assert f" {first.probability:6.1%}\n" in message


def test_typed_text_is_written_as_it_is_and_can_be_undone(converse):
    assert converse("stream", " tin", " ra")[0] == " tin ra\n"
    assert converse("stream", " tin", " ra", "u")[0] == " tin\n"
    assert converse("stream", " tin", "u", "u")[0] == ""
    assert converse("stream", "t", r"\n", "=u", "", "=", "q", " ra")[0] == "t\nu\n"


def test_the_end_of_the_input_is_the_end_of_the_text(converse):
    output, message = converse("stream", options=("--prompt", "tin"))
    assert output == "tin\n"
    assert message.count("tin_") == 1


def test_what_the_model_never_saw_is_told_and_the_conversation_goes_on(converse):
    output, message = converse("stream", "t€n", "tin", "9")
    assert output == "tin\n"
    assert "not written: not in the vocabulary of 12 symbols: '€'" in message
    assert converse("stream", "t€n", "€", options=("--on-unknown", "skip"))[0] == "tn\n"


def test_an_item_of_a_model_of_lines_ends_with_its_line_end_and_another_begins(converse):
    assert converse("lines", "emma", r"\n", "olivia", r"\n")[0] == "emma\nolivia\n"
    once = converse("lines", "emma", r"\n")[1].split("emma\n_\n")[1]
    assert once == converse("lines")[1].split("\n_\n")[1], "an item knows nothing of those before it"


def test_letters_of_several_bytes_are_typed_and_shown_as_text(converse):
    output, message = converse("bytes", "t", "ä", "g")
    assert output == "täg\n"
    assert '"ä' in message


@pytest.mark.skipif(os.name == "nt", reason="pseudo-terminals are POSIX")
def test_at_a_terminal_control_d_ends_the_text(folder):
    import pty

    theirs, ours = pty.openpty()
    command = [sys.executable, "-m", "charlm", "sample", "stream", "--interactive", "--prompt", "tin"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        command, stdin=ours, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=folder, env=environment
    ) as process:
        os.write(theirs, b" ra\n")
        time.sleep(0.1)
        os.write(theirs, b"\x04")
        output, message = process.communicate(timeout=60)
        os.close(theirs)
        os.close(ours)
    assert (process.returncode, output) == (0, b"tin ra\n"), message
