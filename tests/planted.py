"""A text with quotation marks, and a network with a unit whose weights are set by hand to follow them."""

from collections.abc import Sequence

import numpy as np

from charlm.network.architecture import Architecture
from charlm.network.parameters import Parameters
from tests.runs import text as words

PLANTED = 5


def quoted_text(characters: int = 4_000, seed: int = 0) -> str:
    """Return words in lines, every now and then some of them between quotation marks and with a capital."""
    rng = np.random.default_rng(seed)
    pieces, inside = [], False
    for word in words(characters, seed).split(" "):
        piece = word.capitalize() if rng.random() < 0.2 else word
        if rng.random() < 0.15:
            piece, inside = f"{'”' if inside else '“'}{piece}", not inside
        pieces.append(piece)
    whole = " ".join(pieces)[:characters]
    return whole[: whole.rindex("”") + 1]


def plant(architecture: Architecture, parameters: Parameters, symbols: Sequence[str]) -> None:
    """Make a unit of the first layer keep its state, but for quotation marks, which write 1 and -1 to it."""
    H = architecture.hidden_size
    names = [gate.name for gate in architecture.equations.gates]
    rows = {name: place * H + PLANTED for place, name in enumerate(names)}
    weight, bias = parameters["rnn.weight_ih_l0"], parameters["rnn.bias_ih_l0"]
    for row in rows.values():
        weight[row], parameters["rnn.weight_hh_l0"][row] = 0, 0
    marks = [symbols.index("“"), symbols.index("”")]
    write, keep, candidate = {"gru": ("", "z", "n"), "lstm": ("i", "f", "g")}[architecture.cell]
    weight[rows[keep], marks], bias[rows[keep]] = -16, 8
    weight[rows[candidate], marks] = 4, -4
    if write:
        weight[rows[write], marks], bias[rows[write]] = 16, -8
