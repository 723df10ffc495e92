"""Compiled kernels are optional: whatever is wrong with Numba or its cache, `auto` goes on and says so in one line."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from charlm.kernels.choice import choose
from tests.conftest import ROOT
from tests.networks import FUSED
from tests.runs import configured, corpus_file

needs_numba = pytest.mark.skipif(not FUSED, reason="needs Numba")
FUNCTION = """
from charlm.kernels.fused.compiling import compiled_once
def add_one(x):
    return x + 1
print(compiled_once(add_one)(41))
"""


def run(code: str, *path: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    paths = os.pathsep.join(map(str, [*path, ROOT]))
    command = [sys.executable, *(["-c", code] if "\n" in code else code.split())]
    whole = {**os.environ, "PYTHONPATH": paths, "PYTHONWARNINGS": "default", **environment}
    return subprocess.run(command, env=whole, capture_output=True, text=True, check=False, timeout=300)


def train(tmp_path: Path, kernels: str, *path: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    from charlm.config import dump_yaml

    config = tmp_path / "c.yaml"
    config.write_text(dump_yaml(configured(corpus_file(tmp_path), kernels=kernels)))
    return run(f"-m charlm train {config} --out {tmp_path / 'run'} --quiet", *path, **environment)


@pytest.fixture
def broken_numba(tmp_path):
    """Return a folder with a Numba that is found and does not import."""
    package = tmp_path / "stub" / "numba"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text('raise ImportError("Numba needs NumPy 2.3\\nor less")')
    return package.parent


def test_a_numba_that_does_not_import_is_told_and_numpy_trains(tmp_path, broken_numba):
    done = train(tmp_path, "auto", broken_numba)
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == (
        "charlm: the fused kernels cannot be used, NumPy's take their place: Numba cannot be imported "
        "(ImportError: Numba needs NumPy 2.3\\nor less)\n"
    )


def test_kernels_that_are_asked_for_and_do_not_import_are_an_error(tmp_path, broken_numba):
    done = train(tmp_path, "fused", broken_numba)
    assert done.returncode == 2
    assert done.stderr.startswith("charlm: kernels: fused cannot be used: Numba cannot be imported (ImportError: ")
    assert done.stderr.endswith("; choose kernels: numpy\n")
    assert done.stderr.count("\n") == 1


@needs_numba
def test_a_numba_that_is_switched_off_is_told_and_numpy_trains(tmp_path):
    done = train(tmp_path, "auto", NUMBA_DISABLE_JIT="1")
    assert done.returncode == 0
    assert done.stderr.endswith("NumPy's take their place: NUMBA_DISABLE_JIT is set\n")


def cached(tmp_path: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    """Compile a function with a cache in a folder, in a process of its own."""
    script = tmp_path / "script.py"
    if not script.exists():  # a file that is newer is another function to older versions of Numba
        script.write_text(FUNCTION)
    return run(str(script), NUMBA_CACHE_DIR=str(folder))


@needs_numba
@pytest.mark.parametrize("ending", ["nbi", "nbc"])
@pytest.mark.parametrize("damage", [lambda data: b"", lambda data: data[: len(data) // 2], lambda data: b"\0" * 99])
def test_a_damaged_cache_is_told_once_and_made_anew(tmp_path, ending, damage):
    folder = tmp_path / "cache"
    assert (cached(tmp_path, folder).stdout, cached(tmp_path, folder).stderr) == ("42\n", "")
    for file in folder.rglob(f"*.{ending}"):
        file.write_bytes(damage(file.read_bytes()))
    again = cached(tmp_path, folder)
    assert (again.returncode, again.stdout) == (0, "42\n")
    assert again.stderr.count("the cache of compiled kernels cannot be used") == 1
    assert (cached(tmp_path, folder).stdout, cached(tmp_path, folder).stderr) == ("42\n", "")


@needs_numba
def test_a_cache_that_cannot_be_written_is_told_and_done_without(tmp_path):
    done = run(FUNCTION)  # for which Numba finds no place: it is in no file
    assert (done.returncode, done.stdout) == (0, "42\n")
    assert done.stderr.count("the cache of compiled kernels cannot be used") == 1
    assert "NUMBA_CACHE_DIR may name another folder" in done.stderr


@needs_numba
def test_kernels_are_compiled_from_a_zip_file_too(tmp_path):
    archive = tmp_path / "charlm.zip"
    with zipfile.ZipFile(archive, "w") as file:
        for source in (ROOT / "charlm").rglob("*.py"):
            file.write(source, source.relative_to(ROOT))
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); from charlm.kernels.fused.compiling import compiled_once\n"
        "def add_one(x): return x + 1\n"
        "import charlm; print(compiled_once(add_one)(41), charlm.__file__)\n"
    )
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path / "cache")}
    command = [sys.executable, "-c", code, str(archive)]
    done = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.stdout.startswith(f"42 {archive}"), done.stderr


@needs_numba
def test_auto_takes_what_works():
    assert choose("auto", "float32") == "fused"
    assert choose("auto", "float64") == "numpy"
