"""`charlm plot`: the chart, the picture, and the following of a run that is going on."""

import contextlib
import io
import json
import re
import threading
import time

import pytest

import charlm
from charlm import cli
from charlm.files.lock import Lock
from tests.runs import configured, corpus_file, finish, start, trained


class Screen(io.StringIO):
    """Standard output that is a terminal."""

    def isatty(self):
        return True


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("plot")
    finish(start(folder / "run", configured(corpus_file(folder))))
    trained(folder, "bytes", b"ab\xff" * 300, corpus__unit="byte")
    return folder


@pytest.fixture
def on_screen():
    """Return a function that runs the command on a terminal and gives that."""

    def run(*arguments, screen=None):
        screen = screen or Screen()
        with contextlib.redirect_stdout(screen):
            assert cli.main(["plot", *map(str, arguments)]) == 0
        return screen.getvalue()

    return run


def test_the_chart_is_the_librarys(folder, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "100")
    run = str(folder / "run")
    assert cli.main(["plot", run]) == 0
    assert capsys.readouterr() == (charlm.plot(run).text(100) + "\n", "")
    assert cli.main(["plot", run, "--x", "characters", "--smooth", "0.5", "--no-raw", "--from", "300"]) == 0
    plot = charlm.plot(run, x="characters", smooth=0.5, raw=False, start=300)
    assert capsys.readouterr().out == plot.text(100) + "\n"


def test_characters_and_bytes_are_not_compared_in_silence(folder, capsys):
    assert cli.main(["plot", str(folder / "run"), str(folder / "bytes")]) == 0
    assert capsys.readouterr().err == (
        "charlm: some runs are of characters and some of bytes: their losses cannot be compared\n"
    )


def test_a_terminal_has_colours_unless_they_are_refused(folder, on_screen, monkeypatch):
    assert "\x1b[34m●\x1b[0m" in on_screen(folder / "run")
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b" not in on_screen(folder / "run")
    monkeypatch.delenv("NO_COLOR")
    monkeypatch.setenv("TERM", "dumb")
    assert "\x1b" not in on_screen(folder / "run")


def test_a_picture_is_written_and_nothing_printed(folder, tmp_path, capsys):
    pytest.importorskip("matplotlib")
    path = tmp_path / "x.svg"
    assert cli.main(["plot", str(folder / "run"), "-o", str(path)]) == 0
    assert path.read_bytes().startswith(b"<?xml")
    assert capsys.readouterr() == ("", f"{path}: written\n")


def test_a_finished_run_is_drawn_once_and_not_followed(folder, on_screen):
    assert on_screen(folder / "run", "--follow").count("\x1b[2J\x1b[H") == 1


def test_a_run_is_followed_until_it_has_ended(tmp_path, on_screen, capsys):
    (tmp_path / "run").mkdir()
    path = tmp_path / "run/metrics.jsonl"
    path.touch()
    lock, screen = Lock(tmp_path / "run"), Screen()

    def go_on():
        for step in (10, 20):
            with open(path, "a") as file:
                file.write(json.dumps({"step": step, "loss": 1 / step}) + "\n")
            while f"at step {step}\n" not in screen.getvalue():
                time.sleep(0.01)
        with open(path, "a") as file:
            file.write(json.dumps({"step": 30, "loss": 0.01}) + "\n")
        lock.release()

    training = threading.Thread(target=go_on, daemon=True)
    training.start()
    drawn = on_screen(tmp_path / "run", "--follow", "--every", "0.02", screen=screen)
    training.join()
    steps = re.findall(r"at step (\d+)\n", drawn)
    assert (steps[0], steps[1], steps[-1]) == ("10", "20", "30")
    assert set(capsys.readouterr().err.splitlines()) <= {
        f"charlm: {tmp_path / 'run'}: no figures yet; the first line of metrics is written after training.log_every "
        "steps; waiting for more"
    }


def test_a_run_that_ends_without_a_figure_is_an_error(tmp_path, capsys):
    (tmp_path / "run").mkdir()
    (tmp_path / "run/metrics.jsonl").touch()
    with contextlib.redirect_stdout(Screen()):
        assert cli.main(["plot", str(tmp_path / "run"), "--follow"]) == 2
    assert "no figures yet" in capsys.readouterr().err
