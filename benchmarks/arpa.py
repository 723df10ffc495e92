"""Writes an n-gram of charlm as an ARPA file, the text form that KenLM and other tools for n-grams read."""

from pathlib import Path

import numpy as np

from charlm.arrays import Array
from charlm.ngram.tables import NGram

NEVER = -99.0  # log10 of the probability of what is not predicted
BEGIN, END, UNKNOWN = "<s>", "</s>", "<unk>"


def token(symbol: int) -> str:
    """Return the word that stands for a symbol: a letter that no reader of ARPA files takes for a space."""
    return chr(0x100 + symbol)


def write_arpa(path: Path, ngram: NGram, newline: int) -> None:
    """Write the tables of an n-gram; the probabilities are interpolated, so a reader that backs off finds the same.

    Parameters
    ----------
    path : Path
        The file.
    ngram : NGram
        Counted with the newline as the symbol that starts an item, so that it is the oldest of a context or predicted.
    newline : int
        That symbol: the mark of a line's beginning in a context, and of its end where it is predicted.
    """
    V = ngram.vocabulary_size
    words = [token(symbol) for symbol in range(V)]
    older = [*words[:newline], BEGIN, *words[newline + 1 :]]
    follower = [*words[:newline], END, *words[newline + 1 :]]
    contexts = _contexts(ngram, older)
    leaves = [dict(zip(names, order.backoff, strict=True)) for names, order in zip(contexts, ngram.orders, strict=True)]
    sections = []
    for m, (places, symbols, p) in enumerate(_probabilities(ngram)):
        logs = np.log10(p)
        grams = [f"{contexts[m][at]} {follower[w]}".strip() for at, w in zip(places, symbols, strict=True)]
        above = leaves[m + 1] if m + 1 < ngram.order else {}
        rows = [_row(log, gram, above) for log, gram in zip(logs, grams, strict=True)]
        sections.append([_row(NEVER, UNKNOWN, {}), _row(NEVER, BEGIN, above), *rows] if m == 0 else rows)
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.write("\\data\\\n" + "".join(f"ngram {n}={len(rows)}\n" for n, rows in enumerate(sections, 1)))
        for n, rows in enumerate(sections, 1):
            file.write(f"\n\\{n}-grams:\n" + "".join(rows))
        file.write("\n\\end\\\n")


def _contexts(ngram: NGram, words: list[str]) -> list[list[str]]:
    """Return the words of the contexts of each order."""
    contexts = [[""]]
    for order in ngram.orders[1:]:
        suffixes, symbols = np.divmod(order.contexts, ngram.vocabulary_size)
        below = contexts[-1]
        contexts.append([f"{words[w]} {below[at]}".strip() for at, w in zip(suffixes, symbols, strict=True)])
    return contexts


def _probabilities(ngram: NGram) -> list[tuple[Array, Array, Array]]:
    """Return, for each order, the place of each gram's context, the symbol that follows, and its probability.

    Of the order 0 every symbol has an entry, whether the text has it or not.
    """
    V = ngram.vocabulary_size
    keys, p = np.arange(V), np.full(V, 1 / V)
    entries = []
    for m, order in enumerate(ngram.orders):
        places = order.of_followers(np.arange(len(order.contexts)))
        suffixes = (order.contexts // V)[places]
        below = p[keys.searchsorted(suffixes * V + order.symbols)]
        shared = order.shares + order.of_followers(order.backoff) * below
        if m == 0:
            p = p * order.backoff[0]
            p[order.symbols] = shared
        else:
            keys, p = places * V + order.symbols, shared
        entries.append((*np.divmod(keys, V), p))
    return entries


def _row(log: float, gram: str, backoff: dict[str, float]) -> str:
    left = f"\t{np.log10(backoff[gram]):.7f}" if gram in backoff else ""
    return f"{log:.7f}\t{gram}{left}\n"
