"""Facts about the cache of encoded corpora."""

import io
import json
import os
import sys
from pathlib import Path

import numpy as np
import pytest

from charlm.corpus import cache as cache_module
from charlm.corpus import encoding, loading, sources
from charlm.corpus.cache import Folder, Plan
from tests.corpora import PROSE, WHOLE, load_path, whole_text, write

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


@pytest.mark.parametrize(("mapped_from", "kind"), [(301, np.ndarray), (300, np.memmap)])
def test_ids_are_read_into_memory_and_many_are_mapped(tmp_path, mapped_from, kind):
    ids = np.arange(150, dtype=np.uint16)
    folder = Folder(tmp_path, [], mapped_from)
    made = folder.make("key", Plan(ids.dtype, 150, lambda: [ids[:100], ids[100:]], lambda: {"a": 1}))
    for entry in (made, folder.find("key")):
        assert entry is not None
        assert type(entry.ids) is kind
        np.testing.assert_array_equal(entry.ids, ids)
        assert entry.facts == {"a": 1}


def test_a_second_run_does_not_encode_again(cache, corpus_file, monkeypatch):
    load_path(corpus_file)
    monkeypatch.setattr(encoding, "occurrences", None)
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
        lambda folder: [path.write_bytes(b"\x01" * path.stat().st_size) for path in folder.glob("*.ids")],
        lambda folder: [path.write_bytes(b"\xff" * path.stat().st_size) for path in folder.glob("*.ids")],
        lambda folder: [path.write_bytes(path.read_bytes()[::-1]) for path in folder.glob("*.ids")],
        lambda folder: [change(path, "sha256", "0" * 64) for path in folder.glob("*.json")],
        lambda folder: [forge(path, digest="0" * 64) for path in folder.glob("*.json")],
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


def forge(path, **facts):
    described = json.loads(path.read_text())
    change(path, "facts", {**described["facts"], **facts})


def test_damage_is_told(cache, corpus_file):
    load_path(corpus_file, WHOLE)
    for path in cache.glob("*.ids"):
        path.write_bytes(b"\x01" * path.stat().st_size)
    assert any("was damaged; what was damaged is made anew" in note for note in load_path(corpus_file, WHOLE).report)
    assert not any("damaged" in note for note in load_path(corpus_file, WHOLE).report)


@pytest.mark.parametrize("split", [WHOLE, {"layout": "stripes"}])
def test_ids_beyond_the_vocabulary_are_not_believed_whatever_the_sums_say(cache, corpus_file, monkeypatch, split):
    corpus_file.write_text(PROSE * 30)
    expected = load_path(corpus_file, split).train.copy()
    monkeypatch.setattr(cache_module, "_sum", lambda ids, described: described.get("sha256", ""))
    for path in cache.glob("*.ids"):
        path.write_bytes(b"\xff" * path.stat().st_size)
    np.testing.assert_array_equal(load_path(corpus_file, split).train, expected)


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


def test_without_a_home_directory_the_corpus_stays_in_memory(corpus_file, monkeypatch):
    def fail():
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("CHARLM_CACHE", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(Path, "home", fail)
    monkeypatch.setattr(loading, "CACHED_FROM", 0)
    assert any("set CHARLM_CACHE" in note for note in load_path(corpus_file).report)
