"""Facts about the command line as a whole: its help, its exit statuses, and how failures are told."""

import os
import signal
import subprocess
import sys
import time
from importlib.metadata import EntryPoint
from pathlib import Path
from types import ModuleType

import click
import pytest

from charlm import __version__, cli
from charlm.cli import commands
from charlm.errors import CharlmError, ConfigError

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture
def fake(monkeypatch):
    """Return a function that makes its argument, a function or a command, the only command, called `fake`."""

    def install(action) -> None:
        module = ModuleType("charlm.cli.fake")
        module.command = action if isinstance(action, click.Command) else click.command()(action)  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, "charlm.cli.fake", module)
        monkeypatch.setattr(commands, "COMMANDS", {"fake": "Do as the test says."})

    return install


@pytest.fixture
def failing_with(fake, capsys, monkeypatch):
    """Return a function that runs a command which raises, and gives the exit status and both outputs."""

    def run(error: BaseException, debug: str = "") -> tuple[int, str, str]:
        def action() -> None:
            click.echo("before")
            raise error

        fake(action)
        monkeypatch.setenv("CHARLM_DEBUG", debug)
        status = cli.main(["fake"])
        return status, *capsys.readouterr()

    return run


# --- What a person sees first


def test_help_names_every_command_and_goes_to_standard_output(run_charlm):
    for arguments in (("--help",), ("-h",), ()):
        done = run_charlm(*arguments)
        assert done.returncode == 0
        assert done.stderr == b""
        for name, line in commands.COMMANDS.items():
            assert f"  {name:<9}  {line}\n" in done.stdout.decode().replace(os.linesep, "\n")


def test_help_imports_no_command_and_nothing_heavy():
    heavy = {"numpy", "pydantic", "yaml", "tqdm", "numba", "safetensors", "difflib", "traceback"}
    heavy |= {f"charlm.cli.{name}" for name in commands.COMMANDS}
    code = (
        "import sys; from charlm import cli; cli.main(['--help'])\n"
        f"print(*sorted(name for name in sys.modules if name in {heavy}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout.splitlines()[-1] == ""


def test_the_version_is_the_packages(run_charlm):
    assert run_charlm("--version").stdout.split() == [b"charlm", __version__.encode()]


def test_the_entry_point_is_main():
    assert EntryPoint("charlm", "charlm.cli:main", "console_scripts").load() is cli.main


@pytest.mark.parametrize("name", commands.COMMANDS)
def test_every_command_has_help(run_charlm, name):
    done = run_charlm(name, "--help")
    assert done.returncode == 0, done.stderr.decode()
    assert done.stdout.startswith(f"Usage: charlm {name} ".encode())


def test_a_misspelt_command_is_answered_with_the_right_one(run_charlm):
    done = run_charlm("trian", "configs/plays.yaml")
    assert done.returncode == 2
    assert done.stdout == b""
    assert done.stderr.decode().splitlines() == [
        "charlm: No such command 'trian'; did you mean 'train'? Try `charlm --help`."
    ]


def test_a_command_like_no_other_is_answered_with_all_of_them(capsys):
    assert cli.main(["xyzzy"]) == 2
    assert capsys.readouterr().err == (
        f"charlm: No such command 'xyzzy'; choose one of {', '.join(commands.COMMANDS)}. Try `charlm --help`.\n"
    )


# --- How commands end


def test_a_command_that_returns_ends_with_0_whatever_it_returns(fake, capsys):
    fake(lambda: 7)
    assert cli.main(["fake"]) == 0
    assert capsys.readouterr() == ("", "")


def test_a_command_can_ask_for_an_exit_status(fake):
    fake(lambda: click.get_current_context().exit(143))
    assert cli.main(["fake"]) == 143


def test_a_runtime_failure_is_one_line_and_status_1(failing_with):
    assert failing_with(CharlmError("runs/x: broken; mend it")) == (1, "before\n", "charlm: runs/x: broken; mend it\n")


def test_every_mistake_of_a_configuration_is_marked_and_the_status_is_2(failing_with):
    assert failing_with(ConfigError("a.yaml:1: x: wrong", "a.yaml:2: y: wrong")) == (
        2,
        "before\n",
        "charlm: a.yaml:1: x: wrong\ncharlm: a.yaml:2: y: wrong\n",
    )


def test_the_operating_systems_complaints_are_told_with_the_files_name(failing_with):
    assert failing_with(PermissionError(13, "Permission denied", "x.txt")) == (
        1,
        "before\n",
        "charlm: x.txt: Permission denied\n",
    )


def test_too_little_memory_is_told_in_one_line(failing_with):
    assert failing_with(MemoryError())[::2] == (1, "charlm: not enough memory\n")
    assert failing_with(MemoryError("3 GiB"))[::2] == (1, "charlm: not enough memory: 3 GiB\n")


def test_ctrl_c_ends_with_130_and_without_a_traceback(failing_with):
    assert failing_with(KeyboardInterrupt()) == (130, "before\n", "charlm: interrupted\n")


@pytest.mark.skipif(os.name == "nt", reason="141 is a POSIX convention")
def test_a_reader_that_goes_away_is_no_news(failing_with):
    assert failing_with(BrokenPipeError(32, "Broken pipe")) == (141, "before\n", "")


@pytest.mark.parametrize("debug", ["", "1"])
def test_an_unexpected_exception_shows_its_traceback_and_asks_for_a_report(failing_with, debug):
    status, output, message = failing_with(ZeroDivisionError("division by zero"), debug=debug)
    assert (status, output) == (1, "before\n")
    assert message.startswith("Traceback (most recent call last):\n")
    assert message.endswith(
        "ZeroDivisionError: division by zero\n"
        f"charlm: this is a bug in charlm {__version__}; please report it with the lines above\n"
    )
    assert message.count("Traceback") == 1


def test_charlm_debug_shows_the_traceback_behind_a_message(failing_with):
    assert failing_with(CharlmError("broken"), debug="")[2] == "charlm: broken\n"
    status, _, message = failing_with(CharlmError("broken"), debug="1")
    assert status == 1
    assert message.startswith("Traceback (most recent call last):\n")
    assert message.endswith("\ncharlm: broken\n")


# --- click's own complaints


@pytest.fixture
def fake_with_options(fake):
    @click.command()
    @click.argument("run")
    @click.option("--length", type=int, default=3)
    @click.option("--unit", type=click.Choice(["char", "byte"]), required=True)
    def action(run: str, length: int, unit: str) -> None:
        """Do nothing."""

    fake(action)


@pytest.mark.parametrize(
    ("arguments", "at_fault", "remedy"),
    [
        (["--unit", "char"], "RUN", "Missing"),
        (["r", "--unit", "char", "--lenght", "3"], "--lenght", "--length"),
        (["r"], "--unit", "char, byte"),
        (["r", "--unit", "word"], "word", "'char', 'byte'"),
        (["r", "--unit", "char", "--length", "x"], "--length", "integer"),
    ],
)
def test_a_wrong_argument_is_one_line_with_a_hint_and_status_2(fake_with_options, capsys, arguments, at_fault, remedy):
    assert cli.main(["fake", *arguments]) == 2
    output, message = capsys.readouterr()
    assert output == ""
    assert message.startswith("charlm: ")
    assert message.endswith(" Try `charlm fake --help`.\n")
    assert message.count("\n") == 1
    assert at_fault in message
    assert remedy in message


def test_defaults_are_shown_in_every_commands_help(fake_with_options, capsys):
    assert cli.main(["fake", "--help"]) == 0
    assert "[default: 3]" in capsys.readouterr().out


def test_a_group_of_commands_called_alone_shows_its_help_and_status_2(fake, capsys):
    group = click.Group("fake", commands=[click.Command("fetch", short_help="Fetch it.")])
    fake(group)
    assert cli.main(["fake"]) == 2
    assert "fetch  Fetch it." in capsys.readouterr().err


# --- The streams, in real processes

PROCESS = """
import sys
from types import ModuleType
import click
from charlm import cli
from charlm.cli import commands

def action():
{body}

module = sys.modules["charlm.cli.fake"] = ModuleType("charlm.cli.fake")
module.command = click.command()(action)
commands.COMMANDS = {{"fake": ""}}
sys.exit(cli.main(["fake"]))
"""


def start(body: str, **options) -> subprocess.Popen[bytes]:
    """Start a process whose one command runs the given lines."""
    script = PROCESS.format(body="\n".join("    " + line for line in body.splitlines()))
    environment = {**os.environ, "PYTHONUNBUFFERED": "", **options.pop("environment", {})}
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "env": environment, **options}
    return subprocess.Popen([sys.executable, "-c", script], cwd=ROOT, **options)


def outcome(process: subprocess.Popen[bytes]) -> tuple[int, bytes | None, bytes]:
    output, message = process.communicate(timeout=60)
    return process.returncode, output, message


def test_output_is_utf_8_with_plain_newlines_in_any_locale():
    environment = {"PYTHONIOENCODING": "latin-1", "LC_ALL": "C"}
    text = "é 漢 \U0001f600\n\ud800\n"
    process = start(f"print({text!a}, end='')", environment=environment)
    assert outcome(process) == (0, text.encode(errors="backslashreplace"), b"")


@pytest.mark.parametrize("size", [10, 1_000_000], ids=["at the exit", "in the middle"])
def test_a_closed_pipe_ends_the_program_quietly(size):
    read_end, write_end = os.pipe()
    os.close(read_end)
    with open(write_end, "wb") as pipe:
        assert outcome(start(f"print('x' * {size})", stdout=pipe)) == (cli.PIPE_CLOSED, None, b"")


def test_a_failure_behind_a_closed_pipe_is_still_told_and_nothing_else():
    read_end, write_end = os.pipe()
    os.close(read_end)
    body = "from charlm.errors import CharlmError\nprint('x')\nraise CharlmError('broken')"
    with open(write_end, "wb") as pipe:
        assert outcome(start(body, stdout=pipe)) == (1, None, b"charlm: broken\n")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no /dev/full")
@pytest.mark.parametrize("size", [10, 1_000_000], ids=["at the exit", "in the middle"])
def test_a_full_disk_behind_standard_output_is_told_in_one_line(size):
    with open("/dev/full", "wb") as full:
        assert outcome(start(f"print('x' * {size})", stdout=full)) == (
            1,
            None,
            b"charlm: input or output: No space left on device\n",
        )


@pytest.mark.skipif(os.name == "nt", reason="file descriptors are closed by a POSIX shell")
def test_no_standard_output_is_no_bug():
    command = f'"{sys.executable}" -m charlm --version >&-'
    done = subprocess.run(command, shell=True, capture_output=True, cwd=ROOT, check=False)
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.skipif(os.name == "nt", reason="SIGINT cannot be sent to one process there")
def test_a_real_ctrl_c_ends_with_130_and_keeps_what_was_printed():
    process = start("import time; print('done so far'); print('ready', file=sys.stderr, flush=True); time.sleep(60)")
    assert process.stderr is not None
    assert process.stderr.readline() == b"ready\n"
    time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    assert outcome(process) == (130, b"done so far\n", b"charlm: interrupted\n")
