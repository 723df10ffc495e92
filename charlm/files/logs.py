"""Where a run's figures and samples go besides its own files; the run does not read them back."""

import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

from charlm.atomic import host_name
from charlm.errors import UsageError, WriteError


class Log(Protocol):
    """Receives what a run writes to `metrics.jsonl` and `samples.txt`."""

    def rewind(self, step: int) -> None:
        """Forget what was logged after a step, because the run goes on from there."""

    def figures(self, step: int, values: Mapping[str, float]) -> None:
        """Log a line of metrics."""

    def sample(self, step: int, text: str) -> None:
        """Log what the model wrote."""

    def close(self) -> None:
        """Close the files."""


class TensorBoard:
    """Files of events in the run directory, as TensorBoard reads them.

    Each time that the run begins or goes on, a new file is begun. Its first event tells TensorBoard to discard what the
    files before it have from that step on. Everything is written at once and by the calling thread, so that a full
    disk is reported where the run can tell.

    Parameters
    ----------
    folder : Path
        The run directory.

    Raises
    ------
    UsageError
        If tensorboardX does not import.
    """

    def __init__(self, folder: Path) -> None:
        try:
            import tensorboardX.summary
            from tensorboardX.proto import event_pb2
        except ImportError as error:
            raise UsageError(
                f"training.log_to: tensorboard needs tensorboardX, which does not import ({error}); install it: "
                "`pip install 'charlm[tensorboard]'`"
            ) from error
        self._folder, self._events, self._summary = folder, event_pb2, tensorboardX.summary
        self._open = tensorboardX.RecordWriter
        self._file: Any = None
        self._first = 0

    def rewind(self, step: int) -> None:
        """Begin a new file at the next event, and have TensorBoard discard what is after the step."""
        self.close()
        self._first = step + 1

    def figures(self, step: int, values: Mapping[str, float]) -> None:
        """Log a line of metrics: a curve for each value but the step."""
        for name, value in values.items():
            if name != "step":
                self._write(step=step, summary=self._summary.scalar(name, value))

    def sample(self, step: int, text: str) -> None:
        """Log what the model wrote, indented, as TensorBoard reads Markdown."""
        whole = text.encode("utf-8", "backslashreplace").decode()
        indented = "".join(f"    {line}\n" for line in whole.split("\n"))
        self._write(step=step, summary=self._summary.text("sample", indented))

    def _write(self, **event: Any) -> None:
        try:
            if self._file is None:
                name = f"events.out.tfevents.{time.time():.6f}.{host_name()}.{os.getpid()}"
                self._file = self._open(str(self._folder / name))
                start = self._events.SessionLog(status=self._events.SessionLog.START)
                self._add(file_version="brain.Event:2")
                self._add(step=self._first, session_log=start)
            self._add(**event)
            self._file.flush()
        except OSError as error:
            raise WriteError(f"{self._folder}: the log cannot be written: {error.strerror or error}") from error

    def _add(self, **event: Any) -> None:
        self._file.write(self._events.Event(wall_time=time.time(), **event).SerializeToString())

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()
            self._file = None


LOGS: Mapping[str, Callable[[Path], Log]] = {"tensorboard": TensorBoard}
