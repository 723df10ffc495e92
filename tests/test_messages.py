"""What messages say belongs to who says it: the library names no option of the command line."""

import ast
import re

import pytest

from charlm.cli.advice import ADVICE
from charlm.errors import Remedy
from tests.conftest import ROOT

COMMANDS = ("cli", "bench")
# `load` of a configuration takes the texts of `--set` as they were typed, and names each by it; for a text that a
# recipe lacks, the whole command that makes it is printed.
TYPED = {"charlm/config/reading.py", "charlm/corpus/sources.py"}
LIBRARY = [path for path in sorted((ROOT / "charlm").rglob("*.py")) if path.parts[len(ROOT.parts) + 1] not in COMMANDS]


@pytest.mark.parametrize("path", LIBRARY, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_message_of_the_library_names_an_option_of_the_command_line(path):
    texts = [
        node.value
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and "\n" not in node.value
    ]
    found = [text for text in texts if re.search(r"(?<![-\w])--[a-z]", text)]
    assert found == [] or path.relative_to(ROOT).as_posix() in TYPED


def test_the_command_line_has_words_for_every_remedy():
    assert set(ADVICE) == set(Remedy)
