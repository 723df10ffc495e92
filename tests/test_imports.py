"""Facts about how the files of the package import each other."""

import ast
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from tests.conftest import ROOT

MODULES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
    for path in sorted((ROOT / "charlm").rglob("*.py"))
    if path != ROOT / "charlm" / "__init__.py"  # names what all others have, and imports it when it is first used
}


def imported(path: Path) -> Iterator[str]:
    """Yield the modules of the package that a file imports when it is imported itself, or for its types."""
    waiting: list[ast.AST] = [ast.parse(path.read_text(encoding="utf-8"))]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue  # imported later, when the function is called
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in MODULES)
        elif isinstance(node, ast.ImportFrom):
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            modules = {name if name in MODULES else str(node.module) for name in names}
            yield from modules & set(MODULES)
        waiting += ast.iter_child_nodes(node)


def circle(imports: dict[str, set[str]]) -> list[str] | None:
    """Return some modules that import each other in a circle, if there are any."""
    try:
        TopologicalSorter(imports).prepare()
    except CycleError as error:
        return list(error.args[1])
    return None


def test_no_files_import_each_other_in_a_circle():
    imports = {name: set(imported(path)) for name, path in MODULES.items()}
    assert sum(map(len, imports.values())) > 200, "the imports were not found"
    assert circle(imports) is None


@pytest.mark.parametrize("back", ["import charlm.b", "from charlm import b", "from charlm.b import x",
                                  "if TYPE_CHECKING:\n    from charlm.b import x"])  # fmt: skip
def test_a_circle_is_noticed_however_the_import_is_written(tmp_path, monkeypatch, back):
    (tmp_path / "a.py").write_text(back)
    (tmp_path / "b.py").write_text("from charlm.a import y")
    for name in "ab":
        monkeypatch.setitem(MODULES, f"charlm.{name}", tmp_path / f"{name}.py")
    assert circle({f"charlm.{name}": set(imported(tmp_path / f"{name}.py")) for name in "ab"}) is not None
