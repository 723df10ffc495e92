"""What Ctrl-C and SIGTERM do while a run trains."""

import os
import signal
import sys
from types import FrameType, TracebackType
from typing import Any


class Signals:
    """Turns the first Ctrl-C or SIGTERM into a wish to stop; a second Ctrl-C stops at once, but never a save.

    Signals that the process was started to ignore stay ignored.

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
        self._line_end = b"\n" if sys.stderr.isatty() else b""  # a bar has none
        self._before: dict[int, Any] = {}

    def __enter__(self) -> "Signals":
        """Begin to listen."""
        for number in (signal.SIGINT, signal.SIGTERM):
            before = signal.getsignal(number)
            if before != signal.SIG_IGN:
                self._before[number] = before or signal.SIG_DFL
                signal.signal(number, self._note)
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
            if not self._silent:  # not by `print`, which may be at work when the signal comes
                os.write(
                    2, self._line_end + b"stopping after this step; another Ctrl-C stops at once, without saving\n"
                )
        elif number == signal.SIGINT and not self.saving:
            raise KeyboardInterrupt
