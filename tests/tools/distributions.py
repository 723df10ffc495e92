"""A wheel and a source distribution, each built, installed into an empty environment and used.

    python tests/tools/distributions.py

Needs the package `build`. Exit status 1, and what went wrong on standard error, if a distribution lacks a file, holds
one that does not belong in it, or does not train, sample and evaluate without the repository.
"""

import os
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = "Scripts" if os.name == "nt" else "bin"
TEXT = "She sells sea shells by the sea shore, and the shells that she sells are sea shells.\n" * 40
TRAIN = ("--set", "model.hidden_size=8", "--max-steps", "20", "--set", "training.seq_length=16", "--out", "run")
IMPORT = """
import sys, charlm, charlm.cli, importlib.resources
assert charlm.__file__.startswith(sys.prefix), charlm.__file__
assert (importlib.resources.files("charlm") / "py.typed").is_file()
model = charlm.load("run")
assert len(model.sample("She ", length=10, seed=1)) == 10
"""


def tracked(folder: str) -> set[str]:
    """Return the files that the repository has in a folder."""
    listed = subprocess.run(["git", "ls-files", folder], cwd=ROOT, capture_output=True, text=True, check=True)
    return set(listed.stdout.splitlines())


def check_files(wheel: Path, source: Path) -> None:
    """See that the wheel is the package and nothing else, and that the source distribution is the repository."""
    with zipfile.ZipFile(wheel) as archive:
        in_wheel = {name for name in archive.namelist() if ".dist-info/" not in name}
    package = tracked("charlm")
    assert "charlm/py.typed" in package
    assert in_wheel == package, in_wheel ^ package
    with tarfile.open(source) as archive:
        in_source = {name.partition("/")[2] for name in archive.getnames()}
    everything = tracked(".")
    assert in_source - {"PKG-INFO"} == everything, (in_source - {"PKG-INFO"}) ^ everything


def use(distribution: Path, folder: Path) -> None:
    """Install a distribution into an empty environment and train, sample and evaluate with it, far from the sources."""
    environment = folder / "environment"
    subprocess.run([sys.executable, "-m", "venv", environment], check=True)
    scripts, work = environment / SCRIPTS, folder / "work"
    work.mkdir()
    (work / "text.txt").write_text(TEXT)

    def run(*command: str | Path) -> str:
        clean = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
        done = subprocess.run([*command], cwd=work, env=clean, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{command}: {done.stderr}"
        return done.stdout

    run(scripts / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", distribution)
    (work / "mine.yaml").write_text(run(scripts / "charlm", "config"))
    run(scripts / "charlm", "train", "mine.yaml", "--corpus", "text.txt", *TRAIN)
    assert len(run(scripts / "charlm", "sample", "run", "--length", "50", "--seed", "1").strip("\n")) >= 40
    assert "bits" in run(scripts / "charlm", "eval", "run", "--json", "text.txt")
    run(scripts / "charlm", "train", "text.txt", "--max-steps", "2", "--set", "model.hidden_size=8")  # no configs/ here
    assert "order: auto" in (work / "runs" / "text" / "config.yaml").read_text()
    run(scripts / "python", "-c", IMPORT)


def main() -> int:
    """Build both, look into them and use them."""
    with tempfile.TemporaryDirectory(prefix="charlm-distributions-") as name:
        folder = Path(name)
        subprocess.run([sys.executable, "-m", "build", "--outdir", folder, ROOT], stdout=subprocess.DEVNULL, check=True)
        (wheel,), (source,) = folder.glob("*.whl"), folder.glob("*.tar.gz")
        try:
            check_files(wheel, source)
            for distribution in (wheel, source):
                use(distribution, folder / distribution.suffix.lstrip("."))
                print(f"{distribution.name}: installed and used")
        except AssertionError as problem:
            print(problem, file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
