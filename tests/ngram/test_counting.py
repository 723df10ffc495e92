"""An n-gram counted by sorting is the one that its definition gives, gram by gram."""

from collections import Counter, defaultdict
from collections.abc import Sequence

import numpy as np
import pytest

from charlm.ngram import reading
from charlm.ngram.counting import count, merged, nested, pruned
from charlm.ngram.reading import Distributions, Reader
from charlm.ngram.tables import NGram

FALLBACK = (0.5, 1.0, 1.5)


def brute_force(text: list[int], V: int, N: int, start: int | None):
    """Return a function from a context to its distribution: modified Kneser-Ney as Chen & Goodman define it."""
    occurrences: list[Counter[tuple[int, ...]]] = [Counter() for _ in range(N)]
    before: list[dict[tuple[int, ...], set[int]]] = [defaultdict(set) for _ in range(N)]
    for end in range(1, len(text)):
        for length in range(N):
            if end - length < 0:
                break
            gram = tuple(text[end - length : end + 1])
            occurrences[length][gram] += 1
            if end - length == 0 or (start is not None and length > 0 and gram[0] == start):
                break
            before[length][gram].add(text[end - length - 1])
    highest = max(length for length in range(N) if occurrences[length])
    counts = [
        {gram: n if length == highest else len(before[length][gram]) or n for gram, n in grams.items()}
        for length, grams in enumerate(occurrences)
    ]
    discounts: list[Sequence[float]] = []
    for grams in counts:
        n = [sum(c == k for c in grams.values()) for k in range(5)]
        if not all(n[1:]):
            discounts.append(FALLBACK)
            continue
        y = n[1] / (n[1] + 2 * n[2])
        estimated = [k - (k + 1) * y * n[k + 1] / n[k] for k in (1, 2, 3)]
        discounts.append([d if 0 < d <= k else f for k, d, f in zip((1, 2, 3), estimated, FALLBACK, strict=True)])

    def distribution(context: tuple[int, ...]) -> np.ndarray:
        after = {w: counts[len(context)].get((*context, w), 0) for w in range(V)}
        total = sum(after.values())
        shorter = distribution(context[1:]) if context else np.full(V, 1 / V)
        if total == 0:
            return shorter
        d = [0.0 if c == 0 else discounts[len(context)][min(c, 3) - 1] for c in after.values()]
        return (np.array(list(after.values())) - d) / total + sum(d) / total * shorter

    return lambda context: distribution(tuple(context[-min(len(context), highest) :]) if highest else ())


@pytest.mark.parametrize("dense", [reading.DENSE, 0], ids=["distributions computed beforehand", "none of them"])
@pytest.mark.parametrize("N", [1, 2, 4])
@pytest.mark.parametrize(("V", "length"), [(3, 400), (7, 60), (300, 500)])
def test_counted_by_sorting_it_is_modified_kneser_ney(N, V, length, dense, monkeypatch):
    monkeypatch.setattr("charlm.ngram.reading.DENSE", dense)
    rng = np.random.default_rng(V + N)
    text = (rng.integers(0, V, length) * rng.integers(0, 2, length)).tolist()
    expected = brute_force(text, V, N, None)
    distributions = Distributions(count(np.array(text), V, N))
    at_once, kinds = Reader(distributions, 1).read(np.array(text)[:, None])
    one_by_one = Reader(distributions, 1)
    for place, symbol in enumerate(text):
        log_p, kind = one_by_one.read_one(symbol)
        context = text[max(0, place - N + 2) : place + 1] if N > 1 else []
        if place % 7 == 0:
            assert np.exp(at_once[place, 0]) == pytest.approx(expected(context), abs=1e-6)
            assert np.exp(log_p) == pytest.approx(expected(context), abs=1e-6)
        assert kind == kinds[place, 0]


def test_a_context_does_not_reach_over_the_beginning_of_an_item():
    text = [0, 1, 2, 0, 1, 1, 0, 2, 1, 1, 0, 1, 2, 2, 0]
    expected = brute_force(text, 3, 4, start=0)
    reader = Reader(Distributions(count(np.array(text), 3, 4, start_symbol=0)), 1)
    read, _ = reader.read(np.array(text)[:, None])
    for place in range(len(text)):
        begun = max(i for i in range(place + 1) if text[i] == 0)
        context = text[max(begun, place - 2) : place + 1]
        assert np.exp(read[place, 0]) == pytest.approx(expected(context), abs=1e-6)


def test_a_text_shorter_than_the_order_has_the_orders_that_it_can():
    ngram = count(np.array([0, 1, 0]), 2, 9)
    assert ngram.order == 3
    assert np.exp(Reader(Distributions(ngram), 1).read(np.array([[0]]))[0][0, 0]).sum() == pytest.approx(1)


@pytest.fixture(scope="module")
def long():
    rng = np.random.default_rng(5)
    words = [rng.integers(0, 12, rng.integers(1, 6)) for _ in range(60)]
    return np.concatenate([words[k] for k in rng.integers(0, 60, 4_000)])


def test_pruning_keeps_to_the_size_and_leaves_distributions(long):
    whole = count(long, 12, 6)
    smaller, least = pruned(whole, whole.size // 3)
    assert smaller.size <= whole.size // 3
    assert least > 1
    read, _ = Reader(Distributions(smaller), 1).read(long[:500, None])
    assert np.exp(read).sum(axis=-1) == pytest.approx(1, abs=1e-5)
    smallest, _ = pruned(whole, 1)
    assert len(smallest.orders) == 2
    unchanged, least = pruned(whole, whole.size)
    assert (unchanged.entries, least) == (whole.entries, 1)


def spelt(ngram):
    """Return the contexts of each order as tuples of symbols, the oldest first."""
    V, found = ngram.vocabulary_size, [[()]]
    for order in ngram.orders[1:]:
        found.append([(key % V, *found[-1][key // V]) for key in order.contexts])
    return found


def test_the_contexts_that_stay_are_those_that_occurred_often_enough(long):
    whole = count(long, 12, 6)
    smaller, least = pruned(whole, whole.size // 3)
    text = long.tolist()
    for m, (contexts, stayed) in enumerate(zip(spelt(whole), spelt(smaller), strict=False)):
        occurred = Counter(tuple(text[k : k + m]) for k in range(len(text) - m))
        assert set(stayed) <= set(contexts)
        if m >= 2:
            assert all(occurred[context] >= least for context in stayed)
            # The text's first symbols have no context that is longer, so a context there may count one less.
            assert all(occurred[context] <= least for context in set(contexts) - set(stayed))


def test_pruned_to_the_size_of_a_shorter_ngram_it_predicts_as_well(long):
    text, following = long[:9_000], long[9_000:]

    def loss(ngram):
        log_p, _ = Reader(Distributions(ngram), 1).read(following[:-1, None])
        return -log_p[np.arange(len(following) - 1), 0, following[1:]].mean()

    shorter = count(text, 12, 4)
    assert loss(pruned(count(text, 12, 6), shorter.size)[0]) < loss(shorter) + 0.05


def test_what_is_stored_is_what_was_counted(long):
    counted = count(long, 12, 6)
    stored = NGram.from_tensors(12, 6, counted.tensors)
    there, then = (Reader(Distributions(ngram), 1).read(long[:300, None]) for ngram in (counted, stored))
    assert (there[0] == then[0]).all()
    assert (there[1] == then[1]).all()


@pytest.mark.parametrize("name", ["0.counts", "2.older", "2.extended", "3.followers", "3.symbols", "1.discounts"])
@pytest.mark.parametrize("damage", ["missing", "negative", "too large", "too short", "not numbers"])
def test_a_table_that_cannot_be_is_refused(long, name, damage):
    tensors = dict(count(long, 12, 4).tensors)
    array = tensors.pop(name)
    changed = {
        "negative": lambda: array.astype(np.int64) * 0 - 1,
        "too large": lambda: np.full(array.shape, 2**60, np.uint64),
        "too short": lambda: array[:-1],
        "not numbers": lambda: np.full(array.shape, np.nan),
    }
    if damage != "missing":
        tensors[name] = changed[damage]()
    with pytest.raises(ValueError, match="the tensor"):
        NGram.from_tensors(12, 4, tensors)


@pytest.mark.parametrize("name", ["1.extended", "3.followers"])
def test_no_context_has_more_followers_or_extensions_than_there_are_symbols(long, name):
    tensors = dict(count(long, 12, 4).tensors)
    tensors[name] = tensors[name].copy()
    tensors[name][0] = 13
    with pytest.raises(ValueError, match=rf"{name} does not hold whole numbers from [01] to 12"):
        NGram.from_tensors(12, 4, tensors)


@pytest.mark.filterwarnings("error")
def test_discounts_too_small_for_float32_leave_every_symbol_a_finite_loss(long):
    tensors = dict(count(long, 12, 4).tensors)
    tensors |= {name: np.full(3, 1e-300) for name in tensors if name.endswith("discounts")}
    distributions = Distributions(NGram.from_tensors(12, 4, tensors))
    log_p, _ = Reader(distributions, 1).read(long[:300, None])
    assert np.isfinite(log_p).all()
    for place in range(3, 300):
        assert np.isfinite(distributions.read_one(long[place - 3 : place][::-1])[0]).all()


@pytest.mark.parametrize("name", ["1.older", "2.symbols"])
def test_a_table_that_is_not_sorted_is_refused(long, name):
    tensors = dict(count(long, 12, 4).tensors)
    tensors[name] = tensors[name][::-1].copy()
    with pytest.raises(ValueError, match="not in order"):
        NGram.from_tensors(12, 4, tensors)


@pytest.mark.parametrize("start", [None, 0])
def test_counted_at_once_the_orders_are_those_counted_one_by_one(start):
    text = np.random.default_rng(4).integers(0, 6, 900)
    orders = nested(text, 6, 5, start)
    assert [ngram.order for ngram in orders] == [1, 2, 3, 4, 5]
    for ngram in orders:
        alone = count(text, 6, ngram.order, start)
        assert ngram.tensors.keys() == alone.tensors.keys()
        for name, tensor in alone.tensors.items():
            np.testing.assert_array_equal(ngram.tensors[name], tensor, name)


@pytest.mark.parametrize("N", [1, 2, 5])
def test_the_probability_of_one_symbol_is_that_of_its_distribution(N):
    rng = np.random.default_rng(N)
    distributions = Distributions(count(rng.integers(0, 6, 300), 6, N))
    recent, targets = rng.integers(-1, 6, (N - 1, 200)), rng.integers(0, 6, 200)
    expected = distributions.read(recent)[0][np.arange(200), targets]
    np.testing.assert_allclose(distributions.log_probabilities_of(recent, targets), expected, atol=1e-5)


@pytest.mark.parametrize("N", [1, 2, 4])
@pytest.mark.parametrize("V", [3, 7, 300])
def test_two_counts_merged_are_the_count_of_both_texts(N, V):
    rng = np.random.default_rng(V)
    first, second = (rng.integers(0, V, length) * rng.integers(0, 2, length) for length in (400, 150))
    first[-1] = second[0] = 0  # no context reaches over the symbol at which an item starts
    both = count(np.concatenate([first, second[1:]]), V, N, 0)
    got = merged(count(first, V, N, 0), count(second, V, N, 0))
    for order, expected in zip(got.orders, both.orders, strict=True):
        for name in ("contexts", "begins", "symbols", "counts", "discounts"):
            np.testing.assert_array_equal(getattr(order, name), getattr(expected, name))


def test_a_short_text_is_merged_into_longer_orders():
    text = np.random.default_rng(0).integers(0, 3, 200)
    got = merged(count(text, 3, 5), count(text[:3], 3, 5))
    assert got.order == 5
    assert sum(got.orders[0].counts) >= sum(count(text, 3, 5).orders[0].counts)
