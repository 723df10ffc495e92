"""What can be read off a text at each character."""

import numpy as np
import pytest

from charlm.insight.readable import FEATURES

CASES = [
    ("inside quotes", 'a "b c" d', "001111000"),
    ("inside quotes", "“a “ b” c”", "1111110000"),
    ("inside quotes", '"a\n\nb" c "d" ', "0000011110000"),
    ("inside quotes", "don't «say» it", "00000011110000"),
    ("inside brackets", "a (b [c] d) e", "0011111111000"),
    ("inside brackets", "a (b } c) (d", "001111110000"),
    ("position in the line", "ab\nc\n\nd", "12010" + "01"),
    ("capitals", "aB Ä1", "01010"),
    ("digits", "a1 42", "01011"),
    ("indentation", "  a\n b c\n\td", "122" + "01111" + "0" + "11"),
    ("position in the word", "ab c-dé 1", "120101200"),
    ("speaker headings", "LEAR: Who\n", "1111100000"),
    ("speaker headings", "First Lord:\nSo: he", "11111111111" + "0000000"),
    ("speaker headings", "He said: no.\nB:\n", "0" * 13 + "110"),
    ("speaker headings", "OLD MAN: (aside) so\nÉDITH: oui\n12:30", "11111111" + "0" * 12 + "111111" + "0" * 10),
    ("end of sentence", 'a. "B" c!? D', "011100001110"),
]


@pytest.mark.parametrize(("feature", "text", "expected"), CASES)
def test_a_feature_has_a_number_for_every_character(feature, text, expected):
    assert "".join(str(int(value)) for value in FEATURES[feature](text)) == expected


@pytest.mark.parametrize(("feature", "text", "largest"), [
    ("position in the line", "a" * 300, 100),
    ("position in the word", "a" * 300, 20),
    ("indentation", " " * 300, 40),
])  # fmt: skip
def test_what_counts_characters_counts_no_further_than_a_limit(feature, text, largest):
    values = FEATURES[feature](text)
    assert values[largest - 1] == largest == values.max() == values[-1]


@pytest.mark.parametrize("feature", FEATURES)
def test_a_feature_of_an_empty_text_is_empty(feature):
    assert np.asarray(FEATURES[feature]("")).shape == (0,)
