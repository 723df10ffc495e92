"""Gives a target inputs without end, and keeps those that are neither used nor refused in one line.

Every input follows from a seed and a number alone, so that each can be made again.
"""

import ast
import hashlib
import re
import resource
import signal
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any, Protocol

from charlm.errors import CharlmError, ConfigError

SECONDS = 5.0  # of processor time for one input
WAITED = 60.0  # seconds in all: nothing may be waited for
MEGABYTES = 500  # that the process may grow by
LONGEST = 4_000  # characters of a message
FOLDERS = re.compile(r'File "[^"]*/')  # of this machine, in a traceback
KEPT_PER_PLACE = 3  # findings of one kind that are written down


class Target(Protocol):
    """Something that takes inputs; a case is any value that Python can write as a literal."""

    def make(self, rng: Random) -> Any:
        """Return a case."""

    def use(self, case: Any) -> None:
        """Use a case; raise a `CharlmError` to refuse it, and anything else if there is a bug."""


class TooSlowError(BaseException):
    """An input took more time than it may."""


@dataclass
class FindingError(Exception):
    """An input that was neither used nor refused as it should be."""

    what: str
    place: str  # where it went wrong: equal for findings of the same kind
    case: Any = None


@dataclass
class Report:
    """What came of many inputs.

    Attributes
    ----------
    inputs, used : int
        How many there were, and how many of them were not refused.
    messages : set of str
        Those that refused the others, without names and numbers.
    findings : dict of str to int
        How many there were at each place.
    """

    inputs: int = 0
    used: int = 0
    messages: set[str] = field(default_factory=set)
    findings: dict[str, int] = field(default_factory=dict)

    def __str__(self) -> str:
        share = self.used / max(1, self.inputs)
        found = "".join(f"\n  {number:,} x {place}" for place, number in self.findings.items())
        return (
            f"{self.inputs:,} inputs, {share:.0%} used, the others refused with {len(self.messages):,} different "
            f"messages; {sum(self.findings.values()):,} findings at {len(self.findings)} places{found}"
        )


def judge(target: Target, case: Any, seconds: float = SECONDS, megabytes: int = MEGABYTES) -> str | None:
    """Let a target use a case, and return the message that refused it, if one did.

    Raises
    ------
    FindingError
        If anything else came of it.
    """
    try:
        with bounded(seconds, megabytes):
            target.use(case)
    except CharlmError as error:
        lines = error.mistakes if isinstance(error, ConfigError) else [str(error)]
        for line in lines:
            if not line.isprintable() or not line or len(line) > LONGEST:
                place = _without_names(line[:100])
                raise FindingError(f"a message that is no short line of text: {line[:500]!r}", place, case) from None
        return "\n".join(lines)
    except (Exception, TooSlowError) as error:
        frames = traceback.extract_tb(error.__traceback__)
        own = [frame for frame in frames if "charlm" in Path(frame.filename).parts[:-1]] or frames
        where = f"{Path(own[-1].filename).name}:{own[-1].lineno}"
        raise FindingError(traceback.format_exc(), f"{type(error).__name__} at {where}", case) from None
    return None


@contextmanager
def bounded(seconds: float, megabytes: int) -> Iterator[None]:
    """Raise an error when a block takes more processor time than that, waits, or lets the process grow."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    signal.setitimer(signal.ITIMER_PROF, seconds)
    signal.setitimer(signal.ITIMER_REAL, WAITED)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.setitimer(signal.ITIMER_REAL, 0)
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    if grown > megabytes:
        raise MemoryError(f"{grown:.0f} MB more than before")


@contextmanager
def alarms() -> Iterator[None]:
    """Let the timers of `bounded` raise an error."""

    def ring(number: int, frame: object) -> None:
        raise TooSlowError("too slow" if number == signal.SIGPROF else "waits")

    before = {number: signal.signal(number, ring) for number in (signal.SIGPROF, signal.SIGALRM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def limit_memory(megabytes: int = MEGABYTES) -> None:
    """Let the process have so much more memory than it has, so that what asks for more fails at once."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    most = pages * resource.getpagesize() + megabytes * 1_000_000
    resource.setrlimit(resource.RLIMIT_AS, (most, resource.getrlimit(resource.RLIMIT_AS)[1]))


def fuzz(
    name: str,
    target: Target,
    numbers: range,
    seed: int,
    findings: Path,
    go_on: Callable[[Report], bool] = lambda report: True,
) -> Report:
    """Try the inputs of some numbers, and write each finding into a file, a few of a kind.

    Parameters
    ----------
    name : str
        The target's, for the names of the files.
    target : Target
        What is tried.
    numbers : range
        Which inputs of the seed.
    seed : int
        The inputs are a function of it and of their number.
    findings : Path
        The folder of the files; see `load_case`.
    go_on : callable
        Called after every input; it returns whether there is to be another one.
    """
    report = Report()
    with alarms():
        for number in numbers:
            case = target.make(Random(seed << 32 | number))
            report.inputs += 1
            try:
                message = judge(target, case)
            except FindingError as finding:
                seen = report.findings[finding.place] = report.findings.get(finding.place, 0) + 1
                if seen <= KEPT_PER_PLACE:
                    _write(findings, name, number, finding)
            else:
                if message is None:
                    report.used += 1
                elif len(report.messages) < 10_000:
                    report.messages.add(_without_names(message))
            if not go_on(report):
                break
    return report


def load_case(path: Path) -> Any:
    """Return the case that a file holds, as a literal of Python after comments."""
    return ast.literal_eval(path.read_text(encoding="ascii"))


def _write(folder: Path, name: str, number: int, finding: FindingError) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    literal = ascii(finding.case)
    what = FOLDERS.sub('File "', finding.what)
    comment = "".join(f"# {ascii(line)[1:-1]}\n" for line in [f"input {number}", *what.split("\n")])
    digest = hashlib.sha256(literal.encode()).hexdigest()[:10]
    (folder / f"{name}-{digest}.txt").write_text(f"{comment}{literal}\n", encoding="ascii")


def _without_names(message: str) -> str:
    first = message.split("\n", 1)[0]
    return re.sub(r"'[^']*'|\"[^\"]*\"|[0-9][0-9,.]*|\S*/\S*", "_", first)[:200]
