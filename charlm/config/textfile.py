"""A configuration file as text: an ordinary file of a stated size, in UTF-8 or marked UTF-16."""

import codecs
import stat
from pathlib import Path

from charlm.corpus.signatures import kind
from charlm.errors import ConfigError
from charlm.phrases import did_you_mean, nearest, one_line

LARGEST = 32 * 1024  # bytes; a file with every key and its comment has 6,000
IS = "a configuration is a YAML file"
OF_A_RUN = "config.yaml"  # in its directory
_MARKED = {codecs.BOM_UTF16_LE: "UTF-16", codecs.BOM_UTF16_BE: "UTF-16", codecs.BOM_UTF8: "UTF-8"}
_KINDS = {
    stat.S_IFDIR: "a directory",
    stat.S_IFIFO: "a named pipe",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFSOCK: "a socket",
}


def read(path: Path) -> str:
    """Return the text of a configuration file.

    Raises
    ------
    ConfigError
        If there is none, it is not an ordinary file, it is larger than `LARGEST`, or its bytes are no text.
    """
    name = one_line(str(path))
    try:
        mode = stat.S_IFMT(path.stat().st_mode)
        if mode != stat.S_IFREG:  # a pipe would be waited for
            inside = f"; did you mean {one_line(str(path / OF_A_RUN))}?" if (path / OF_A_RUN).is_file() else ""
            raise ConfigError(f"{name}: is {_KINDS.get(mode, 'no file')}; {IS}{inside}")
        with path.open("rb") as file:
            data = file.read(LARGEST + 1)
    except FileNotFoundError:
        raise ConfigError(f"{name}: there is no such file{_near(path)}") from None
    except (OSError, ValueError) as error:  # a path with a NUL is a ValueError
        raise ConfigError(
            f"{name}: cannot be read: {getattr(error, 'strerror', None) or error}; name a file that you may read"
        ) from None
    if found := kind(data):
        raise ConfigError(f"{name}: is {found}; {IS}")
    if len(data) > LARGEST:
        raise ConfigError(
            f"{name}: is too large for a configuration, which has at most {LARGEST:,} bytes; "
            "the text to learn from is given by corpus.path"
        )
    return _decoded(data, name)


def _near(path: Path) -> str:
    """Return the file that a person may have meant by one that is not there, as a question."""
    try:
        files = {file.stem: file for file in path.parent.iterdir() if file.suffix in (".yaml", ".yml")}
    except OSError:
        return f", nor a directory {one_line(str(path.parent))}"
    near = nearest(path.stem, files)
    return did_you_mean(one_line(str(files[near])) if near else None)


def _decoded(data: bytes, name: str) -> str:
    """Return the text that the bytes stand for; a mark at their beginning names the encoding."""
    encoding = next((encoding for mark, encoding in _MARKED.items() if data.startswith(mark)), "UTF-8")
    if data.startswith(codecs.BOM_UTF32_LE) or (encoding == "UTF-8" and 4 * data.count(0) > len(data)):
        raise ConfigError(f"{name}: is not UTF-8 text, but perhaps UTF-16 or UTF-32 without a mark; save it as UTF-8")
    try:
        return data.decode(encoding).removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        line = data[: error.start].decode(encoding, "replace").count("\n") + 1
        bad = f"byte 0x{data[error.start]:02x}"
        raise ConfigError(f"{name}:{line}: is not {encoding} text ({bad}); save it as UTF-8") from None
