"""Trainings in processes of their own: forked from this one, which is quick, started by a command, or jobs of MPI."""

import os
import shutil
import signal
import subprocess
import sys
import traceback
from collections.abc import Iterable
from pathlib import Path

from charlm.cli import main
from tests.conftest import ROOT

MPIEXEC = shutil.which("mpiexec", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]))
SECONDS = 60  # no training of a test takes so long


class Forked:
    """`charlm train ARGUMENTS` in a process that is forked from this one and thus need not import anything.

    Parameters
    ----------
    arguments : iterable of str or Path
        What follows ``charlm train``.
    output : Path
        The file for all that it writes to its standard streams.
    """

    def __init__(self, arguments: Iterable[str | Path], output: Path) -> None:
        self.output = output
        file = os.open(output, os.O_CREAT | os.O_WRONLY | os.O_TRUNC | os.O_APPEND)
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # until the new process can tell of it
        self.pid = os.fork()
        if self.pid == 0:
            try:
                signal.pthread_sigmask(signal.SIG_SETMASK, before)
                signal.alarm(SECONDS)
                os.dup2(file, 1)
                os.dup2(file, 2)
                sys.stdout = os.fdopen(1, "w", closefd=False)
                sys.stderr = os.fdopen(2, "w", closefd=False)
                status = main(["train", *map(str, arguments)])
                sys.stderr.flush()
                os._exit(status)
            except KeyboardInterrupt:
                os._exit(128 + signal.SIGINT)  # before the command has begun
            except BaseException:
                os.write(2, traceback.format_exc().encode())
            finally:
                os._exit(70)  # nothing of this process may go on in the forked one
        os.close(file)
        signal.pthread_sigmask(signal.SIG_SETMASK, before)

    def kill(self) -> None:
        """Kill it; it may have ended by now."""
        os.kill(self.pid, signal.SIGKILL)

    def wait(self) -> int:
        """Return its exit status, or the negative number of the signal that ended it, once it has ended."""
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


class Started:
    """`charlm train ARGUMENTS` as a person starts it; with several ranks, through `mpiexec`.

    Parameters
    ----------
    arguments : iterable of str or Path
        What follows ``charlm train``.
    output : Path
        The file for all that it writes to its standard streams.
    ranks : int
        How many processes.
    """

    def __init__(self, arguments: Iterable[str | Path], output: Path, ranks: int = 1) -> None:
        self.output = output
        command = [sys.executable, "-m", "charlm", "train", *map(str, arguments)]
        with output.open("wb") as file:
            self._process = subprocess.Popen(
                command if ranks == 1 else in_ranks(ranks, command),
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
                env={**os.environ, "PYTHONPATH": str(ROOT)},
            )
        self.pid = self._process.pid

    def kill(self) -> None:
        """Kill it; it may have ended by now."""
        self._process.kill()

    def wait(self) -> int:
        """Return its exit status, or the negative number of the signal that ended it, once it has ended."""
        return self._process.wait(SECONDS)


def in_ranks(ranks: int, command: list[str]) -> list[str]:
    """Return the command that runs another one as an MPI job."""
    return [str(MPIEXEC), "-n", str(ranks), *command]


def job(launcher: int) -> list[int]:
    """Return the processes of a job, its launcher first and its ranks last."""
    listing = subprocess.run(["ps", "-eo", "pid,ppid"], capture_output=True, text=True, check=True).stdout
    found, parents = [launcher], [list(map(int, line.split())) for line in listing.splitlines()[1:]]
    for parent in found:
        found += [pid for pid, above in parents if above == parent]
    return found


def ranks_of(launcher: int) -> list[int]:
    """Return the ranks' processes: those below the launcher that have none below themselves."""
    return [pid for pid in job(launcher)[1:] if job(pid) == [pid]]
