"""Facts about the files that a corpus path names."""

import bz2
import gzip
import io
import lzma
import os
import sys
import sysconfig
from pathlib import Path

import pytest

from charlm.corpus import sources
from charlm.corpus.loading import load
from charlm.errors import CharlmError, UsageError
from tests.corpora import DEFAULTS, PROSE, SPLIT, WHOLE, load_path, whole_text, write


def test_several_files_are_read_in_the_order_given(tmp_path):
    one, other = write(tmp_path / "b.txt", "bbb"), write(tmp_path / "a.txt", "aaa")
    assert whole_text([one, other]) == "bbbaaa"
    assert "2 files, 6 characters, 2 symbols" in load_path([one, other], WHOLE).report


def test_a_directory_is_read_with_those_below_in_order_and_without_hidden_files(tmp_path):
    for name, text in {"b.txt": "2", "a/z.txt": "1", "c/d/e.txt": "3", ".hidden": "x", ".git/config": "x"}.items():
        write(tmp_path / name, text)
    assert whole_text(tmp_path) == "123"


def test_a_glob_pattern_names_files(tmp_path):
    for name, text in {"a.txt": "1", "b.md": "x", "c/d.txt": "2"}.items():
        write(tmp_path / name, text)
    assert whole_text(tmp_path / "**" / "*.txt") == "12"


def test_a_file_whose_name_looks_like_a_pattern_is_that_file(tmp_path):
    write(tmp_path / "a.txt", "xyz")
    assert whole_text(write(tmp_path / "[a].txt", "abc")) == "abc"


@pytest.mark.parametrize(
    ("suffix", "compress"), [(".gz", gzip.compress), (".bz2", bz2.compress), (".xz", lzma.compress)]
)
def test_compressed_files_are_known_by_their_suffix(tmp_path, suffix, compress):
    path = write(tmp_path / f"c.txt{suffix}", compress(PROSE.encode()))
    assert whole_text(path) == PROSE


@pytest.mark.parametrize(
    ("suffix", "compress"), [(".gz", gzip.compress), (".bz2", bz2.compress), (".xz", lzma.compress)]
)
@pytest.mark.parametrize("damage", ["cut short", "changed", "not compressed"])
def test_a_damaged_compressed_file_is_told_in_one_line(tmp_path, suffix, compress, damage):
    data = compress(os.urandom(3000))
    damaged = {
        "cut short": data[: len(data) // 2],
        "changed": data[:1500] + bytes(x ^ 255 for x in data[1500:1600]) + data[1600:],
        "not compressed": PROSE.encode(),
    }
    path = write(tmp_path / f"c{suffix}", damaged[damage])
    with pytest.raises(CharlmError, match=rf"c\{suffix}: cannot be decompressed as \{suffix}") as caught:
        load_path(path, unit="byte")
    assert "\n" not in str(caught.value)


def test_standard_input_is_read(monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(PROSE.encode())))
    assert whole_text("-") == PROSE


def test_standard_input_is_named_once():
    with pytest.raises(UsageError, match="twice"):
        load_path(["-", "-"])


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_is_read_though_it_can_be_read_only_once(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    if os.fork() == 0:
        with open(pipe, "wb") as stream:
            stream.write(PROSE.encode())
        os._exit(0)
    assert whole_text(pipe) == PROSE
    os.wait()


def test_the_standard_library_is_a_corpus():
    found = sources.find("stdlib:json/*.py")
    assert {Path(source.name).name for source in found} >= {"decoder.py", "encoder.py", "__init__.py"}
    everything = sources.find("stdlib:**/*.py")
    assert not any("site-packages" in source.name or "__pycache__" in source.name for source in everything)


def test_parts_of_the_standard_library_are_read_when_the_pattern_names_them(tmp_path, monkeypatch):
    monkeypatch.setattr(sysconfig, "get_paths", lambda: {"stdlib": str(tmp_path)})
    for name in ("a.py", "test/t.py", "site-packages/p.py"):
        write(tmp_path / name, "x")
    assert [Path(source.name).name for source in sources.find("stdlib:**/*.py")] == ["a.py"]
    assert [Path(source.name).name for source in sources.find("stdlib:test/*.py")] == ["t.py"]
    with pytest.raises(CharlmError, match=r"stdlib:nothing\*: no file in .* matches"):
        sources.find("stdlib:nothing*")


def test_a_path_that_leads_nowhere_says_what_is_near(tmp_path):
    write(tmp_path / "plays.txt", "a")
    with pytest.raises(CharlmError, match=r"play\.txt: there is no such file; did you mean .*plays\.txt\?"):
        load_path(tmp_path / "play.txt")
    with pytest.raises(CharlmError, match="nor a directory"):
        load_path(tmp_path / "none" / "play.txt")


def test_a_pattern_an_empty_directory_and_an_empty_list_without_files_are_errors(tmp_path):
    with pytest.raises(CharlmError, match=r"\*\.txt: no file matches this pattern"):
        load_path(tmp_path / "*.txt")
    write(tmp_path / "empty" / ".hidden", "")
    with pytest.raises(CharlmError, match="holds no files"):
        load_path(tmp_path / "empty")
    for nothing in ([], "", ["a", ""]):
        with pytest.raises(UsageError, match=r"corpus\.path: is empty"):
            load(nothing, **DEFAULTS, split=SPLIT)


def test_an_unreadable_file_is_told_in_one_line(corpus_file, monkeypatch):
    def refuse(self, mode):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(CharlmError, match=r"corpus\.txt: cannot be read \(Permission denied\)"):
        load_path(corpus_file)
