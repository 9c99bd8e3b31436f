"""The static gate: every rule refuses what it is for, at its place, and none refuses an honest body."""

from __future__ import annotations

import ast
import textwrap
from pathlib import Path

import pytest

from tileops_spec.gates.allowlist import TILE_NAMES
from tileops_spec.gates.rules import RULES
from tileops_spec.gates.static import check_static
from tileops_spec.scaffold.body import Body

from .conftest import HONEST, TUNABLES, changed

PATTERNS = sorted((Path(__file__).parents[2] / "patterns").glob("*/snippet.py"))
CLEAR = "    T.clear(acc)\n"
REFUSED = {
    "import": (CLEAR, "    import torch\n" + CLEAR, "TS402", "import torch"),
    "class": (CLEAR, "    class A:\n        pass\n" + CLEAR, "TS402", "class A"),
    "function": (CLEAR, "    def f():\n        pass\n" + CLEAR, "TS402", "def f"),
    "lambda": (CLEAR, "    f = lambda: 0\n" + CLEAR, "TS402", "lambda: 0"),
    "try": (CLEAR, "    try:\n        pass\n    finally:\n        pass\n" + CLEAR, "TS402", "try"),
    "walrus": (CLEAR, "    (n := 3)\n" + CLEAR, "TS402", "n := 3"),
    "library call": (CLEAR, "    torch.matmul(A, B)\n" + CLEAR, "TS403", "torch"),
    "misspelt name": ("T.clear(acc)", "T.clear(accu)", "TS403", "accu"),
    "builtin": (CLEAR, "    getattr(T, 'copy')\n" + CLEAR, "TS403", "getattr"),
    "evaluation": (CLEAR, "    eval('1')\n" + CLEAR, "TS403", "eval"),
    "dunder": (CLEAR, "    ().__class__\n" + CLEAR, "TS403", "().__class__"),
    "dunder name": (CLEAR, "    __import__('os')\n" + CLEAR, "TS403", "__import__"),
    "foreign call": (CLEAR, '    T.call_extern("int32", "f")\n' + CLEAR, "TS403", "T.call_extern"),
    "source": (CLEAR, '    T.import_source("int x;")\n' + CLEAR, "TS403", "T.import_source"),
    "module of T": (CLEAR, "    T.tir.sqrt(1)\n" + CLEAR, "TS403", "T.tir.sqrt"),
    "print": (CLEAR, "    T.print(acc)\n" + CLEAR, "TS403", "T.print"),
    "assembly": (CLEAR, '    T.fill(acc, "mov.u32 %r1, 0;")\n' + CLEAR, "TS403", '"mov.u32 %r1, 0;"'),
    "method": (CLEAR, "    A_s.astype(dtype)\n" + CLEAR, "TS403", "A_s.astype"),
    "shadowed contract": (CLEAR, "    dtype = 3\n" + CLEAR, "TS403", "dtype"),
    "AP01 no clear": (CLEAR, "", "TS405", "T.gemm(A_s, B_s, acc, transpose_B=True)"),
    "AP31 half accumulator": ('"float32"', '"float16"', "TS405", "T.gemm(A_s, B_s, acc, transpose_B=True)"),
    "AP31 accumulator of dtype": ('"float32"', "dtype", "TS405", "T.gemm(A_s, B_s, acc, transpose_B=True)"),
    "AP12 removed argument": ("transpose_B=True)", "transpose_B=True, k_pack=1)", "TS405", "T.gemm"),
    "AP02 no stages": ("num_stages=num_stages", "num_stages=0", "TS405", "T.Pipelined"),
    "AP13 fraction": ("T.ceildiv(M, block_M)", "M / block_M", "TS405", "M / block_M"),
    "AP32 corner": (
        "A_s = T.alloc_shared((block_M, block_K), dtype)",
        "A_s = T.alloc_shared((block_K,), dtype)",
        "TS405",
        "T.copy",
    ),
}


def test_honest_body_passes(gemm, kernel_of, honest: Body) -> None:
    verdict = check_static(gemm, honest, kernel_of(honest))
    assert verdict.status == "passed", verdict.summary


@pytest.mark.parametrize("name", REFUSED)
def test_refused(gemm, kernel_of, name: str) -> None:
    before, after, code, place = REFUSED[name]
    body = changed(before, after)
    kernel = kernel_of(body)
    verdict = check_static(gemm, body, kernel)
    found = [each for each in verdict.diagnostics if each.code == code]
    assert found, verdict.diagnostics
    texts = [kernel.text[each.span.start : each.span.end] for each in found]
    assert any(text.startswith(place) for text in texts), texts
    if name.startswith("AP"):
        assert any(name.split()[0] in each.message for each in found)


def test_syntax_error_has_its_line_and_column(gemm, kernel_of) -> None:
    body = changed("as (bx, by):", "as (bx, by:")
    kernel = kernel_of(body)
    (finding,) = check_static(gemm, body, kernel).diagnostics
    assert finding.code == "TS401"
    line = kernel.line(kernel.position(finding.span.start).line)
    assert "with T.Kernel" in line


def test_all_findings_in_one_run(gemm, kernel_of) -> None:
    body = changed(CLEAR, "    import os\n    os.getcwd()\n    T.print(A_s)\n")
    codes = [each.code for each in check_static(gemm, body, kernel_of(body)).diagnostics]
    assert {"TS402", "TS403", "TS405"} <= set(codes)


@pytest.mark.parametrize(
    "tunables",
    [(("block-M", (64,)),), (("_x", (1,)),), (("N", (1,)),), (("x", ("big",)),), (("x", tuple(range(65))),)],
)
def test_bad_tunables(gemm, kernel_of, tunables) -> None:
    body = Body(HONEST, TUNABLES)
    verdict = check_static(gemm, Body(HONEST, (*TUNABLES, *tunables)), kernel_of(body))
    assert [each.code for each in verdict.diagnostics] == ["TS404"]


def test_an_input_that_is_never_read(gemm, kernel_of) -> None:
    body = changed("T.copy(B[bx * block_N, k * block_K], B_s)", "T.clear(B_s)")
    verdict = check_static(gemm, body, kernel_of(body))
    assert "the body never mentions the input `B`" in verdict.summary


def test_multi_byte_text_keeps_its_place(gemm, kernel_of) -> None:
    body = changed(CLEAR, "    # größer — 大\n    accé = 3; torch.add(1, accé)\n" + CLEAR)
    kernel = kernel_of(body)
    found = check_static(gemm, body, kernel).diagnostics
    assert {kernel.text[each.span.start : each.span.end] for each in found} == {"torch", "torch.add"}


@pytest.mark.parametrize("snippet", PATTERNS, ids=lambda path: path.parent.name)
def test_patterns_break_no_rule(gemm, kernel_of, snippet: Path) -> None:
    """Our own patterns' bodies: other names than gemm's, but no forbidden statement, attribute or anti-pattern."""
    for code in _prim_func_bodies(snippet.read_text(encoding="utf-8")):
        body = Body(code)
        found = check_static(gemm, body, kernel_of(body)).diagnostics
        names = [each for each in found if "is not in scope" in each.message or "never mentions" in each.message]
        assert [each.message for each in found if each not in names] == []


def _prim_func_bodies(text: str) -> list[str]:
    """The statements of each prim_func in a file."""
    functions = [
        node
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef) and any("prim_func" in ast.dump(each) for each in node.decorator_list)
    ]
    lines = text.splitlines(keepends=True)
    return [textwrap.dedent("".join(lines[each.body[0].lineno - 1 : each.end_lineno])) for each in functions]


def test_allowlist_is_of_the_installed_tilelang() -> None:
    import tilelang.language as T

    assert sorted(name for name in TILE_NAMES if not hasattr(T, name)) == []


def test_rules_have_names_and_words() -> None:
    assert all(rule.__doc__ for rule in RULES)
    assert all(rule.__name__.startswith("ap") for rule in RULES)


def test_rules_are_among_the_antipatterns() -> None:
    """A rule's code is one that the prompt teaches."""
    from tileops_spec.knowledge.antipatterns import load_antipatterns

    known = {each.code for each in load_antipatterns()}
    assert {rule.__name__.split("_")[0].upper() for rule in RULES} <= known
