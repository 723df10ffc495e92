"""Two MPI ranks against one, each bound to one core: how much faster the same training gets.

    python benchmarks/ranks.py

Starts real jobs in turns, each of some hundred steps on the embedded plays, and compares the speeds they log. Needs
the `fast` and `mpi` extras, and two cores that do nothing else.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

ROOT = Path(__file__).parent.parent
SETTINGS = {
    "model.hidden_size": 256,
    "model.num_layers": 2,
    "training.batch_size": 64,
    "training.seq_length": 64,
    "training.eval_every": 100_000,
    "training.sample_every": 0,
    "training.log_every": 20,
    "corpus.split.train": 1,
    "corpus.split.valid": 0,
    "corpus.split.test": 0,
    "workers": 1,
}


def speed(ranks: int, steps: int, folder: Path) -> float:
    """Run one job and return its characters a second: the median over its lines of metrics but the first."""
    mpiexec = shutil.which("mpiexec", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]))
    if mpiexec is None:
        sys.exit("mpiexec is not there: pip install 'charlm[mpi]'")
    command = [mpiexec, "-bind-to", "core", "-n", str(ranks), sys.executable, "-m", "charlm", "train"]
    command += ["configs/plays.yaml", "--force", "--quiet", "--out", str(folder / "run")]
    command += ["--set", f"training.max_steps={steps}"]
    for key, value in SETTINGS.items():
        command += ["--set", f"{key}={value}"]
    subprocess.run(command, cwd=ROOT, check=True)
    lines = (folder / "run" / "metrics.jsonl").read_text().splitlines()
    return float(median(json.loads(line)["chars_per_second"] for line in lines[1:]))


def main() -> None:
    """Run the jobs in turns and print the ratio."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5, help="of one job with each number of ranks (default 5)")
    parser.add_argument("--steps", type=int, default=100, help="of each job (default 100)")
    arguments = parser.parse_args()
    speeds: dict[int, list[float]] = {1: [], 2: []}
    with TemporaryDirectory() as folder:
        for _ in range(arguments.rounds):
            for ranks, found in speeds.items():
                found.append(speed(ranks, arguments.steps, Path(folder)))
    ratios = sorted(two / one for one, two in zip(speeds[1], speeds[2], strict=True))
    for ranks, found in speeds.items():
        print(f"{ranks} rank{'s' * (ranks > 1)}: {median(found):,.0f} characters a second")
    print(f"ratio: {median(ratios):.2f} (from {ratios[0]:.2f} to {ratios[-1]:.2f})")


if __name__ == "__main__":
    main()
