"""A run that is resumed with other libraries, kernels or another processor is told that its bytes may differ."""

import os
import subprocess
import sys

import numpy as np
import pytest

from charlm import cli, provenance
from charlm.files import checkpoint
from charlm.kernels.choice import BACKENDS, load_backend
from charlm.network.backend import Backend
from tests.conftest import ROOT
from tests.networks import FUSED
from tests.runs import advance, configured, corpus_file, finish, resume, start, state

KERNELS = [name for name in BACKENDS if FUSED or name != "fused"]
FEATURES = np.show_config(mode="dicts").get("SIMD Extensions", {}).get("found", [])


@pytest.fixture
def left(tmp_path):
    """Return the directory of a run that was cut."""
    run = start(tmp_path / "run", configured(corpus_file(tmp_path)))
    advance(run, 7)
    run.close()
    return tmp_path / "run"


def made_with(directory, change=lambda libraries: None):
    """Change what the checkpoint of a run says that it was made with; return what it says then."""
    tensors, metadata = checkpoint.load(directory / "last.safetensors")
    change(metadata["run"]["provenance"])
    checkpoint.save(directory / "last.safetensors", tensors, metadata)
    return metadata["run"]["provenance"]


def warnings(directory):
    with resume(directory) as run:
        return run.warnings


def elsewhere(code, *arguments, **environment):
    """Run a program in a process of its own."""
    done = subprocess.run([sys.executable, "-c", code, *map(str, arguments)], capture_output=True, text=True, cwd=ROOT,
                          env={**os.environ, **environment}, check=True)  # fmt: skip
    return done.stdout


RESUMED = "import sys; from tests.runs import *; from pathlib import Path; print(resume(Path(sys.argv[1])).warnings)"


def test_a_run_that_goes_on_with_what_it_began_with_is_told_nothing(left):
    assert warnings(left) == []
    assert elsewhere(RESUMED, left, PYTHONHASHSEED="7", LC_ALL="C") == "[]\n"


@pytest.mark.parametrize("name", KERNELS)
def test_every_process_on_a_machine_finds_the_same(name):
    code = (
        "import sys; from charlm import provenance; from charlm.kernels.choice import load_backend;"
        "print(provenance.provenance(load_backend(sys.argv[1])))"
    )
    here = f"{provenance.provenance(load_backend(name))}\n"
    assert elsewhere(code, name, PYTHONHASHSEED="1", OPENBLAS_NUM_THREADS="2") == here


@pytest.mark.parametrize("name", provenance.provenance(load_backend("numpy")))
def test_another_version_is_named_however_quiet_a_run_is_to_be(left, name, capsys):
    here = made_with(left)[name][0]
    made_with(left, lambda libraries: libraries.update({name: ["0.0.7", "anything"]}))
    assert cli.main(["train", "--resume", str(left), "--quiet"]) == 0
    assert capsys.readouterr().err == (
        f"{left / 'last.safetensors'}: was trained with {name} 0.0.7 (here {here}): the run goes on, but its bytes may "
        "differ from those of an uncut run\n"
    )
    assert made_with(left)[name][0] == here
    assert warnings(left) == []


@pytest.mark.parametrize(
    ("before", "now", "told"),
    [
        ("AVX2 AVX512F", "AVX2", "NumPy 2.4.6 for a processor with AVX512F (here without)"),
        ("AVX2", "AVX2 AVX512F", "NumPy 2.4.6 for a processor without AVX512F (here with it)"),
        ("SkylakeX", "Zen", "NumPy 2.4.6 for a processor with SkylakeX (here with Zen)"),
    ],
)
def test_another_processor_is_named_by_what_only_one_of_the_two_has(before, now, told):
    assert provenance.differences({"NumPy": ["2.4.6", before]}, {"NumPy": ["2.4.6", now]}) == [told]


def test_processors_are_compared_only_as_one_version_reports_them():
    told = provenance.differences({"NumPy": ["2.3.1", "AVX512F"]}, {"NumPy": ["2.4.6", "X86_V4"]})
    assert told == ["NumPy 2.3.1 (here 2.4.6)"]


@pytest.mark.skipif(not FEATURES, reason="NumPy uses nothing of this processor that could be switched off")
def test_a_processor_that_can_do_less_is_noticed(left):
    told = elsewhere(RESUMED, left, NPY_DISABLE_CPU_FEATURES=FEATURES[-1])
    assert f"for a processor with {FEATURES[-1]} (here without)" in told


def test_old_checkpoints_and_libraries_that_only_one_side_uses_are_no_reason_for_a_warning(left):
    made_with(left, lambda libraries: libraries.update({"Numba": ["0.60.0", "x"]}))
    assert warnings(left) == []
    made_with(left, dict.clear)
    assert warnings(left) == []
    tensors, metadata = checkpoint.load(left / "last.safetensors")
    del metadata["run"]["provenance"]
    checkpoint.save(left / "last.safetensors", tensors, metadata)
    assert warnings(left) == []


def test_the_bytes_of_a_run_do_not_depend_on_what_it_was_made_with(left, tmp_path):
    uncut = state(finish(start(tmp_path / "uncut", configured(tmp_path / "text.txt"))))
    made_with(left, lambda libraries: libraries.update({"NumPy": ["1.0", ""]}))
    assert state(finish(resume(left))) == uncut


@pytest.mark.skipif(not FUSED, reason="Numba is not installed")
def test_compiled_kernels_depend_on_numba_and_on_what_it_compiles_for():
    def names(backend: Backend) -> set[str]:
        return set(provenance.provenance(backend))

    assert names(load_backend("fused")) - names(load_backend("numpy")) == {"Numba", "llvmlite"}
    code = "from charlm.kernels.fused.compiling import provenance; print(provenance()['llvmlite'][1])"
    assert elsewhere(code, NUMBA_CPU_NAME="generic").startswith("generic ")
