"""Facts about paths in the commands that charlm advises."""

import shlex
from pathlib import Path

import pytest

from charlm.cli.advice import quoted


@pytest.mark.parametrize("name", ["runs/plays", "my runs/a b", "it's", "a;rm b", "$HOME", "a&b"])
def test_a_path_is_one_word_of_a_posix_shell(name):
    assert shlex.split(quoted(Path(name), windows=False)) == [name]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        (r"runs\plays", r"runs\plays"),
        (r"my runs\a b", r'"my runs\a b"'),
        ("R&D", '"R&D"'),
        (r"C:\Program Files (x86)\a", r'"C:\Program Files (x86)\a"'),
    ],
)
def test_a_path_with_spaces_or_signs_stands_in_double_quotes_on_windows(name, words):
    assert quoted(Path(name), windows=True) == words
