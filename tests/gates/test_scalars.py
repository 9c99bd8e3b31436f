"""Tensors without axes, read and written: one element to a kernel, since TileLang has no buffers of rank 0."""

from __future__ import annotations

import pytest

from tileops_spec.analysis.cases import draw_cases
from tileops_spec.check import load_spec
from tileops_spec.diagnostics.diagnostic import Sink
from tileops_spec.diagnostics.text import SourceText
from tileops_spec.gates.emulate import check_emulation
from tileops_spec.scaffold.body import Body
from tileops_spec.scaffold.render import render_kernel

from .conftest import LIMITS

TEXT = """\
op: shifted_total
summary: The sum of x, and a number more.
dtypes: {T: f32}
dims: {M: dynamic}
inputs: {x: "T[M]", more: "T[]"}
outputs: {y: "T[]"}
math: |
  y[] = sum[m](x[m]) + more[]
workloads:
  - {name: small, M: 64}
"""
CODE = """\
with T.Kernel(1, threads=128) as b:
    v = T.alloc_fragment((128,), "float32")
    total = T.alloc_fragment((1,), "float32")
    T.clear(v)
    for c in T.serial(T.ceildiv(M, 128)):
        for i in T.Parallel(128):
            v[i] += T.if_then_else(c * 128 + i < M, x[c * 128 + i], 0.0)
    T.reduce_sum(v, total, dim=0)
    for i in T.Parallel(1):
        y[i] = total[i] + more[i]
"""


@pytest.mark.parametrize(("code", "codes"), [(CODE, set()), (CODE.replace(" + more[i]", " - more[i]"), {"TS431"})])
def test_numbers_go_in_and_out(tmp_path, code: str, codes: set[str]) -> None:
    path = tmp_path / "shifted_total.yaml"
    path.write_text(TEXT, encoding="utf-8")
    sink = Sink()
    spec = load_spec(path, sink)
    assert spec is not None, sink.diagnostics
    file = tmp_path / "kernel.py"
    file.write_text(render_kernel(spec, Body(code, ())), encoding="utf-8")
    cases = draw_cases(spec, count=4, seed=0)
    verdict = check_emulation(spec, cases, SourceText(str(file), file.read_text(encoding="utf-8")), LIMITS)
    assert {finding.code for finding in verdict.diagnostics} == codes, verdict.summary
