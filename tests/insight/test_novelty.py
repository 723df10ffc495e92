"""What of a text stands verbatim in another: the figures are those of a search by hand."""

import re
from math import isnan

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from charlm.corpus.vocabulary import Vocabulary
from charlm.insight.fingerprints import BLOCK, LONGEST_SEGMENT, Fingerprints, Search, blocks
from charlm.insight.novelty import ORDERS, PASSAGE, is_among, items_of, originality

ALPHABET = "ab'c \n"
VOCABULARY = Vocabulary(tuple(sorted(ALPHABET)))
TEXTS = st.text(alphabet=ALPHABET, max_size=60)
WORD = re.compile(r"[abc]+(?:'[abc]+)*")


def compared(text, corpus, items=False, vocabulary=VOCABULARY):
    return originality(vocabulary.encode(text), vocabulary.encode(corpus), vocabulary, items)


def share(flags):
    flags = list(flags)
    return sum(flags) / len(flags) if flags else None


def same(figure, expected):
    return isnan(figure) if expected is None else figure == pytest.approx(expected)


def parts(text, n, items):
    """Return all parts of a length that may be looked for, with their places."""
    found = ((at, text[at : at + n]) for at in range(len(text) - n + 1))
    return [(at, part) for at, part in found if not (items and "\n" in part)]


@given(TEXTS, TEXTS, st.booleans())
@example("abcabcabc", "abcabc", False)
@example("ab\nab\n", "ab\nab\n", True)
@example("a'b 'a' b''c", "a'b a b c", False)
def test_the_figures_are_those_of_a_search_for_every_part(text, corpus, items):
    found = compared(text, corpus, items)
    for n in ORDERS:
        novel = share(part not in corpus for _, part in parts(text, n, items))
        assert same(found.novel_ngrams[n], novel), n
    lengths = [n for n in range(len(text) + 1) if any(part in corpus for _, part in parts(text, n, items)) or n == 0]
    assert found.longest == max(lengths)
    if found.longest:
        places = [at for at, part in parts(text, found.longest, items) if part in corpus]
        assert found.place == places[0]
    words, known = WORD.findall(text), set(WORD.findall(corpus))
    assert same(found.known_words, share(word in known for word in words))
    assert same(found.novel_words, share(word not in known for word in set(words)))
    ended = {line for line in text.split("\n")[:-1] if line}
    assert same(found.novel_lines, share(line not in corpus.split("\n") for line in ended))


@given(st.text("abcd\n", min_size=150, max_size=300), st.integers(0, 100), st.integers(0, 120))
def test_a_copied_passage_is_found_with_its_length_and_place(corpus, start, length):
    vocabulary = Vocabulary.of("abcdxyz\n")
    passage = corpus[start : start + length]
    text = "xyz" * 7 + passage + "zyx" * 7
    found = compared(text, corpus, vocabulary=vocabulary)
    assert found.longest == len(passage)
    if passage:
        assert text[found.place : found.place + found.longest] == passage
    assert found.copied == pytest.approx(share(part in corpus for _, part in parts(text, PASSAGE, False)) or 0)


def test_a_corpus_of_many_blocks_is_searched_across_their_ends():
    rng = np.random.default_rng(0)
    corpus = "".join(rng.choice(list(ALPHABET), 3 * BLOCK, p=[0.2, 0.2, 0.1, 0.2, 0.2, 0.1]))
    text = "".join(rng.choice(list(ALPHABET), 300)) + corpus[BLOCK - 150 : BLOCK + 150]
    found = compared(text, corpus)
    assert 300 <= found.longest < 330
    for n in (4, 8, 12):
        assert found.novel_ngrams[n] == pytest.approx(share(part not in corpus for _, part in parts(text, n, False)))
    assert found.copied == pytest.approx(261 / 561, abs=0.05)


def test_blocks_end_after_the_symbols_that_end_something_and_make_up_the_text():
    ids = VOCABULARY.encode("abc\n" * 100_000)
    ends = np.array([symbol == "\n" for symbol in VOCABULARY.symbols])
    pieces = [(block[:size], block[size:]) for block, size in blocks(ids, ends, 5)]
    assert np.array_equal(np.concatenate([block for block, _ in pieces]), ids)
    assert all(ends[block[-1]] for block, _ in pieces)
    assert [len(ahead) for _, ahead in pieces] == [5] * (len(pieces) - 1) + [0]
    assert len(pieces) == 4


def test_a_text_in_which_nothing_ends_is_cut_after_the_longest_segment():
    ids, ends = np.zeros(LONGEST_SEGMENT + 1_000, np.uint8), np.zeros(1, bool)
    assert [size for _, size in blocks(ids, ends, 0)] == [LONGEST_SEGMENT, 1_000]


def test_a_text_without_line_ends_has_words_but_no_lines():
    found = compared("ab cd", "ab ef ab", vocabulary=Vocabulary.of("abcdef "))
    assert (found.known_words, found.novel_words) == (0.5, 0.5)
    assert isnan(found.novel_lines)


def test_letters_of_several_bytes_belong_to_the_words_of_bytes():
    vocabulary = Vocabulary.of("née née nee née\n".encode())
    text, corpus = vocabulary.encode("née nee\n".encode()), vocabulary.encode("née\n".encode())
    assert originality(text, corpus, vocabulary, False).known_words == 0.5


def test_equal_parts_have_equal_fingerprints_and_others_do_not():
    ids = VOCABULARY.encode("abcab abcba")
    prints = Fingerprints(ids)
    windows = prints.windows(2, 10)
    assert windows[0] == windows[3] == windows[6]
    assert windows[0] not in windows[[1, 2, 4, 5, 7, 8, 9]]
    assert prints.parts(np.array([0, 6]), np.array([3, 9])).tolist() == [prints.windows(3, 1)[0]] * 2


def test_what_is_looked_for_is_told_in_the_order_it_was_given():
    search = Search(np.array([5, 9, 5, 7], np.uint64))
    search.look_at(np.array([1, 5, 2], np.uint64))
    assert search.found.tolist() == [True, False, True, False]
    search.look_at(np.array([7, 5], np.uint64))
    assert search.found.tolist() == [True, False, True, True]


@given(st.lists(TEXTS, max_size=3), st.text("ab'c ", min_size=1, max_size=3))
def test_an_item_is_among_those_of_some_texts_if_it_is_a_line_of_one(texts, item):
    items = items_of([VOCABULARY.encode(text) for text in texts], VOCABULARY)
    lines = {line for text in texts for line in text.split("\n")}
    assert is_among(VOCABULARY.encode(item), items) == (item in lines)
