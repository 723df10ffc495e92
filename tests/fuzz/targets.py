"""What is fuzzed, by name."""

from collections.abc import Callable
from pathlib import Path

from tests.fuzz.checkpoints import Checkpoints
from tests.fuzz.commands import Commands
from tests.fuzz.configuration import Configuration
from tests.fuzz.corpora import Corpora
from tests.fuzz.engine import Target
from tests.fuzz.vocabularies import Vocabularies

TARGETS: dict[str, Callable[[Path], Target]] = {
    "configuration": Configuration,
    "checkpoint": Checkpoints,
    "corpus": Corpora,
    "vocabulary": lambda folder: Vocabularies(),
    "commands": Commands,
}
