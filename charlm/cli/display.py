"""What a person sees of a training run: a progress bar on a terminal, a line now and then in a file."""

import re
import shutil
import sys
from itertools import accumulate
from math import log
from time import perf_counter
from typing import TYPE_CHECKING, Never, Protocol
from unicodedata import combining, east_asian_width

from charlm.cli.streams import is_terminal, say
from charlm.phrases import count, one_line, visible

if TYPE_CHECKING:
    from charlm.inference.scorer import Score
    from charlm.records import Summary, Update

COMPILING = "compiling the fused kernels for this machine, once: up to half a minute"
BAR = "{percentage:3.0f}% |{bar}| {n_fmt}/{total_fmt} [{elapsed}<{remaining}] {desc}"
SILENCE = 30.0  # seconds after which a file gets another line
REMEMBERED = 0.98  # of the recent loss and speed a step: means over some fifty steps
WIDEST = 120  # columns of a sampled line


class Display(Protocol):
    """Shows a run's steps as they are done."""

    def show(self, update: "Update") -> None:
        """Show a step."""

    def close(self) -> None:
        """Leave the screen as it is."""


class Nothing:
    """Shows nothing."""

    def show(self, update: "Update") -> None:
        """Do nothing."""

    def close(self) -> None:
        """Do nothing."""


class Terminal:
    """A progress bar, with lines above it for evaluations and samples.

    Parameters
    ----------
    summary : Summary
        The run before its first step.
    """

    def __init__(self, summary: "Summary") -> None:
        from tqdm import tqdm

        self._summary, self._recent = summary, Recent(summary)
        self._bar: tqdm[Never] = tqdm(
            total=summary.total_steps,
            initial=summary.step,
            bar_format=BAR,
            dynamic_ncols=True,
            file=sys.stderr,
        )

    def show(self, update: "Update") -> None:
        """Move the bar, and write above it."""
        self._recent.add(update)
        self._bar.set_description_str(str(self._recent), refresh=False)
        self._bar.update()
        for line in events(self._summary, update):
            self._bar.write(visible(line), file=sys.stderr)

    def close(self) -> None:
        """Leave the bar where it stands."""
        self._bar.close()


class Lines:
    """Lines for evaluations and samples, and one about progress where there was none for long.

    Parameters
    ----------
    summary : Summary
        The run before its first step.
    """

    def __init__(self, summary: "Summary") -> None:
        self._summary, self._recent = summary, Recent(summary)
        self._spoke = self._began = perf_counter()

    def show(self, update: "Update") -> None:
        """Write what there is to write."""
        self._recent.add(update)
        lines = events(self._summary, update)
        now = perf_counter()
        if not lines and now - self._spoke >= SILENCE:
            lines = [self._progress(update.progress.step, now)]
        if lines:
            self._spoke = now
        for line in lines:
            say(line)

    def _progress(self, step: int, now: float) -> str:
        total = self._summary.total_steps
        left = (now - self._began) / (step - self._summary.step) * (total - step)
        return f"step {step:,} of {total:,}: {self._recent}, {duration(left)} left"

    def close(self) -> None:
        """Do nothing."""


def choose(summary: "Summary", silent: bool) -> Display:
    """Return the display that fits what standard error is."""
    if silent:
        return Nothing()
    return Terminal(summary) if is_terminal(sys.stderr) else Lines(summary)


class Recent:
    """The recent loss and speed of a run: means in which older steps count less and less.

    Parameters
    ----------
    summary : Summary
        The run.
    """

    def __init__(self, summary: "Summary") -> None:
        self._window, self._unit = summary.window, summary.unit
        self._whose = " alone" if summary.has_ngram else ""  # the n-gram has no part in a step
        self._weight = self._loss = self._seconds = 0.0

    def add(self, update: "Update") -> None:
        """Count a step."""
        self._weight = REMEMBERED * self._weight + 1
        self._loss = REMEMBERED * self._loss + update.progress.loss
        self._seconds = REMEMBERED * self._seconds + update.progress.seconds

    def __str__(self) -> str:
        """Return both in words."""
        loss, speed = self._loss / self._weight, self._window * self._weight / self._seconds
        bits = f"{loss / log(2):.3f} bits/{self._unit}"
        return f"loss {loss:.3f}{self._whose}, {bits}, {rounded(speed)} {self._unit}s/s"


def events(summary: "Summary", update: "Update") -> list[str]:
    """Return the lines that a step is worth: its evaluation, what the model wrote, an early end."""
    from charlm.training.recovery import worse_than_guessing

    progress, lines = update.progress, [one_line(note) for note in update.notes]
    if progress.score is not None:
        score, symbols = progress.score, summary.architecture.vocabulary_size
        remark = " (best so far)" if progress.improved else ""
        alone = "" if score.network_loss is None else f" with the n-gram, {score.network_loss:.4f} nats without"
        if worse_than_guessing(score.highest, symbols):
            remark = f" (worse than guessing among {symbols} symbols, which costs {log(symbols):.4f} nats)"
        lines.append(
            f"step {progress.step:,}, epoch {progress.epoch:.2f}: validation {score.loss:.4f} nats, "
            f"{score.bits_per_char:.4f} bits/{summary.unit}{alone}{remark}"
        )
        if score.runaway:
            lines.append(f"  one stream of it {apart(score)}")
    if update.sample is not None:
        columns = min(WIDEST, shutil.get_terminal_size().columns)
        lines.append(f"  | {cut(on_one_line(update.sample), columns - 5)}")
    if update.stopped_early:
        lines.append(f"stopped early: no better validation in {count(summary.early_stopping or 0, 'evaluation')}")
    return lines


def apart(score: "Score") -> str:
    """Say of the worst stream of a text what may be wrong there."""
    return (
        f"is at {score.worst_stream:.2f} nats: it is text of another kind, or the state ran away there, which "
        "training.reset_probability above 0 prevents"
    )


def on_one_line(text: str) -> str:
    """Return a text with its line ends as slashes, as verse is quoted, and nothing that could confuse a terminal."""
    return one_line(re.sub(r"\s*\n\s*", " / ", text.strip()))


def readable(symbol: str) -> str:
    """Return a character that shows as itself, or a name for one that does not or would join its neighbour."""
    if symbol == " ":
        return "' '"
    if symbol in "\n\r\t":
        return repr(symbol)[1:-1]
    if symbol.isprintable() and not combining(symbol):
        return symbol
    return f"U+{ord(symbol):04X}"


def cut(text: str, columns: int) -> str:
    """Return as much of a text as fits into some columns of a terminal; the letters of East Asia take two each."""
    widths = accumulate(0 if combining(c) else 1 + (east_asian_width(c) in "WF") for c in text)
    return text[: sum(width <= columns for width in widths)]


def rounded(number: float) -> str:
    """Return a speed with no more digits than it deserves."""
    return f"{number / 1000:.0f}k" if number >= 10_000 else f"{number:.0f}"


def duration(seconds: float) -> str:
    """Return a time in words."""
    if seconds < 99.5:
        return f"{seconds:.0f} s"
    if seconds < 99.5 * 60:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"
