"""The architecture gate: whole packages pass, and each way to break one has its code and place."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tileops_spec.check import load_spec
from tileops_spec.diagnostics.diagnostic import Sink
from tileops_spec.gates.architecture import check_architecture, roles
from tileops_spec.scaffold.body import Body
from tileops_spec.scaffold.render import render_op

ROOT = Path(__file__).parents[2]
READY = sorted(path.name for path in (ROOT / "generated").iterdir() if (path / "kernel.py").is_file())


def package(op: str) -> dict[str, str]:
    return {path.name: path.read_text(encoding="utf-8") for path in (ROOT / "generated" / op).glob("*.py")}


def spec_of(op: str):
    spec = load_spec(ROOT / "specs" / f"{op}.yaml", Sink())
    assert spec is not None
    return spec


@pytest.mark.parametrize("op", READY)
def test_committed_packages_pass(op: str) -> None:
    verdict = check_architecture(spec_of(op), package(op), f"generated/{op}")
    assert verdict.status == "passed", verdict.summary
    assert verdict.seconds < 1


@pytest.mark.parametrize("op", ["fused_add_rms_norm", "gqa_decode_paged", "dropout", "da_cumsum", "rope_yarn"])
def test_what_templates_write_passes(op: str) -> None:
    files = render_op(spec_of(op), Body(code="pass\n", tunables={}))
    assert check_architecture(spec_of(op), files, f"generated/{op}").diagnostics == ()


BREAKS = {
    "no bench": ("bench_gemm.py", None, None, "TS451"),
    "no Python": ("op.py", "import functools\n", "import functools(\n", "TS451"),
    "another name": ("op.py", "class GemmOp(", "class Gemm(", "TS451"),
    "no tunables": ("kernel.py", "TUNABLES = {", "OPTIONS = {", "TS451"),
    "no test": ("test_gemm.py", "def test_", "def check_", "TS451"),
    "TileLang in the Op": ("op.py", "import functools\n", "import functools\nimport tilelang\n", "TS452"),
    "tospec in the Op": (
        "op.py",
        "import functools\n",
        "import functools\nfrom tileops_spec import testing\n",
        "TS452",
    ),
    "another operator": ("kernel.py", "import torch\n", "import torch\nfrom ..rms_norm.kernel import x\n", "TS452"),
    "an eager kernel": ("op.py", "import torch\n", "import torch\nfrom .kernel import GemmKernel\n", "TS452"),
    "not listed": ("__init__.py", '"gemm"', '"other"', "TS453"),
    "not imported": ("__init__.py", "import GemmOp, gemm", "import GemmOp", "TS453"),
}


@pytest.mark.parametrize(("name", "old", "new", "code"), BREAKS.values(), ids=BREAKS)
def test_each_break_is_found(name: str, old: str | None, new: str | None, code: str) -> None:
    files = package("gemm")
    text = files.pop(name)
    if old is not None:
        assert old in text
        files[name] = text.replace(old, new) if name.startswith(("test", "__")) else text.replace(old, new, 1)
    verdict = check_architecture(spec_of("gemm"), files, "generated/gemm")
    assert verdict.status == "failed"
    assert {found.code for found in verdict.diagnostics} == {code}
    for found in verdict.diagnostics:
        assert found.span is None or found.span.path == f"generated/gemm/{name}"
    if code == "TS452":
        (place,) = [found.span for found in verdict.diagnostics]
        assert "import" in files[name][place.start : place.end]


def test_names_are_what_the_templates_use() -> None:
    """The roles' names come from the same functions as the templates', so a committed file must define them."""
    for op in READY:
        for name, role in roles(op).items():
            defined = {getattr(node, "name", "") for node in ast.parse(package(op)[name]).body}
            assert set(role.defines) - {"TUNABLES"} <= defined
