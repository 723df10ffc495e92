"""The errors a person can cause, each told in one line."""


class CharlmError(Exception):
    """Something went wrong at run time that a person can put right.

    The message is the whole report: where, what is wrong, and what would be right. The command line prints it
    on standard error without a traceback and exits with `exit_code`.
    """

    exit_code = 1


class UsageError(CharlmError):
    """A wrong argument or configuration; the message may hold several lines, one for each problem."""

    exit_code = 2


class ConfigError(UsageError):
    """All that is wrong with a configuration.

    Attributes
    ----------
    mistakes : list of str
        One line for each, in reading order: where, what is wrong, what would be right.
    """

    def __init__(self, *mistakes: str) -> None:
        super().__init__(*mistakes)
        self.mistakes = list(mistakes)

    def __str__(self) -> str:
        return "\n".join(self.mistakes)
