"""Characters that a text rarely has on purpose."""

import numpy as np
import pytest

from charlm.corpus.counts import occurrences
from charlm.corpus.oddities import name_of, oddities


def odd_in(text):
    return {chr(code): kind for code, kind in oddities(occurrences([text], "char")).items()}


@pytest.mark.parametrize(
    ("character", "kind"),
    [
        ("\u200b", "invisible"),
        ("\u00ad", "invisible"),
        ("\u202e", "invisible"),
        ("\u00a0", "unusual space"),
        ("\u3000", "unusual space"),
        ("\u2028", "line separator"),
        ("\u0007", "control character"),
        ("\r", "control character"),
        ("\ufeff", "byte order mark within the text"),
        ("\ufffd", "replacement character"),
        ("\u0301", "combining mark"),
        ("\ufe0f", "invisible"),
        ("\u180b", "invisible"),
        ("\u3164", "invisible"),
        ("\uffa0", "invisible"),
        ("\u17b4", "invisible"),
        ("\u2800", "invisible"),
        ("\ue000", "private use"),
        ("\u0378", "not in Unicode"),
    ],
)
def test_an_odd_character_is_named_by_its_kind(character, kind):
    assert odd_in(f"tin{character}ra\n") == {character: kind}


@pytest.mark.parametrize(
    "text",
    ["tin\tra\n", "Käse, œuvre, „so“ – 3 €", "日本語", "नमस्ते", "Привет, как дела? Хорошо.", "αλφα και ωμεγα", "😀"],
)
def test_an_ordinary_text_has_nothing_odd(text):
    assert odd_in(text) == {}


def test_letters_of_another_script_that_pass_for_those_of_the_text_are_found():
    assert odd_in("a text with \u0430 letter or tw\u043e of another script") == {
        "\u0430": "among Latin letters",
        "\u043e": "among Latin letters",
    }
    assert odd_in("Привет, как дела? a") == {"a": "among Cyrillic letters"}


def test_a_text_of_two_languages_has_none_of_them():
    assert odd_in("She said: Привет, как дела? And he went away with all that he had.") == {}
    assert odd_in("Привет, this is it, как дела? Хорошо.") == {}


def test_controls_have_names_though_unicode_has_none():
    assert name_of(0x0D) == "CARRIAGE RETURN"
    assert name_of(0x200B) == "ZERO WIDTH SPACE"
    assert name_of(0x07) == ""
    assert oddities(np.zeros(10, np.int64)) == {}
