"""What the templates write: the same bytes each time, clean under ruff, the body where it belongs."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest
import ruff

from tileops_spec.check import load_spec
from tileops_spec.diagnostics.diagnostic import Sink
from tileops_spec.scaffold.body import Body
from tileops_spec.scaffold.regions import body_was_edited, extract_body, has_marks
from tileops_spec.scaffold.render import canonical_body, render_hole, render_kernel, render_op

ROOT = Path(__file__).parents[2]
PASS = Body("with T.Kernel(1) as _:\n    pass\n", (("threads", (128,)),))


LONG = ("avg_pool1d", "batch_norm", "conv2d", "embedding_lookup", "fused_add_rms_norm", "gemm_fp8", "masked_fill")
"""Specs with long names, clauses, shapes or groups of dtypes."""


@pytest.mark.parametrize("name", ["gemm", "rms_norm", "gqa_fwd", *LONG])
def test_ruff_has_nothing_to_say(name, tmp_path):
    files = render_op(load_spec(ROOT / "specs" / f"{name}.yaml", Sink()), PASS)
    for file, text in files.items():
        (tmp_path / file).write_text(text)
    config = ["--config", str(ROOT / "pyproject.toml"), "--no-cache", str(tmp_path)]
    for command in (["check"], ["format", "--check"]):
        done = subprocess.run([ruff.find_ruff_bin(), *command, *config], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout


def test_deterministic(gemm, gemm_body):
    assert render_op(gemm, gemm_body) == render_op(gemm, gemm_body)


def test_canonical_body_is_a_fixed_point(gemm, gemm_body):
    rough = Body(gemm_body.code.replace(" * ", "*") + "\n\n", gemm_body.tunables)
    once = canonical_body(gemm, rough)
    assert once == canonical_body(gemm, gemm_body) == canonical_body(gemm, once)
    kernel = render_op(gemm, rough)["kernel.py"]
    assert extract_body(kernel) == once
    assert kernel == render_kernel(gemm, once)
    assert not body_was_edited(kernel)


def test_default_of_a_tunable_is_its_first_candidate(gemm, gemm_body):
    kernel = ast.parse(render_kernel(gemm, gemm_body))
    factory = next(node for node in kernel.body if isinstance(node, ast.FunctionDef))
    assert factory.name == "gemm_kernel"
    assert [arg.arg for arg in factory.args.args] == ["K", "N", "dtype"]
    pairs = zip(factory.args.kwonlyargs, factory.args.kw_defaults, strict=True)
    defaults = {arg.arg: ast.literal_eval(value) for arg, value in pairs}
    assert defaults == {"block_M": 64, "block_N": 64, "block_K": 32, "threads": 128}


def test_body_that_is_no_python_still_stands_in_its_place(gemm):
    broken = Body("with T.Kernel(1 as x:\n  oops(\n", ())
    files = render_op(gemm, broken)
    assert extract_body(files["kernel.py"]) == broken
    assert files["op.py"] == render_op(gemm, PASS)["op.py"]


def test_body_cannot_leave_its_region(gemm):
    with pytest.raises(ValueError, match="mark"):
        render_op(gemm, Body("x = 1\n# tospec: body end\n", ()))


def test_hole(gqa_fwd):
    hole = render_hole(gqa_fwd)
    assert "# <your body here>" in hole
    assert "TUNABLES = {}" in hole
    assert has_marks(hole)
    assert "scale = 1 / math.sqrt(D)" in hole


def test_param_that_needs_a_dynamic_dim_has_no_default(spec_from):
    spec = spec_from(
        "op: op\nsummary: s\ndtypes: {T: f16}\ndims: {M: dynamic}\ninputs: {x: 'T[M, D]'}\noutputs: {y: 'T[M, D]'}\n"
        "params: {c: f32 = 1 / M, d: f32 = 2 * c, e: f32 = 1 / D}\n"
        "math: |\n  y[m, d_] = x[m, d_] * c * d * e\n"
    )
    assert 'def op_kernel(D, dtype="float16", *, c, d, e=None, threads=128):' in render_kernel(spec, PASS)


def test_names_that_collide(spec_from):
    spec = spec_from(
        "op: op\nsummary: s\ndtypes: {E: f16}\ninputs: {T: 'E[M, self]', lambda: 'E[M]'}\noutputs: {y: 'E[M, self]'}\n"
        "math: |\n  y[m, d] = T[m, d] * lambda[m]\n"
    )
    files = render_op(spec, PASS)
    assert "T_: T.Tensor((M, self_), dtype), lambda_: T.Tensor((M,), dtype)" in files["kernel.py"]
    assert "def op(T_: Tensor, lambda_: Tensor) -> Tensor:" in files["op.py"]
    for text in files.values():
        ast.parse(text)


def test_several_outputs_and_concrete_dtypes(spec_from):
    spec = spec_from(
        "op: op\nsummary: s\ninputs: {x: 'f32[M, D // 2]', z: 'i32[D]'}\noutputs: {y: 'f32[M]', n: 'i32[D]'}\n"
        "math: |\n  y[m] = sum[d](x[m, d])\n  n[d] = z[d] + 1\n"
    )
    op = render_op(spec, PASS)["op.py"]
    assert "-> tuple[Tensor, Tensor]:" in op
    assert "n = torch.empty((D,), dtype=torch.int32, device=x.device)" in op
    assert "x.shape[1] == D // 2" in op
    ast.parse(op)


def test_rendering_imports_neither_torch_nor_tilelang(gemm):
    code = (
        "import sys\nfrom pathlib import Path\nfrom tileops_spec.check import load_spec\n"
        "from tileops_spec.diagnostics.diagnostic import Sink\nfrom tileops_spec.scaffold.body import Body\n"
        "from tileops_spec.scaffold.render import render_op\n"
        f"render_op(load_spec(Path({gemm.path!r}), Sink()), Body('pass\\n'))\n"
        "print(sorted({'torch', 'tilelang', 'numpy', 'z3'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
