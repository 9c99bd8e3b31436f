"""The house: data flows one way through the packages, files fit in one reading, functions are short."""

from __future__ import annotations

import ast
import statistics
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "tileops_spec"
ORDER = (
    "resources",
    "diagnostics",
    "source",
    "syntax",
    "ir",
    "check",
    "analysis",
    "hardware",
    "knowledge",
    "simulate",
    "scaffold",
    "fill",
    "gates",
    "tune",
    "bench",
    "testing",
    "deliver",
    "pytest_plugin",
    "mutate",
    "cli",
)
"""Each package may import those before it, and itself."""
MODULES = sorted(PACKAGE.rglob("*.py"))


def _package_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def _imported_packages(path: Path) -> set[str]:
    """The packages of tospec that a module imports, anywhere in it."""
    depth = len(path.relative_to(PACKAGE).parts)
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.level == depth and node.module:
            found.add(node.module.split(".")[0])
        elif isinstance(node, ast.ImportFrom) and node.level == depth:
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("tileops_spec."):
            found.add(node.module.split(".")[1])
        elif isinstance(node, ast.Import):
            found.update(a.name.split(".")[1] for a in node.names if a.name.startswith("tileops_spec."))
    return found & set(ORDER)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_point_backwards(path: Path) -> None:
    package = _package_of(path)
    if package == "__init__":
        assert not _imported_packages(path)
        return
    assert package in ORDER, f"{package} has no place in the order of packages"
    allowed = set(ORDER[: ORDER.index(package) + 1])
    assert _imported_packages(path) <= allowed


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_files_fit_in_one_reading(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 400


def test_functions_are_short() -> None:
    lengths = [
        node.end_lineno - node.lineno + 1
        for path in MODULES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef)
    ]
    assert statistics.median(lengths) <= 10
    assert max(lengths) <= 60
