"""charlm against PyTorch on this machine: the same networks, data, optimizer and clipping, turn by turn.

Run it with `make bench-torch`, which keeps PyTorch in an environment of its own, on a machine that does nothing else.
Each side is a process; they train in turns of about a second, several rounds, so that whatever the machine does
meanwhile meets all of them. The times are medians of all steps but the first of each turn, with the quartiles; a ratio
is the median of the rounds' own ratios. Before anything is timed the sides' first losses are compared.
"""

import argparse
import json
import math
import platform
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from pages import write_section
from turns import HERE, Worker, run

from charlm import bench
from charlm.corpus.vocabulary import Vocabulary
from charlm.files import modelfile
from charlm.network.architecture import Architecture
from charlm.workers.cores import available_cores

SYMBOLS = "".join(map(chr, range(58, 123)))  # 65 of them, without quotes, spaces and line ends
SIDES = ("PyTorch", "NumPy", "fast")
KERNELS = {"NumPy": "numpy", "fast": "fused"}
SAMPLED = 5000  # characters in one turn of sampling
LEARNING_RATE = 1e-3
STARTED = 200  # characters that a whole process writes
MEMORY_STEPS = 10
MOST_APART = 0.01  # between the sides' losses, as a share of them, after the first step
CHARLM = [sys.executable, "-m", "charlm"]


@dataclass(frozen=True)
class Shape:
    """A network and its windows."""

    cell: str
    num_layers: int
    hidden_size: int
    batch_size: int = 64
    seq_length: int = 64

    @property
    def name(self) -> str:
        """What the tables call it."""
        return f"{self.cell} {self.num_layers} x {self.hidden_size}"

    def settings(self) -> dict[str, Any]:
        """Return what both sides are told."""
        rest = {"vocabulary_size": len(SYMBOLS), "clip_norm": 5.0, "learning_rate": LEARNING_RATE}
        return {**asdict(self), **rest}

    def architecture(self) -> Architecture:
        """Return the network as charlm describes it."""
        return Architecture(self.cell, len(SYMBOLS), self.hidden_size, self.num_layers)


GRID = [Shape(cell, layers, H) for cell in ("rnn", "gru", "lstm") for layers in (1, 2) for H in (128, 256, 512)]
TORCH_RNN = [Shape("lstm", layers, H, 50, 50) for layers in (1, 2, 3) for H in (64, 128, 256, 512)]
USUAL = Shape("lstm", 2, 256)


@dataclass(frozen=True)
class Row:
    """One shape's milliseconds a step, and how many times as fast as PyTorch charlm is."""

    shape: Shape
    step: dict[str, bench.Spread]
    ratio: dict[str, bench.Spread]


def write_inputs(shape: Shape, folder: Path, windows: int) -> str:
    """Write the initial weights and the symbols for both sides, and return the file's name."""
    architecture = shape.architecture()
    tensors = modelfile.to_tensors(architecture, architecture.initial_parameters(bench.SEED))
    rng = np.random.default_rng(bench.SEED)
    symbols = rng.integers(0, len(SYMBOLS), shape.batch_size * (shape.seq_length * windows + 1)).astype(np.uint32)
    path = folder / f"{shape.name}, {windows}.npz"
    arrays: dict[str, Any] = {"symbols": symbols, **tensors}
    np.savez(path, **arrays)
    return str(path)


def start(shape: Shape, file: str) -> dict[str, Worker]:
    """Start the three sides."""
    told = {**shape.settings(), "file": file}
    workers = {"PyTorch": Worker("torch_side.py", told)}
    for side, kernels in KERNELS.items():
        workers[side] = Worker("charlm_side.py", {**told, "kernels": kernels})
    return workers


def compare_training(shape: Shape, folder: Path, rounds: int, seconds: float) -> Row:
    """Train with the three sides in turns."""
    workers = start(shape, write_inputs(shape, folder, windows=8))
    first = {side: worker.ask("train", 4) for side, worker in workers.items()}
    check_losses(shape, {side: answer["losses"] for side, answer in first.items()})
    counts = {side: max(2, round(seconds / min(answer["seconds"][1:]))) for side, answer in first.items()}
    turns: dict[str, list[list[float]]] = {side: [] for side in SIDES}
    for _ in range(rounds):
        for side, worker in workers.items():
            turns[side].append(worker.ask("train", 1 + counts[side])["seconds"][1:])
    for worker in workers.values():
        worker.close()
    medians = {side: [float(np.median(turn)) for turn in turns[side]] for side in SIDES}
    ratios = {
        side: bench.Spread.of([torch / own for torch, own in zip(medians["PyTorch"], medians[side], strict=True)])
        for side in KERNELS
    }
    step = {side: bench.Spread.of([1000 * seconds for turn in turns[side] for seconds in turn]) for side in SIDES}
    return Row(shape, step, ratios)


def check_losses(shape: Shape, losses: dict[str, list[float]]) -> None:
    """End the benchmark where the sides do not compute the same.

    The first loss is that of the same weights; later ones differ a little, as PyTorch's recurrent layers have a second
    bias, which Adam moves as well.
    """
    for side, own in losses.items():
        for step, (loss, torch) in enumerate(zip(own, losses["PyTorch"], strict=True)):
            if abs(loss - torch) > (1e-5 if step == 0 else MOST_APART) * torch:
                sys.exit(f"{shape.name}: step {step + 1} has loss {loss} by {side} and {torch} by PyTorch")


def compare_sampling(folder: Path, rounds: int) -> dict[str, bench.Spread]:
    """Write one character at a time with each side, and return the characters a second."""
    workers = start(USUAL, write_inputs(USUAL, folder, windows=1))
    speeds: dict[str, list[float]] = {side: [] for side in workers}
    for round_ in range(rounds + 1):
        for side, worker in workers.items():
            speed = worker.ask("sample", SAMPLED)
            if round_ > 0:  # the first warms up
                speeds[side].append(speed)
    for worker in workers.values():
        worker.close()
    return {side: bench.Spread.of(values) for side, values in speeds.items()}


def compare_start_up(folder: Path, rounds: int) -> dict[str, bench.Spread]:
    """Return the seconds of whole processes that print help or write a little."""
    architecture = USUAL.architecture()
    checkpoint = folder / "start-up.safetensors"
    modelfile.save(
        checkpoint, architecture, architecture.initial_parameters(bench.SEED), Vocabulary.of(SYMBOLS), {"history": []}
    )
    told = {**USUAL.settings(), "file": write_inputs(USUAL, folder, windows=1), "write": STARTED}
    commands = {
        "`charlm --help`": [*CHARLM, "--help"],
        f"`charlm sample`, {STARTED} characters": [*CHARLM, "sample", str(checkpoint), "--length", str(STARTED)],
        "PyTorch: `import torch`": [sys.executable, "-c", "import torch"],
        f"PyTorch: {STARTED} characters": [sys.executable, str(HERE / "torch_side.py"), json.dumps(told)],
    }
    times: dict[str, list[float]] = {name: [] for name in commands}
    for round_ in range(rounds + 1):
        for name, command in commands.items():
            seconds, _ = run(command)
            if round_ > 0:
                times[name].append(seconds)
    return {name: bench.Spread.of(values) for name, values in times.items()}


def compare_memory(folder: Path) -> dict[str, int]:
    """Return the bytes that whole training processes hold at the most."""
    text = np.random.default_rng(bench.SEED).choice(list(SYMBOLS), 500_000)
    (folder / "text.txt").write_text("".join(text), encoding="utf-8")
    c = USUAL
    (folder / "memory.yaml").write_text(
        f"corpus: {{path: {json.dumps(str(folder / 'text.txt'))}}}\n"
        f"model: {{cell: {c.cell}, num_layers: {c.num_layers}, hidden_size: {c.hidden_size}}}\n"
        f"training: {{batch_size: {c.batch_size}, seq_length: {c.seq_length}, max_steps: {MEMORY_STEPS}, "
        "eval_every: 1000000, sample_every: 0}\n"
    )
    held = {}
    for side, kernels in KERNELS.items():
        command = ["train", str(folder / "memory.yaml"), "--set", f"kernels={kernels}", "--quiet", "--force"]
        held[side] = run([*CHARLM, *command, "--out", str(folder / "run")])[1]
    told = {**c.settings(), "file": write_inputs(c, folder, windows=1), "train": MEMORY_STEPS}
    held["PyTorch"] = run([sys.executable, str(HERE / "torch_side.py"), json.dumps(told)])[1]
    return held


# --- The tables


def training_table(rows: list[Row]) -> Iterator[str]:
    """Yield the lines of a table of training."""
    yield "| network | PyTorch, ms a step | NumPy alone | `fast` | NumPy alone, times as fast | `fast`, times as fast |"
    yield "|---|---|---|---|---|---|"
    for row in rows:
        times = [spread(row.step[side], ".1f") for side in SIDES]
        ratios = [spread(row.ratio[side], ".2f") for side in KERNELS]
        yield f"| {row.shape.name} | {' | '.join([*times, *ratios])} |"
    for name, combine in (("geometric mean", geometric_mean), ("worst", min)):
        summary = [f"**{combine([row.ratio[side].median for row in rows]):.2f}**" for side in KERNELS]
        yield f"| {name} | | | | {' | '.join(summary)} |"


def spread(values: bench.Spread, form: str) -> str:
    """Write a median with its quartiles."""
    return f"{values.median:{form}} ({values.low:{form}} to {values.high:{form}})"


def geometric_mean(values: Iterable[float]) -> float:
    """Return the mean that is fair to ratios."""
    return math.exp(float(np.mean([math.log(value) for value in values])))


def machine() -> str:
    """Describe the machine and the software."""
    cpu = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        lines = [line for line in info.read_text().splitlines() if line.startswith("model name")]
        cpu = lines[0].partition(":")[2].strip() if lines else cpu
    versions = ", ".join(f"{name} {version(name)}" for name in ("torch", "numpy", "numba"))
    return f"{cpu}, {available_cores()} cores; Python {platform.python_version()}, {versions}."


@dataclass
class Findings:
    """The lines of the report, and the figures that have targets."""

    lines: list[str]
    figures: list[tuple[str, str, str, str]]

    def add(self, *lines: str) -> None:
        """Add a paragraph."""
        self.lines += [*lines, ""]

    def figure(self, name: str, must: str, hoped: str, measured: str) -> None:
        """Add a line to the table of targets."""
        self.figures.append((name, must, hoped, measured))


def report_training(findings: Findings, arguments: argparse.Namespace, folder: Path) -> None:
    """Compare training over both grids."""
    grids = {
        "Training, batches of 64 x 64": [shape for shape in GRID if wanted(shape, arguments)],
        "Training in the shape of torch-rnn's benchmark, batches of 50 x 50": [
            shape for shape in TORCH_RNN if wanted(shape, arguments)
        ],
    }
    for title, shapes in grids.items():
        rows = []
        for shape in shapes:
            say(f"{shape.name}, {shape.batch_size} x {shape.seq_length}")
            rows.append(compare_training(shape, folder, arguments.rounds, arguments.seconds))
            say("  " + ", ".join(f"{side} {row_step(rows[-1], side)}" for side in SIDES))
        if rows:
            findings.add(f"### {title}", "", *training_table(rows))
        if rows and shapes[0] in GRID:
            for side, label, must, hoped in (
                ("fast", "`fast`", ("2.0", "1.5"), ("2.5", "1.8")),
                ("NumPy", "NumPy alone", ("1.2", "0.75"), ("1.5", "1.1")),
            ):
                ratios = [row.ratio[side].median for row in rows]
                found = (geometric_mean(ratios), min(ratios))
                for name, least, hope, ratio in zip(("geometric mean", "worst"), must, hoped, found, strict=True):
                    findings.figure(f"training, {label}, {name}", f"{least}x", f"{hope}x", f"{ratio:.2f}x")


def row_step(row: Row, side: str) -> str:
    """Write one side's milliseconds for the person who waits."""
    return f"{row.step[side].median:.1f} ms"


def wanted(shape: Shape, arguments: argparse.Namespace) -> bool:
    """Say whether a shape was asked for."""
    a, s = arguments, shape
    limits = ((a.cells, s.cell), (a.layers, s.num_layers), (a.hidden, s.hidden_size))
    return all(not allowed or value in allowed for allowed, value in limits)


def report_peak(findings: Findings, arguments: argparse.Namespace, folder: Path) -> None:
    """Measure how much of the matrix peak training reaches."""
    say("share of the matrix peak")
    lines = ["| network | GFLOP/s over whole steps | of | share |", "|---|---|---|---|"]
    for layers in (1, 2):
        changes = ["model.hidden_size=512", f"model.num_layers={layers}", "kernels=fused"]
        command = [*CHARLM, "bench", "--json", *(part for change in changes for part in ("--set", change))]
        found = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
        share = f"{found['share_of_peak']:.0%}"
        lines.append(f"| lstm {layers} x 512 | {found['gflops']:.0f} | {found['peak_gflops']:.0f} | {share} |")
        findings.figure(f"share of the matrix peak, `fast`, lstm {layers} x 512", "75 %", "85 %", share)
    findings.add("### Share of this machine's matrix peak, `fast`", "", *lines)


def report_sampling(findings: Findings, arguments: argparse.Namespace, folder: Path) -> None:
    """Compare writing."""
    say("sampling")
    speeds = compare_sampling(folder, arguments.rounds)
    ratios = {side: speed.median / speeds["PyTorch"].median for side, speed in speeds.items()}
    lines = ["| one text, lstm 2 x 256 | characters a second | times as fast |", "|---|---|---|"]
    lines += [f"| {side} | {spread(speed, ',.0f')} | {ratios[side]:.1f} |" for side, speed in speeds.items()]
    findings.add("### Sampling", "", *lines)
    findings.figure("sampling, one text, `fast`", "15x", "25x", f"{ratios['fast']:.1f}x")


def report_start_up(findings: Findings, arguments: argparse.Namespace, folder: Path) -> None:
    """Compare whole processes."""
    say("start-up")
    times = compare_start_up(folder, arguments.rounds)
    lines = ["| whole process | seconds |", "|---|---|"]
    findings.add("### Start-up", "", *lines, *(f"| {name} | {spread(s, '.2f')} |" for name, s in times.items()))
    helps, samples, *_ = (seconds.median for seconds in times.values())
    findings.figure("`charlm --help` / sampling 200 characters", "0.25 s / 0.6 s", "0.15 s / 0.4 s",
                    f"{helps:.2f} s / {samples:.2f} s")  # fmt: skip


def report_memory(findings: Findings, arguments: argparse.Namespace, folder: Path) -> None:
    """Compare memory."""
    say("memory")
    held = compare_memory(folder)
    if not all(held.values()):
        findings.add("### Memory", "", "This system does not tell how much memory a process has held.")
        return
    lines = ["| training process, lstm 2 x 256, 64 x 64 | MB at the most | of PyTorch's |", "|---|---|---|"]
    for side, most in held.items():
        lines.append(f"| {side} | {most / 1e6:.0f} | {most / held['PyTorch']:.2f} |")
    findings.add("### Memory", "", *lines)
    shares = [f"{held[side] / held['PyTorch']:.2f}x" for side in ("fast", "NumPy")]
    findings.figure("peak memory of training, `fast` / NumPy alone", "0.6x / 0.4x", "0.45x / 0.33x", " / ".join(shares))


REPORTS: dict[str, Callable[[Findings, argparse.Namespace, Path], None]] = {
    "training": report_training,
    "peak": report_peak,
    "sampling": report_sampling,
    "startup": report_start_up,
    "memory": report_memory,
}


def say(text: str) -> None:
    """Tell the person who waits."""
    print(text, file=sys.stderr, flush=True)


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=9, help="turns of each side (default 9)")
    parser.add_argument("--seconds", type=float, default=1.0, help="length of a turn (default 1)")
    parser.add_argument("--only", nargs="+", choices=REPORTS, default=list(REPORTS), help="what to compare")
    parser.add_argument("--cells", nargs="+", choices=("rnn", "gru", "lstm"), help="cells of the grids")
    parser.add_argument("--layers", nargs="+", type=int, help="numbers of layers of the grids")
    parser.add_argument("--hidden", nargs="+", type=int, help="sizes of the grids")
    parser.add_argument("--write", type=Path, metavar="PAGE", help="put the tables into a page, between its marks")
    return parser.parse_args()


def main() -> None:
    """Compare, print, and write where asked."""
    arguments = parse()
    findings = Findings([], [])
    findings.add(f"{machine()} Medians of {arguments.rounds} interleaved rounds, quartiles in brackets.")
    with TemporaryDirectory() as folder:
        for name in arguments.only:
            REPORTS[name](findings, arguments, Path(folder))
    targets = ["| figure | must | hoped for | measured |", "|---|---|---|---|"]
    targets += [f"| {' | '.join(figure)} |" for figure in findings.figures]
    findings.add("### Against the targets", "", *targets)
    text = "\n".join(findings.lines)
    print(text)
    if arguments.write:
        write_section(arguments.write, "make bench-torch", text)


if __name__ == "__main__":
    main()
