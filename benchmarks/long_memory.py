"""Over how many characters does each cell remember? Small networks learn tasks with a known delay.

    python benchmarks/long_memory.py runs/long-memory.jsonl --write docs/long-memory.md

A network sees new lines until it answers 99 % of 400 other lines right, or until its steps are over. It is trained
at the first learning rate and, where that was not enough, at the second; the better counts. A cell that answers no
better than by guessing is not tried with longer delays. Each result is added to the file, and what is in the file is
not measured again.
"""

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from pages import write_section

from charlm import assemble
from charlm.arrays import Ids
from charlm.cells import NAMES
from charlm.config import from_dict
from charlm.corpus.tasks import TASKS, Lines, generate
from charlm.corpus.windows import Windows
from charlm.inference.predictor import Network
from charlm.network.model import Model
from charlm.network.parameters import Parameters
from charlm.workers.ranks import Ranks
from charlm.workers.team import Team

DELAYS = (10, 20, 40, 80, 160)
RATES = (0.01, 0.003)
STEPS = 2_500
BATCH = 32
UNITS = 64
TESTED = 400  # lines
EVERY = 100  # steps between two tests
SOLVED = 0.99
GUESSED = 0.1  # above chance, up to which a cell is not tried with longer delays
TRUNCATED = ("brackets", 20, 11)  # a task, its delay, and a window of half a line
SEED = 1

COLOURS = {"rnn": "#888888", "simple-gru": "#2a9d8f", "gru": "#1d6fb8", "lstm": "#d1495b", "lstm-1997": "#e0a030"}
GUESSED_LINE = 'stroke="#555555" stroke-dasharray="4 4"'
PANEL = 250, 190  # width and height of a plot, in pixels
MARGIN = 64  # left of a plot, for its labels


class Trial(NamedTuple):
    """A network to train; `window` is T, or 0 for that of a whole line."""

    cell: str
    task: str
    delay: int
    rate: float
    window: int = 0


class Result(NamedTuple):
    """The share of answers that were right after so many steps."""

    accuracy: float
    steps: int

    @property
    def solved(self) -> bool:
        """Whether these are enough."""
        return self.accuracy >= SOLVED


Results = dict[Trial, Result]


def encoded(lines: Lines) -> tuple[Ids, int]:
    """Return the ids of lines, (number, length + 1), each after the line end before it, whose id is 0, and V."""
    codes = np.frombuffer(f"\n{lines.text}".encode(), np.uint8)
    used = np.bincount(codes) > 0
    ids = (used.cumsum() - 1).astype(np.uint8)[codes]
    return ids[:-1].reshape(-1, lines.length + 1), int(used.sum())


def accuracy(model: Model, parameters: Parameters, ids: Ids, answers: int) -> float:
    """Return the share of answers that a network gives right, those before it in the line being given."""
    expected = Network(model, parameters, len(ids)).read(ids.T[:-1])[-answers:]
    return float((expected.argmax(axis=-1) == ids.T[-answers:]).mean())


def train(trial: Trial, steps: int) -> Result:
    """Train a network until it is right, or its steps are over; return the best of its tests."""
    lines = generate(trial.task, trial.delay, (steps + 1) * BATCH, SEED)
    others = generate(trial.task, trial.delay, TESTED, SEED + 1)
    ids, symbols = encoded(lines)
    tested, _ = encoded(others)
    window = trial.window or lines.length + 1
    training = {"batch_size": BATCH, "seq_length": window, "clip_norm": 1.0, "reset_probability": 0.0}
    values = {
        "corpus": {"path": "-", "mode": "lines"},
        "model": {"cell": trial.cell, "hidden_size": UNITS, "num_layers": 1},
        "training": training,
        "optimizer": {"learning_rate": trial.rate},
        "workers": 1,
        "seed": SEED,
    }
    config = from_dict(values, "long_memory")
    model, team = assemble.network(config, symbols, 0), Team(1)
    text = np.append(ids.ravel(), np.uint8(0))
    windows = Windows(text, BATCH, window, SEED, "lines", 0)
    trainer = assemble.trainer(config, assemble.batch(config, model, team, Ranks()), windows, text[:0], steps)
    best = Result(0.0, 0)
    for progress in trainer.run():
        if progress.step % EVERY == 0:
            share = accuracy(model, trainer.parameters, tested, others.answers)
            best = max(best, Result(share, progress.step), key=lambda result: result.accuracy)
            if best.solved:
                break
    team.close()
    return best


def trials(cell: str, task: str, delay: int, window: int = 0) -> list[Trial]:
    """Return the networks that are trained for one cell of a table."""
    return [Trial(cell, task, delay, rate, window) for rate in RATES]


def best_of(results: Results, *described: Any) -> Result | None:
    """Return the best of what was measured for one cell of a table; the first in fewest steps of those that solved."""
    found = [results[trial] for trial in trials(*described) if trial in results]
    return max(found, key=lambda result: (min(result.accuracy, SOLVED), -result.steps), default=None)


def due(results: Results) -> Iterator[Trial]:
    """Yield what is left to be measured, with the results of what was yielded before at hand."""
    task, delay, window = TRUNCATED
    wanted = [(cell, name, length, 0) for length in DELAYS for name in TASKS for cell in NAMES]
    wanted += [(cell, task, delay, window) for cell in NAMES]
    for described in sorted(wanted, key=lambda described: described[2]):
        cell, name, length, _ = described
        shorter = [best_of(results, cell, name, other) for other in DELAYS if other < length]
        if any(result is None or result.accuracy < TASKS[name].chance + GUESSED for result in shorter):
            continue
        for trial in trials(*described):
            before = best_of(results, *described)
            if trial not in results and not (before and before.solved):
                yield trial


def read(path: Path) -> Results:
    """Return the results in a file, of which there are none in one that is not there."""
    lines = path.read_text("utf-8").splitlines() if path.exists() else []
    return {Trial(*trial): Result(*result) for trial, result in map(json.loads, lines)}


def entry(result: Result | None) -> str:
    """Return what a table says: the steps that it took, or the share of right answers where they were not enough."""
    if result is None:
        return "–"
    return f"**{result.steps:,}**" if result.solved else f"{result.accuracy:.0%}"


def table(results: Results, name: str) -> str:
    """Return the table of a task."""
    delays = [delay for delay in DELAYS if any(best_of(results, cell, name, delay) for cell in NAMES)]
    rows = [[cell, *(entry(best_of(results, cell, name, delay)) for delay in delays)] for cell in NAMES]
    head = [f"`{name}`, chance {TASKS[name].chance:.1%}", *(f"delay {delay}" for delay in delays)]
    return "\n".join("| " + " | ".join(row) + " |" for row in (head, ["---", *["---:"] * len(delays)], *rows))


def truncated_table(results: Results) -> str:
    """Return the table of windows that have half a line."""
    task, delay, window = TRUNCATED
    head = f"| `{task}`, delay {delay} | windows of a line | windows of {window} characters |\n|---|---:|---:|"
    both = [(best_of(results, cell, task, delay), best_of(results, cell, task, delay, window)) for cell in NAMES]
    rows = (f"| {cell} | {entry(whole)} | {entry(cut)} |" for cell, (whole, cut) in zip(NAMES, both, strict=True))
    return "\n".join([head, *rows])


def plot(results: Results) -> str:
    """Return an SVG of the right answers over the delay, a panel for each task."""
    width, height = PANEL
    parts = [panel(results, name, MARGIN + index * (width + MARGIN)) for index, name in enumerate(TASKS)]
    styles = {cell: f'stroke="{COLOURS[cell]}" stroke-width="2.5"' for cell in NAMES} | {"by guessing": GUESSED_LINE}
    legend = "".join(
        f'<g transform="translate({MARGIN + index * 120} {height + 100})"><line x2="22" {style}/>'
        f'<text x="28" y="4">{name}</text></g>\n'
        for index, (name, style) in enumerate(styles.items())
    )
    title = f'<text transform="translate(16 {36 + height / 2}) rotate(-90)" text-anchor="middle">right answers</text>\n'
    whole = f"0 0 {len(TASKS) * (width + MARGIN) + 20} {height + 116}"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{whole}" font-family="sans-serif" font-size="12" '
        f'fill="#333333">\n<rect width="100%" height="100%" fill="white"/>\n{title}{"".join(parts)}{legend}</svg>\n'
    )


def panel(results: Results, name: str, left: float) -> str:
    """Return the plot of a task: a line for each cell, up to the first delay at which it only guesses."""
    width, height = PANEL

    def x(delay: int) -> float:
        return width * np.log2(delay / DELAYS[0]) / np.log2(DELAYS[-1] / DELAYS[0])

    grid = "".join(
        f'<line x2="{width}" y1="{y}" y2="{y}" stroke="#cccccc" stroke-width="0.6"/>'
        f'<text x="-6" y="{y + 4}" text-anchor="end">{share:.0%}</text>\n'
        for share in (0.0, 0.5, 1.0)
        for y in [height * (1 - share)]
    )
    ticks = "".join(f'<text x="{x(d):.1f}" y="{height + 17}" text-anchor="middle">{d}</text>\n' for d in DELAYS)
    chance = height * (1 - TASKS[name].chance)
    guess = f'<line x2="{width}" y1="{chance:.1f}" y2="{chance:.1f}" {GUESSED_LINE}/>\n'
    lines = []
    for cell in NAMES:
        found = [(x(delay), best_of(results, cell, name, delay)) for delay in DELAYS]
        points = [(at, height * (1 - result.accuracy)) for at, result in found if result]
        path = " ".join(f"{at:.1f},{y:.1f}" for at, y in points)
        dots = "".join(f'<circle cx="{at:.1f}" cy="{y:.1f}" r="3" fill="{COLOURS[cell]}"/>' for at, y in points)
        lines.append(f'<polyline points="{path}" fill="none" stroke="{COLOURS[cell]}" stroke-width="2"/>{dots}\n')
    titles = (
        f'<text x="{width / 2}" y="-12" text-anchor="middle" font-weight="bold">{name}</text>'
        f'<text x="{width / 2}" y="{height + 36}" text-anchor="middle">delay in characters</text>\n'
    )
    return f'<g transform="translate({left} 36)">\n{titles}{grid}{guess}{ticks}{"".join(lines)}</g>\n'


def main() -> None:
    """Measure what is not there yet, print the tables, and write them where asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("results", type=Path, help="the file of results, one a line")
    parser.add_argument("--steps", type=int, default=STEPS, help=f"of each network, at the most (default {STEPS:,})")
    parser.add_argument("--write", type=Path, metavar="PAGE", help="put the tables into a page, and the plot beside it")
    parser.add_argument("--no-training", action="store_true", help="show what was measured already")
    arguments = parser.parse_args()
    results = read(arguments.results)
    for trial in () if arguments.no_training else due(results):
        results[trial] = train(trial, arguments.steps)
        print(trial, results[trial], file=sys.stderr, flush=True)
        with arguments.results.open("a", encoding="utf-8") as file:
            file.write(json.dumps([trial, results[trial]]) + "\n")
    text = "\n\n".join([*(table(results, name) for name in TASKS), truncated_table(results)])
    print(text)
    if arguments.write:
        write_section(arguments.write, "benchmarks/long_memory.py", text)
        arguments.write.with_suffix(".svg").write_text(plot(results), encoding="utf-8")


if __name__ == "__main__":
    main()
