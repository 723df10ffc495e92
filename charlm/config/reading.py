"""From a YAML file, and from what is given beside it, to a checked configuration."""

from collections.abc import Sequence
from pathlib import Path

from charlm.config.document import Document, Override
from charlm.config.keys import Config
from charlm.config.phrases import one_line
from charlm.config.plain_yaml import compose, plain_value
from charlm.errors import UsageError

_LARGEST = 2**20


def _read_text(path: Path) -> str:
    try:
        if path.is_dir():
            raise UsageError(f"{path}: is a directory; a configuration is a YAML file")
        with path.open("rb") as file:
            data = file.read(_LARGEST + 1)
    except FileNotFoundError:
        raise UsageError(f"{path}: there is no such file") from None
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}") from None
    if len(data) > _LARGEST:
        raise UsageError(f"{path}: is too large for a configuration; the text to learn from is given by corpus.path")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise UsageError(f"{path}:{line}: is not UTF-8 text (byte 0x{data[error.start]:02x})") from None


def _read(path: Path) -> Document:
    document = Document(str(path))
    node = compose(_read_text(path), str(path))
    if node is not None:
        document.data = plain_value(node, lambda key, line: document.mark(key, f"{path}:{line}"))
    return document


def _parse_override(text: str) -> Override:
    key, equals, value = text.partition("=")
    if not equals:
        raise UsageError(one_line(f"--set {text}: needs KEY=VALUE, such as model.hidden_size=512"))
    where = f"--set {key}"
    node = compose(value, where)
    if node is None:
        raise UsageError(one_line(f"{where}: needs a value; write null for none"))
    return Override(key, plain_value(node, lambda key, line: None), where)


def load(path: Path | None, overrides: Sequence[str] = (), extra: Sequence[Override] = ()) -> Config:
    """Read a configuration file and what was given beside it.

    Later values win: the file's, then `overrides` from left to right, then `extra`. A length of training
    (``epochs``, ``max_steps`` or ``max_minutes``) given beside the file replaces every length given before it.

    Parameters
    ----------
    path : Path or None
        A YAML file in UTF-8; without one, every key has its default.
    overrides : sequence of str
        Texts such as ``model.hidden_size=512``, their values written as in YAML.
    extra : sequence of Override
        Values of command-line flags.

    Returns
    -------
    Config
        The checked configuration.

    Raises
    ------
    UsageError
        With one line for each problem, in reading order: where, what is wrong, what would be right.
    """
    document = Document("") if path is None else _read(path)
    for override in (*map(_parse_override, overrides), *extra):
        document.override(override)
    return document.resolve()
