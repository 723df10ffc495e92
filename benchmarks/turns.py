"""Processes that take turns at being measured: one works, the others wait at a pipe."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from time import perf_counter, sleep
from typing import Any

HERE = Path(__file__).parent
REST = 0.3  # seconds between turns: threads that wait for more work by spinning give up by then


class Worker:
    """A process that answers questions, one at a time.

    Parameters
    ----------
    script : str
        A file beside this one, which calls `serve`.
    settings : mapping
        What it is told at its start; JSON can hold it.
    """

    def __init__(self, script: str, settings: Mapping[str, Any]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, str(HERE / script), json.dumps(settings)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._settings = settings

    def ask(self, question: str, *arguments: Any) -> Any:
        """Return the answer to a question."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        sleep(REST)
        self._process.stdin.write(json.dumps([question, *arguments]) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        if not answer:
            sys.exit(f"the process for {self._settings} ended early")
        return json.loads(answer)

    def close(self) -> None:
        """End the process."""
        self._process.communicate()


def serve(answers: Mapping[str, Callable[..., Any]]) -> None:
    """Answer questions from standard input until there are no more."""
    for line in sys.stdin:
        question, *arguments = json.loads(line)
        print(json.dumps(answers[question](*arguments)), flush=True)


def run(command: list[str]) -> tuple[float, int]:
    """Run a command to its end, its output thrown away.

    Returns
    -------
    float, int
        Seconds, and the most memory it held in bytes; 0 where the system does not tell.
    """
    sleep(REST)
    started = perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    assert process.stderr is not None
    said = process.stderr.read()
    if not hasattr(os, "wait4"):
        status, memory = process.wait(), 0
    else:
        _, code, used = os.wait4(process.pid, 0)
        status = process.returncode = os.waitstatus_to_exitcode(code)
        memory = used.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    seconds = perf_counter() - started
    if status != 0:
        sys.exit(f"{' '.join(command)} failed:\n{said.decode(errors='replace')}")
    return seconds, memory
