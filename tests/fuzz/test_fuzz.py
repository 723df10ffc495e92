"""Some hundreds of fuzzed inputs for each target, what was found before, and bugs that the engine must find."""

import time
from pathlib import Path
from random import Random

import numpy as np
import pytest

from charlm.errors import CharlmError

pytest.importorskip("resource", reason="limits of time and memory are those of POSIX")

from tests.fuzz.engine import FindingError, alarms, bounded, fuzz, judge, load_case
from tests.fuzz.targets import TARGETS

FOUND = sorted((Path(__file__).parent / "found").glob("*.txt"))
INPUTS = {"commands": 150}


@pytest.fixture(scope="module")
def targets(tmp_path_factory):
    return {name: make(tmp_path_factory.mktemp(name)) for name, make in TARGETS.items()}


@pytest.mark.parametrize("name", TARGETS)
def test_fuzzed_inputs_are_used_or_refused_in_one_line(targets, name, tmp_path):
    report = fuzz(name, targets[name], range(INPUTS.get(name, 400)), seed=0, findings=tmp_path)
    assert not report.findings, "".join(path.read_text() for path in tmp_path.iterdir())
    assert report.used > 0
    assert len(report.messages) > 10  # it gets to many different places


@pytest.mark.parametrize("path", FOUND, ids=lambda path: path.stem)
def test_what_was_found_stays_fixed(targets, path):
    with alarms():
        judge(targets[path.stem.partition("-")[0]], load_case(path))


@pytest.mark.parametrize("name", TARGETS)
def test_equal_numbers_make_equal_inputs_which_a_file_can_hold(targets, name, tmp_path):
    for number in range(50):
        case = targets[name].make(Random(number))
        assert case == targets[name].make(Random(number))
        (tmp_path / "case.py").write_text(f"# a comment\n{case!a}\n")
        assert load_case(tmp_path / "case.py") == case


class Faulty:
    """A target with a bug in every tenth input."""

    def __init__(self, bug):
        self._bug = bug

    def make(self, rng):
        return rng.randrange(10)

    def use(self, case):
        if case == 0:
            self._bug()
        raise CharlmError("no")


def _spin():
    while True:
        pass


def _refuse(error):
    raise error


BUGS = {
    "traceback": lambda: 1 // 0,
    "assertion": lambda: _refuse(AssertionError()),
    "warning": lambda: np.float32(3e38) * np.float32(10),
    "two lines": lambda: _refuse(_RawError("one\ntwo")),
    "escape": lambda: _refuse(_RawError("\x1b[31m")),
    "no message": lambda: _refuse(_RawError("")),
    "long message": lambda: _refuse(CharlmError("x" * 5_000)),
}


class _RawError(CharlmError):
    def __str__(self):
        return self.args[0]


@pytest.mark.parametrize("bug", BUGS)
def test_a_bug_is_found_and_written_down(bug, tmp_path):
    report = fuzz("faulty", Faulty(BUGS[bug]), range(100), 1, tmp_path)
    assert 0 < sum(report.findings.values()) < 30
    assert len(report.findings) == 1
    (path,) = tmp_path.iterdir()  # equal cases, one file
    assert load_case(path) == 0


def test_what_takes_too_long_is_found():
    began = time.process_time()
    with alarms(), pytest.raises(FindingError, match="TooSlowError"):
        judge(Faulty(_spin), 0, seconds=0.2)
    assert time.process_time() - began < 2


def test_what_takes_much_memory_is_found():
    with pytest.raises(MemoryError, match="MB more than before"), bounded(5, 100):
        np.ones(40_000_000)
