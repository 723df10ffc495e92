"""The errors a person can cause, each with a message of one line, and their kinds for code that reacts to them."""

from enum import Enum, auto
from typing import TYPE_CHECKING

from charlm.phrases import one_line

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path  # takes a while, and `charlm --help` needs none


class Remedy(Enum):
    """What a person can do about an error; each interface says it in its own words."""

    OTHER_DIRECTORY = auto()
    REPLACE_RUN = auto()
    RESUME_OR_REPLACE_RUN = auto()
    START_ANEW = auto()
    START_FROM_WEIGHTS = auto()
    GIVE_LENGTH = auto()
    OTHER_FOLDER = auto()
    OTHER_FOLDER_OR_OVERWRITE = auto()
    OTHER_ADDRESS = auto()
    RESUME_WITH_RANKS = auto()
    RESUME_ALONE = auto()
    NAME_CORPUS = auto()
    TRAIN_ON_TEXT = auto()
    NAME_TEXT = auto()
    OVERWRITE = auto()
    NAME_ENCODING = auto()
    SET_ENCODING = auto()
    NAME_UNIT = auto()
    SET_UNIT = auto()
    NAME_SPLIT = auto()
    SET_SPLIT = auto()
    SKIP_UNKNOWN = auto()
    NAME_CORPUS_OR_START_FROM_WEIGHTS = auto()


class CharlmError(Exception):
    """Something went wrong at run time that a person can put right.

    The message is the whole report: where, what is wrong, and what would be right. The command line prints it
    on standard error without a traceback and exits with `exit_code`. Names in it may hold any character: line ends and
    other controls are spelt out.

    Attributes
    ----------
    remedy : Remedy or None
        What the message advises, where the command line has an option for it.
    path : Path or None
        What the remedy is applied to.
    ranks : int
        How many processes of an MPI job the remedy needs.
    split : mapping of str to float
        The shares of the parts that `Remedy.SET_SPLIT` sets, by the name of the part.
    """

    exit_code = 1

    def __init__(
        self,
        *message: str,
        remedy: Remedy | None = None,
        path: "Path | None" = None,
        ranks: int = 1,
        split: "Mapping[str, float] | None" = None,
    ) -> None:
        super().__init__(*message)
        self.remedy, self.path, self.ranks, self.split = remedy, path, ranks, split or {}

    def __str__(self) -> str:
        return one_line(super().__str__())


class CharlmWarning(UserWarning):
    """Something optional does not work, and the program goes on without it; the command line prints it in one line."""


class UsageError(CharlmError):
    """A wrong argument or configuration."""

    exit_code = 2


class ConfigError(UsageError):
    """All that is wrong with a configuration; the message has a line for each mistake.

    Attributes
    ----------
    mistakes : list of str
        One line for each, in reading order: where, what is wrong, what would be right.
    """

    def __init__(self, *mistakes: str) -> None:
        super().__init__(*mistakes)
        self.mistakes = list(mistakes)

    def __str__(self) -> str:
        return "\n".join(map(one_line, self.mistakes))


class UnknownSymbolError(UsageError):
    """A text holds characters that the vocabulary lacks."""


class CorpusError(CharlmError):
    """A corpus is missing, unreadable, too small, or no longer the text that a run was trained on."""


class FileError(CharlmError):
    """A checkpoint cannot be read, or another program or version wrote it."""


class DamagedFileError(FileError):
    """A checkpoint is torn or damaged: what it holds is not what was written."""


class WriteError(CharlmError):
    """A file or a directory cannot be written."""


class NotFiniteError(CharlmError):
    """A loss, a gradient, a weight or a logit is infinite or not a number: the training has diverged."""

    @classmethod
    def of_logits(cls) -> "NotFiniteError":
        """Return the error for a model of finite weights that are so large that its logits are not."""
        return cls("the logits of the model are not finite numbers: its weights are too large; train it anew")
