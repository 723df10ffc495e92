"""What a model proposes is what is likeliest, up to the end of a word, and what is taken can be taken back."""

from itertools import product

import numpy as np
import pytest

import charlm
from charlm.corpus.vocabulary import Vocabulary
from charlm.inference.proposals import LONGEST, Proposals
from tests.runs import text, trained

TEXT = text(3_000)
FIRSTS = 100
MODELS = ("stream", "lines", "mixed", "bytes")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    more = {"training__max_steps": 60, "optimizer__learning_rate": 0.02}
    small = "ab a b, ba\n" * 100
    trained(folder, "stream", small, **more)
    trained(folder, "lines", small, corpus__mode="lines", **more)
    trained(folder, "mixed", small, model__ngram={"order": 3}, **more)
    trained(folder, "bytes", small, corpus__unit="byte", **more)
    trained(folder, "words", TEXT, **more)
    trained(folder, "rare", small + "xyz", corpus__min_count=2, **more)
    trained(folder, "han", "".join(map(chr, np.random.default_rng(0).integers(0x4E00, 0x4E20, 2_000))), **more)
    return folder


def every_way_on(model, begun, longest):
    """Return the probability of each proposal of at most so many symbols, each from the model's whole distributions."""
    symbols = model.vocabulary.symbols
    letters = [k for k, symbol in enumerate(symbols) if symbol.isalpha()]
    others = [k for k, symbol in enumerate(symbols) if not symbol.isalpha() and symbol != "\n"]
    newline = symbols.index("\n")
    found = {}
    for first, second in product(range(longest + 1), repeat=2):
        if first + second <= longest:
            for ids in product(*[others] * first, *([letters] * second or [[newline]])):
                found[ids] = probability(model, begun, ids, letters if second else None)
    return found


def probability(model, begun, ids, letters):
    log_p = model.log_probabilities([*begun, *ids, 0])[len(begun) :]  # (n + 1, V)
    p = np.exp(log_p[np.arange(len(ids)), ids].sum())
    return p if letters is None else p * (1 - np.exp(log_p[-1, letters]).sum())


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("begun", ["a", "b, b"])
def test_the_likeliest_ways_on_come_first_with_their_probabilities(folder, name, begun):
    model = charlm.load(folder / name)
    ids = model.encode(begun).tolist()
    expected = every_way_on(model, ids, 5)
    proposals = model.proposals(begun).propose()
    least = proposals[-1].probability
    assert {way for way, p in expected.items() if p > least * (1 + 1e-4)} <= {p.ids for p in proposals}
    assert [p.probability for p in proposals] == sorted((p.probability for p in proposals), reverse=True)
    assert sum(len(p.ids) <= 5 for p in proposals) >= 3
    for proposal in proposals:
        assert proposal.text == model.vocabulary.decode(proposal.ids)
        if len(proposal.ids) <= 5:
            assert proposal.probability == pytest.approx(expected[proposal.ids], rel=1e-4)


def test_after_a_proposal_its_word_is_over_and_after_typed_text_it_may_go_on(folder):
    model = charlm.load(folder / "words")
    together = model.proposals("tin")
    word = next(p for p in together.propose() if p.word_over)
    together.take(word)
    assert all(not p.text[0].isalpha() for p in together.propose(8))
    assert sum(p.probability for p in together.propose(100)) <= 1 + 1e-9
    together.undo()
    together.take(word.ids)
    typed = model.proposals("tin" + word.text).propose()
    assert [p.ids for p in together.propose()] == [p.ids for p in typed]


@pytest.mark.parametrize("name", MODELS)
def test_what_is_taken_is_read_and_what_is_undone_is_forgotten(folder, name):
    model = charlm.load(folder / name)
    together = model.proposals("a")
    before = together.propose()
    assert not together.undo()
    together.take(before[1])
    together.take(model.encode(" b"))
    assert together.text == before[1].text + " b"
    assert together.propose() == model.proposals("a" + together.text).propose()
    assert together.undo()
    assert together.undo()
    assert (together.text, together.propose()) == ("", before)


def test_a_script_without_word_ends_is_proposed_by_its_first_symbols(folder):
    proposals = charlm.load(folder / "han").proposals().propose()
    assert len({p.ids[0] for p in proposals}) == 5
    assert {len(p.ids) for p in proposals} == {LONGEST}


class Chain:
    """Steps of a text in which any of many letters is followed by b, c and a space, as if a network had learnt it."""

    def __init__(self, vocabulary, first):
        b, c, space = (vocabulary.id_of(symbol) for symbol in "bc ")
        self.state, self._after = 0, {b: [c], c: [space], space: first, **{key: [b] for key in first}}
        self._symbols = len(vocabulary)

    def go_back(self, state):
        self.state = state

    def read(self, ids):
        self.state = int(ids[0])
        logits = np.full((1, self._symbols), -1e3)
        logits[0, self._after[self.state]] = 0
        return logits


def test_first_symbols_that_the_search_did_not_reach_go_on_to_the_end_of_their_word():
    vocabulary = Vocabulary.of("bc " + "".join(map(chr, range(0x4E00, 0x4E00 + FIRSTS))))
    first = [k for k, symbol in enumerate(vocabulary.symbols) if symbol not in "bc "]
    proposals = Proposals(Chain(vocabulary, first), vocabulary, vocabulary.encode(" ").tolist()).propose(10_000)
    likely = {p.text: p.probability for p in proposals if p.probability > 1e-9}
    assert likely == pytest.approx({vocabulary.symbols[k] + "bc": 1 / FIRSTS for k in first})


def test_logits_that_are_not_finite_are_an_error():
    class Broken(Chain):
        def read(self, ids):
            return np.full((1, 3), np.nan)

    with pytest.raises(charlm.CharlmError, match="not finite"):
        Proposals(Broken(Vocabulary.of("bc "), []), Vocabulary.of("bc "), [0])


def test_the_unknown_symbol_is_never_proposed(folder):
    model = charlm.load(folder / "rare")
    unknown = model.vocabulary.unknown
    assert unknown is not None
    together = model.proposals("a")
    for _ in range(10):
        proposals = together.propose(20)
        assert all(unknown not in p.ids for p in proposals)
        together.take(proposals[-1])
