"""Start-up costs next to nothing: commands import what they need, when they need it."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

import pytest

HEAVY = ("torch", "tilelang", "z3", "numpy", "anthropic", "sympy")
TOSPEC = (sys.executable, "-c", "from tileops_spec.cli.main import main; main()")


def _imported(*arguments: str, cwd: Path) -> set[str]:
    """The top-level modules that a command imports."""
    command = (sys.executable, "-X", "importtime", *TOSPEC[1:], *arguments)
    shown = subprocess.run(command, capture_output=True, text=True, cwd=cwd, check=True).stderr
    lines = (line.rsplit("|", 1)[-1].strip() for line in shown.splitlines() if line.startswith("import time:"))
    return {line.split(".")[0] for line in lines}


@pytest.mark.parametrize(
    "arguments",
    [
        ("--version",),
        ("--help",),
        ("lint", "--no-cache", "specs/gemm.yaml"),
        ("fmt", "specs/gemm.yaml"),
        ("explain", "TS101"),
        ("explain", "specs/gqa_fwd.yaml"),
        ("explain", "specs/gemm.yaml", "--target", "sm_80", "--output-format", "json"),
        ("schema",),
        ("tune", "--help"),
        ("new", "my_op", "--template", "scan", "--stdout"),
        ("diff", "specs/gemm.yaml", "--against", "specs/gemm.yaml"),
    ],
)
def test_no_heavy_imports(arguments: tuple[str, ...], root: Path) -> None:
    assert not _imported(*arguments, cwd=root) & set(HEAVY)


def test_lint_of_all_specs_takes_a_solver_at_most(root: Path) -> None:
    """z3 comes where a proof needs it, and what the cache knows needs none."""
    assert _imported("lint", "--no-cache", "specs", cwd=root) & set(HEAVY) <= {"z3"}


def _seconds(command: tuple[str, ...], cwd: Path) -> float:
    """Processor seconds, user and system, of one run."""
    before = os.times()
    subprocess.run(command, cwd=cwd, check=True, capture_output=True)
    after = os.times()
    return after.children_user + after.children_system - before.children_user - before.children_system


def test_version_starts_as_fast_as_click(root: Path) -> None:
    click = (sys.executable, "-c", "import click")
    version = (*TOSPEC, "--version")
    pairs = [(_seconds(version, root), _seconds(click, root)) for _ in range(9)]
    ours, theirs = (statistics.median(column) for column in zip(*pairs, strict=True))
    assert ours <= 1.6 * theirs, f"{ours:.3f} s against {theirs:.3f} s"


def test_lint_of_the_specs_is_quick(root: Path) -> None:
    started = time.perf_counter()
    runs = [_seconds((*TOSPEC, "lint", "specs"), root) for _ in range(5)]
    assert min(runs) < 0.6, f"{min(runs):.2f} s of processor time, {time.perf_counter() - started:.1f} s in all"


EXPLAIN_ALL = """
import sys
from pathlib import Path
from tileops_spec.deliver.explain import explanation_lines
from tileops_spec.deliver.explanation import explain_spec
from tileops_spec.deliver.lint import lint_spec
from tileops_spec.diagnostics.diagnostic import Sink
for path in sorted(Path("specs").glob("*.yaml")):
    spec = lint_spec(path, Sink())
    assert "".join(explanation_lines(spec, explain_spec(spec)))
heavy = set(sys.argv[1:]) & set(sys.modules)
assert not heavy, heavy
"""


def test_no_spec_needs_heavy_imports_to_be_explained(root: Path) -> None:
    heavy = set(HEAVY) - {"z3"}  # what proofs of indices may need is not explain's to decide
    subprocess.run((sys.executable, "-c", EXPLAIN_ALL, *heavy), cwd=root, check=True)


def test_explain_is_quick(root: Path) -> None:
    runs = [_seconds((*TOSPEC, "explain", "specs/gqa_fwd.yaml"), root) for _ in range(3)]
    assert min(runs) < 0.5, f"{min(runs):.2f} s of processor time"
