"""A small GEMM spec with few shapes, and honest and dishonest bodies for it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tileops_spec.analysis.cases import Case, draw_cases
from tileops_spec.check import load_spec
from tileops_spec.diagnostics.diagnostic import Sink
from tileops_spec.diagnostics.text import SourceText
from tileops_spec.gates.isolation import Limits, warm_up
from tileops_spec.ir.spec import Spec
from tileops_spec.scaffold.body import Body
from tileops_spec.scaffold.render import render_kernel

LIMITS = Limits(seconds=60)
TUNABLES = (("block_M", (64,)), ("block_N", (64,)), ("block_K", (32,)), ("num_stages", (2,)), ("threads", (128,)))
HONEST = """\
with T.Kernel(T.ceildiv(N, block_N), T.ceildiv(M, block_M), threads=threads) as (bx, by):
    A_s = T.alloc_shared((block_M, block_K), dtype)
    B_s = T.alloc_shared((block_N, block_K), dtype)
    acc = T.alloc_fragment((block_M, block_N), "float32")
    T.clear(acc)
    for k in T.Pipelined(T.ceildiv(K, block_K), num_stages=num_stages):
        T.copy(A[by * block_M, k * block_K], A_s)
        T.copy(B[bx * block_N, k * block_K], B_s)
        T.gemm(A_s, B_s, acc, transpose_B=True)
    T.copy(acc, C[by * block_M, bx * block_N])
"""


def changed(before: str, after: str) -> Body:
    """The honest body with one piece of text replaced."""
    assert HONEST.count(before) == 1
    return Body(HONEST.replace(before, after), TUNABLES)


@pytest.fixture(scope="session")
def gemm(root: Path) -> Spec:
    warm_up()
    spec = load_spec(root / "specs" / "gemm.yaml", Sink())
    assert spec is not None
    return spec


@pytest.fixture(scope="session")
def cases(gemm: Spec) -> tuple[Case, ...]:
    return draw_cases(gemm, count=6, seed=1, static_shapes=1)


@pytest.fixture
def kernel_of(gemm: Spec, tmp_path: Path) -> Callable[[Body], SourceText]:
    """The rendered kernel.py of a body, on disk."""

    def render(body: Body) -> SourceText:
        path = tmp_path / "kernel.py"
        path.write_text(render_kernel(gemm, body), encoding="utf-8")
        return SourceText(str(path), path.read_text(encoding="utf-8"))

    return render


@pytest.fixture
def honest() -> Body:
    return Body(HONEST, TUNABLES)
