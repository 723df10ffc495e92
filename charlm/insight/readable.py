"""What a person can read off a text at each character, and a unit of a network might follow.

Each feature is a number for every character of the text, known when that character has been read. The list is that of
Karpathy, Johnson & Fei-Fei, "Visualizing and understanding recurrent networks" (2016), and a little more.
"""

from collections.abc import Callable, Sequence

import numpy as np

from charlm.arrays import Array

QUOTES = {"“": "”", "«": "»", "„": "“", "「": "」", '"': '"'}
BRACKETS = {"(": ")", "[": "]", "{": "}"}
LONGEST_LINE = 100  # characters after which the position in a line counts no further
DEEPEST = 40  # columns of indentation
LONGEST_WORD = 20  # letters
LONGEST_NAME = 40  # characters of a speaker


def inside_quotes(text: Sequence[str]) -> Array:
    """Return 1 from an opening quotation mark to before the one that closes it in the same paragraph.

    Single quotation marks do not count, as they are apostrophes, too.
    """
    inside = np.zeros(len(text))
    closing, opened = "", 0
    for place, character in enumerate(text):
        if closing and character == closing:
            inside[opened:place] = 1
            closing = ""
        elif closing and character == "\n" and text[place - 1] == "\n":
            closing = ""
        elif not closing and character in QUOTES:
            closing, opened = QUOTES[character], place
    return inside


def inside_brackets(text: Sequence[str]) -> Array:
    """Return 1 from a round, square or curly bracket to before the one that closes it."""
    inside = np.zeros(len(text))
    opened: list[tuple[str, int]] = []
    for place, character in enumerate(text):
        if character in BRACKETS:
            opened.append((BRACKETS[character], place))
        elif opened and character == opened[-1][0]:
            inside[opened.pop()[1] : place] = 1
    return inside


def position_in_line(text: Sequence[str]) -> Array:
    """Return how many characters of the line were read, at most 100; 0 at its end."""
    return _counted(text, lambda character: character != "\n", LONGEST_LINE)


def capitals(text: Sequence[str]) -> Array:
    """Return 1 at each upper-case letter."""
    return np.array([float(character.isupper()) for character in text])


def digits(text: Sequence[str]) -> Array:
    """Return 1 at each digit."""
    return np.array([float(character.isdigit()) for character in text])


def indentation(text: Sequence[str]) -> Array:
    """Return how many spaces and tabs the line begins with as far as they were read, at most 40."""
    depth = np.zeros(len(text))
    columns, leading = 0, True
    for place, character in enumerate(text):
        if character == "\n":
            columns, leading = 0, True
        elif leading and character in " \t":
            columns += 1
        else:
            leading = False
        depth[place] = min(columns, DEEPEST)
    return depth


def position_in_word(text: Sequence[str]) -> Array:
    """Return how many letters of the word were read, at most 20; 0 at what is no letter."""
    return _counted(text, str.isalpha, LONGEST_WORD)


def speaker_headings(text: Sequence[str]) -> Array:
    """Return 1 in a name with a colon at the beginning of a line, as plays and dialogues have it."""
    inside = np.zeros(len(text))
    first = 0
    for line in "".join(text).split("\n"):
        inside[first : first + _heading(line)] = 1
        first += len(line) + 1
    return inside


def _heading(line: str) -> int:
    """Return how many characters of a line are a speaker: all of ``First Lord:``, five of ``LEAR: Who``."""
    name, colon, rest = line.partition(":")
    is_name = name[:1].isupper() and len(name) <= LONGEST_NAME and all(c.isalpha() or c in " '.-" for c in name)
    is_heading = colon and is_name and (not rest.strip() or (name.isupper() and rest[0] in " \t"))
    return len(name) + 1 if is_heading else 0


def end_of_sentence(text: Sequence[str]) -> Array:
    """Return 1 from a full stop, question mark or exclamation mark to before the next letter or digit."""
    ended = np.zeros(len(text))
    over = False
    for place, character in enumerate(text):
        over = character in ".?!…。" or (over and not character.isalnum())
        ended[place] = over
    return ended


def _counted(text: Sequence[str], counts: Callable[[str], bool], most: int) -> Array:
    """Return at each character how many that count have come one after the other."""
    numbers = np.zeros(len(text))
    number = 0
    for place, character in enumerate(text):
        number = number + 1 if counts(character) else 0
        numbers[place] = min(number, most)
    return numbers


FEATURES: dict[str, Callable[[Sequence[str]], Array]] = {
    "inside quotes": inside_quotes,
    "inside brackets": inside_brackets,
    "position in the line": position_in_line,
    "capitals": capitals,
    "digits": digits,
    "indentation": indentation,
    "position in the word": position_in_word,
    "speaker headings": speaker_headings,
    "end of sentence": end_of_sentence,
}
