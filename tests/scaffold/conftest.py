"""Specs and hand-written bodies that the scaffold's tests share."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import pytest

from tileops_spec.check import load_spec
from tileops_spec.diagnostics.diagnostic import Sink
from tileops_spec.scaffold.body import Body
from tileops_spec.scaffold.render import render_op, render_package

SPECS = Path(__file__).parents[2] / "specs"

GEMM_BODY = Body(
    """\
with T.Kernel(T.ceildiv(N, block_N), T.ceildiv(M, block_M), threads=threads) as (bx, by):
    A_shared = T.alloc_shared((block_M, block_K), dtype)
    B_shared = T.alloc_shared((block_N, block_K), dtype)
    C_local = T.alloc_fragment((block_M, block_N), "float32")
    T.clear(C_local)
    for k in T.Pipelined(T.ceildiv(K, block_K), num_stages=2):
        T.copy(A[by * block_M, k * block_K], A_shared)
        T.copy(B[bx * block_N, k * block_K], B_shared)
        T.gemm(A_shared, B_shared, C_local, transpose_B=True)
    T.copy(C_local, C[by * block_M, bx * block_N])
""",
    (("block_M", (64, 128)), ("block_N", (64, 128)), ("block_K", (32, 64)), ("threads", (128,))),
)

ROW_NORM_BODY = Body(
    """\
with T.Kernel(S, threads=threads) as row:
    x_local = T.alloc_fragment((1, D), "float32")
    square = T.alloc_fragment((1, D), "float32")
    total = T.alloc_fragment((1,), "float32")
    for j in T.Parallel(D):
        x_local[0, j] = T.cast(x[row, j], "float32")
    for j in T.Parallel(D):
        square[0, j] = x_local[0, j] * x_local[0, j]
    T.reduce_sum(square, total, dim=1)
    for j in T.Parallel(D):
        y[row, j] = x_local[0, j] * T.rsqrt(total[0] / D + eps) * T.cast(w[j], "float32")
""",
    (("threads", (128, 256)),),
)

# Not attention: the Op's tests put torch in its place.
IDLE_BODY = Body("with T.Kernel(1, threads=threads) as _:\n    T.evaluate(0)\n", (("threads", (128,)),))
BODIES = {"gemm": GEMM_BODY, "rms_norm": ROW_NORM_BODY, "gqa_fwd": IDLE_BODY}


def load(name: str):
    sink = Sink()
    spec = load_spec(SPECS / f"{name}.yaml", sink)
    assert spec is not None, sink.diagnostics
    return spec


@pytest.fixture(scope="session")
def gemm():
    return load("gemm")


@pytest.fixture(scope="session")
def rms_norm():
    return load("rms_norm")


@pytest.fixture(scope="session")
def gqa_fwd():
    return load("gqa_fwd")


@pytest.fixture(scope="session")
def gemm_body():
    return GEMM_BODY


@pytest.fixture(scope="session")
def row_norm_body():
    return ROW_NORM_BODY


@pytest.fixture
def spec_from(tmp_path):
    """The spec that a YAML text gives."""

    def build(text: str, op: str = "op"):
        path = tmp_path / f"{op}.yaml"
        path.write_text(text, encoding="utf-8")
        sink = Sink()
        spec = load_spec(path, sink)
        assert spec is not None, [found.message for found in sink.diagnostics]
        return spec

    return build


@pytest.fixture(scope="session")
def generated(tmp_path_factory):
    """The three ops, rendered and importable as `made_by_tospec.<op>`.

    Their torch operators live in a namespace of their own: the committed ops of the same names may be loaded too.
    """
    root = tmp_path_factory.mktemp("tree")
    package = root / "made_by_tospec"
    package.mkdir()
    (package / "__init__.py").write_text(render_package())
    for name, body in BODIES.items():
        folder = package / name
        folder.mkdir()
        for file, text in render_op(load(name), body).items():
            (folder / file).write_text(text.replace("tospec::", "tospec_scaffold_tests::"))
    sys.path.insert(0, str(root))
    yield {name: importlib.import_module(f"made_by_tospec.{name}") for name in BODIES}
    sys.path.remove(str(root))
