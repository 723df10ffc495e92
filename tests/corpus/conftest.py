"""What tests of corpora share."""

import pytest

from charlm.corpus import loading
from tests.corpora import PROSE, write


@pytest.fixture
def corpus_file(tmp_path):
    return write(tmp_path / "corpus.txt", PROSE)


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """Make every corpus big enough for the cache, and put the cache in a directory of this test."""
    monkeypatch.setenv("CHARLM_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(loading, "CACHED_FROM", 0)
    return tmp_path / "cache"
