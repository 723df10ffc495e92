"""Facts about the known characters that a person may have meant."""

import pytest

from charlm.corpus.lookalikes import nearest


@pytest.mark.parametrize(
    ("symbol", "known", "expected"),
    [
        ("A", "abc", ["a"]),
        ("é", "eEx", ["e", "E"]),
        ("É", "éEe", ["é", "E", "e"]),
        ("ø", "oO", ["o", "O"]),
        ("ﬁ", "fi", ["f"]),
        ("’", "'\"a", ["'"]),
        ("'", "’a", ["’"]),
        ("—", "-a", ["-"]),
        ("\r", "a\n", ["\n"]),
        ("\xa0", " a", [" "]),
        ("5", "37a", ["3"]),
        ("x", "aw", ["w"]),
    ],
)
def test_the_nearest_symbol_is_what_a_person_meant(symbol, known, expected):
    assert nearest(symbol, known) == expected
