"""Whether a text looks like a list, each line an item of its own such as a name, or like one running text."""

from typing import NamedTuple

import numpy as np

from charlm.arrays import Ids
from charlm.corpus.lines import lines_in
from charlm.corpus.vocabulary import Vocabulary

LEAST_LINES = 50
MEDIAN_ITEM, LONGEST_ITEM = 30, 120  # symbols of a line, at the most
MOST_EMPTY = 0.01  # share of lines
MOST_ENDED = 0.2  # share of lines that end as sentences and their parts do
ENDS_OF_SENTENCES = frozenset(".,;:!?-\u2026\u2014\u3002\u3001\uff0c\uff1b\uff1a\uff01\uff1f")


class Form(NamedTuple):
    """How a text is best read, and why."""

    mode: str
    reason: str


def form(ids: Ids, vocabulary: Vocabulary) -> Form:
    """Return what a text, shape (n,), looks like."""
    starts, lengths = lines_in(ids, vocabulary)
    if len(lengths) < LEAST_LINES:
        return Form("stream", f"a running text: fewer than {LEAST_LINES} lines")
    filled = lengths[lengths > 0]
    median, longest = (int(np.median(filled)), int(filled.max())) if len(filled) else (0, 0)
    empty = 1 - len(filled) / len(lengths)
    closing = [k for k, symbol in enumerate(vocabulary.symbols) if symbol in ENDS_OF_SENTENCES]
    last = np.asarray(ids)[(starts + lengths - 1)[lengths > 0]]
    ended = float(np.isin(last, closing).mean()) if len(filled) else 0.0
    against = {
        f"{empty:.0%} of its lines are empty": empty > MOST_EMPTY,
        f"its lines have {median:,} symbols (median)": not 0 < median <= MEDIAN_ITEM,
        f"it has a line of {longest:,} symbols": longest > LONGEST_ITEM,
        f"{ended:.0%} of its lines end as sentences do": ended > MOST_ENDED,
    }
    if reasons := [reason for reason, holds in against.items() if holds]:
        return Form("stream", f"a running text: {reasons[0]}")
    share = f"{empty:.1%} of them" if empty else "none"
    return Form("lines", f"a list: lines of {median:,} symbols (median), {share} empty, few that end as sentences do")
