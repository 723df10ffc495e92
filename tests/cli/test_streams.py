"""Standard streams that are closed, None, full, plain objects or terminals, and what may be written to them."""

import contextlib
import errno
import io
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from charlm import cli
from charlm.cli.streams import is_reader_gone
from charlm.config import dump_yaml, load
from charlm.errors import CharlmError, ConfigError
from charlm.files.rundir import left_in
from tests.conftest import ROOT
from tests.runs import configured, corpus_file, finish, start, state, trained

posix = pytest.mark.skipif(os.name == "nt", reason="needs a POSIX shell or POSIX signals")

COMMANDS = {
    "help": ["--help"],
    "train": ["train", "small.yaml", "--out", "out", "--force"],
    "dry run": ["train", "small.yaml", "--out", "dry", "--dry-run"],
    "finished": ["train", "--resume", "model"],
    "sample": ["sample", "model", "--length", "30", "--count", "2"],
    "eval": ["eval", "model"],
    "eval a file": ["eval", "model", "text.txt"],
    "info": ["info", "model"],
    "gradcheck": ["gradcheck", "small.yaml", "--most", "2"],
    "config": ["config", "small.yaml"],
    "data": ["data", "list"],
    "bench": ["bench", "small.yaml", "--repeat", "1"],
    "a mistake": ["eval", "nowhere"],
}
RANDOM = ("sample", "bench")  # what they write is another text each time


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Return a folder with a text, a configuration and a model."""
    folder = tmp_path_factory.mktemp("streams")
    corpus_file(folder)
    (folder / "small.yaml").write_text(dump_yaml(configured("text.txt")), encoding="utf-8")
    finish(start(folder / "model", configured(folder / "text.txt")))
    return folder


def run(folder: Path, arguments: list[str], redirection: str = "") -> subprocess.CompletedProcess[bytes]:
    """Run a command through a shell in a process of its own."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = ["sh", "-c", f'exec "$@" {redirection}', "sh", sys.executable, "-m", "charlm", *arguments]
    return subprocess.run(
        command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, capture_output=True, timeout=120, check=False
    )


@pytest.fixture(scope="module")
def undisturbed(folder):
    """Return what each command does with ordinary streams, each run once."""
    if os.name == "nt":
        pytest.skip("needs a POSIX shell")
    return {name: run(folder, arguments) for name, arguments in COMMANDS.items()}


@posix
@pytest.mark.parametrize("name", COMMANDS)
@pytest.mark.parametrize("redirection", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-", "2>/dev/full"])
def test_closed_and_full_streams_change_neither_status_nor_results(folder, undisturbed, name, redirection):
    if "full" in redirection and not Path("/dev/full").exists():
        pytest.skip("the system has no /dev/full")
    if name == "bench" and redirection != "<&- >&- 2>&-":
        pytest.skip("takes long, and once shows it")
    expected, done = undisturbed[name], run(folder, COMMANDS[name], redirection)
    assert done.returncode == expected.returncode
    assert b"Traceback" not in done.stderr
    assert b"a bug" not in done.stderr
    if "2>" in redirection:
        assert done.stderr == b""
    if ">&- " in f"{redirection} ".replace("2>&-", ""):
        assert done.stdout == b""
    elif name not in RANDOM:
        assert done.stdout == expected.stdout


class WriteOnly:
    """A stream as some programs put it in the place of standard output: it has one method."""

    def __init__(self) -> None:
        self.text = ""

    def write(self, text: str) -> None:
        self.text += text


def closed() -> io.StringIO:
    stream = io.StringIO()
    stream.close()
    return stream


@pytest.mark.parametrize("name", [name for name in COMMANDS if name != "bench"])
@pytest.mark.parametrize(
    "make", [lambda: None, closed, WriteOnly, io.StringIO], ids=["none", "closed", "write", "text"]
)
def test_streams_of_a_program_without_a_console_change_no_status(folder, monkeypatch, capsys, name, make):
    monkeypatch.chdir(folder)
    status = cli.main(COMMANDS[name])
    results = capsys.readouterr().out
    streams = {stream: make() for stream in ("stdin", "stdout", "stderr")}
    for stream, value in streams.items():
        monkeypatch.setattr(sys, stream, value)
    assert cli.main(COMMANDS[name]) == status
    assert {stream: getattr(sys, stream) for stream in streams} == streams, "they are given back"
    written = getattr(streams["stdout"], "text", None)
    if written is not None and name not in RANDOM:
        assert written == results


@pytest.mark.parametrize("make", [lambda: None, closed], ids=["none", "closed"])
@pytest.mark.parametrize("arguments", [["eval", "model", "-"], ["sample", "model", "--prompt-file", "-"]])
def test_a_text_that_cannot_come_through_standard_input_is_asked_for(folder, monkeypatch, capsys, make, arguments):
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, "stdin", make())
    assert cli.main(arguments) == 1
    assert capsys.readouterr().err == "charlm: standard input: is closed; send a text in, or name a file\n"


def test_standard_input_may_be_a_text_in_memory(folder, monkeypatch, capsys):
    monkeypatch.chdir(folder)
    text = (folder / "text.txt").read_text(encoding="utf-8")
    monkeypatch.setattr(sys, "stdin", io.StringIO(text))
    assert cli.main(["eval", "model", "-"]) == 0
    through_memory = capsys.readouterr().out
    assert cli.main(["eval", "model", "text.txt"]) == 0
    assert capsys.readouterr().out == through_memory


@posix
def test_a_file_never_takes_the_place_of_a_closed_standard_stream(folder):
    done = run(folder, [*COMMANDS["train"], "--set", "training.sample_every=1"], "0<&- 1>&- 2>&-")
    assert done.returncode == 0
    for line in (folder / "out" / "metrics.jsonl").read_text(encoding="utf-8").splitlines():
        json.loads(line)


def test_training_in_a_thread_goes_as_in_the_main_one(folder, tmp_path, monkeypatch):
    monkeypatch.chdir(folder)
    statuses: list[int] = []
    arguments = ["train", "small.yaml", "--quiet", "--out", str(tmp_path / "run")]
    thread = threading.Thread(target=lambda: statuses.append(cli.main(arguments)))
    thread.start()
    thread.join()
    assert statuses == [0]
    assert state(tmp_path / "run") == state(finish(start(tmp_path / "uncut", load(Path("small.yaml")))))


# --- Endings of a training

LONG = ["--set", "training.max_steps=100000", "--set", "training.checkpoint_every=100000", "--set",
        "training.sample_every=0"]  # fmt: skip


def begin_training(folder: Path, out: Path, **options) -> subprocess.Popen[bytes]:
    """Start a training that would take long."""
    command = [sys.executable, "-m", "charlm", "train", "small.yaml", "--out", str(out), *LONG]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    options = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE, "env": environment, **options}
    return subprocess.Popen(command, cwd=folder, **options)


def wait_for_steps(out: Path) -> None:
    """Wait until a training has done some steps."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with contextlib.suppress(FileNotFoundError):
            if (out / "metrics.jsonl").stat().st_size > 0:
                return
        time.sleep(0.05)
    pytest.fail("the training did not begin")


@posix
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP", "SIGXCPU"])
def test_a_signal_that_ends_a_training_saves_it(folder, tmp_path, name):
    number = getattr(signal, name)
    process = begin_training(folder, tmp_path / "run")
    wait_for_steps(tmp_path / "run")
    process.send_signal(number)
    _, message = process.communicate(timeout=60)
    step = left_in(tmp_path / "run").step
    assert process.returncode == 128 + number
    assert step > 0
    assert f"stopped after step {step:,}, saved; go on with:\n" in message.decode()


@posix
def test_a_training_that_was_started_to_ignore_the_end_of_its_session_goes_on(folder, tmp_path):
    process = begin_training(folder, tmp_path / "run", preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
    wait_for_steps(tmp_path / "run")
    process.send_signal(signal.SIGHUP)
    time.sleep(0.3)
    assert process.poll() is None
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)
    assert process.returncode == 128 + signal.SIGTERM


@posix
def test_a_training_that_loses_its_terminal_is_saved(folder, tmp_path):
    import pty

    terminal, child = pty.openpty()
    process = begin_training(folder, tmp_path / "run", stdin=child, stderr=child, start_new_session=True)
    os.close(child)
    os.read(terminal, 1)
    wait_for_steps(tmp_path / "run")
    os.close(terminal)  # to write to it is an error from here on
    process.send_signal(signal.SIGHUP)  # as the system does with the leader of a terminal's session
    assert process.wait(timeout=60) == 128 + signal.SIGHUP
    assert left_in(tmp_path / "run").step > 0


@posix
def test_a_training_whose_reader_goes_away_is_saved_and_ends_as_a_pipe_does(folder, tmp_path):
    process = begin_training(folder, tmp_path / "run")
    assert process.stderr is not None
    wait_for_steps(tmp_path / "run")
    process.stderr.close()
    assert process.wait(timeout=60) == cli.PIPE_CLOSED
    assert left_in(tmp_path / "run").step > 0


@posix
@pytest.mark.parametrize("command", ["sample", "eval a file"])
def test_a_reader_of_notes_that_goes_away_costs_no_results(folder, command):
    read_end, write_end = os.pipe()
    os.close(read_end)
    arguments = [sys.executable, "-m", "charlm", *COMMANDS[command]]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with open(write_end, "wb") as pipe:
        done = subprocess.run(
            arguments, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=pipe, timeout=60, check=False
        )
    assert done.returncode == 0
    assert done.stdout


# --- Ctrl-C before a command has begun

INTERRUPTED_IMPORT = """
import os, signal, sys
seen = 0
class Interrupter:
    def find_spec(self, name, path=None, target=None):
        global seen
        seen += "charlm.cli" in sys.modules
        if seen == {count}:
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Interrupter())
{entry}
"""
ENTRIES = {
    "script": "from charlm.cli import main; sys.exit(main())",
    "module": "import runpy; runpy.run_module('charlm', run_name='__main__', alter_sys=True)",
}


def interrupted(folder: Path, code: str) -> subprocess.CompletedProcess[bytes]:
    """Run code that interrupts itself, with the arguments of a sample."""
    arguments = [sys.executable, "-c", code, *COMMANDS["sample"]]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(arguments, cwd=folder, env=environment, capture_output=True, timeout=60, check=False)


@posix
@pytest.mark.parametrize("entry", ENTRIES)
@pytest.mark.parametrize("count", [1, 2, 3, 5, 10, 20, 40, 80, 160])
def test_ctrl_c_while_modules_are_imported_ends_without_a_traceback(folder, entry, count):
    done = interrupted(folder, INTERRUPTED_IMPORT.format(count=count, entry=ENTRIES[entry]))
    assert done.returncode == 130
    assert done.stdout == b""
    assert done.stderr in (b"", b"charlm: interrupted\n")


@posix
def test_ctrl_c_before_the_command_line_is_found_ends_python_m_without_a_traceback(folder):
    code = INTERRUPTED_IMPORT.format(count=1, entry=ENTRIES["module"])
    done = interrupted(folder, code.replace('"charlm.cli" in sys.modules', 'name == "charlm.cli"'))
    assert (done.returncode, done.stdout, done.stderr) == (130, b"", b"")


INTERRUPTED_CALLBACK = """
import os, signal, sys, weakref
class Interrupter:
    def find_spec(self, name, path=None, target=None):
        if name == "charlm.cli.commands":
            class Gone: pass
            gone = Gone()
            def callback(reference):
                os.kill(os.getpid(), signal.SIGINT)
                for _ in range(1000): pass
            reference = weakref.ref(gone, callback)
            del gone
sys.meta_path.insert(0, Interrupter())
from charlm.cli import main
sys.exit(main())
"""


@posix
def test_ctrl_c_where_no_exception_can_leave_is_not_lost(folder):
    done = interrupted(folder, INTERRUPTED_CALLBACK)
    assert (done.returncode, done.stdout, done.stderr) == (130, b"", b"charlm: interrupted\n")


# --- What a terminal would obey

OBEYED = "a\x1b[31mb\x07\x9b2Jc\u202ed\x7f"
SHOWN = "a\\x1b[31mb\\x07\\x9b2Jc\\u202ed\\x7f"


@pytest.fixture(scope="module")
def obeyed(tmp_path_factory):
    """Return the run of a model whose symbols are such characters too."""
    folder = tmp_path_factory.mktemp("obeyed")
    return trained(folder, "model", f"{OBEYED} plain text\n" * 100, training__max_steps=2)


def on_a_terminal(arguments: list[str]) -> str:
    """Return what a command writes to a terminal that is its standard output."""
    import pty

    terminal, child = pty.openpty()
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "charlm", *arguments]
    process = subprocess.Popen(command, stdout=child, stderr=subprocess.DEVNULL, env=environment)
    os.close(child)
    output = b""
    with contextlib.suppress(OSError):  # that is how Linux tells that nobody has it open any more
        while piece := os.read(terminal, 4096):
            output += piece
    os.close(terminal)
    assert process.wait(timeout=60) == 0
    return output.decode().replace("\r\n", "\n")


@posix
def test_sampled_text_does_not_command_a_terminal_unless_it_is_asked_to(obeyed):
    arguments = ["sample", str(obeyed), "--length", "0", "--prompt", OBEYED]
    assert on_a_terminal(arguments) == SHOWN + "\n"
    assert on_a_terminal([*arguments, "--raw"]) == OBEYED + "\n"


def test_sampled_text_is_written_as_it_is_to_what_is_no_terminal(obeyed, capsys):
    assert cli.main(["sample", str(obeyed), "--length", "0", "--prompt", OBEYED]) == 0
    assert capsys.readouterr().out == OBEYED + "\n"


def test_json_holds_the_characters_as_escapes(obeyed, capsys):
    assert cli.main(["sample", str(obeyed), "--length", "0", "--prompt", OBEYED, "--json"]) == 0
    output = capsys.readouterr().out
    assert output.rstrip("\n").isprintable()
    assert json.loads(output)["prompt"] == OBEYED


def test_the_name_and_the_symbols_of_a_model_are_shown_safely(obeyed, capsys):
    renamed = obeyed.with_name("na\x1b[31mme") if os.name != "nt" else obeyed.with_name("na\u202eme")
    obeyed.rename(renamed)
    try:
        for options in ([], ["--json"]):
            assert cli.main(["info", str(renamed), *options]) == 0
            assert all(line.isprintable() for line in capsys.readouterr().out.splitlines())
    finally:
        renamed.rename(obeyed)


@pytest.mark.parametrize("name", ["a\nb", "a\x1b[2Jb", "a\rb", "a\x85b", "a\u2028b", "a\u202eb", "a\udcffb"])
def test_a_message_is_one_printable_line_whatever_a_name_holds(name):
    assert str(CharlmError(f"{name}: is broken")).isprintable()
    assert all(line.isprintable() for line in str(ConfigError(f"{name}: x", f"{name}: y")).split("\n"))
    assert str(ConfigError(f"{name}: x", f"{name}: y")).count("\n") == 1


@posix
@pytest.mark.parametrize("name", ["a\nb", "a\x1b[31mb", "-c", "it's"])
def test_the_advice_of_a_training_is_a_command_that_works_when_it_is_pasted(folder, tmp_path, monkeypatch, capfd, name):
    monkeypatch.chdir(tmp_path)
    corpus_file(tmp_path)
    (tmp_path / "small.yaml").write_text(dump_yaml(configured("text.txt")), encoding="utf-8")
    assert cli.main(["train", "small.yaml", f"--out={name}"]) == 0
    messages = capfd.readouterr().err
    assert all(line.isprintable() for line in messages.splitlines())
    advised = messages.splitlines()[-1].partition("write with it: charlm ")[2]
    script = f'set -e; cd "$1"; "$0" -m charlm {advised} --length 5'
    shell = subprocess.run(
        ["bash", "-c", script, sys.executable, str(tmp_path)],
        env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, timeout=60, check=False,
    )  # fmt: skip
    assert shell.returncode == 0, shell.stderr


def test_a_pipe_that_nobody_reads_is_an_invalid_argument_on_windows_only():
    assert is_reader_gone(BrokenPipeError(), windows=False)
    assert is_reader_gone(OSError(errno.EINVAL, "Invalid argument"), windows=True)
    assert not is_reader_gone(OSError(errno.EINVAL, "Invalid argument"), windows=False)
    assert not is_reader_gone(OSError(errno.EINVAL, "Invalid argument", "a?.txt"), windows=True)
    assert not is_reader_gone(OSError(errno.ENOSPC, "No space left on device"), windows=True)
