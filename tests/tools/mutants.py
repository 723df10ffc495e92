"""Mutation testing: each small change of the mathematics has to turn a test red.

    python -m tests.tools.mutants [PART OF A FILE'S PATH ...]

A mutant is a source file with one change: an operator, a comparison, a constant, a condition or a function replaced by
its neighbour, or a statement left out. A mutant that no test notices survives: either a test is missing, or the change
makes no difference, and then the table of docs/testing.md says why. Exit status 1 if a survivor is not in the table, or
if the table names one that is noticed.

Every mutant runs in a fork of one process that has already imported what the tests need, and only in memory: no file
is changed. It therefore needs a POSIX system.
"""

import ast
import copy
import importlib.abc
import importlib.util
import os
import re
import signal
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter, sleep
from types import CodeType, ModuleType
from typing import Any

import hypothesis
import hypothesis.extra.numpy
import numpy
import pydantic
import pytest
import yaml
from hypothesis import Phase, settings
from hypothesis.configuration import set_hypothesis_home_dir

IMPORTED_ONCE = (hypothesis.extra.numpy, numpy, pydantic, yaml)  # the forks find them here
ROOT = Path(__file__).parents[2]
TABLE = ROOT / "docs" / "testing.md"
TESTS = {
    "charlm/cells/*.py": ("tests/cells", "tests/network/test_gradients.py", "tests/network/test_parity.py"),
    "charlm/network/loss.py": ("tests/network/test_loss.py", "tests/network/test_gradients.py"),
    "charlm/training/optimizers.py": (
        "tests/training/test_optimizers.py",
        "tests/training/test_orthogonal.py",
        "tests/training/test_trainer.py",
    ),
    "charlm/training/orthogonal.py": ("tests/training/test_orthogonal.py",),
    "charlm/training/clipping.py": ("tests/training/test_clipping.py", "tests/training/test_trainer.py"),
    "charlm/training/schedules.py": ("tests/training/test_schedules.py", "tests/training/test_trainer.py"),
    "charlm/inference/filters.py": ("tests/inference/test_sampler.py",),
}
OPERATORS: dict[type[ast.AST], type[ast.AST]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.Pow: ast.Mult,
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.And: ast.Or, ast.Or: ast.And,
}  # fmt: skip
FUNCTIONS = {
    "sigmoid": "tanh", "tanh": "sigmoid", "sigmoid_slope": "tanh_slope", "tanh_slope": "sigmoid_slope",
    "min": "max", "max": "min", "floor": "float", "exp": "expm1", "log": "log1p",
}  # fmt: skip
OPTIONS = ("-x", "-q", "-p", "no:cacheprovider", "-W", "ignore::pytest.PytestAssertRewriteWarning")
TIMES, LEAST_SECONDS = 5, 30  # a mutant may take so many times as long as the tests alone: it may not end at all


@dataclass(frozen=True, slots=True)
class Mutant:
    """One change: the file, the statement (its first line) before and after, and the changed program."""

    file: str
    line: int
    before: str
    after: str
    code: CodeType

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.before}  ->  {self.after}"

    @property
    def row(self) -> tuple[str, str, str]:
        """What the table names it by."""
        return self.file, self.before, self.after


def mutants(file: str) -> Iterator[Mutant]:
    """Yield every mutant of a source file."""
    tree = ast.parse((ROOT / file).read_text("utf-8"))
    for statement in [node for node in ast.walk(tree) if isinstance(node, ast.stmt)]:
        before = _first_line(statement)
        for change in _changes(statement):
            undo = change()
            after = _first_line(statement)
            mutated = ast.fix_missing_locations(copy.deepcopy(tree))
            undo()
            yield Mutant(file, statement.lineno, before, after, compile(mutated, str(ROOT / file), "exec"))
        if (left_out := _without(tree, statement)) is not None:
            yield Mutant(file, statement.lineno, before, "pass", compile(left_out, str(ROOT / file), "exec"))


def _first_line(statement: ast.stmt) -> str:
    return ast.unparse(statement).splitlines()[0]


def _without(tree: ast.Module, statement: ast.stmt) -> ast.Module | None:
    """Return the program without a statement that does something; None for the others."""
    documentation = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
    if documentation or not isinstance(statement, ast.Assign | ast.AugAssign | ast.Expr):
        return None
    for node in ast.walk(tree):
        for body in (value for _, value in ast.iter_fields(node) if isinstance(value, list)):
            if statement in body:
                place = body.index(statement)
                body[place] = ast.copy_location(ast.Pass(), statement)
                changed = copy.deepcopy(tree)
                body[place] = statement
                return changed
    return None


def _own(statement: ast.stmt) -> Iterator[ast.AST]:
    """Yield the expressions of a statement, without those of the statements in it, annotations and decorators."""
    waiting: list[ast.AST] = [statement]
    while waiting:
        node = waiting.pop()
        yield node
        skipped = [
            getattr(node, "annotation", None),
            getattr(node, "returns", None),
            *getattr(node, "decorator_list", ()),
        ]
        for child in ast.iter_child_nodes(node):
            if not isinstance(child, ast.stmt) and child not in skipped:
                waiting.append(child)


def _changes(statement: ast.stmt) -> Iterator[Any]:
    """Yield functions that change the tree and return what undoes it."""
    for node in _own(statement):
        for name in ("op", "ops"):
            value = getattr(node, name, None)
            first = value[0] if isinstance(value, list) else value
            if first is not None and type(first) in OPERATORS:
                other = OPERATORS[type(first)]()
                yield _setting(node, name, [other, *value[1:]] if isinstance(value, list) else other)
        if isinstance(node, ast.Constant) and isinstance(node.value, bool):
            yield _setting(node, "value", not node.value)
        elif isinstance(node, ast.Constant) and isinstance(node.value, int | float):
            yield _setting(node, "value", node.value + 1)
        elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            yield _setting(node, "op", ast.UAdd())
        elif isinstance(node, ast.Name) and node.id in FUNCTIONS:
            yield _setting(node, "id", FUNCTIONS[node.id])
        elif isinstance(node, ast.Attribute) and node.attr in FUNCTIONS:
            yield _setting(node, "attr", FUNCTIONS[node.attr])
        if isinstance(node, ast.If | ast.IfExp | ast.While):
            yield _setting(node, "test", ast.UnaryOp(ast.Not(), node.test))


def _setting(node: ast.AST, name: str, value: Any) -> Any:
    def change() -> Any:
        before = getattr(node, name)
        setattr(node, name, value)
        return lambda: setattr(node, name, before)

    return change


class Loader(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Gives one module another program."""

    def __init__(self, mutant: Mutant) -> None:
        self._code = mutant.code
        self._path = ROOT / mutant.file
        self._name = mutant.file.removesuffix(".py").removesuffix("/__init__").replace("/", ".")

    def find_spec(self, fullname: str, path: Any, target: Any = None) -> Any:
        """Return a specification for the module and for no other."""
        if fullname != self._name:
            return None
        folders = [str(self._path.parent)] if self._path.name == "__init__.py" else None
        return importlib.util.spec_from_file_location(
            fullname, self._path, loader=self, submodule_search_locations=folders
        )

    def exec_module(self, module: ModuleType) -> None:
        """Run the changed program."""
        exec(self._code, module.__dict__)


class Profile:
    """Has hypothesis look for a failure without making it small, and with the same examples every time."""

    def pytest_sessionstart(self) -> None:
        """Take the place of the profile of the tests' conftest.py."""
        settings.register_profile(
            "mutants",
            deadline=None,
            derandomize=True,
            database=None,
            phases=(Phase.explicit, Phase.generate),
            suppress_health_check=list(hypothesis.HealthCheck),
        )
        settings.load_profile("mutants")


def passes(tests: tuple[str, ...], mutant: Mutant | None, seconds: float) -> bool:
    """Run the tests in a fork, with or without a mutant, and return whether they pass in so many seconds."""
    child = os.fork()
    if child == 0:
        os.setpgid(0, 0)
        nothing = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nothing, 1)
        os.dup2(nothing, 2)
        sys.modules["numba"] = None  # type: ignore[assignment] # compiled kernels are for other tests
        if mutant is not None:
            sys.meta_path.insert(0, Loader(mutant))
        status = 1
        try:
            status = int(pytest.main([*OPTIONS, *tests], plugins=[Profile()]))
        finally:
            os._exit(status)
    deadline = perf_counter() + seconds
    while perf_counter() < deadline:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return status == 0
        sleep(0.02)
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return False


def explained() -> set[tuple[str, str, str]]:
    """Return the rows of the table: the file, the statement and the mutant."""
    rows = re.findall(r"^\| `(charlm/[^`]+)` \| `([^`]+)` \| `([^`]+)` \|", TABLE.read_text("utf-8"), re.MULTILINE)
    return {(file, before, after) for file, before, after in rows}


def main(parts: list[str]) -> int:
    """Run all mutants of the files whose paths have one of these parts."""
    os.chdir(ROOT)
    os.environ["OPENBLAS_NUM_THREADS"] = "1"
    known, wrong, survivors, total = explained(), 0, set(), 0
    set_hypothesis_home_dir(tempfile.mkdtemp())
    for pattern, tests in TESTS.items():
        files = [str(path.relative_to(ROOT)) for path in sorted(ROOT.glob(pattern))]
        files = [file for file in files if not parts or any(part in file for part in parts)]
        if not files:
            continue
        started = perf_counter()
        if not passes(tests, None, 600):
            print(f"the tests fail without a mutant: {' '.join(tests)}", flush=True)
            return 1
        limit = max(LEAST_SECONDS, TIMES * (perf_counter() - started))
        for file in files:
            count = 0
            for mutant in mutants(file):
                count += 1
                if passes(tests, mutant, limit):
                    survivors.add(mutant.row)
                    print(f"survives{' as explained' if mutant.row in known else ''}: {mutant}", flush=True)
            known_here = {row for row in known if row[0] == file}
            for row in sorted(known_here - survivors):
                wrong += 1
                print(f"{TABLE.name} explains what is noticed or no longer there: {' '.join(row)}", flush=True)
            total += count
            print(f"{file}: {count} mutants, {perf_counter() - started:.0f} s", flush=True)
    unexplained = survivors - known
    print(f"{total} mutants, {len(survivors)} survive, {len(unexplained)} of them unexplained")
    return 1 if unexplained or wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
