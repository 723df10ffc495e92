"""An encoded corpus to its training, validation and test part."""

from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise

import numpy as np

from charlm.arrays import Ids
from charlm.corpus import cache, lines, splits
from charlm.corpus.encoding import NOUNS, Encoded


def _divide_text(
    encoded: Encoded, chosen: splits.Shares, seed: int, store: cache.Store, key: str, report: list[str]
) -> list[Ids]:
    ids = encoded.ids
    spans = splits.LAYOUTS[chosen.layout](len(ids), chosen)
    sizes = splits.sizes_of(spans)
    noun = f"{NOUNS[encoded.vocabulary.unit]}s"
    splits.check_parts(sizes, chosen, noun, splits.SMALLEST_TEXT)
    where = f" in stripes of {splits.stripe_length(len(ids)):,}" if chosen.layout == "stripes" else ""
    report.append(_parts_note(sizes, f"{noun}{where}"))
    if all(len(part) <= 1 for part in spans):  # parts in one piece stay where they are
        return [ids[slice(*part[0])] if part else ids[:0] for part in spans]
    plan = cache.Plan(ids.dtype, len(ids), lambda: splits.spanned(ids, spans), dict)
    return _cut(_arranged(encoded, store, cache.key_of(key, *map(str, chosen)), plan), sizes)


def _divide_lines(
    encoded: Encoded, chosen: splits.Shares, seed: int, store: cache.Store, key: str, report: list[str]
) -> list[Ids]:
    ids = encoded.ids
    newline = encoded.vocabulary.id_of("\n")
    assert newline is not None  # every text of lines begins with one
    positions = lines.newlines(ids, newline)
    split = splits.split_lines(len(positions) - 1, chosen, seed)
    numbers = [len(part) for part in split.lines]
    splits.check_parts(numbers, chosen, "lines", splits.SMALLEST_LINES)
    report.append(_parts_note(numbers, "lines, shuffled"))
    sizes = split.sizes(positions)
    plan = cache.Plan(ids.dtype, sum(sizes), lambda: split.pieces(ids, positions), dict)
    return _cut(_arranged(encoded, store, cache.key_of(key, *map(str, chosen), str(seed)), plan), sizes)


Division = Callable[[Encoded, splits.Shares, int, cache.Store, str, list[str]], list[Ids]]
DIVISIONS: dict[str, Division] = {"stream": _divide_text, "lines": _divide_lines}


def _arranged(encoded: Encoded, store: cache.Store, key: str, plan: cache.Plan) -> Ids:
    found = store.find(key)
    fits = found and len(found.ids) == plan.size and found.ids.dtype == plan.dtype
    if found and fits and found.ids.max(initial=0) < len(encoded.vocabulary):
        return found.ids
    return store.make(key, plan).ids


def _cut(ids: Ids, sizes: Iterable[int]) -> list[Ids]:
    ends = np.cumsum([0, *sizes])
    return [ids[start:stop] for start, stop in pairwise(ends)]


def _parts_note(sizes: Sequence[int], noun: str) -> str:
    train, valid, test = sizes
    return f"split: {train:,} for training, {valid:,} for validation, {test:,} for test ({noun})"
