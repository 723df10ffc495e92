"""The tests under every supported Python, with the oldest and the newest versions of what charlm needs.

    python tests/tools/versions.py [--quick]

Each case has an environment of its own, in a temporary directory, without extras or with one. `--quick` runs the two
cases that differ most: the oldest Python and versions without extras, and the newest with compiled kernels. A Python
that is not on this machine is named and skipped. Exit status 1 if a case fails.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
SUPPORTED = re.findall(r"Python :: (3\.\d+)", "\n".join(PROJECT["classifiers"]))
TESTS = {  # by extra: what an extra does not concern, the case without extras has shown
    "": ("tests",),
    "fast": ("tests/kernels", "tests/network", "tests/training", "tests/inference", "tests/bench"),
    "mpi": ("tests/workers",),
}


@dataclass(frozen=True, slots=True)
class Case:
    """A version of Python, the versions of the packages, and an extra or none."""

    python: str
    packages: str  # "oldest" or "newest"
    extra: str

    def __str__(self) -> str:
        return f"Python {self.python}, {self.packages} packages, {self.extra or 'no'} extra"


def cases(quick: bool) -> Iterator[Case]:
    """Yield the cases: the oldest Python with the oldest packages, the others with the newest."""
    first, *_, last = SUPPORTED
    for python in SUPPORTED:
        packages = "oldest" if python == first else "newest"
        for extra in TESTS:
            if not quick or (python, extra) in ((first, ""), (last, "fast")):
                yield Case(python, packages, extra)


def find(version: str) -> str | None:
    """Return the interpreter of a version: the one on the path, or pyenv's newest."""
    versions = Path(os.environ.get("PYENV_ROOT", "~/.pyenv")).expanduser() / "versions"
    found = sorted(versions.glob(f"{version}.*/bin/python"), key=lambda path: int(path.parts[-3].rpartition(".")[2]))
    candidates = [f"python{version}", *map(str, reversed(found))]
    for candidate in candidates:
        path = shutil.which(candidate)
        if (
            path
            and subprocess.run([path, "-c", "import venv, ensurepip"], capture_output=True, check=False).returncode == 0
        ):
            return path
    return None


def constraints(packages: str) -> list[str]:
    """Return pip's constraints: the lower bounds of pyproject.toml as the versions to take, or none."""
    if packages == "newest":
        return []
    needed = [
        *PROJECT["dependencies"],
        *(n for extra in ("test", "fast", "mpi") for n in PROJECT["optional-dependencies"][extra]),
    ]
    return [need.replace(">=", "==") for need in needed]


def run(case: Case, folder: Path) -> bool:
    """Make the environment, install charlm and run the tests; return whether all that went well."""
    python = find(case.python)
    assert python is not None
    subprocess.run([python, "-m", "venv", folder], check=True)
    inside = str(folder / ("Scripts" if os.name == "nt" else "bin") / "python")
    limits = folder / "constraints.txt"
    limits.write_text("\n".join(constraints(case.packages)))
    extras = ",".join(filter(None, (case.extra, "test")))
    install = [inside, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--constraint", str(limits)]
    if subprocess.run([*install, "--editable", f"{ROOT}[{extras}]"], check=False).returncode:
        return False
    tests = [
        inside,
        "-m",
        "pytest",
        "--quiet",
        "--numprocesses",
        "auto",
        "--dist",
        "loadfile",
        "-p",
        "no:cacheprovider",
    ]
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "NUMBA_CACHE_DIR": str(folder / "kernels")}
    return subprocess.run([*tests, *TESTS[case.extra]], cwd=ROOT, env=environment, check=False).returncode == 0


def main(arguments: list[str]) -> int:
    """Run the cases one after the other."""
    failed = []
    for version in SUPPORTED:
        if find(version) is None:
            print(f"SKIPPED: Python {version} is not on this machine", file=sys.stderr)
    for case in cases("--quick" in arguments):
        if find(case.python) is None:
            continue
        started = perf_counter()
        print(f"--- {case}", flush=True)
        with tempfile.TemporaryDirectory(prefix="charlm-versions-") as folder:
            passed = run(case, Path(folder))
        print(f"--- {case}: {'passed' if passed else 'FAILED'} in {perf_counter() - started:.0f} s", flush=True)
        if not passed:
            failed.append(str(case))
    print("\n".join(["failed:", *failed]) if failed else "all cases passed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
