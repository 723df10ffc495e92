"""Facts about run directories: which checkpoint a person means by a path."""

from pathlib import Path

import pytest

from charlm.errors import UsageError
from charlm.files import rundir


def make_run(folder: Path, *names: str) -> Path:
    folder.mkdir(parents=True)
    for name in names:
        (folder / f"{name}.safetensors").touch()
    return folder


def test_a_run_means_its_best_checkpoint_and_a_file_means_itself(tmp_path):
    run = make_run(tmp_path / "runs" / "plays", "best", "last")
    assert rundir.resolve(run) == run / "best.safetensors"
    assert rundir.resolve(run, "last") == run / "last.safetensors"
    assert rundir.resolve(run / "last.safetensors") == run / "last.safetensors"


def test_a_run_without_a_best_checkpoint_means_its_last_one_but_never_the_other_way_round(tmp_path):
    young = make_run(tmp_path / "young", "last")
    assert rundir.resolve(young) == young / "last.safetensors"
    published = make_run(tmp_path / "published", "best")
    with pytest.raises(UsageError, match=r"published: no checkpoint in this folder \(last.safetensors\)"):
        rundir.resolve(published, "last")


def test_a_path_that_does_not_exist_is_answered_with_the_likely_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    make_run(Path("runs/plays"), "best")
    make_run(Path("runs/names"), "last")
    make_run(Path("runs/empty"))
    for wrong, right in {
        "runs/play": f"runs/play: no such run or file; did you mean {Path('runs/plays')}?",
        "plays": f"plays: no such run or file; did you mean {Path('runs/plays')}?",
        "runs/zzz": f"runs/zzz: no such run or file; the runs there are: {Path('runs/names')}, {Path('runs/plays')}",
        "runs": "runs: no checkpoint in this folder (best.safetensors or last.safetensors); "
        f"the runs there are: {Path('runs/names')}, {Path('runs/plays')}",
        "runs/empty": "runs/empty: no checkpoint in this folder (best.safetensors or last.safetensors); "
        "`charlm train CONFIG` makes a run",
        "no/where": "no/where: no such run or file; `charlm train CONFIG` makes a run",
    }.items():
        with pytest.raises(UsageError) as caught:
            rundir.resolve(Path(wrong))
        assert str(caught.value) == right.replace(wrong, str(Path(wrong)), 1)
