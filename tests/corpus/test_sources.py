"""Facts about the files that a corpus path names."""

import bz2
import gc
import glob
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


@pytest.mark.parametrize(
    ("path", "command"),
    [
        ("data/names.txt", "charlm data fetch names"),
        ("data/tiny-shakespeare.txt", "charlm data fetch tiny-shakespeare"),
        ("data/copy-20.txt", "charlm data task copy"),
        ("data/adding-40.txt", "charlm data task adding --delay 40"),
    ],
)
def test_a_text_of_a_recipe_that_is_missing_comes_with_the_command_that_gets_it(path, command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(CharlmError, match="there is no such file") as caught:
        load_path(path)
    assert str(caught.value).endswith(f"; to get it: {command}")
    with pytest.raises(CharlmError) as caught:
        load_path(path.replace("data/", "elsewhere/"))
    assert "to get it" not in str(caught.value)


def test_what_came_through_a_pipe_is_given_back_if_another_path_leads_nowhere(monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(PROSE.encode())))
    with pytest.raises(CharlmError, match="there is no such file"):
        sources.find(["-", "no-such"])
    gc.collect()  # warns of temporary files that were not closed


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


def test_what_can_be_read_only_once_is_neither_a_file_nor_a_folder(tmp_path):
    file, device = write(tmp_path / "a.txt", PROSE), os.devnull
    assert not sources.is_read_once([str(file), str(tmp_path), "no-such", "stdlib:json/*.py"])
    for path in ("-", ["a.txt", "-"], device, [str(file), device]):
        assert sources.is_read_once(path)


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
        with pytest.raises(UsageError, match=r"the path of the text is empty"):
            load(nothing, **DEFAULTS, split=SPLIT)


def test_an_unreadable_file_is_told_in_one_line(corpus_file, monkeypatch):
    def refuse(self, mode):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(CharlmError, match=r"corpus\.txt: cannot be read \(Permission denied\)"):
        load_path(corpus_file)


def test_a_separator_stands_between_files_that_do_not_end_with_it_and_is_reported(tmp_path):
    for name, text in {"a": "The end", "b": "Begin.\n", "c": "", "d": "Middle", "e": "Last"}.items():
        write(tmp_path / name, text)
    corpus = load_path(tmp_path, WHOLE, separator="\n")
    assert corpus.vocabulary.decode(corpus.train) == "The end\nBegin.\nMiddle\nLast"
    assert any("a newline put after 2 files" in note for note in corpus.report)
    assert whole_text(tmp_path, separator="<|>") == "The end<|>Begin.\n<|>Middle<|>Last"
    assert whole_text(tmp_path, separator="\n", unit="byte") == "The end\nBegin.\nMiddle\nLast"
    joined = load_path(tmp_path, WHOLE, separator="")
    assert joined.vocabulary.decode(joined.train) == "The endBegin.\nMiddleLast"
    assert not any("separator" in note for note in joined.report)


def test_one_file_and_files_that_end_with_the_separator_are_left_alone(tmp_path):
    assert whole_text(write(tmp_path / "one", "no newline"), separator="\n") == "no newline"
    one, other = write(tmp_path / "a", "x\r\n"), write(tmp_path / "b", "y\r")
    assert whole_text([one, other, one], separator="\n") == "x\ny\nx\n"


def test_a_long_separator_is_found_where_a_file_is_read_in_pieces(tmp_path, monkeypatch):
    monkeypatch.setattr(sources, "CHUNK_BYTES", 2)
    one, other = write(tmp_path / "a", "xyz<end>"), write(tmp_path / "b", "z")
    assert whole_text([one, other], separator="<end>") == "xyz<end>z"


needs_links = pytest.mark.skipif(os.name == "nt", reason="links and pipes need no rights on POSIX systems only")


@needs_links
def test_a_pipe_a_device_and_links_to_them_in_a_directory_are_named_and_not_waited_for(tmp_path):
    folder = write(tmp_path / "d" / "a.txt", PROSE).parent
    os.mkfifo(folder / "pipe.txt")
    os.mkfifo(tmp_path / "elsewhere")
    (folder / "link.txt").symlink_to(tmp_path / "elsewhere")
    (folder / "zero.txt").symlink_to("/dev/zero")
    for path in (folder, folder / "*.txt", folder / "**" / "*.txt"):
        corpus = load_path(path, WHOLE)
        assert corpus.vocabulary.decode(corpus.train) == PROSE
        for name, kind in {"pipe": "a named pipe", "link": "a named pipe", "zero": "a device"}.items():
            assert any(f"{name}.txt: left out, as it is {kind}" in note for note in corpus.report)


@needs_links
def test_a_device_is_refused():
    with pytest.raises(CharlmError, match=r"/dev/zero: is a device"):
        load_path("/dev/zero")


@needs_links
def test_a_linked_directory_in_a_directory_is_named(tmp_path):
    write(tmp_path / "d" / "a.txt", PROSE)
    write(tmp_path / "other" / "b.txt", "zzz")
    (tmp_path / "d" / "link").symlink_to(tmp_path / "other")
    corpus = load_path(tmp_path / "d", WHOLE)
    assert corpus.vocabulary.decode(corpus.train) == PROSE
    assert any("link: left out, as it is a link to a directory" in note for note in corpus.report)


@needs_links
def test_a_pattern_follows_links_and_does_not_go_round_in_circles(tmp_path):
    write(tmp_path / "d" / "a.txt", "1")
    write(tmp_path / "other" / "b.txt", "2")
    (tmp_path / "d" / "link").symlink_to(tmp_path / "other")
    for name in "pqrstuvw":
        (tmp_path / "d" / name).symlink_to(tmp_path / "d")
    corpus = load_path(tmp_path / "d" / "**" / "*.txt", WHOLE)
    assert corpus.vocabulary.decode(corpus.train) == "12"
    assert any("p: left out, as it is a link that leads back to" in note for note in corpus.report)


@pytest.mark.parametrize("pattern", ["**/*.txt", "d/**", "**", "d/**/x/*.txt", "*/**/*.t*t", "**/x/**/*.txt", "[d]/*"])
def test_patterns_match_as_they_do_in_the_standard_library(tmp_path, monkeypatch, pattern):
    monkeypatch.chdir(tmp_path)
    for name in ("a.txt", "d/b.txt", "d/x/c.txt", "d/y/x/d.txt", "d/.hidden/x/e.txt", "x/f.txt", "x/.g.txt"):
        write(tmp_path / name, "ab")
    expected = sorted(name for name in glob.glob(pattern, recursive=True) if os.path.isfile(name))
    assert [source.name for source in sources.find(pattern)] == expected


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has file names that are no text")
def test_a_file_name_that_is_not_utf8_is_read_and_shown_safely(tmp_path):
    name = os.fsencode(tmp_path) + b"/caf\xe9\n.txt"
    with open(name, "wb") as file:
        file.write(PROSE.encode())
    assert whole_text(os.fsdecode(name)) == whole_text(tmp_path) == PROSE
    open(name, "wb").close()
    with pytest.raises(CharlmError, match=r"caf\\udce9\\n.txt: is empty"):
        load_path(os.fsdecode(name))


def test_a_home_directory_that_is_not_known_is_told(tmp_path, monkeypatch):
    for path in ("~nobody-of-this-name/x.txt", "~nobody-of-this-name/*.txt"):
        with pytest.raises(UsageError, match="home directory ~nobody-of-this-name is not known"):
            load_path(path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    write(tmp_path / "x.txt", "abc")
    assert whole_text("~/x.txt") == whole_text("~/*.txt") == "abc"


@pytest.mark.parametrize("path", ["texts\new.txt", "here/\x07.txt", "a\u2028b"])
def test_a_path_that_yaml_has_changed_is_explained_on_one_line(path):
    with pytest.raises(CharlmError) as caught:
        load_path(path)
    assert str(caught.value).isprintable()
    assert "there is no such file; in double quotes, YAML takes a backslash for an escape" in str(caught.value)


@pytest.mark.parametrize(
    ("suffix", "compress"), [(".gz", gzip.compress), (".bz2", bz2.compress), (".xz", lzma.compress)]
)
def test_a_small_file_that_unpacks_to_a_huge_one_is_refused_until_it_is_allowed(
    tmp_path, monkeypatch, suffix, compress
):
    path = write(tmp_path / f"bomb.txt{suffix}", compress(b"abc\n" * 33_000_000))
    source = sources.find(str(path))[0]
    with pytest.raises(CharlmError, match=r"unpacks to more than 128 MB .* CHARLM_MAX_UNPACKED_MB .* such as 1280"):
        for _ in source.chunks():
            pass
    monkeypatch.setenv("CHARLM_MAX_UNPACKED_MB", "132")
    assert sum(map(len, source.chunks())) == 132_000_000
    for limit in ("131", "0"):
        monkeypatch.setenv("CHARLM_MAX_UNPACKED_MB", limit)
        with pytest.raises(CharlmError, match=f"more than {limit} MB"):
            sum(map(len, source.chunks()))
    monkeypatch.setenv("CHARLM_MAX_UNPACKED_MB", "much")
    with pytest.raises(UsageError, match="CHARLM_MAX_UNPACKED_MB: must be a whole number"):
        load_path(path)
