"""Random lines whose last characters follow from characters a stated distance before them: tests of a long memory.

All that is random in a line is uniform and independent, so the lowest loss that any model can reach is known exactly.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import log
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from charlm.atomic import made, open_atomic
from charlm.errors import CharlmError, Remedy, UsageError, WriteError
from charlm.phrases import suggestion
from charlm.randomness import Purpose, generator

DELAY = 20  # characters from the first that matters to the answer, where none are given
MOST_CHARACTERS = 100_000_000  # of a text, which is made in memory
DEPTH = 3  # brackets, one in another
MARK = ord("=")  # the answer follows it
SUMMAND = ord("*")  # a digit to add follows it

Codes = npt.NDArray[np.uint8]  # of ASCII


def _codes(characters: str) -> Codes:
    return np.frombuffer(characters.encode("ascii"), np.uint8)


COPIED = _codes("abcdefgh")
OPENING, CLOSING = _codes("([{<"), _codes(")]}>")
BETWEEN = _codes("abcdefghijklmnopqrstuvwxyz")
DIGITS, SUMS = _codes("01234"), _codes("012345678")


def _drawn(alphabet: Codes, number: int, length: int, rng: np.random.Generator) -> Codes:
    """Return random characters of an alphabet, (number, length)."""
    return alphabet[rng.integers(len(alphabet), size=(number, length), dtype=np.uint8)]


def _mark(number: int) -> Codes:
    return np.full((number, 1), MARK, np.uint8)


def copied(delay: int, number: int, rng: np.random.Generator) -> Codes:
    """Return lines of a letter, other random letters, a mark, and the first letter again: ``chbf=c``."""
    letters = _drawn(COPIED, number, delay - 1, rng)
    return np.hstack([letters, _mark(number), letters[:, :1]])


def bracketed(delay: int, number: int, rng: np.random.Generator) -> Codes:
    """Return lines of opening brackets, random letters, a mark, and the brackets that close them: ``[(<qk=>)]``."""
    kinds = rng.integers(len(OPENING), size=(number, DEPTH), dtype=np.uint8)
    between = _drawn(BETWEEN, number, delay - 2 * DEPTH, rng)
    return np.hstack([OPENING[kinds], between, _mark(number), CLOSING[kinds[:, ::-1]]])


def _places(delay: int) -> int:
    """Return at how many places the second summand may stand: those of the first half."""
    return (delay - 2) // 2


def added(delay: int, number: int, rng: np.random.Generator) -> Codes:
    """Return lines of random digits, two of them marked, and the sum of those two: ``*43*2103=6``."""
    lines = _drawn(DIGITS, number, delay + 2, rng)
    each, second = np.arange(number), 2 + rng.integers(_places(delay), size=number)
    lines[:, 0] = lines[each, second] = SUMMAND
    lines[:, delay] = MARK
    lines[:, delay + 1] = SUMS[lines[:, 1] - DIGITS[0] + lines[each, second + 1] - DIGITS[0]]
    return lines


@dataclass(frozen=True, slots=True)
class Task:
    """A kind of lines.

    Attributes
    ----------
    about : str
        What has to be remembered.
    shortest : int
        The least delay: from a character to the answer that depends on it, in characters.
    answers : int
        How many characters at the end of a line follow from those before.
    chance : float
        The share of answers that are right when the likeliest is guessed.
    draw : callable
        Makes the lines, (number, length), for a delay, a number and a generator.
    entropy : callable
        The entropy of a line in nats for a delay: the logarithm of the number of lines, all equally likely.
    """

    about: str
    shortest: int
    answers: int
    chance: float
    draw: Callable[[int, int, np.random.Generator], Codes]
    entropy: Callable[[int], float]


TASKS = {
    "copy": Task(
        about="the first letter, after random letters of the same alphabet",
        shortest=2,
        answers=1,
        chance=1 / len(COPIED),
        draw=copied,
        entropy=lambda delay: (delay - 1) * log(len(COPIED)),
    ),
    "brackets": Task(
        about=f"{DEPTH} brackets of {len(OPENING)} kinds, one in another, closed after random letters",
        shortest=2 * DEPTH,
        answers=DEPTH,
        chance=1 / len(OPENING),
        draw=bracketed,
        entropy=lambda delay: DEPTH * log(len(OPENING)) + (delay - 2 * DEPTH) * log(len(BETWEEN)),
    ),
    "adding": Task(
        about="two marked digits among random ones; the answer is their sum "
        "(after Hochreiter & Schmidhuber 1997, section 5.4)",
        shortest=4,
        answers=1,
        chance=1 / len(DIGITS),
        draw=added,
        entropy=lambda delay: (delay - 2) * log(len(DIGITS)) + log(_places(delay)),
    ),
}


@dataclass(frozen=True, slots=True)
class Lines:
    r"""The text of a task.

    Attributes
    ----------
    name : str
        The task and its delay, such as ``copy-20``.
    text : str
        The lines, each with its ``\n``.
    length : int
        The characters of a line, which are as many in each, without its end.
    answers : int
        How many of them, the last, follow from those before.
    chance : float
        The share of answers that are right when the likeliest is guessed.
    floor : float
        The lowest mean loss that a model of lines can reach, in nats per character, line ends counted.
    """

    name: str
    text: str
    length: int
    answers: int
    chance: float
    floor: float


class Written(NamedTuple):
    """Where a text is, and whether it was there before."""

    path: Path
    already_there: bool


def task_named(name: str) -> Task:
    """Return the task of a name, or raise a `UsageError` that lists them."""
    if name not in TASKS:
        raise UsageError(f"{name!r} is not a task{suggestion(name, TASKS)} ({', '.join(TASKS)})")
    return TASKS[name]


def generate(name: str, delay: int, number: int, seed: int) -> Lines:
    """Make the lines of a task.

    Parameters
    ----------
    name : str
        A key of `TASKS`.
    delay : int
        The distance from a character to the answer that depends on it: 1 is the next character. It is that of the
        first bracket and of the first summand; the others are nearer.
    number : int
        How many lines, at least 1.
    seed : int
        Equal arguments give equal lines.

    Returns
    -------
    Lines
        The text, and what is known about it.

    Raises
    ------
    UsageError
        If there is no such task, the delay is too short for it, or the text would be too long.
    """
    task = task_named(name)
    if delay < task.shortest:
        raise UsageError(f"delay: must be at least {task.shortest} for {name}, got {delay:,}")
    most = MOST_CHARACTERS // (delay + 3)  # the longest lines of this delay, with their ends
    if not most:
        raise UsageError(f"delay: must be below {MOST_CHARACTERS - 2:,}, got {delay:,}")
    if number > most:
        raise UsageError(
            f"lines: at most {most:,} of delay {delay:,} make a text of {MOST_CHARACTERS:,} characters, got {number:,}"
        )
    lines = task.draw(delay, number, generator(seed, Purpose.TASK))
    ended = np.hstack([lines, np.full((number, 1), ord("\n"), np.uint8)])
    return Lines(
        name=f"{name}-{delay}",
        text=ended.tobytes().decode("ascii"),
        length=lines.shape[1],
        answers=task.answers,
        chance=task.chance,
        floor=task.entropy(delay) / ended.shape[1],
    )


def save(lines: Lines, folder: Path, force: bool = False) -> Written:
    """Write the lines of a task into a folder, which is made if need be.

    Parameters
    ----------
    lines : Lines
        From `generate`.
    folder : Path
        Where to; the file is called ``copy-20.txt`` or alike.
    force : bool
        Whether to put it in the place of a different file.

    Raises
    ------
    CharlmError
        When there is a different file of that name, or the file cannot be written.
    """
    target, content = folder / f"{lines.name}.txt", lines.text.encode("ascii")
    try:
        if target.is_file() and target.stat().st_size == len(content) and target.read_bytes() == content:
            return Written(target, already_there=True)
        if target.exists() and not force:
            raise CharlmError(
                f"{target}: exists and has other lines; move it away, choose another folder, or overwrite it",
                remedy=Remedy.OTHER_FOLDER_OR_OVERWRITE,
            )
        with made(folder), open_atomic(target) as file:
            file.write(content)
    except OSError as error:
        raise WriteError(
            f"{target}: cannot be written ({error.strerror or error}); choose another folder",
            remedy=Remedy.OTHER_FOLDER,
        ) from None
    return Written(target, already_there=False)
