"""Facts about corpora: which files are read, how bytes become ids, what is reported, and how parts are made."""

import bz2
import codecs
import gzip
import io
import json
import lzma
import os
import re
import sys
import sysconfig
import unicodedata
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from charlm.corpus import cache as cache_module
from charlm.corpus import counts, loading, sources, splits
from charlm.corpus import decoding as reading
from charlm.corpus.loading import check_fits, load, read
from charlm.corpus.vocabulary import Vocabulary
from charlm.errors import CharlmError, UsageError

DEFAULTS: dict[str, Any] = {
    "encoding": "utf-8",
    "unit": "char",
    "mode": "stream",
    "newlines": "lf",
    "normalize": None,
    "lowercase": False,
    "min_count": 1,
    "unknown": "\ufffd",
    "seed": 1,
}
SPLIT: dict[str, Any] = {"train": 0.9, "valid": 0.05, "test": 0.05, "layout": "tail"}
WHOLE = {"train": 1.0, "valid": 0.0, "test": 0.0}
PROSE = "It was a bright cold day in April,\nand the clocks were striking thirteen.\n"
# Whatever makes pieces depend on each other: line ends, marks that combine, sigmas, jamo, wide characters, a BOM.
TRICKY = st.text(alphabet="ab \n\r\t.,'Aé\u0301\u0323ΣσÅİß\u1100\u1161\u11a8가日本😀\ufb01\ufeff", max_size=30)


def load_path(path, split=None, **options):
    paths = [str(one) for one in path] if isinstance(path, list) else str(path)
    return load(paths, **{**DEFAULTS, **options, "split": {**SPLIT, **(split or {})}})


def write(path, content):
    data = content if isinstance(content, bytes) else content.encode("utf-8")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def whole_text(path, **options):
    corpus = load_path(path, WHOLE, **options)
    return corpus.vocabulary.decode(corpus.train)


@pytest.fixture
def corpus_file(tmp_path):
    return write(tmp_path / "corpus.txt", PROSE)


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """Make every corpus big enough for the cache, and put the cache in a directory of this test."""
    monkeypatch.setenv("CHARLM_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(loading, "CACHED_FROM", 0)
    return tmp_path / "cache"


# Where the files are


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


def test_a_file_that_changes_while_it_is_read_is_an_error(corpus_file, monkeypatch):
    def count_then_change(pieces, unit, counted=counts.occurrences):
        result = counted(pieces, unit)
        corpus_file.write_text(contents.pop())
        return result

    contents: list[str] = []

    monkeypatch.setattr(loading, "occurrences", count_then_change)
    for changed in (PROSE + PROSE, PROSE + "zqx", PROSE[:-5], PROSE[:-1] + "t"):
        contents.append(changed)
        corpus_file.write_text(PROSE)
        os.utime(corpus_file, (1, 1))
        with pytest.raises(CharlmError, match="changed while it was being read"):
            load_path(corpus_file)


# From bytes to text


@pytest.mark.parametrize("size", [1, 2, 3, 7])
@given(text=TRICKY, encoding=st.sampled_from(["utf-8", "utf-16", "utf-32-le", "gb18030"]))
def test_text_read_in_small_pieces_is_the_text(tmp_path_factory, size, text, encoding):
    path = write(tmp_path_factory.getbasetemp() / "tricky", text.encode(encoding))
    options = reading.Options(encoding, "char", "stream", "keep", None, False, 1, "\ufffd")
    assert read_in_pieces(path, options, size) == text.removeprefix("\ufeff")


@pytest.mark.parametrize("size", [1, 2, 3, 7])
@given(
    text=TRICKY,
    newlines=st.sampled_from(["lf", "keep"]),
    normalize=st.sampled_from([None, "NFC", "NFD", "NFKC", "NFKD"]),
    lowercase=st.booleans(),
    mode=st.sampled_from(["stream", "lines"]),
)
def test_options_do_the_same_in_pieces_as_to_the_whole(
    tmp_path_factory, size, text, newlines, normalize, lowercase, mode
):
    path = write(tmp_path_factory.getbasetemp() / "tricky", text)
    options = reading.Options("utf-8", "char", mode, newlines, normalize, lowercase, 1, "\ufffd")
    assert read_in_pieces(path, options, size) == naive_text(text, options)


def read_in_pieces(path, options, size):
    saved, sources.CHUNK_BYTES = sources.CHUNK_BYTES, size
    try:
        return "".join(reading.text(sources.find(str(path)), options, reading.Tally()))
    finally:
        sources.CHUNK_BYTES = saved


def naive_text(text, options):
    text = text.removeprefix("\ufeff")
    if options.newlines == "lf":
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    if options.normalize:
        text = unicodedata.normalize(options.normalize, text)
    if options.lowercase:
        text = text.lower()
    if options.lowercase and options.normalize:
        text = unicodedata.normalize(options.normalize, text)
    if options.mode == "lines":
        text = "\n" + "".join(line + "\n" for line in text.split("\n") if line)
    return text


@given(texts=st.lists(TRICKY, min_size=1, max_size=4), size=st.integers(1, 5))
def test_a_file_that_ends_within_a_line_ends_it_in_lines_mode(tmp_path_factory, texts, size):
    folder = tmp_path_factory.mktemp("files")
    for index, text in enumerate(texts):
        write(folder / str(index), text)
    options = reading.Options("utf-8", "char", "lines", "lf", None, False, 1, "\ufffd")
    bodies = [naive_text(text, options)[1:] for text in texts]
    assert read_in_pieces(folder, options, size) == "\n" + "".join(bodies)


@given(st.binary(max_size=40), st.integers(1, 5))
def test_bytes_are_read_as_they_are(tmp_path_factory, data, size):
    path = write(tmp_path_factory.getbasetemp() / "bytes", data)
    saved, sources.CHUNK_BYTES = sources.CHUNK_BYTES, size
    try:
        for mode, expected in {
            "stream": data,
            "lines": b"\n" + b"".join(line + b"\n" for line in data.split(b"\n") if line),
        }.items():
            options = reading.Options("utf-8", "byte", mode, "lf", None, False, 1, "\ufffd")
            assert b"".join(reading.data(sources.find(str(path)), options, reading.Tally())) == expected
    finally:
        sources.CHUNK_BYTES = saved


def test_newlines_are_counted_and_reported(tmp_path, monkeypatch):
    path = write(tmp_path / "c", "a\r\nb\rc\nd\r\n\re" * 20)
    expected = "newlines: 40 CR LF and 40 CR became LF (newlines: keep leaves them alone)"
    for size in (1, 2, 5, 1000):
        monkeypatch.setattr(sources, "CHUNK_BYTES", size)
        corpus = load_path(path, WHOLE)
        assert expected in corpus.report
        assert corpus.vocabulary.decode(corpus.train) == "a\nb\nc\nd\n\ne" * 20
    assert not any("newlines" in note for note in load_path(path, WHOLE, newlines="keep").report)


def test_a_byte_order_mark_is_dropped_and_reported(tmp_path):
    one, other = write(tmp_path / "1", codecs.BOM_UTF8 + b"ab"), write(tmp_path / "2", codecs.BOM_UTF8 + b"ba")
    corpus = load_path([one, other], WHOLE)
    assert corpus.vocabulary.decode(corpus.train) == "abba"
    assert "byte order mark dropped from 2 files" in corpus.report


def test_normal_form_lower_case_and_empty_lines_are_reported(tmp_path):
    path = write(tmp_path / "c", "E\u0301a\n\n\nbC\n")
    report = load_path(path, WHOLE, normalize="NFC", lowercase=True, mode="lines").report
    assert "the text was changed to NFC and lower case: 9 characters became 8" in report
    assert "2 empty lines dropped" in report


def test_a_clean_text_has_a_report_without_changes(corpus_file):
    assert len(load_path(corpus_file, WHOLE, normalize="NFC").report) == 2


@pytest.mark.parametrize(
    ("encoding", "message"),
    [("utf-9", "did you mean 'utf-"), ("hex", "not a text encoding"), ("cp125", "did you mean 'cp125")],
)
def test_an_unknown_encoding_is_an_error_with_the_nearest_name(corpus_file, encoding, message):
    with pytest.raises(UsageError, match=rf"corpus\.encoding: '{encoding}' is not a text encoding.*") as caught:
        load_path(corpus_file, encoding=encoding)
    assert message in str(caught.value)


@pytest.mark.parametrize("size", [1, 2, 3, 1000])
@given(
    before=st.text(alphabet="aé日😀\n\r", max_size=12),
    after=st.text(alphabet="abc", max_size=4),
    bad=st.sampled_from([b"\xff", b"\xc3(", b"\xed\xa0\x80", b"\xe2\x82", b"\xf0\x9f"]),
)
def test_a_bad_byte_is_named_by_file_offset_and_line(tmp_path_factory, size, before, after, bad):
    path = write(tmp_path_factory.getbasetemp() / "bad.txt", before.encode() + bad + after.encode())
    saved, sources.CHUNK_BYTES = sources.CHUNK_BYTES, size
    try:
        with pytest.raises(CharlmError) as caught:
            load_path(path, WHOLE)
    finally:
        sources.CHUNK_BYTES = saved
    line = 1 + naive_text(before, reading.Options("utf-8", "char", "stream", "lf", None, False, 1, "\ufffd")).count(
        "\n"
    )
    assert f"bad.txt: byte {len(before.encode())} (line {line}): 0x{bad[0]:02X} is not valid utf-8" in str(caught.value)


@pytest.mark.parametrize("size", [1, 2, 3, 5, 1000])
@pytest.mark.parametrize("encoding", ["shift_jis", "euc_kr", "gb18030", "utf-16-le", "utf-32", "utf-7", "iso2022_jp"])
def test_the_offset_is_right_in_any_encoding(tmp_path, monkeypatch, encoding, size):
    text = "ab日本c\nd" if encoding != "euc_kr" else "ab가나c\nd"
    bad = {"utf-16-le": b"\x00\xdcx\x00", "utf-32": b"\x00\x00\x11\x7f"}.get(encoding, b"\xff\xff")
    data = text.encode(encoding) + bad + "xyz".encode(encoding)
    with pytest.raises(UnicodeDecodeError) as expected:
        data.decode(encoding)
    monkeypatch.setattr(sources, "CHUNK_BYTES", size)
    with pytest.raises(CharlmError, match=rf": byte {expected.value.start} \(line 2\)"):
        load_path(write(tmp_path / "bad", data), encoding=encoding)


FRENCH = "Ça a été l'été où Zoë mangea des œufs — à Noël, « dit-elle ».\n" * 20


@pytest.mark.parametrize(
    ("content", "encoding", "hint"),
    [
        (FRENCH.encode("cp1252"), "utf-8", "encoding: cp1252"),
        (FRENCH.replace("œ", "oe").replace("—", "-").encode("latin-1") + b"\x81", "utf-8", "encoding: latin-1"),
        (FRENCH.encode("utf-8"), "ascii", "encoding: utf-8"),
        (FRENCH.encode("utf-16"), "utf-8", "encoding: utf-16`"),
        (FRENCH.encode("utf-16-le"), "utf-8", "encoding: utf-16-le"),
        (FRENCH.encode("utf-16-be"), "utf-8", "encoding: utf-16-be"),
        (FRENCH.encode("utf-32"), "utf-8", "encoding: utf-32"),
        (FRENCH.encode()[:600] + b"\xff" + FRENCH.encode()[600:], "utf-8", "damaged"),
        (FRENCH.encode()[:-3], "utf-8", "damaged or cut here"),
        ("Все счастливые семьи похожи друг на друга.\n".encode("cp1251") * 20, "utf-8", "cp1251"),
        (gzip.compress(b"abc" * 100, mtime=0), "utf-8", "suffix .gz"),
        (bz2.compress(b"abc" * 100), "utf-8", "suffix .bz2"),
        (lzma.compress(b"abc" * 100), "utf-8", "suffix .xz"),
        (b"\x7fELF\x00\x01\x02\x00\x00\x00\xff\xfe\x80" * 50, "utf-8", "unit: byte"),
    ],
)
def test_a_bad_byte_comes_with_the_likely_encoding(tmp_path, content, encoding, hint):
    with pytest.raises(CharlmError, match=re.escape(hint)):
        load_path(write(tmp_path / "c", content), encoding=encoding)


def test_the_encoding_named_reads_the_file(tmp_path):
    assert whole_text(write(tmp_path / "c", FRENCH.encode("cp1252")), encoding="cp1252") == FRENCH


@pytest.mark.parametrize(
    "option",
    [{"encoding": "cp1252"}, {"normalize": "NFC"}, {"lowercase": True}, {"min_count": 2}, {"unknown": "?"}],
)
def test_text_options_have_no_effect_on_bytes_and_are_refused(corpus_file, option):
    with pytest.raises(UsageError, match=rf"corpus\.{next(iter(option))}: no effect with corpus\.unit: byte"):
        load_path(corpus_file, unit="byte", **option)


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ({"unit": "chars"}, "did you mean 'char'"),
        ({"mode": "line"}, "did you mean 'lines'"),
        ({"newlines": "crlf"}, "lf, keep"),
        ({"normalize": "NFE"}, "NFC, NFD, NFKC, NFKD"),
        ({"min_count": 0}, "at least 1"),
        ({"unknown": "ab"}, "one character"),
        ({"unknown": "\n", "mode": "lines"}, "no line's end"),
    ],
)
def test_an_option_that_does_not_exist_is_refused_with_the_choices(corpus_file, option, message):
    with pytest.raises(UsageError, match=message):
        load_path(corpus_file, **option)


# From text to ids


def test_rare_characters_share_the_unknown_symbol_and_are_reported(tmp_path):
    path = write(tmp_path / "c", "aaabbbxyyzb")
    corpus = load_path(path, WHOLE, min_count=3, unknown="?")
    assert corpus.vocabulary.symbols == ("?", "a", "b")
    assert corpus.vocabulary.unknown == 0
    assert corpus.vocabulary.decode(corpus.train) == "aaabbb????b"
    note = "min_count 3: 3 characters (4 times in the text) became the unknown symbol '?': 'x' 1, 'y' 2, 'z' 1"
    assert note in corpus.report


def test_no_rare_character_means_no_unknown_symbol(tmp_path):
    corpus = load_path(write(tmp_path / "c", "aabb"), WHOLE, min_count=2)
    assert corpus.vocabulary.unknown is None
    assert any("no unknown symbol" in note for note in corpus.report)


def test_an_unknown_symbol_that_the_text_has_itself_is_reported(tmp_path):
    corpus = load_path(write(tmp_path / "c", "??aab"), WHOLE, min_count=2, unknown="?")
    assert corpus.vocabulary.symbols == ("?", "a")
    assert "the unknown symbol '?' also occurs 2 times in the text itself" in corpus.report


def test_a_min_count_that_leaves_nothing_is_an_error(tmp_path):
    with pytest.raises(CharlmError, match=r"no character occurs 9 times, as corpus\.min_count demands; at most 3"):
        load_path(write(tmp_path / "c", "aaabbc"), min_count=9)


def test_the_ends_of_lines_are_never_rare(tmp_path):
    corpus = load_path(write(tmp_path / "c", "aaaa"), WHOLE, mode="lines", min_count=3)
    assert corpus.vocabulary.decode(corpus.train) == "\naaaa\n"


@given(st.text(min_size=1, max_size=60), st.integers(1, 3))
def test_the_vocabulary_is_of_the_whole_text_in_order_of_code_point(tmp_path_factory, text, min_count):
    path = write(tmp_path_factory.getbasetemp() / "c", text)
    text = naive_text(text, reading.Options("utf-8", "char", "stream", "lf", None, False, 1, "\ufffd"))
    seen = Counter(text)
    expected = sorted({character if seen[character] >= min_count else "\ufffd" for character in text})
    if len(expected) < 2 or len(seen) < 2:
        with pytest.raises(CharlmError, match="character"):
            load_path(path, WHOLE, min_count=min_count)
    else:
        assert list(load_path(path, WHOLE, min_count=min_count).vocabulary.symbols) == expected


def test_the_digest_is_of_the_text_to_learn_and_not_of_how_it_is_stored(tmp_path):
    plain = write(tmp_path / "a", PROSE)
    packed = write(tmp_path / "b.gz", gzip.compress(PROSE.replace("\n", "\r\n").encode()))
    other = write(tmp_path / "c", PROSE.replace("bright", "blight"))
    digests = [load_path(path, WHOLE).digest for path in (plain, packed, other)]
    assert digests[0] == digests[1] != digests[2]
    assert len(digests[0]) == 64


# The parts


def test_tails_are_the_beginning_the_middle_and_the_end(tmp_path):
    text = "".join(map(chr, range(0x100, 0x100 + 1000)))
    corpus = load_path(write(tmp_path / "c", text), {"train": 0.8, "valid": 0.15, "test": 0.05})
    parts = [corpus.vocabulary.decode(part) for part in (corpus.train, corpus.valid, corpus.test)]
    assert parts == [text[:800], text[800:950], text[950:]]
    assert corpus.characters == 1000
    assert corpus.report[-1] == "split: 800 for training, 150 for validation, 50 for test (characters)"


@pytest.mark.parametrize(
    ("size", "fractions", "sizes"),
    [
        (1_115_394, (0.9, 0.1, 0.0), [1_003_854, 111_540, 0]),
        (3_266_185, (0.8, 0.0, 0.2), [2_612_948, 0, 653_237]),
        (100, (0.7, 0.2, 0.1), [70, 20, 10]),
        (10, (0.333333, 0.333333, 0.333333), [3, 3, 4]),
    ],
)
def test_tails_are_those_of_the_published_benchmarks(size, fractions, sizes):
    shares = splits.shares(dict(zip(("train", "valid", "test"), fractions, strict=True)) | {"layout": "tail"})
    assert splits.sizes_of(splits.tails(size, shares)) == sizes


@given(st.integers(0, 20_000), st.integers(1, 20), st.integers(0, 20), st.integers(0, 20), st.booleans())
def test_every_character_is_in_exactly_one_part(size, train, valid, test, striped):
    total = train + valid + test
    split = {"train": train / total, "valid": valid / total, "test": test / total, "layout": "tail"}
    layout = "stripes" if striped else "tail"
    shares = splits.shares(split)
    parts = splits.LAYOUTS[layout](size, shares)
    places = [place for part in parts for start, stop in part for place in range(start, stop)]
    assert sorted(places) == list(range(size))
    sizes = splits.sizes_of(parts)
    stripe = splits.stripe_length(size) if striped else 1
    for part_size, fraction in zip(sizes, shares.fractions, strict=True):
        assert abs(part_size - size * fraction) <= 2 * stripe
        assert part_size == 0 or fraction > 0


def test_stripes_alternate_through_the_text(tmp_path):
    text = "".join(map(chr, range(0x1000, 0x1000 + 20_000)))
    corpus = load_path(write(tmp_path / "c", text), {"train": 0.8, "valid": 0.1, "test": 0.1, "layout": "stripes"})
    for part, share in ((corpus.train, 16_000), (corpus.valid, 2_000), (corpus.test, 2_000)):
        assert abs(len(part) - share) <= 200
        quarters = np.histogram(part.astype(int), bins=4, range=(0, 20_000))[0]
        assert quarters.min() > 0.8 * len(part) / 4
    together = np.concatenate([corpus.train, corpus.valid, corpus.test])
    assert sorted(together.tolist()) == list(range(20_000))
    assert "(characters in stripes of 100)" in corpus.report[-1]


@given(st.lists(st.text(alphabet="abcde ", max_size=6), min_size=10, max_size=60), st.integers(0, 3), st.booleans())
def test_whole_lines_are_split_and_each_part_begins_and_ends_with_a_newline(tmp_path_factory, items, seed, as_bytes):
    path = write(tmp_path_factory.getbasetemp() / "c", "\n".join(items))
    lines = [item for item in items if item]
    split = {"train": 0.5, "valid": 0.25, "test": 0.25}
    if len(lines) < 4:
        return
    corpus = load_path(path, split, mode="lines", seed=seed, unit="byte" if as_bytes else "char")
    parts = [corpus.vocabulary.decode(part) for part in (corpus.train, corpus.valid, corpus.test)]
    assert all(part.startswith("\n") and part.endswith("\n") and "\n\n" not in part for part in parts)
    assert Counter(line for part in parts for line in part[1:-1].split("\n")) == Counter(lines)
    assert parts[0].count("\n") - 1 == len(lines) // 2
    assert corpus.characters == len("\n".join(lines)) + 2


def test_lines_are_shuffled_by_the_seed(tmp_path):
    path = write(tmp_path / "c", "".join(f"{number}\n" for number in range(100)))
    one, same, other = (load_path(path, mode="lines", seed=seed).train for seed in (1, 1, 2))
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)
    assert (
        "split: 90 for training, 5 for validation, 5 for test (lines, shuffled)" in load_path(path, mode="lines").report
    )


def test_a_part_with_no_share_is_empty(tmp_path):
    for mode in ("stream", "lines"):
        corpus = load_path(write(tmp_path / "c", "ab\ncd\n"), WHOLE, mode=mode)
        assert (len(corpus.valid), len(corpus.test)) == (0, 0)


@pytest.mark.parametrize(
    "split",
    [{"train": 0.8}, {"train": 0.0, "valid": 0.95}, {"train": 1.0, "valid": -0.05}, {"train": -1, "valid": 1.95}],
)
def test_fractions_that_divide_nothing_are_refused(corpus_file, split):
    with pytest.raises(UsageError, match=r"corpus\.split: fractions must be at least 0 and add up to 1"):
        load_path(corpus_file, split)


def test_a_layout_that_does_not_exist_or_has_no_effect_is_refused(corpus_file):
    with pytest.raises(UsageError, match="tail, stripes"):
        load_path(corpus_file, {"layout": "stripe"})
    with pytest.raises(UsageError, match="no effect"):
        load_path(corpus_file, {"layout": "stripes"}, mode="lines")


@pytest.mark.parametrize("unit", ["char", "byte"])
@pytest.mark.parametrize("mode", ["stream", "lines"])
@pytest.mark.parametrize("layout", ["tail", "stripes"])
def test_tiny_corpora_of_every_size_load_or_explain(tmp_path, unit, mode, layout):
    if (mode, layout) == ("lines", "stripes"):
        return
    explained = []
    for size in [*range(0, 90), 137, 1000, 5000]:
        text = "".join("ab\nc"[(index * index + index // 3) % 4] for index in range(size))
        path = write(tmp_path / "c", text)
        try:
            corpus = load_path(path, {"layout": layout}, unit=unit, mode=mode)
        except CharlmError as error:
            explained.append(str(error))
        else:
            assert min(map(len, (corpus.train, corpus.valid, corpus.test))) >= 2
    assert 0 < len(explained) < 93
    assert all("\n" not in message for message in explained)


@pytest.mark.parametrize(
    ("text", "mode", "message"),
    [
        ("", "stream", "c: is empty"),
        ("", "lines", "c: is empty"),
        ("\n\n\n", "lines", "c: is empty"),
        ("aaaa", "stream", "one distinct character, 'a'"),
        ("ab" * 10, "stream", "of its 20 characters the valid part .* gets 1 and needs 2; .* 40 characters are enough"),
        ("a\nb\n", "lines", "of its 2 lines the valid part .* gets 0 and needs 1; .* 20 lines are enough"),
    ],
)
def test_a_corpus_with_too_little_in_it_says_so(tmp_path, text, mode, message):
    with pytest.raises(CharlmError, match=message):
        load_path(write(tmp_path / "c", text), mode=mode)


def test_the_size_called_enough_is_enough(tmp_path):
    load_path(write(tmp_path / "c", "ab" * 20))
    load_path(write(tmp_path / "c", "a\nb\n" * 10), mode="lines")


@pytest.mark.parametrize(
    ("N", "B", "T", "hint"),
    [
        (
            812,
            64,
            64,
            "needs at least 4097; batch_size 12 would fit with seq_length 64, or seq_length 12 with batch_size 64",
        ),
        (50, 64, 20, "needs at least 1281; batch_size 2 would fit with seq_length 20"),
        (50, 20, 64, "needs at least 1281; seq_length 2 would fit with batch_size 20"),
        (50, 64, 64, "needs at least 4097; batch_size 1 would fit with seq_length 49"),
        (1, 64, 64, ", but .* needs at least 4097; give a longer corpus"),
    ],
)
def test_a_text_too_small_for_the_windows_says_what_would_fit(N, B, T, hint):
    with pytest.raises(CharlmError, match=f"the training part has {N} character.*{hint}"):
        check_fits(N, B, T)


@given(st.integers(1, 300), st.integers(1, 20), st.integers(1, 20))
def test_what_is_said_to_fit_does_fit(N, B, T):
    try:
        check_fits(N, B, T)
    except CharlmError as error:
        assert N < B * T + 1
        hint = str(error).split(";")[1]
        for first, one, other, two in re.findall(r"(\w+) (\d+) (?:would fit )?with \w+? ?(\w+) (\d+)", hint) or []:
            assert first != other
            check_fits(N, *map(int, (one, two) if first == "batch_size" else (two, one)))
    else:
        assert N >= B * T + 1


# Texts for a trained model


def test_a_text_is_read_with_a_vocabulary_that_is_there(corpus_file):
    options = {key: DEFAULTS[key] for key in ("encoding", "mode", "newlines", "normalize", "lowercase")}
    vocabulary = Vocabulary.of(PROSE.replace("b", ""))
    ids, report = read(str(corpus_file), vocabulary, on_unknown="skip", **options)
    assert vocabulary.decode(ids) == PROSE.replace("b", "")
    assert report == [f"1 file, {len(PROSE)} characters", "1 unknown character left out"]
    with pytest.raises(UsageError, match=r"corpus\.txt: not in the vocabulary .*'b' \(U\+0062"):
        read(str(corpus_file), vocabulary, on_unknown="error", **options)
    with pytest.raises(CharlmError, match="has 0 characters; at least 2 are needed"):
        read(str(corpus_file), Vocabulary.of("0"), on_unknown="skip", **options)
    everything = Vocabulary.of(PROSE.encode())
    ids, _ = read(str(corpus_file), everything, on_unknown="error", **{**options, "mode": "lines"})
    assert everything.decode(ids) == "\n" + PROSE


# The cache


VARIANTS = [
    {},
    {"unit": "byte"},
    {"mode": "lines"},
    {"lowercase": True, "min_count": 4},
    {"split": {"layout": "stripes"}},
]


@pytest.mark.parametrize("options", VARIANTS)
def test_the_cache_changes_nothing_on_the_first_and_second_use(tmp_path, monkeypatch, options):
    monkeypatch.setenv("CHARLM_CACHE", str(tmp_path / "cache"))
    path = write(tmp_path / "corpus", (PROSE + "Zoë, Ünal\r\n日本\n") * 30)
    plain = load_path(path, **options)
    assert not (tmp_path / "cache").exists()
    monkeypatch.setattr(loading, "CACHED_FROM", 0)
    monkeypatch.setattr(sources, "CHUNK_BYTES", 100)
    for use in (1, 2):
        cached = load_path(path, **options)
        for part in ("train", "valid", "test"):
            one, other = getattr(plain, part), getattr(cached, part)
            assert isinstance(other, np.memmap)
            assert one.dtype == other.dtype
            np.testing.assert_array_equal(one, other)
        assert (cached.vocabulary, cached.digest, cached.characters) == (
            plain.vocabulary,
            plain.digest,
            plain.characters,
        )
        assert [note for note in cached.report if "cache" not in note] == plain.report
        assert any("taken from the cache" in note for note in cached.report) == (use == 2)
    assert {path.suffix for path in (tmp_path / "cache").iterdir()} == {".ids", ".json"}


def test_a_second_run_does_not_encode_again(cache, corpus_file, monkeypatch):
    load_path(corpus_file)
    monkeypatch.setattr(loading, "occurrences", None)
    load_path(corpus_file)


def test_an_edited_corpus_and_other_options_are_never_stale(cache, corpus_file):
    state = corpus_file.stat()
    assert whole_text(corpus_file) == PROSE
    corpus_file.write_text(PROSE.replace("cold", "warm"))
    os.utime(corpus_file, ns=(state.st_atime_ns, state.st_mtime_ns))
    assert whole_text(corpus_file) == PROSE.replace("cold", "warm")
    assert whole_text(corpus_file, lowercase=True) == PROSE.replace("cold", "warm").lower()


@pytest.fixture
def cache_of_lines(cache, tmp_path):
    return write(tmp_path / "lines", "".join(f"{number:03}\n" for number in range(100)))


def test_lines_shuffled_by_another_seed_are_another_entry(cache_of_lines):
    one, other, again = (load_path(cache_of_lines, mode="lines", seed=seed).train for seed in (1, 2, 1))
    assert not np.array_equal(one, other)
    assert np.array_equal(one, again)


@pytest.mark.parametrize(
    "damage",
    [
        lambda folder: [path.write_bytes(path.read_bytes()[:-1]) for path in folder.glob("*.ids")],
        lambda folder: [path.unlink() for path in folder.glob("*.ids")],
        lambda folder: [path.unlink() for path in folder.glob("*.json")],
        lambda folder: [path.write_text("{") for path in folder.glob("*.json")],
        lambda folder: [path.write_text("[1]") for path in folder.glob("*.json")],
        lambda folder: [path.write_bytes(b"\xff") for path in folder.glob("*.json")],
        lambda folder: [change(path, "version", 0) for path in folder.glob("*.json")],
        lambda folder: [change(path, "dtype", "object") for path in folder.glob("*.json")],
        lambda folder: [change(path, "size", "1") for path in folder.glob("*.json")],
        lambda folder: [change(path, "size", 10) for path in folder.glob("*.json")],
        lambda folder: [change(path, "facts", {}) for path in folder.glob("*.json")],
        lambda folder: [change(path, "facts", {"vocabulary": {}}) for path in folder.glob("*.json")],
    ],
)
def test_a_damaged_cache_is_made_anew(cache, corpus_file, damage):
    expected = whole_text(corpus_file)
    damage(cache)
    assert whole_text(corpus_file) == expected
    assert whole_text(corpus_file) == expected
    assert any("taken from the cache" in note for note in load_path(corpus_file, WHOLE).report)


def change(path, key, value):
    path.write_text(json.dumps({**json.loads(path.read_text()), key: value}))


def test_a_cache_that_cannot_be_written_is_done_without(tmp_path, corpus_file, monkeypatch):
    monkeypatch.setenv("CHARLM_CACHE", str(write(tmp_path / "file", "")))
    monkeypatch.setattr(loading, "CACHED_FROM", 0)
    corpus = load_path(corpus_file)
    assert corpus.vocabulary.decode(corpus.train) == PROSE[: len(corpus.train)]
    assert any("cannot be used" in note and "kept in memory" in note for note in corpus.report)


def test_a_full_disk_leaves_no_torn_file(cache, corpus_file, monkeypatch):
    def fail(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    corpus = load_path(corpus_file, WHOLE)
    assert corpus.vocabulary.decode(corpus.train) == PROSE
    assert any("No space left on device" in note for note in corpus.report)
    assert list(cache.iterdir()) == []


def test_entries_that_nobody_used_for_a_month_are_dropped(cache, corpus_file):
    load_path(corpus_file)
    old = list(cache.iterdir())
    for path in old:
        os.utime(path, (1, 1))
    corpus_file.write_text(PROSE * 2)
    load_path(corpus_file)
    assert not any(path.exists() for path in old)
    assert len(list(cache.iterdir())) == 2


def test_entries_in_use_stay(cache, corpus_file):
    load_path(corpus_file)
    old = list(cache.iterdir())
    for path in old:
        os.utime(path, (1, 1))
    load_path(corpus_file)  # uses it
    corpus_file.write_text(PROSE * 2)
    load_path(corpus_file)
    assert all(path.exists() for path in old)


def test_standard_input_is_cached_by_its_content(cache, monkeypatch):
    for _ in range(2):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(PROSE.encode())))
        corpus = load_path("-", WHOLE)
        assert corpus.vocabulary.decode(corpus.train) == PROSE
    assert any("taken from the cache" in note for note in corpus.report)


@pytest.mark.parametrize(
    ("platform", "variables", "expected"),
    [
        ("linux", {"CHARLM_CACHE": "/c"}, "/c"),
        ("linux", {"XDG_CACHE_HOME": "/x"}, "/x/charlm"),
        ("linux", {}, "/home/me/.cache/charlm"),
        ("darwin", {}, "/home/me/Library/Caches/charlm"),
        ("win32", {"LOCALAPPDATA": "/l"}, "/l/charlm"),
    ],
)
def test_the_cache_is_where_the_system_keeps_caches(monkeypatch, platform, variables, expected):
    for name in ("CHARLM_CACHE", "XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setattr(Path, "home", lambda: Path("/home/me"))
    assert cache_module.folder() == Path(expected)
