"""A corpus: files of text, read once and held as the numbers of their characters, in three parts."""

from charlm.corpus.loading import Corpus, check_fits, load, read

__all__ = ["Corpus", "check_fits", "load", "read"]
