"""Fuzz a part of charlm: ``python -m tests.fuzz TARGET --inputs N --seed S``."""

import argparse
import sys
import tempfile
import time
import warnings
from pathlib import Path

from tests.fuzz.engine import Report, fuzz, limit_memory
from tests.fuzz.targets import TARGETS

FOUND = Path(__file__).parent / "found"
EVERY = 60  # seconds between lines of progress


def main() -> int:
    """Fuzz the targets that are named, and return 1 if there is a finding."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    names = [*TARGETS, "all"]
    parser.add_argument("targets", nargs="+", choices=names, metavar="TARGET", help=", ".join(names))
    parser.add_argument("--inputs", type=int, default=200_000, help="inputs for each target")
    parser.add_argument("--seed", type=int, default=1, help="another seed gives other inputs")
    parser.add_argument("--first", type=int, default=0, help="the number of the first input")
    parser.add_argument("--until", type=float, default=float("inf"), metavar="TIME", help="end then (seconds of Unix)")
    parser.add_argument("--findings", type=Path, default=FOUND, help="where findings are written")
    arguments = parser.parse_args()
    warnings.simplefilter("error")
    chosen = list(TARGETS) if "all" in arguments.targets else arguments.targets
    return int(any([_fuzzed(name, arguments) for name in chosen]))


def _fuzzed(name: str, arguments: argparse.Namespace) -> bool:
    """Fuzz one target, and return whether there is a finding."""
    began = shown = time.monotonic()

    def go_on(report: Report) -> bool:
        nonlocal shown
        if time.monotonic() - shown > EVERY:
            shown = time.monotonic()
            print(f"{name}: {report}, so far in {shown - began:,.0f} s", flush=True)
        return time.time() < float(arguments.until)

    numbers = range(arguments.first, arguments.first + arguments.inputs)
    with tempfile.TemporaryDirectory() as folder:
        target = TARGETS[name](Path(folder))
        limit_memory()
        report = fuzz(name, target, numbers, arguments.seed, arguments.findings, go_on)
    print(f"{name}: {report}, in {time.monotonic() - began:,.0f} s", flush=True)
    return bool(report.findings)


if __name__ == "__main__":
    sys.exit(main())
