"""What Ctrl-C, the end of a session and other requests to stop do while a run trains."""

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Iterator
from types import FrameType, TracebackType
from typing import Any

from charlm.cli.streams import is_terminal

# Ctrl-C, `kill`, a closed terminal, a batch system's limit of time, and Ctrl-Break, where they exist.
STOPPING = [
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGXCPU", "SIGBREAK") if hasattr(signal, name)
]


class Signals:
    """Turns the first signal to stop into a wish to stop; a second Ctrl-C stops at once, but never a save.

    Signals that the process was started to ignore, as `nohup` has it ignore SIGHUP, stay ignored. A thread other than
    the main one receives no signals.

    Parameters
    ----------
    silent : bool
        Whether to say nothing about it.

    Attributes
    ----------
    received : int or None
        The first signal.
    saving : bool
        Whether the run is being saved before it ends.
    """

    def __init__(self, silent: bool) -> None:
        self.received: int | None = None
        self.saving = False
        self._silent = silent
        self._line_end = b"\n" if is_terminal(sys.stderr) else b""  # a bar has none
        self._before: dict[int, Any] = {}

    def __enter__(self) -> "Signals":
        """Begin to listen."""
        for number in STOPPING:
            before = signal.getsignal(number)
            if before != signal.SIG_IGN:
                with contextlib.suppress(ValueError):  # this is not the main thread
                    signal.signal(number, self._note)
                    self._before[number] = before or signal.SIG_DFL
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let signals do again what they did before."""
        for number, before in self._before.items():
            signal.signal(number, before)

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self.received is None:
            self.received = number
            if not self._silent:
                self._tell()
        elif number == signal.SIGINT and not self.saving:
            raise KeyboardInterrupt

    def _tell(self) -> None:
        """Say at once what will happen; not by `print`, which may be at work when the signal comes."""
        # Standard error may be closed, full, a terminal that is gone, or no file.
        with contextlib.suppress(AttributeError, OSError, ValueError):
            os.write(
                sys.stderr.fileno(),
                self._line_end + b"stopping after this step; another Ctrl-C stops at once, without saving\n",
            )


@contextlib.contextmanager
def ended_by_signals() -> Iterator[None]:
    """Let requests to stop end a command as an exception does, so that it removes its temporary files."""

    def end(number: int, frame: FrameType | None) -> None:
        raise SystemExit(128 + number)

    before = {}
    if threading.current_thread() is threading.main_thread():  # signals cannot be set in another one
        for number in STOPPING:
            if signal.getsignal(number) == signal.SIG_DFL:  # that of Ctrl-C is an exception already
                before[number] = signal.signal(number, end)
    try:
        yield
    finally:
        for number, action in before.items():
            signal.signal(number, action)
