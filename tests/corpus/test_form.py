"""Whether a text looks like a list of items or like one running text."""

import pytest

from charlm.corpus.form import form
from charlm.corpus.vocabulary import Vocabulary
from tests.conftest import ROOT

NAMES = [f"{first}{middle}{last}" for first in "ABEJLM" for middle in ("ab", "eri", "on") for last in "aeinx"]


def form_of(lines, end="\n"):
    text = "".join(line + end for line in lines)
    vocabulary = Vocabulary.of(text)
    return form(vocabulary.encode(text), vocabulary)


def test_names_are_a_list():
    assert form_of(NAMES) == ("lines", "a list: lines of 4 symbols (median), none empty, few that end as sentences do")


def test_a_list_may_have_a_few_empty_lines():
    told = "a list: lines of 4 symbols (median), 0.9% of them empty, few that end as sentences do"
    assert form_of([*NAMES, "", *NAMES]) == ("lines", told.replace("0.9", f"{100 / (2 * len(NAMES) + 1):.1f}"))


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        (NAMES[:49], "fewer than 50 lines"),
        ([line for name in NAMES for line in (name, "")], "50% of its lines are empty"),
        ([name * 10 for name in NAMES], "its lines have 40 symbols (median)"),
        ([*NAMES, "x" * 121], "it has a line of 121 symbols"),
        ([name + "," * (number % 4 == 0) for number, name in enumerate(NAMES)], "26% of its lines end as sentences do"),
    ],
)
def test_each_sign_of_a_running_text_is_enough(lines, reason):
    assert form_of(lines) == ("stream", f"a running text: {reason}")


@pytest.mark.parametrize(
    "lines", [NAMES, [*NAMES[:9], "", *NAMES], ["", *NAMES * 2], [name + "," for name in NAMES], ["x" * 30] * 50]
)
def test_a_carriage_return_that_is_kept_belongs_to_the_end_of_its_line(lines):
    assert form_of(lines, "\r\n") == form_of(lines)


def test_the_plays_are_a_running_text():
    for path in sorted((ROOT / "data" / "plays").glob("*.txt")):
        assert form_of(path.read_text("utf-8").splitlines()).mode == "stream", path.name
