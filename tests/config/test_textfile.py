"""Facts about files that are given as a configuration: which are read, in which encodings, and with how much work."""

import os
import socket
from cProfile import Profile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from charlm.config import from_dict, load, parse_override
from charlm.config.textfile import LARGEST
from charlm.errors import ConfigError

TEXT = "# wörter\ncorpus:\n  path: größe.txt\nseed: 7\n"


def mistakes_of(read) -> list[str]:
    """Return what is wrong, or nothing where all is well."""
    try:
        read()
    except ConfigError as error:
        return error.mistakes
    return []


def refused(path: Path) -> str:
    (line,) = mistakes_of(lambda: load(path))
    return line.removeprefix(str(path))


@pytest.fixture
def file(tmp_path):
    return tmp_path / "mine.yaml"


# --- Encodings


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize(("mark", "encoding"), [("", "utf-8"), ("\ufeff", "utf-8"), ("\ufeff", "utf-16-le"),
                                                ("\ufeff", "utf-16-be")])  # fmt: skip
def test_utf_8_and_marked_utf_16_are_read(file, mark, encoding, newline):
    file.write_bytes((mark + TEXT.replace("\n", newline)).encode(encoding))
    assert (load(file).corpus.path, load(file).seed) == ("größe.txt", 7)
    file.write_bytes((mark + TEXT + "sed: 1\n").replace("\n", newline).encode(encoding))
    assert refused(file).startswith(":5: sed: is not a key")


@pytest.mark.parametrize(
    "data", [TEXT.encode("utf-16-le"), TEXT.encode("utf-16-be"), TEXT.encode("utf-32"), TEXT.encode("utf-32-be")]
)
def test_wide_encodings_without_a_mark_are_named(file, data):
    file.write_bytes(data)
    message = ": is not UTF-8 text, but perhaps UTF-16 or UTF-32 without a mark; save it as UTF-8"
    assert refused(file) == message


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (TEXT.encode("latin-1"), ":1: is not UTF-8 text (byte 0xf6); save it as UTF-8"),
        (b"a: 1\nb: \xff\n", ":2: is not UTF-8 text (byte 0xff); save it as UTF-8"),
        (b"\xff\xfea\x00\n\x00b", ":2: is not UTF-16 text (byte 0x62); save it as UTF-8"),
    ],
)
def test_other_bytes_are_told_with_their_line(file, data, message):
    file.write_bytes(data)
    assert refused(file) == message


# --- What is no ordinary file


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes in folders")
def test_a_pipe_is_refused_and_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("pipe")
    for name in ("pipe", "link"):
        assert refused(tmp_path / name) == ": is a named pipe; a configuration is a YAML file"


@pytest.mark.skipif(os.name == "nt", reason="devices are no files there")
def test_devices_sockets_and_directories_are_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("socket")
        assert refused(Path("socket")) == ": is a socket; a configuration is a YAML file"
    assert refused(Path("/dev/zero")) == ": is a device; a configuration is a YAML file"
    assert refused(tmp_path) == ": is a directory; a configuration is a YAML file"


def test_a_name_that_no_file_can_have_is_refused_on_one_line(tmp_path):
    for name in ("a\nb.yaml", "a\x1b[2Jb.yaml", "a\0b.yaml", "a" * 300):
        with pytest.raises(ConfigError) as caught:
            load(tmp_path / name)
        assert str(caught.value).isprintable()


# --- Windows paths


@pytest.mark.parametrize("path", [r"C:\Users\me\a.txt", r"C:\data\a.txt", r"D:\xylophone", r"C:\quotes", "C:\\texts\\"])
def test_a_windows_path_that_is_no_yaml_in_double_quotes_is_explained(file, path):
    file.write_text(f'corpus:\n  path: "{path}"\n  encoding: "utf-8"\n')
    assert refused(file).endswith(
        "; in double quotes a backslash begins an escape: write a path in single quotes, or with forward slashes"
    )


@pytest.mark.parametrize("path", [r"C:\new\texts\a.txt", r"D:\Plays", r"d:/verse\new.txt", r"\\server\texts"])
def test_a_windows_path_that_means_something_else_in_double_quotes_is_explained(file, path):
    for written in (f'"{path}"', f'[a.txt, "{path}"]'):
        file.write_text(f"corpus:\n  path: {written}\n")
        assert refused(file).startswith(":2: corpus.path: must be in single quotes, or have forward slashes: ")


@pytest.mark.parametrize(
    "path", [r"C:\new\texts\a.txt", r"C:\Users\me", "C:\\texts\\", "C:/new/texts", r"\\server\new"]
)
def test_windows_paths_in_single_quotes_or_none_are_read_as_they_are(file, path):
    for written in (path, f"'{path}'", f"[{path}, '{path}']"):
        file.write_text(f"corpus:\n  path: {written}\n")
        assert load(file).corpus.path in (path, (path, path))


# --- Effort


CALLS = 200  # of functions a byte, C's among them; the most is 100


HOSTILE = {
    "keys": ("", "k{i}: 1\n"),
    "one key": ("", "seed: 1\n"),
    "keys in brackets": ("model: {", "h{i}, "),
    "one key in brackets": ("{", "a,"),
    "empty keys": ("{", "?,"),
    "items": ("corpus:\n  path:\n", "  - a\n"),
    "items in brackets": ("corpus: {path: [", "a, "),
    "numbers": ("seed: [", "1,"),
    "lists": ("seed: [", "[],"),
    "brackets": ("", "["),
    "braces": ("", "{a: "),
    "dashes": ("", "- "),
    "question marks": ("", "? "),
    "a long key": ("", "\\x41"),
    "a long text": ('"', "\\x41"),
    "line ends": ('"', "\n"),
    "comments": ("", "#\n"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_nothing_within_the_limit_is_much_work_or_is_answered_at_length(file, name):
    opening, piece = HOSTILE[name]
    body = "".join(piece.replace("{i}", str(i)) for i in range(LARGEST // len(piece)))
    for closing in ("", {"{": "}", "[": "]", '"': '"'}.get(opening[-1:], ": 1")):
        file.write_text((opening + body)[: LARGEST - len(closing)] + closing, newline="\n")
        with Profile() as profile:  # which counts what a busy machine does not change, unlike seconds
            mistakes = mistakes_of(lambda: load(file))
        assert sum(entry.callcount for entry in profile.getstats()) < CALLS * LARGEST
        assert sum(map(len, mistakes)) < 30_000


PIECES = [part for parts in HOSTILE.values() for part in parts] + [
    "corpus:", "\n", "  ", "]", "}", ": ", "path", "\t", "*a", "&a", "!!x ", "%", "'", "a: |\n b\n", "\0", "\x85",
    "\ufeff",
]  # fmt: skip


def test_an_override_has_the_same_limit():
    with pytest.raises(ConfigError, match="has more than 32,768 characters"):
        parse_override("corpus.path=" + "[" * 40_000)


@given(
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats()
        | st.text(max_size=5)
        | st.integers(5_000, 5_001).map(lambda digits: 10**digits),
        lambda inner: (
            st.lists(inner, max_size=4)
            | st.dictionaries(st.sampled_from(["corpus", "path", "model", "split", "training", "x", "seed"]), inner)
        ),
        max_leaves=30,
    )
)
@settings(max_examples=300, deadline=None)
def test_no_nested_values_give_a_traceback(data):
    assert all(line.isprintable() for line in mistakes_of(lambda: from_dict(data, "test")))


def test_values_nested_very_deeply_give_no_traceback():
    data: object = 1
    for depth in range(5_000):
        data = {"model": data} if depth % 2 else [data]
    for values in (data, {"corpus": data}, {"corpus": {"path": data}}, {"model": {"hidden_size": data}}, {"x": data}):
        assert mistakes_of(lambda values=values: from_dict(values, "test"))


@given(st.lists(st.sampled_from(PIECES), max_size=60).map("".join) | st.binary(max_size=60))
@settings(max_examples=500, deadline=None)
def test_whatever_the_bytes_there_is_a_configuration_or_a_mistake(tmp_path_factory, content):
    path = tmp_path_factory.getbasetemp() / "fuzzed.yaml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    assert all(line.isprintable() for line in mistakes_of(lambda: load(path)))
