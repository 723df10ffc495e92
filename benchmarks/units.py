"""How often `charlm inspect` finds a unit in a network with random weights: the figure of docs/inspect.md.

    python benchmarks/units.py

A hundred networks of 24 units, of all cells, with one or two layers, with the weights with which training starts or
with normal numbers added to them, each reads 6,000 characters of the plays. It takes some minutes.
"""

from pathlib import Path

import numpy as np

from charlm.insight.units import rank
from charlm.network.architecture import Architecture

PLAYS = Path(__file__).parent.parent / "data" / "plays"
CELLS = ("gru", "lstm", "rnn", "simple-gru", "lstm-1997")
NETWORKS, CHARACTERS, UNITS = 100, 6_000, 24
SPREADS = (0.0, 0.3, 1.0)  # standard deviations of what is added


def main() -> None:
    """Rank the units of all networks, and print what is found."""
    plays = "".join(path.read_text("utf-8") for path in sorted(PLAYS.glob("*.txt")))
    rng = np.random.default_rng(0)
    features = finds = networks = 0
    for seed in range(NETWORKS):
        start = int(rng.integers(0, len(plays) - CHARACTERS))
        text = plays[start : start + CHARACTERS]
        symbols = {symbol: place for place, symbol in enumerate(sorted(set(text)))}
        ids = np.array([symbols[symbol] for symbol in text])
        architecture = Architecture(CELLS[seed % len(CELLS)], len(symbols), UNITS, 1 + seed % 2)
        weights = architecture.initial_parameters(seed)
        if spread := SPREADS[seed % len(SPREADS)]:
            weights.flat += rng.normal(0, spread, weights.flat.shape).astype(weights.flat.dtype)
        ranking = rank(architecture, weights, ids, text, np.arange(len(ids)), seed)
        features += len(ranking.features)
        finds += sum(following.found for following in ranking.features.values())
        networks += bool(ranking.found)
    print(f"{networks} of {NETWORKS} networks and {finds} of {features} features have a unit beyond chance")


if __name__ == "__main__":
    main()
