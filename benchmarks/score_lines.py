"""Lines of 60 characters scored by charlm, by PyTorch and by KenLM on this machine, turn by turn.

    python benchmarks/score_lines.py --lines 1000000 --rounds 3 --write docs/scoring.md

Run it in the environment that `make bench-torch` makes, on a machine that does nothing else. PyTorch computes the same
network, in batches of the fastest of a few sizes; before anything is timed its bits are compared with charlm's. KenLM
takes part if its Python module is there (`pip install kenlm`, which needs a C++ compiler and CMake). That module cannot
estimate a model, so it reads an n-gram that charlm counted; its bits are compared with what charlm reads from it.
Without a run the network is a gru of 1 x 256 units with its initial weights: the time does not depend on them.
"""

import argparse
import sys
from collections.abc import Mapping
from importlib.metadata import version
from importlib.util import find_spec
from math import log
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from arpa import token, write_arpa
from compare_torch import CHARLM, machine, say, spread
from pages import write_section
from turns import HERE, Worker, run

import charlm
from charlm import bench
from charlm.config import from_dict
from charlm.corpus.vocabulary import Vocabulary
from charlm.files import modelfile
from charlm.network.architecture import Architecture
from charlm.ngram.counting import count
from charlm.ngram.reading import Distributions, Reader
from charlm.ngram.tables import NGram
from charlm.workers.cores import available_cores

LENGTH = 60  # characters of a line
ORDER = 6  # the longest n-gram that KenLM reads as pip builds it
COMPARED = 1000  # lines, the most, on which the sides have to agree
MOST_APART = 1e-5  # bits per character of a line; float32 sums of two orders differ by a few millionths
WHOLE = "charlm score"
NAMES = {
    "charlm": "`score_lines`",
    WHOLE: "`charlm score`, the whole process",
    "PyTorch": "PyTorch, batches of {batch:,}",
    "KenLM": f"KenLM: a {ORDER}-gram instead of the network, one thread",
}


def read_text(files: list[Path]) -> str:
    """Return the text that the lines are taken from."""
    plays = sorted((HERE.parent / "data" / "plays").glob("*.txt"))
    return "\n".join(file.read_text("utf-8") for file in files or plays)


def write_lines(path: Path, text: str, number: int) -> None:
    """Write passages of a text as lines; no place is taken again before all have been taken."""
    places = len(text) - LENGTH + 1
    if places < 1:
        sys.exit(f"--text: has {len(text):,} characters that the model knows; a line has {LENGTH}")
    rng = np.random.default_rng(bench.SEED)
    with path.open("w", encoding="utf-8", newline="\n") as file:
        for done in range(0, number, places):
            for start in rng.permutation(places)[: number - done].tolist():
                file.write(text[start : start + LENGTH] + "\n")


def untrained(path: Path, text: str) -> None:
    """Write a model with its initial weights and the characters of a text."""
    vocabulary = Vocabulary.of(text + "\n ")
    architecture = Architecture("gru", len(vocabulary), 256, 1)
    config = from_dict({"corpus": {"path": "-"}, "model": {"cell": "gru", "hidden_size": 256}}, "untrained")
    metadata = {"config": config.to_dict(), "history": []}
    modelfile.save(path, architecture, architecture.initial_parameters(bench.SEED), vocabulary, metadata)


def check_model(model: charlm.LanguageModel) -> None:
    """End the benchmark where not every side can compute the model."""
    if model.vocabulary.unit == "byte" or model.vocabulary.id_of("\n") is None:
        sys.exit(f"{model}: has to be a model of characters, the newline among them")
    if model.architecture.embedding_size:
        sys.exit(f"{model}: has an embedding; the networks of this benchmark have none")


def expected_bits(ngram: NGram, vocabulary: Vocabulary, lines: list[str]) -> list[float]:
    """Return the bits of lines of one length by an n-gram, as charlm reads it."""
    ids = np.stack([vocabulary.encode(f"\n{line}\n") for line in lines], axis=1).astype(np.int64)  # (T + 1, B)
    log_p, _ = Reader(Distributions(ngram), len(lines)).read(ids[:-1])
    of_targets = np.take_along_axis(log_p, ids[1:, :, None], axis=2)[..., 0]
    return list(of_targets.sum(axis=0, dtype=np.float64) / -log(2))


def check(side: str, bits: list[float], expected: list[float]) -> float:
    """Return how far a side's bits per character are from charlm's in any line; end the benchmark if they differ."""
    apart = np.abs(np.subtract(bits, expected)) / (LENGTH + 1)
    worst = int(apart.argmax())
    if apart[worst] > MOST_APART:
        sys.exit(f"line {worst + 1} has {bits[worst]} bits by {side} and {expected[worst]} by charlm")
    return float(apart[worst])


def measure(workers: Mapping[str, Worker], command: list[str], rounds: int) -> dict[str, list[float]]:
    """Let the sides score all lines in turns, and return the seconds of each round."""
    seconds: dict[str, list[float]] = {side: [] for side in NAMES if side in workers or side == WHOLE}
    for number in range(1, rounds + 1):
        for side, own in seconds.items():
            own.append(run(command)[0] if side == WHOLE else workers[side].ask("seconds"))
            say(f"round {number}: {side} {own[-1]:.1f} s")
    return seconds


def table(seconds: Mapping[str, list[float]], names: Mapping[str, str], lines: int) -> list[str]:
    """Return the lines of the table."""
    rows = ["| | seconds | characters a second | times as fast as PyTorch |", "|---|---|---|---|"]
    for side, own in seconds.items():
        taken = bench.Spread.of(own)
        ratio = bench.Spread.of([torch / mine for torch, mine in zip(seconds["PyTorch"], own, strict=True)])
        speed = lines * (LENGTH + 1) / taken.median
        rows.append(f"| {names[side]} | {spread(taken, '.1f')} | {speed:,.0f} | {spread(ratio, '.2f')} |")
    return rows


def compare(arguments: argparse.Namespace, folder: Path) -> str:
    """Compare the sides, and return what was found."""
    text, path = read_text(arguments.text), arguments.run or folder / "untrained.safetensors"
    if not arguments.run:
        untrained(path, text)
    model = charlm.load(path, ngram=False)
    check_model(model)
    vocabulary, threads, lines = model.vocabulary, available_cores(), folder / "lines.txt"
    write_lines(lines, vocabulary.decode(vocabulary.encode(text.replace("\n", " "), "skip")), arguments.lines)
    charlm.export_torch(model, folder / "torch.safetensors")
    told = {"model": str(path), "torch": str(folder / "torch.safetensors"), "lines": str(lines), "threads": threads}
    sides, versions = ["charlm", "PyTorch"], ""
    newline = int(vocabulary.encode("\n")[0])
    ngram = count(vocabulary.encode(text, "skip"), len(vocabulary), ORDER, newline)
    if find_spec("kenlm"):
        write_arpa(folder / "ngram.arpa", ngram, newline)
        words = {symbol: token(place) for place, symbol in enumerate(vocabulary.symbols)}
        told |= {"arpa": str(folder / "ngram.arpa"), "words": words}
        sides.append("KenLM")
        versions = f" KenLM {version('kenlm')}."
    else:
        say("KenLM is left out: its Python module is not installed")
    workers = {side: Worker("score_sides.py", {**told, "side": side}) for side in sides}
    batch = workers["PyTorch"].ask("choose")
    bits = {side: worker.ask("bits", min(COMPARED, arguments.lines)) for side, worker in workers.items()}
    apart = check("PyTorch", bits["PyTorch"], bits["charlm"])
    if "KenLM" in sides:
        compared = lines.read_text("utf-8").split("\n")[: len(bits["KenLM"])]
        check("KenLM", bits["KenLM"], expected_bits(ngram, vocabulary, compared))
    command = [*CHARLM, "score", "--without-ngram", str(path), str(lines)]
    seconds = measure(workers, command, arguments.rounds)
    for worker in workers.values():
        worker.close()
    a = model.architecture
    names = {side: name.format(batch=batch) for side, name in NAMES.items()}
    about = (
        f"{machine()}{versions} {arguments.lines:,} lines of {LENGTH} characters, {a.cell} {a.num_layers} x "
        f"{a.hidden_size}, a thread for each core; medians of {arguments.rounds} interleaved rounds, quartiles in "
        f"brackets. The bits per character of a line by PyTorch and by charlm differ by {apart:.0e} at the most."
    )
    return "\n".join([about, "", *table(seconds, names, arguments.lines)])


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--run", type=Path, help="the model; without one a gru of 1 x 256 units, not trained")
    parser.add_argument("--text", type=Path, nargs="+", metavar="FILE", help="what the lines are taken from")
    parser.add_argument("--lines", type=int, default=100_000, help="how many (default 100,000)")
    parser.add_argument("--rounds", type=int, default=5, help="turns of each side (default 5)")
    parser.add_argument("--write", type=Path, metavar="PAGE", help="put the table into a page, between its marks")
    return parser.parse_args()


def main() -> None:
    """Compare, print, and write where asked."""
    arguments = parse()
    with TemporaryDirectory() as folder:
        text = compare(arguments, Path(folder))
    print(text)
    if arguments.write:
        write_section(arguments.write, "benchmarks/score_lines.py", text)


if __name__ == "__main__":
    main()
