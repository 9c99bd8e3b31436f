"""The static gate: every rule refuses what it is for, at its place, and none refuses an honest body."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import textwrap
from dataclasses import replace
from pathlib import Path

import pytest

from tileops_spec.check import load_spec
from tileops_spec.diagnostics.diagnostic import Sink
from tileops_spec.diagnostics.text import SourceText
from tileops_spec.gates.allowlist import NESTED, TILE_NAMES, refusal
from tileops_spec.gates.rules import CHECKS, RULES
from tileops_spec.gates.static import check_static
from tileops_spec.ir.nodes import Reduce
from tileops_spec.ir.walk import map_children
from tileops_spec.scaffold.body import Body
from tileops_spec.scaffold.regions import extract_body

from .conftest import HONEST, TUNABLES, changed

PATTERNS = sorted((Path(__file__).parents[2] / "patterns").glob("*/snippet.py"))
CLEAR = "    T.clear(acc)\n"
ROW = '    row = T.alloc_fragment((block_M,), "float32")\n'
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
    "word of C++": (CLEAR, '    new = T.alloc_fragment((block_M,), "float32")\n' + CLEAR, "TS403", "new"),
    "AP01 no clear": (CLEAR, "", "TS405", "T.gemm(A_s, B_s, acc, transpose_B=True)"),
    "AP31 half accumulator": ('"float32"', '"float16"', "TS405", "T.gemm(A_s, B_s, acc, transpose_B=True)"),
    "AP31 accumulator of dtype": ('"float32"', "dtype", "TS405", "T.gemm(A_s, B_s, acc, transpose_B=True)"),
    "AP12 removed argument": ("transpose_B=True)", "transpose_B=True, k_pack=1)", "TS405", "T.gemm"),
    "AP02 no stages": ("num_stages=num_stages", "num_stages=0", "TS405", "T.Pipelined"),
    "AP13 fraction": ("T.ceildiv(M, block_M)", "M / block_M", "TS405", "M / block_M"),
    "AP32 corner": ("A[by * block_M, k * block_K]", "A[k, by * block_M, 0, k]", "TS405", "T.copy"),
    "AP01 only read": (CLEAR, "    T.copy(acc, C[0, 0])\n", "TS405", "T.gemm(A_s, B_s, acc"),
    "AP01 option": (CLEAR, "    T.gemm(A_s, B_s, acc, clear_accum=False)\n", "TS405", "T.gemm(A_s, B_s, acc, clear"),
    "AP01 reduction": (CLEAR, CLEAR + ROW + "    T.reduce_max(acc, row, clear=False)\n", "TS405", "T.reduce_max"),
    "AP31 by a local name": ('"float32")\n', 'wide)\n    wide = "bfloat16"\n', "TS405", "T.gemm"),
    "AP12 of pipelines": ("num_stages=num_stages", "num_stages=num_stages, sync=1", "TS405", "T.Pipelined"),
    "AP02 default": (", num_stages=num_stages", "", "TS405", "T.Pipelined"),
    "AP02 by place": ("T.ceildiv(K, block_K), num_stages=num_stages", "0, 4, 0", "TS405", "T.Pipelined(0, 4, 0)"),
    "AP13 min of an extent": (CLEAR, CLEAR + "    n = min(M, 4)\n", "TS405", "min(M, 4)"),
    "AP13 max of an index": (CLEAR, CLEAR + "    n = max([bx, 4])\n", "TS405", "max([bx, 4])"),
    "AP13 int of a sum": (CLEAR, CLEAR + "    n = int(by + 1)\n", "TS405", "int(by + 1)"),
    "AP13 abs of an element": (CLEAR, CLEAR + "    n = abs(acc[0, 0])\n", "TS405", "abs(acc[0, 0])"),
    "AP13 fraction of one": (CLEAR, "    T.fill(acc, 1 / M)\n", "TS405", "1 / M"),
    "AP27 copy to an input": (CLEAR, CLEAR + "    T.copy(A_s, A[0, 0])\n", "TS405", "A"),
    "AP27 store to an input": (CLEAR, CLEAR + "    A[0, 0] = 1.0\n", "TS405", "A"),
    "AP27 atomic to an input": (CLEAR, CLEAR + "    T.atomic_add(A[0, 0], 1.0)\n", "TS405", "A"),
    "macro": (CLEAR, "    @T.macro\n    def f(x):\n        T.clear(x)\n    f(acc)\n", "TS402", "def f(x)"),
    "match": (CLEAR, CLEAR + "    match threads:\n        case T:\n            pass\n", "TS402", "match threads"),
    "other context": (CLEAR, CLEAR + "    with acc:\n        pass\n", "TS402", "acc"),
    "context of T": (CLEAR, CLEAR + "    with T.serial(3):\n        pass\n", "TS402", "T.serial(3)"),
    "comprehension's lambda": (CLEAR, CLEAR + "    f = [lambda: i for i in range(2)]\n", "TS402", "lambda: i"),
    "math": (CLEAR, CLEAR + "    f = math.sqrt(2)\n", "TS403", "math"),
    "alias of T": (CLEAR, CLEAR + "    X = T\n", "TS403", "T"),
    "assigned tunable": (CLEAR, CLEAR + "    block_M = 32\n", "TS403", "block_M"),
    "nested attribute": (CLEAR, CLEAR + "    f = T.GemmWarpPolicy.__class__\n", "TS403", "T.GemmWarpPolicy.__class__"),
    "prelude": ("threads=threads)", "threads=threads, prelude=dtype)", "TS403", "prelude=dtype"),
    "bytes": (CLEAR, CLEAR + '    x = b"x"\n', "TS403", 'b"x"'),
    "quote in a message": (CLEAR, CLEAR + """    assert K > 0, 'x");'\n""", "TS403", "'x\");'"),
}
EXTRA = {
    "a message": '    assert K % 8 == 0, "K must be a multiple of 8"\n',
    "dtypes of T": "    x = T.cast(1, T.float32)\n",
    "policies": "    x = T.GemmWarpPolicy.FullCol\n",
    "shapes": "    assert A_s.shape[0] == block_M and A_s.dtype == dtype\n",
    "comprehensions": "    xs = [n * 2 for n in range(4)]\n",
    "Python over Python values": "    n = min(N, 4) + max(block_M, 3) + int(N / 2) + abs(-3) + len((1, 2))\n",
    "a name that is an index only elsewhere": (
        "    for n in range(3):\n        x = min(n, 2)\n    for n in T.serial(3):\n        pass\n"
    ),
    "minimum of T": "    n = T.min(M, 4)\n",
    "floats": "    x = M / 2.0\n    y = 1.0 / M\n    z = T.cast(M, 'float32') / N\n",
    "elements divided": "    for i, j in T.Parallel(block_M, block_N):\n        acc[i, j] = acc[i, j] / M\n",
    "a row": "    row = T.alloc_fragment((block_N,), dtype)\n    T.copy(A[by * block_M + 1, 0], row)\n",
    "a matrix of a batch": "    T.copy(A[by, bx * block_M, 0], A_s)\n",
    "16-bit operands": (
        "    p = T.alloc_fragment((block_M, block_N), dtype)\n    T.copy(acc, p)\n    T.gemm(p, B_s, acc)\n"
    ),
    "warp specialization": "    with T.ws(0):\n        T.inc_max_nreg(240)\n",
}
"""Honest statements, each after the accumulator was cleared."""
CLEARED = {
    "fill": "    T.fill(acc, 0)\n",
    "copy": "    T.copy(C[0, 0], acc)\n",
    "stores": "    for i, j in T.Parallel(block_M, block_N):\n        acc[i, j] = 0\n",
    "region": "    T.clear(acc[0:block_M, :])\n",
    "same line": "    x = 1; T.clear(acc)\n",
    "product": "    T.gemm(A_s, B_s, acc, transpose_B=True, clear_accum=True)\n",
    "variable option": "    T.gemm(A_s, B_s, acc, transpose_B=True, clear_accum=threads > 1)\n",
    "through a tuple": "    for each in (acc, A_s):\n        T.clear(each)\n",
    "through a name": "    same = acc\n    T.clear(same)\n",
    "reduction": "    T.reduce_sum(A_s, acc, dim=0)\n",
}
"""Ways to write an accumulator before a product adds to it."""


def test_honest_body_passes(gemm, kernel_of, honest: Body) -> None:
    verdict = check_static(gemm, honest, kernel_of(honest))
    assert verdict.status == "passed", verdict.summary


@pytest.mark.parametrize("name", EXTRA)
def test_accepted(gemm, kernel_of, name: str) -> None:
    body = changed(CLEAR, CLEAR + EXTRA[name])
    assert check_static(gemm, body, kernel_of(body)).diagnostics == ()


@pytest.mark.parametrize("name", CLEARED)
def test_written_accumulators(gemm, kernel_of, name: str) -> None:
    body = changed(CLEAR, CLEARED[name])
    assert check_static(gemm, body, kernel_of(body)).diagnostics == ()


def test_an_accumulator_cleared_further_down_in_the_same_loop(gemm, kernel_of) -> None:
    product = "        T.gemm(A_s, B_s, acc, transpose_B=True)\n"
    later = f"        if k > 0:\n    {product}        else:\n            T.clear(acc)\n"
    body = Body(HONEST.replace(CLEAR, "").replace(product, later), TUNABLES)
    assert check_static(gemm, body, kernel_of(body)).diagnostics == ()


def test_tma_by_hand_needs_no_stages(gemm, kernel_of) -> None:
    body = changed(
        "num_stages=num_stages):\n",
        "num_stages=0):\n        T.tma_copy(A[0:block_M, 0:block_K], A_s, barrier=bars[0])\n",
    )
    body = Body(body.code.replace(CLEAR, CLEAR + "    bars = T.alloc_barrier([128])\n"), TUNABLES)
    assert check_static(gemm, body, kernel_of(body)).diagnostics == ()


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


SYNTAX = {
    "never closed": ("bx * block_N])\n", "bx * block_N]\n", "(acc, C["),
    "unexpected": (CLEAR, "    x = = 3\n", "= 3"),
    "after letters of several bytes": (CLEAR, "    x = 'größe大大' + )\n", ")\n"),
    "a name of several bytes": (CLEAR, "    größe = = 3\n", "= 3"),
    "unterminated": (CLEAR, "    x = 'abc\n", "'abc\n"),
}


@pytest.mark.parametrize("name", SYNTAX)
def test_syntax_error_has_its_line_and_column(gemm, kernel_of, name: str) -> None:
    before, after, place = SYNTAX[name]
    kernel = _with_code(kernel_of(Body(HONEST, TUNABLES)), HONEST.replace(before, after))
    (finding,) = check_static(gemm, Body(HONEST, TUNABLES), kernel).diagnostics
    assert finding.code == "TS401"
    assert kernel.text[finding.span.start :].startswith(place)


@pytest.mark.parametrize("value", ["-" * 100_000 + "1", "+".join(["1"] * 20_000), "1\0"])
def test_what_the_parser_gives_up_on(gemm, kernel_of, value: str) -> None:
    kernel = _with_code(kernel_of(Body(HONEST, TUNABLES)), f"x = {value}\n")
    (finding,) = check_static(gemm, Body(HONEST, TUNABLES), kernel).diagnostics
    assert finding.code == "TS401"


def test_blank_lines_above_the_body_keep_places(gemm, kernel_of) -> None:
    kernel = _with_code(kernel_of(Body(HONEST, TUNABLES)), "\n   \n" + HONEST.replace(CLEAR, "    T.clear(accu)\n"))
    (name, _) = check_static(gemm, Body(HONEST, TUNABLES), kernel).diagnostics
    assert kernel.text[name.span.start : name.span.end] == "accu"
    assert "did you mean `acc`?" in name.help


def test_broken_marks_are_a_verdict(gemm, kernel_of) -> None:
    kernel = _with_code(kernel_of(Body(HONEST, TUNABLES)), "# tospec: body end\n" + HONEST)
    verdict = check_static(gemm, Body(HONEST, TUNABLES), kernel)
    assert verdict.status == "failed"
    assert [each.code for each in verdict.diagnostics] == ["TS306"]


def _with_code(kernel: SourceText, code: str) -> SourceText:
    """The kernel.py with `code` in its body region, as an editor would leave it: formatted by nobody."""
    begin = kernel.text.index("\n", kernel.text.index("# tospec: body begin")) + 1
    end = kernel.text.index("        # tospec: body end")
    return SourceText(kernel.path, kernel.text[:begin] + textwrap.indent(code, " " * 8) + kernel.text[end:])


def test_all_findings_in_one_run(gemm, kernel_of) -> None:
    body = changed(CLEAR, "    import os\n    os.getcwd()\n    T.print(A_s)\n")
    found = check_static(gemm, body, kernel_of(body)).diagnostics
    assert {"TS402", "TS403", "TS405"} <= {each.code for each in found}
    assert [each.span.start for each in found] == sorted(each.span.start for each in found)


NAMES = ["block-M", "_x", "N", "for", "dtype", "gemm", "gemm_kernel", "tilelang", "block_M"]
CANDIDATES = [(), ("float16",), tuple(range(65)), (float("inf"),), (float("nan"),), (None,), ('asm("trap;")',), ("",)]


@pytest.mark.parametrize(("name", "candidates"), [(n, (1,)) for n in NAMES] + [("x", each) for each in CANDIDATES])
def test_bad_tunables(gemm, kernel_of, name: str, candidates: tuple) -> None:
    body = Body(HONEST, (*TUNABLES, (name, candidates)))
    verdict = check_static(gemm, body, kernel_of(Body(HONEST, TUNABLES)))
    assert [each.code for each in verdict.diagnostics] == ["TS404"]


def test_good_tunables(gemm, kernel_of) -> None:
    body = Body(HONEST, (*TUNABLES, ("a", (1, 2)), ("b", (0.5,)), ("c", (True, False))))
    assert check_static(gemm, body, kernel_of(body)).diagnostics == ()


def test_a_bad_tunable_is_found_at_its_name(gemm, kernel_of) -> None:
    kernel = kernel_of(Body(HONEST, TUNABLES))
    body = Body(HONEST, (*TUNABLES[:-1], ("threads", ())))
    (finding,) = check_static(gemm, body, kernel).diagnostics
    assert kernel.text[finding.span.start : finding.span.end] == '"threads"'


@pytest.mark.parametrize(("argument", "messages"), [("128**2", 0), ("Sq", 1)])
def test_math_where_the_kernel_imports_it(root, argument: str, messages: int) -> None:
    """gqa_fwd's scale is 1 / sqrt(D), so its kernel.py imports math: over Python values alone."""
    text = (root / "generated" / "gqa_fwd" / "kernel.py").read_text(encoding="utf-8")
    assert "\nimport math\n" in text
    added = re.sub(r"(# tospec: body begin.*\n)", rf"\1        root = math.sqrt({argument})\n", text)
    kernel = SourceText("kernel.py", added)
    spec = load_spec(root / "specs" / "gqa_fwd.yaml", Sink())
    found = check_static(spec, extract_body(added), kernel).diagnostics
    assert ["AP13: Python's `math.sqrt`" in each.message for each in found] == [True] * messages


@pytest.mark.parametrize("op", ["gemm", "gqa_fwd", "rms_norm"])
def test_committed_bodies_pass(root, op: str) -> None:
    path = root / "generated" / op / "kernel.py"
    if not path.exists():
        pytest.skip(f"{op} has no body yet")
    kernel = SourceText(str(path), path.read_text(encoding="utf-8"))
    spec = load_spec(root / "specs" / f"{op}.yaml", Sink())
    assert check_static(spec, extract_body(kernel.text), kernel).diagnostics == ()


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ("T.copy(acc, C[by * block_M, bx * block_N])", "pass", "never mentions the output `C`"),
        ("T.copy(acc, C[by * block_M, bx * block_N])", "T.copy(C[0, 0], acc)", "never writes the output `C`"),
        ("T.copy(acc, C[by * block_M, bx * block_N])", "acc[0, 0] = C[0, 0]", "never writes the output `C`"),
        ("T.copy(B[bx * block_N, k * block_K], B_s)", "T.fill(B_s, B.shape[0])", "never reads the input `B`"),
    ],
)
def test_tensors_left_alone(gemm, kernel_of, before: str, after: str, message: str) -> None:
    body = changed(before, after)
    found = check_static(gemm, body, kernel_of(body)).diagnostics
    assert any(message in each.message for each in found), found


@pytest.mark.parametrize(
    "store",
    [
        "T.copy(src=acc, dst=C[by * block_M, bx * block_N])",
        "C[by, bx] = acc[0, 0]",
        "T.atomic_add(C[by, bx], acc[0, 0])",
        "C[by, bx] += acc[0, 0]",
    ],
)
def test_ways_to_write_an_output(gemm, kernel_of, store: str) -> None:
    body = changed("T.copy(acc, C[by * block_M, bx * block_N])", store)
    assert check_static(gemm, body, kernel_of(body)).diagnostics == ()


def test_an_input_that_the_mathematics_does_not_need(gemm, kernel_of, honest: Body) -> None:
    extra = replace(gemm.inputs[0], name="hint")
    spec = replace(gemm, inputs=(*gemm.inputs, extra))
    assert check_static(spec, honest, kernel_of(honest)).diagnostics == ()


def test_a_sum_in_the_storage_dtype_may_be_16_bit(gemm, kernel_of) -> None:
    """AP31 speaks only where every sum of the spec is in float32."""
    (definition,) = gemm.math
    spec = replace(gemm, math=(replace(definition, value=_summed_in(definition.value, "T")),))
    body = changed('"float32"', '"float16"')
    assert check_static(spec, body, kernel_of(body)).diagnostics == ()


def _summed_in(expr, dtype: str):
    if isinstance(expr, Reduce):
        return replace(expr, dtype=dtype)
    return map_children(expr, lambda child: _summed_in(child, dtype))


def test_stages_where_no_tma_is_required(gemm, kernel_of) -> None:
    spec = replace(gemm, hardware=replace(gemm.hardware, require=()))
    body = changed("num_stages=num_stages", "num_stages=0")
    assert check_static(spec, body, kernel_of(body)).diagnostics == ()


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
    """Every name allowed exists, and somebody has judged every name that exists."""
    import tilelang.language as T

    assert sorted(name for name in TILE_NAMES if not hasattr(T, name)) == []
    public = {name for name in dir(T) if not name.startswith("_")}
    assert sorted(name for name in public - TILE_NAMES if refusal(name) is None) == []
    assert all(hasattr(getattr(T, outer), name) for outer, names in NESTED.items() for name in names)


def test_everything_that_the_reference_teaches_is_allowed(root: Path) -> None:
    text = (root / "patterns" / "reference.md").read_text(encoding="utf-8")
    taught = set(re.findall(r"\bT\.(\w+)", text))
    assert len(taught) > 50
    assert {name for name in taught - TILE_NAMES if not any(each.startswith(name) for each in TILE_NAMES)} == set()


HATCHES = ["call_extern", "import_source", "ptx_mma", "tvm_call_packed", "tir", "print", "access_ptr"]


@pytest.mark.parametrize("name", HATCHES)
def test_escape_hatches_are_refused_with_a_reason(name: str) -> None:
    assert name not in TILE_NAMES
    assert refusal(name)


def test_the_gate_imports_neither_torch_nor_tilelang() -> None:
    code = "import sys, tileops_spec.gates.static; print({'torch', 'tilelang'} & set(sys.modules))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout == "set()\n"


def test_rules_have_names_and_words() -> None:
    assert all(rule.__doc__ for rule in (*CHECKS, *RULES))
    assert all(rule.__name__.startswith("ap") for rule in RULES)


def test_rules_are_among_the_antipatterns() -> None:
    """A rule's code is one that the prompt teaches."""
    from tileops_spec.knowledge.antipatterns import load_antipatterns

    known = {each.code for each in load_antipatterns()}
    assert {rule.__name__.split("_")[0].upper() for rule in RULES} <= known
