"""Generated packages of what the wide language adds: their own tests pass, emulated, with bodies that are right."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from tileops_spec.check import load_spec
from tileops_spec.diagnostics.diagnostic import Sink
from tileops_spec.scaffold.body import Body
from tileops_spec.scaffold.publish import publish
from tileops_spec.scaffold.render import render_op, render_package

pytest.importorskip("tilelang")
pytestmark = pytest.mark.skipif(
    torch.cuda.is_available() or shutil.which("g++") is None,
    reason="emulation needs g++, and is for machines with no GPU",
)

CACHE = (
    """\
op: wide_cache
summary: Rows written to their slots of a cache, in place, and their sums.
dtypes: {T: f16 | bf16}
dims: {N: dynamic}
inputs: {cache: "T[P, D]", slot: "i32[N]", k: "T[N, D]"}
outputs: {cache: "T[P, D]", total: "f32[N]"}
where: [N <= P, "all[n](0 <= slot[n] < P)", distinct(slot)]
math: |
  cache[slot[n], d] = k[n, d]
  total[n] = sum[d](f32(k[n, d]))
reference:
  torch: (cache.index_copy(0, slot.long(), k), wide(k).sum(1))
""",
    """\
with T.Kernel(N, threads=32) as row:
    row_local = T.alloc_fragment((1, D), "float32")
    total_local = T.alloc_fragment((1,), "float32")
    for d in T.Parallel(D):
        row_local[0, d] = T.cast(k[row, d], "float32")
    T.reduce_sum(row_local, total_local, dim=1)
    for d in T.Parallel(D):
        cache[slot[row], d] = k[row, d]
    total[row] = total_local[0]
""",
)
BIAS = (
    """\
op: wide_bias
summary: A scaled tensor with an optional bias, in a dtype that the caller chooses.
dtypes: {T: f16 | bf16, Q: f32 | f16}
dims: {M: dynamic}
inputs: {bias: "T[N] = 0", x: "T[M, N]", bounds: "i32[M + 1]"}
params: {repeat: i32 = 2}
outputs: {y: "Q[M, repeat * N]", length: "i32[M]"}
where: [repeat >= 1]
math: |
  y[m, j] = f32(x[m, j % N]) + f32(bias[j % N])
  length[m] = bounds[m + 1] - bounds[m]
reference:
  torch: |
    ((wide(x) + (0 if bias is None else wide(bias))).repeat(1, repeat).to(Q), bounds.diff())
""",
    """\
with T.Kernel(M, threads=32) as row:
    for j in T.Parallel(repeat * N):
        if has_bias:
            y[row, j] = T.cast(x[row, j % N], "float32") + T.cast(bias[j % N], "float32")
        else:
            y[row, j] = T.cast(x[row, j % N], "float32")
    length[row] = bounds[row + 1] - bounds[row]
""",
)


@pytest.mark.parametrize(("text", "code"), [CACHE, BIAS], ids=["in place", "optional"])
def test_generated_tests_pass(text: str, code: str, tmp_path: Path) -> None:
    op = text.split("\n", 1)[0].removeprefix("op: ")
    (tmp_path / "specs").mkdir()
    path = tmp_path / "specs" / f"{op}.yaml"
    path.write_text(text, encoding="utf-8")
    sink = Sink()
    spec = load_spec(path, sink)
    assert spec is not None, sink.diagnostics
    files = {"generated/__init__.py": render_package()}
    files |= {f"generated/{op}/{name}": content for name, content in render_op(spec, Body(code)).items()}
    publish(tmp_path, files)
    command = [sys.executable, "-m", "pytest", "-q", "--import-mode=importlib", "-p", "no:cacheprovider", "generated"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout[-4000:]
