"""`charlm train`: what a person sees, in a file, on a terminal and with --quiet, and what its flags do."""

import contextlib
import io
import os
import re
import shlex
import signal
import struct
import subprocess
import sys

import pytest

from charlm import cli
from charlm.cli.display import Lines, cut, duration, on_one_line, rounded
from charlm.cli.signals import Signals
from charlm.config import dump_yaml, load
from charlm.corpus.loading import read_again
from charlm.errors import UsageError
from charlm.files.rundir import left_in
from tests.conftest import ROOT
from tests.runs import configured, corpus_file, finish, start, state


@pytest.fixture
def config(tmp_path, monkeypatch):
    """Return a configuration file in a folder of its own, which is the current one."""
    monkeypatch.chdir(tmp_path)
    corpus_file(tmp_path)
    (tmp_path / "small.yaml").write_text(dump_yaml(configured("text.txt")), encoding="utf-8")
    return tmp_path / "small.yaml"


@pytest.fixture
def train(capsys):
    """Return a function that trains in this process and gives status, output and the lines of messages."""

    def run(*arguments):
        status = cli.main(["train", *map(str, arguments)])
        output, message = capsys.readouterr()
        assert output == "", "standard output is for results"
        return status, message.splitlines()

    return run


def test_a_run_tells_what_it_does_in_lines_that_can_be_read(config, train):
    status, lines = train(config)
    assert status == 0
    assert lines[:2] == [
        "1 file, 1,500 characters, 12 symbols",
        "split: 1,350 for training, 75 for validation, 75 for test (characters)",
    ]
    assert lines[2].startswith("1 x lstm of 8, 780 parameters; numpy kernels, 1 worker with ")
    assert lines[3] == "24 steps of 4 x 8 characters, 42 an epoch: 0.571 epochs"
    told = [line for line in lines[4:] if not line.startswith("  | ")]
    assert len(lines) - 4 - len(told) == 3, "samples come every 8 steps"
    evaluation = r"step \d+, epoch \d\.\d\d: validation \d\.\d{4} nats, \d\.\d{4} bits/char( \(best so far\))?"
    assert all(re.fullmatch(evaluation, line) for line in told[:-2])
    assert [line.split(",")[0] for line in told[:-2]] == ["step 6", "step 12", "step 18", "step 24"]
    assert told[-2].startswith("best validation ")
    assert told[-1] == f"write with it: charlm sample {os.path.join('runs', 'small')}"


def test_quiet_says_nothing(config, train):
    assert train(config, "--quiet") == (0, [])
    assert train("--resume", "runs/small", "--quiet") == (0, [])


def test_the_run_directory_has_the_configurations_name_or_the_one_given(config, train):
    train(config, "--quiet")
    train(config, "--quiet", "--out", "other/place")
    assert state(config.parent / "runs/small") == state(config.parent / "other/place")


def test_a_tilde_behind_an_equals_sign_is_the_home_directory(config, train, monkeypatch, tmp_path):
    for variable in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(variable, str(tmp_path / "home"))
    assert train(config, "--out=~/run", "--set", "training.max_steps=2")[0] == 0
    assert (tmp_path / "home" / "run" / "last.safetensors").exists()
    assert not (tmp_path / "~").exists()


@pytest.mark.parametrize("out", ["", "~nobody-of-this-name/run"])
def test_an_output_directory_that_cannot_be_meant_is_told_in_one_line(config, train, out):
    status, lines = train(config, f"--out={out}")
    assert status == 2
    assert len(lines) == 1


def test_flags_override_the_file(config, train):
    corpus_file(config.parent, 900).rename(config.parent / "other.txt")
    status, _ = train(config, "--quiet", "--corpus", "other.txt", "--set", "model.hidden_size=5", "--set", "seed=7")
    assert status == 0
    got = load(config.parent / "runs/small/config.yaml")
    assert (got.corpus.path, got.model.hidden_size, got.seed) == (("other.txt",), 5, 7)


def test_max_minutes_replaces_the_length_of_the_file(config, train):
    status, lines = train(config, "--max-minutes", "0.002", "--set", "training.sample_every=0")
    assert status == 0
    assert "timing the first steps" in lines
    total = left_in(config.parent / "runs/small").total_steps
    assert any(line.startswith(f"{total:,} steps of ") for line in lines)
    assert load(config.parent / "runs/small/config.yaml").training.max_steps is None


def test_a_dry_run_says_what_would_be_done_and_writes_nothing(config, train):
    status, lines = train(config, "--dry-run")
    assert status == 0
    assert re.fullmatch(r"some \d+ s of training at [\dk]+ chars/s(; [\d,]+ MB of memory)?", lines[-2])
    assert lines[-1] == f"a dry run: nothing was written; the run would be in {os.path.join('runs', 'small')}"
    assert sorted(path.name for path in config.parent.iterdir()) == ["small.yaml", "text.txt"]
    assert train(config, "--dry-run", "--quiet") == (0, [])


def test_a_dry_run_finds_what_a_run_would_find(config, train):
    train(config, "--quiet")
    assert train(config, "--dry-run")[0] == 2, "there is a run already"
    assert train(config, "--dry-run", "--force")[0] == 0
    status, lines = train(config, "--dry-run", "--out", "x", "--init-from", "runs/small", "--set", "model.cell=gru")
    assert status == 2
    assert lines[0].startswith("charlm: model.cell is 'gru' here and 'lstm' in ")


def test_a_finished_run_says_so_even_when_its_corpus_is_gone(config, train):
    train(config, "--quiet")
    (config.parent / "text.txt").unlink()
    assert train("--resume", "runs/small") == (0, [
        "runs/small: is finished: all steps are done (24 of 24); to train on:",
        "  charlm train --resume runs/small --max-steps 48",
    ])  # fmt: skip


def test_the_length_that_a_finished_run_advises_is_one_that_it_can_have(config, train):
    train(config, "--quiet", "--epochs", "0.2", "--set", "schedule.warmup_steps=100")
    advised = train("--resume", "runs/small")[1][1]
    program, command, *arguments = shlex.split(advised)
    assert (program, command) == ("charlm", "train")
    assert train(*arguments, "--quiet")[0] == 0


def test_a_finished_run_on_standard_input_needs_the_text_again(config, train, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO((config.parent / "text.txt").read_bytes())))
    train(config, "--quiet", "--corpus", "-")
    assert train("--resume", "runs/small")[1][1] == "  charlm train --resume runs/small --max-steps 48 < TEXT"


def test_a_run_that_was_stopped_early_says_so_then_and_later(config, train):
    stop = [
        "--set",
        "training.early_stopping=1",
        "--set",
        "training.eval_every=2",
        "--set",
        "optimizer.learning_rate=3.0",
    ]
    status, lines = train(config, *stop)
    assert status == 0
    assert "stopped early: no better validation in 1 evaluation" in lines
    assert "early stopping ended it" in train("--resume", "runs/small")[1][0]


def test_one_of_a_thing_is_no_plural(config, train):
    _, lines = train(config, "--max-steps", "1", "--set", "model.ngram.order=1")
    assert any(line.startswith("n-gram of 1 symbol:") for line in lines)
    assert any(line.startswith("1 step of ") for line in lines)


def test_weights_of_another_run_are_reported(config, train):
    train(config, "--quiet")
    _, lines = train(config, "--init-from", "runs/small", "--out", "x")
    assert "weights from runs/small: 12 of 12 symbols known" in lines


def test_standard_input_is_a_corpus_that_a_resume_and_an_evaluation_need_again(config, run_charlm, monkeypatch):
    folder, text = config.parent, (config.parent / "text.txt").read_bytes()
    uncut = finish(start(folder / "uncut", configured("text.txt")))
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text)))
    start(folder / "piped", configured("-")).close()
    for wrong, message in ((b"", b"standard input: is empty"), (text + b"e", b"is not the text")):
        done = run_charlm("train", "--resume", "piped", stdin=wrong, cwd=folder)
        assert done.returncode == 1
        assert message in done.stderr
    done = run_charlm("train", "--resume", "piped", "--quiet", stdin=text, cwd=folder)
    assert (done.returncode, done.stderr) == (0, b"")
    assert state(folder / "piped")["tensors"] == state(uncut)["tensors"]
    assert run_charlm("eval", "piped", stdin=text, cwd=folder).returncode == 0


def test_a_terminal_as_standard_input_is_not_read_again(tmp_path, monkeypatch):
    class Terminal:
        def isatty(self):
            return True

    monkeypatch.setattr("sys.stdin", Terminal())
    with pytest.raises(UsageError, match=r"the corpus came through standard input .* send it in again"):
        read_again(configured("-").corpus.model_dump(), 1, "", tmp_path)


# --- On a terminal


def read_all(terminal):
    """Yield what is written to a terminal until nobody has it open any more."""
    with contextlib.suppress(OSError):  # that is how Linux tells
        while piece := os.read(terminal, 4096):
            yield piece.decode()
    os.close(terminal)


@pytest.mark.skipif(os.name == "nt", reason="there is no pty")
def test_on_a_terminal_there_is_a_bar_with_loss_speed_and_time_left(config):
    import fcntl
    import pty
    import termios

    terminal, child = pty.openpty()
    fcntl.ioctl(child, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    command = [sys.executable, "-m", "charlm", "train", str(config), "--set", "training.max_steps=60"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(command, stdin=child, stdout=child, stderr=child, env=environment)
    os.close(child)
    shown = "".join(read_all(terminal))
    assert process.wait(timeout=60) == 0
    bars = re.findall(
        r"(\d+)% \|[^|]+\| (\d+)/60 \[\d\d:\d\d<[\d:?]+\] loss \d\.\d{3}, \d\.\d{3} bits/char, [\dk]+ chars/s", shown
    )
    assert bars[-1] == ("100", "60")
    assert "\x1b" not in shown.replace("\x1b[A", ""), "no colours"
    assert all(len(line) <= 80 for line in re.split(r"[\r\n]+", shown))
    lines = [line.rsplit("\r", 1)[-1].rstrip() for line in shown.replace("\r\n", "\n").split("\n")]
    assert sum(line.startswith("step ") for line in lines) == 10, "each evaluation has a line of its own"


@pytest.mark.parametrize(("order", "whose"), [(None, ""), (3, " alone")])
def test_a_file_gets_a_line_about_progress_only_after_a_silence(config, capsys, monkeypatch, order, whose):
    values = {"training__eval_every": 100, "training__sample_every": 0, "model__ngram__order": order}
    run = start(config.parent / "run", configured("text.txt", **values))
    now = 0.0
    monkeypatch.setattr("charlm.cli.display.perf_counter", lambda: now)
    display = Lines(run.summary())
    for update in run.train():
        now += 7
        display.show(update)
    run.close()
    lines = capsys.readouterr().err.splitlines()
    assert [line.split(":")[0] for line in lines[:-1]] == [f"step {step} of 24" for step in (5, 10, 15, 20)]
    figures = rf"loss 2\.\d{{3}}{whose}, 3\.\d{{3}} bits/char, [\dk]+ chars/s"
    assert re.fullmatch(rf"step 5 of 24: {figures}, 2 min left", lines[0])
    assert lines[-1].startswith("step 24, epoch 0.57: validation")


def test_a_sample_is_shown_as_one_line_without_anything_that_moves_the_cursor():
    assert on_one_line("\n\n  To be,\n or not\n\n") == "To be, / or not"
    assert on_one_line("a\tb\x1b[2Jc\x00é") == "a\\tb\\x1b[2Jc\\x00é"


def test_a_line_is_cut_by_the_columns_it_takes():
    assert cut("abcdef", 4) == "abcd"
    assert cut("漢字漢字", 5) == "漢字"
    assert cut("e\u0301e\u0301e\u0301", 2) == "e\u0301e\u0301"


def test_times_and_speeds_have_the_digits_they_deserve():
    assert [duration(seconds) for seconds in (0.2, 99, 100, 3_600, 90_000)] == [
        "0 s",
        "99 s",
        "2 min",
        "60 min",
        "25.0 h",
    ]
    assert [rounded(speed) for speed in (12.3, 9_999, 10_000, 123_456)] == ["12", "9999", "10k", "123k"]


# --- Signals


@pytest.mark.skipif(os.name == "nt", reason="raising SIGINT ends the process there")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_is_a_wish_and_the_second_ctrl_c_an_order(number, capfd):
    before = signal.getsignal(number)
    with Signals(silent=False) as signals:
        assert signals.received is None
        signal.raise_signal(number)
        assert signals.received == number
        signal.raise_signal(signal.SIGTERM)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        signals.saving = True
        signal.raise_signal(signal.SIGINT)
        assert signals.received == number
    assert signal.getsignal(number) is before
    assert capfd.readouterr().err.strip() == "stopping after this step; another Ctrl-C stops at once, without saving"


@pytest.mark.skipif(os.name == "nt", reason="raising SIGINT ends the process there")
def test_an_ignored_signal_stays_ignored():
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with Signals(silent=True) as signals:
            signal.raise_signal(signal.SIGINT)
        assert signals.received is None
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


@pytest.mark.skipif(os.name == "nt", reason="raising SIGINT ends the process there")
def test_ctrl_c_at_the_last_step_changes_nothing(config, train, monkeypatch):
    show = Lines.show

    def interrupt(self, update):
        show(self, update)
        if update.progress.step == 24:
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(Lines, "show", interrupt)
    assert train(config)[0] == 0
    uncut = state(finish(start(config.parent / "uncut", load(config))))
    assert state(config.parent / "runs/small") == uncut
