"""Checkpoints of an earlier commit load, score the same, and go on to the end that they had there."""

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from threadpoolctl import threadpool_info

from charlm.files import checkpoint, modelfile
from charlm.inference.scorer import Scorer
from charlm.kernels.choice import load_backend
from charlm.network.model import Model
from charlm.run import Run
from charlm.workers.ranks import Ranks
from charlm.workers.team import Team
from tests.runs import finish, resume

RUNS = Path(__file__).parent / "golden" / "runs"
EXPECTED: dict[str, Any] = json.loads((RUNS / "expected.json").read_text())
NAMES = list(EXPECTED["runs"])


def same_machine() -> bool:
    """Return whether products are computed here as where the runs were made, to the last bit."""
    pools = [pool for pool in threadpool_info() if pool["user_api"] == "blas"]
    blas = [{name: pool.get(name) for name in ("internal_api", "version", "architecture")} for pool in pools]
    return bool({"numpy": np.__version__, "blas": blas} == EXPECTED["machine"])


EXACT = same_machine()


@pytest.fixture(params=NAMES)
def left(request, tmp_path, monkeypatch):
    """Return a run that was cut, where its corpus is beside it as it was, and what is expected of it."""
    shutil.copytree(RUNS, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return Path(request.param), EXPECTED["runs"][request.param]


def valid_score(run: Run, path: Path) -> Any:
    saved, team = modelfile.load(path), Team(1)
    score = Scorer(Model(saved.architecture, load_backend("numpy")), team).score(saved.parameters, run.corpus.valid)
    team.close()
    return score


def test_a_checkpoint_scores_as_it_did(left):
    directory, expected = left
    run = resume(directory)
    score = valid_score(run, directory / "last.safetensors")
    run.close()
    assert score.chars == expected["left"]["chars"]
    assert score.accuracy == expected["left"]["accuracy"]
    assert score.loss == pytest.approx(expected["left"]["loss"], rel=0 if EXACT else 1e-6, abs=0)


def test_a_run_goes_on_to_the_end_that_it_had(left):
    directory, expected = left
    run = Run.resume(directory, Ranks())
    assert run.trainer.status.step == 10
    finish(run)
    tensors, metadata = checkpoint.load(directory / "last.safetensors")
    losses = [entry["valid_loss"] for entry in metadata["history"]]
    assert losses == pytest.approx([entry["valid_loss"] for entry in expected["history"]], rel=0 if EXACT else 1e-5)
    assert metadata["run"]["standing"]["step"] == expected["standing"]["step"]
    assert set(tensors) == set(expected["tensors"])
    if EXACT:
        digests = {name: hashlib.sha256(array.tobytes()).hexdigest() for name, array in tensors.items()}
        assert digests == expected["tensors"]
        assert (directory / "samples.txt").read_text(encoding="utf-8") == expected["samples"]
