"""Facts about lines as one array of ids."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from charlm.corpus import lines as lines_module
from tests.corpora import ITEMS, NEWLINE, as_lines


@given(ITEMS, st.integers(1, 12), st.randoms())
def test_lines_gathered_in_blocks_are_the_lines_in_the_order_asked(items, block, random):
    ids, vocabulary = as_lines(items)
    order = list(range(len(items)))
    random.shuffle(order)
    saved, lines_module.BLOCK = lines_module.BLOCK, block
    try:
        newlines = lines_module.newlines(ids, NEWLINE)
        pieces = list(lines_module.gather(ids, newlines, np.array(order)))
    finally:
        lines_module.BLOCK = saved
    assert vocabulary.decode(np.concatenate(pieces)) == "".join(items[index] + "\n" for index in order)
