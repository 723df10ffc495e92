"""How fast trained models write one text on this machine: their networks alone and with their n-grams, turn by turn.

    python benchmarks/writing.py runs/plays --rounds 5

Run it on a machine that does nothing else. Each way writes in turns, several rounds, so that whatever the machine does
meanwhile meets all of them. The figures are medians, with the quartiles.
"""

import argparse
from pathlib import Path
from time import perf_counter

from compare_torch import spread

import charlm
from charlm.bench import Spread

LENGTHS = {"numpy": 5_000, "fused": 25_000}  # characters of a text: about a second


def main() -> None:
    """Print a table in Markdown."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("run", type=Path, help="the directory of a run whose model has an n-gram")
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    ways = [(kernels, ngram) for kernels in LENGTHS for ngram in (False, True)]
    models = {way: charlm.load(arguments.run, kernels=way[0], ngram=way[1]) for way in ways}
    speeds: dict[tuple[str, bool], list[float]] = {way: [] for way in ways}
    for turn in range(arguments.rounds + 1):
        for (kernels, ngram), model in models.items():
            started = perf_counter()
            model.sample(length=LENGTHS[kernels], seed=turn)
            if turn > 0:  # the first loads and compiles
                speeds[kernels, ngram].append(LENGTHS[kernels] / (perf_counter() - started))
    print(f"{models[ways[-1]].described()}\n")
    print("| one text, characters a second | network alone | with its n-gram |\n|---|---|---|")
    for kernels in LENGTHS:
        alone, both = (spread(Spread.of(speeds[kernels, ngram]), ",.0f") for ngram in (False, True))
        print(f"| {kernels} | {alone} | {both} |")


if __name__ == "__main__":
    main()
