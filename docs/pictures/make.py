"""Makes the pictures of the pages with the commands that a reader has; `make docs` calls it.

    python docs/pictures/make.py [NAME ...]

A picture is docs/pictures/NAME.svg. The runs that it shows are trained once, in build/docs: remove that folder, or
`make clean`, to train them again. Everything has a fixed seed, so the same machine makes the same picture.
"""

import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "build" / "docs"  # where the commands run; its runs are named as on the pages, such as runs/gru
# One core, NumPy and a fixed seed: a run takes ten seconds, and ends in the same weights each time on a machine.
TRAINING = [
    "corpus.path=../../data/plays/*.txt",
    *("model.hidden_size=64", "training.max_steps=600", "training.eval_every=50", "training.sample_every=0"),
    *("seed=1", "workers=1", "kernels=numpy"),
]
RUNS = {cell: [f"model.cell={cell}"] for cell in ("rnn", "gru", "lstm", "lstm-1997")}


class Picture(NamedTuple):
    """The runs that a command needs, by the keys of `RUNS`, and its arguments, to which ``-o FILE`` is added."""

    runs: tuple[str, ...]
    command: tuple[str, ...]


PICTURES = {
    "plot": Picture(("gru", "lstm"), ("plot", "runs/gru", "runs/lstm")),
    "gradients": Picture(tuple(RUNS), ("gradflow", *(f"runs/{name}" for name in RUNS))),
}


def charlm(*arguments: str | Path) -> None:
    """Run a command of charlm in the folder of the runs."""
    subprocess.run([sys.executable, "-m", "charlm", *map(str, arguments)], cwd=FOLDER, check=True)


def train(name: str) -> None:
    """Train a run, unless it is there and finished."""
    out = Path("runs", name)
    if (FOLDER / out / "last.safetensors").exists():
        charlm("train", "--resume", out, "--quiet")  # one that was cut goes on, a finished one stays as it is
        return
    settings = [f"--set={setting}" for setting in (*TRAINING, *RUNS[name])]
    charlm("train", ROOT / "configs" / "plays.yaml", "--out", out, "--quiet", *settings)


def main(names: list[str]) -> None:
    """Make the pictures of these names, or all."""
    unknown = set(names) - set(PICTURES)
    if unknown:
        sys.exit(f"no picture is named {', '.join(sorted(unknown))}; there are {', '.join(PICTURES)}")
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name in names or PICTURES:
        for run in PICTURES[name].runs:
            train(run)
        charlm(*PICTURES[name].command, "-o", ROOT / "docs" / "pictures" / f"{name}.svg")


if __name__ == "__main__":
    main(sys.argv[1:])
