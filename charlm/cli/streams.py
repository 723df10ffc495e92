"""The standard streams, which may be closed, None or plain objects, and all that is written to them."""

import contextlib
import errno
import io
import os
import sys
import warnings
from collections.abc import Iterator
from math import isfinite
from typing import Any

from charlm.errors import CharlmWarning
from charlm.phrases import OBEYED, one_line, visible


class Results(io.TextIOBase):
    """Standard output where it is no ordinary stream: None, closed, or an object that can only write.

    Parameters
    ----------
    stream : object
        Has a method `write`, or is no stream at all.
    """

    def __init__(self, stream: Any) -> None:
        self._stream = stream if hasattr(stream, "write") and not getattr(stream, "closed", False) else None

    def write(self, text: str) -> int:
        """Write a text."""
        if self._stream is not None:
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        """Pass on what was written, where the object can."""
        getattr(self._stream, "flush", lambda: None)()


class Notes(io.TextIOBase):
    """Standard error as it should be: what cannot be written to it is dropped, and harms nothing.

    Parameters
    ----------
    stream : object
        Has a method `write`, or is no stream at all.

    Attributes
    ----------
    stream : object
        What stands behind it.
    reader_gone : bool
        Whether it is a pipe that nobody reads any more.
    """

    def __init__(self, stream: Any) -> None:
        self.stream = Results(stream) if _is_unusual(stream) else stream
        self.reader_gone = False

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """How characters become bytes."""
        return getattr(self.stream, "encoding", None) or "utf-8"

    def write(self, text: str) -> int:
        """Write a text."""
        try:
            self.stream.write(text)
        except BrokenPipeError:
            self.reader_gone = True
        except UnicodeEncodeError:
            self.write(text.encode("ascii", "backslashreplace").decode())
        except (OSError, ValueError):  # a full disk, a terminal that is gone, a stream that was closed since
            pass
        return len(text)

    def flush(self) -> None:
        """Pass on what was written."""
        try:
            self.stream.flush()
        except BrokenPipeError:
            self.reader_gone = True
        except (OSError, ValueError):
            pass

    def isatty(self) -> bool:
        """Return whether a person looks at it."""
        return is_terminal(self.stream)

    def fileno(self) -> int:
        """Return the number of its file."""
        return int(self.stream.fileno())


def _is_unusual(stream: Any) -> bool:
    return getattr(stream, "closed", True) or not all(hasattr(stream, name) for name in ("write", "flush", "isatty"))


def is_terminal(stream: Any) -> bool:
    """Return whether a stream is a terminal."""
    with contextlib.suppress(AttributeError, OSError, ValueError):
        return bool(stream.isatty())
    return False


def has_colours() -> bool:
    """Tell whether standard output is to have colours: on a terminal, or where FORCE_COLOR is set, as for a pager.

    With NO_COLOR there are none at all; see https://no-color.org and https://force-color.org.
    """
    if os.environ.get("NO_COLOR"):
        return False
    return bool(os.environ.get("FORCE_COLOR")) or (is_terminal(sys.stdout) and os.environ.get("TERM") != "dumb")


@contextlib.contextmanager
def usable_streams() -> Iterator[None]:
    """Make standard output and standard error such as can be written to, and give back what was there before."""
    _occupy_descriptors()
    before = sys.stdout, sys.stderr
    if _is_unusual(sys.stdout):
        sys.stdout = Results(sys.stdout)
    elif isinstance(sys.stdout, io.TextIOWrapper):
        # A lone surrogate, as in an undecodable file name, has no UTF-8; escaping it keeps the output valid.
        sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace", newline="\n")
    sys.stderr = Notes(sys.stderr)
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before


def _occupy_descriptors() -> None:
    """Open nothing where the system's standard streams are closed, lest a file of ours be taken for one of them."""
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            with contextlib.suppress(OSError):
                os.open(os.devnull, os.O_RDWR)


def is_reader_gone(error: OSError, windows: bool = os.name == "nt") -> bool:
    """Return whether a write failed because nobody reads the pipe any more, which Windows calls an invalid argument."""
    return isinstance(error, BrokenPipeError) or (windows and error.errno == errno.EINVAL and error.filename is None)


def drop_unwritten() -> None:
    """Drop output that cannot be written, so that the interpreter does not try again, and fail, when it exits."""
    for stream in (sys.stdout, sys.stderr.stream if isinstance(sys.stderr, Notes) else sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            with contextlib.suppress(OSError, ValueError), open(os.devnull, "wb") as nowhere:
                os.dup2(nowhere.fileno(), stream.fileno())


def reader_gone() -> bool:
    """Return whether standard error is a pipe that nobody reads any more."""
    return isinstance(sys.stderr, Notes) and sys.stderr.reader_gone


def say(text: str) -> None:
    """Write one or several lines to standard error, with nothing in them that a terminal would obey."""
    print(visible(text), file=sys.stderr, flush=True)


@contextlib.contextmanager
def printed_warnings() -> Iterator[None]:
    """Print what the library warns of, such as compiled kernels that cannot be used, in one line each."""
    with warnings.catch_warnings():
        show = warnings.showwarning

        def print_or_show(message: Warning | str, category: type[Warning], *place: Any, **more: Any) -> None:
            if issubclass(category, CharlmWarning):
                say(f"charlm: {one_line(str(message))}")
            else:
                show(message, category, *place, **more)

        warnings.showwarning = print_or_show
        warnings.simplefilter("always", CharlmWarning)
        yield


def write(text: str, raw: bool = False, end: str = "\n") -> None:
    """Write a result to standard output; on a terminal, with nothing in it that the terminal would obey.

    Parameters
    ----------
    text : str
        What to write.
    raw : bool
        Whether a terminal gets the text as it is, as files and pipes always do.
    end : str
        What follows it.
    """
    print(text if raw or not is_terminal(sys.stdout) else visible(text), end=end, flush=True)


def number_or_none(value: float) -> float | None:
    """Return what JSON can hold, which knows no NaN and no infinity."""
    return value if isfinite(value) else None


def write_json(document: object) -> None:
    """Write a JSON object to standard output in one line; what a terminal would obey is escaped as JSON escapes it."""
    import json

    text = json.dumps(document, ensure_ascii=False)
    write(OBEYED.sub(lambda found: f"\\u{ord(found[0]):04x}", text), raw=True)
