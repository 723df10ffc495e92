"""Whichever operation on files fails or is the last before a kill: no run is lost, and it resumes to the same bytes."""

from collections.abc import Callable, Iterable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from charlm.config import Config
from charlm.errors import CharlmError
from charlm.files.rundir import left_in
from charlm.records import Changes
from charlm.run import Run
from charlm.workers.ranks import Ranks
from tests.faults.filesystem import ERRORS, FailingFiles, KilledError, failing
from tests.runs import advance, configured, corpus_file, finish, resume, start, state

SHORT = {"training__max_steps": 8, "training__eval_every": 3, "training__checkpoint_every": 4, "training__log_every": 2,
         "training__sample_every": 5, "training__sample_length": 5, "model__hidden_size": 4}  # fmt: skip


class Case:
    """A run that is begun, trained, resumed or replaced while its file system fails."""

    def __init__(self, folder: Path) -> None:
        self.path, self.corpus = folder / "run", corpus_file(folder)
        self.config = self.configured()
        self.uncut = state(finish(start(folder / "uncut", self.config)))

    def configured(self, **changes: Any) -> Config:
        return configured(self.corpus, **{**SHORT, **changes})

    def cut(self, step: int) -> None:
        """Leave a run as a crash some steps after a checkpoint does."""
        run = start(self.path, self.config)
        advance(run, step)
        run.close()

    def clear(self) -> None:
        if self.path.exists():
            for file in self.path.iterdir():
                file.unlink()
            self.path.rmdir()

    def left_behind(self, files: FailingFiles | None = None) -> list[str]:
        """Return the hidden files, without one whose removal was what failed."""
        hidden = [file.name for file in self.path.glob(".*")] if self.path.exists() else []
        return [name for name in hidden if files is None or files.failed != f"unlink {name}"]


@pytest.fixture(scope="module")
def case(tmp_path_factory):
    return Case(tmp_path_factory.mktemp("failing"))


def every_failure(
    case: Case, prepare: Callable[[], object], act: Callable[[], Run], code: int | None, numbers: Iterable[int]
) -> Iterator[tuple[FailingFiles, CharlmError | None]]:
    """Do something again and again, with one of its operations failing each time, and yield after each time."""
    for number in numbers:
        case.clear()
        prepare()
        error = None
        with failing(case.path, number, code) as files:
            try:
                act().close()
            except CharlmError as caught:
                error = caught
            except KilledError:
                pass
        if files.failed is None:
            assert number > 5, "nothing failed"
            return
        if error is not None:
            assert "\n" not in str(error)
        if code is not None:
            assert not [name for name in case.left_behind() if name.endswith(".tmp")], (files.done, error)
        yield files, error


def check_begin(case: Case, code: int | None, numbers: Iterable[int]) -> None:
    def act() -> Run:
        return Run.start(case.path, case.config, Ranks())

    for files, error in every_failure(case, lambda: None, act, code, numbers):
        where = (files.done, error)
        if (case.path / "last.safetensors").exists():
            assert state(finish(resume(case.path))) == case.uncut, where
        else:
            assert code is None or not case.path.exists(), where
            assert code is None or error is not None, where
            assert state(finish(start(case.path, case.config, force=True))) == case.uncut, where
        assert case.left_behind() == [], where


def check_replacement(case: Case, code: int | None, numbers: Iterable[int]) -> None:
    old = case.configured(seed=9, training__max_steps=6)
    before: dict[str, bytes] = {}

    def prepare() -> None:
        finish(start(case.path, old))
        before.update({file.name: file.read_bytes() for file in case.path.iterdir()})

    def act() -> Run:
        return Run.start(case.path, case.config, Ranks(), force=True)

    outcomes = set()
    for files, error in every_failure(case, prepare, act, code, numbers):
        where = (files.done, error)
        replaced = left_in(case.path).step == 0
        outcomes.add(replaced)
        if replaced:
            assert "what was there before is unchanged" not in str(error), where
            assert state(finish(resume(case.path))) == case.uncut, where
        else:
            visible = {file.name: file.read_bytes() for file in case.path.iterdir() if file.name[0] != "."}
            assert visible == before, where
            if code is not None:
                assert error is not None, where
                assert case.left_behind(files) == [], where
            Run.resume(case.path, Ranks(), Changes(max_steps=7)).close()
        assert case.left_behind() == [], where
    assert outcomes == {False, True}


def check_resume(case: Case, code: int | None, numbers: Iterable[int]) -> None:
    def act() -> Run:
        return Run.resume(case.path, Ranks())

    for files, error in every_failure(case, lambda: case.cut(7), act, code, numbers):
        assert code is None or case.left_behind(files) == [], (files.done, error)
        assert state(finish(resume(case.path))) == case.uncut, (files.done, error)
        assert case.left_behind() == []


def check_training(case: Case, code: int | None, numbers: Iterable[int]) -> None:
    def act() -> Run:
        with Run.resume(case.path, Ranks()) as run:
            for _ in run.train():
                pass
        return run

    for files, error in every_failure(case, lambda: case.cut(0), act, code, numbers):
        assert left_in(case.path).step in (0, 4, 8), (files.done, error)
        assert code is None or case.left_behind(files) == [], (files.done, error)
        assert state(finish(resume(case.path))) == case.uncut, (files.done, error)
        assert case.left_behind() == []


def check_change(case: Case, code: int | None, numbers: Iterable[int]) -> None:
    def prepare() -> None:
        case.clear()
        finish(start(case.path, case.config))

    def act() -> Run:
        return Run.resume(case.path, Ranks(), Changes(max_steps=12))

    prepare()
    longer = state(finish(act()))
    for files, error in every_failure(case, prepare, act, code, numbers):
        saved = "is saved, but the files beside it cannot be replaced" in str(error)
        assert code is None or saved or case.left_behind(files) == [], (files.done, error)
        assert state(finish(act())) == longer, (files.done, error)
        assert case.left_behind() == []


CHECKS = {
    "begin": check_begin,
    "replace": check_replacement,
    "resume": check_resume,
    "change": check_change,
    "train": check_training,
}
EVERY = {"train": 12}  # so many operations apart in the quick test; 4 for the others


@pytest.mark.parametrize(("first", "code"), [(1, ERRORS["ENOSPC"]), (3, None)], ids=["ENOSPC", "SIGKILL"])
@pytest.mark.parametrize("name", CHECKS)
def test_operations_that_fail_lose_nothing(case, name, first, code):
    CHECKS[name](case, code, count(first, EVERY.get(name, 4)))


@pytest.mark.faults
@pytest.mark.parametrize("code", [*ERRORS.values(), None], ids=[*ERRORS, "SIGKILL"])
@pytest.mark.parametrize("name", CHECKS)
def test_no_operation_that_fails_loses_anything(case, name, code):
    CHECKS[name](case, code, count(1))
