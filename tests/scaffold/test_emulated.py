"""The generated Op on the CPU, whole: TileLang's front end, the simulator, torch."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch

pytest.importorskip("tilelang")
pytestmark = pytest.mark.skipif(
    torch.cuda.is_available() or shutil.which("g++") is None,
    reason="emulation needs g++, and is for machines with no GPU",
)
ROOT = Path(__file__).parents[2]


def test_gemm(generated):
    A, B = torch.randn(70, 40, dtype=torch.float16), torch.randn(72, 40, dtype=torch.float16)
    C = generated["gemm"].gemm(A, B)
    torch.testing.assert_close(C.float(), A.float() @ B.float().T, rtol=2e-3, atol=2e-3)


def test_a_kernel_is_built_once(generated, monkeypatch):
    from made_by_tospec.rms_norm.kernel import RmsNormKernel

    from tileops_spec import simulate

    built = []
    build = simulate.build
    monkeypatch.setattr(simulate, "build", lambda program: built.append(program) or build(program))
    kernel = RmsNormKernel(64, "bfloat16", eps=0.125)
    x, w, y = torch.randn(5, 64).bfloat16(), torch.randn(64).bfloat16(), torch.empty(5, 64).bfloat16()
    for rows in (5, 3):
        kernel(x[:rows], w, y[:rows])
    expected = torch.nn.functional.rms_norm(x.float(), (64,), w.float(), 0.125)
    torch.testing.assert_close(y.float(), expected, rtol=1e-2, atol=1e-2)
    assert len(built) == 1


def test_unwritten_outputs_are_poisoned(generated, monkeypatch):
    from made_by_tospec.rms_norm import kernel as module

    from tileops_spec import simulate

    class Idle:
        def run(self, tensors):
            return simulate.Report((), 0.0)

    monkeypatch.setattr(simulate, "build", lambda program: Idle())
    y = torch.zeros(5, 64, dtype=torch.float16)
    module.RmsNormKernel(64)(torch.zeros(5, 64, dtype=torch.float16), torch.zeros(64, dtype=torch.float16), y)
    assert y.isnan().all()


def test_findings_are_errors(tmp_path, gemm, gemm_body):
    """A body that reads what it never wrote: the Op raises instead of returning something."""
    from tileops_spec.scaffold.body import Body
    from tileops_spec.scaffold.render import render_kernel

    uncleared = Body(gemm_body.code.replace("    T.clear(C_local)\n", ""), gemm_body.tunables)
    (tmp_path / "uncleared_kernel.py").write_text(render_kernel(gemm, uncleared))
    sys.path.insert(0, str(tmp_path))
    try:
        from uncleared_kernel import GemmKernel
    finally:
        sys.path.remove(str(tmp_path))
    tensors = [torch.zeros(shape, dtype=torch.float16) for shape in ((64, 32), (64, 32), (64, 64))]
    with pytest.raises(RuntimeError, match=r"gemm, emulated: .*C_local"):
        GemmKernel(32, 64)(*tensors)


def test_generated_tests_pass(tmp_path, gemm, rms_norm, gemm_body, row_norm_body):
    """A project as users have it: specs/, generated/, pytest on the command line."""
    from tileops_spec.scaffold.publish import publish
    from tileops_spec.scaffold.render import render_op, render_package

    shutil.copytree(ROOT / "specs", tmp_path / "specs")
    files = {"generated/__init__.py": render_package()}
    for spec, body in ((gemm, gemm_body), (rms_norm, row_norm_body)):
        files |= {f"generated/{spec.op}/{name}": text for name, text in render_op(spec, body).items()}
    publish(tmp_path, files)
    command = [sys.executable, "-m", "pytest", "-q", "--import-mode=importlib", "-p", "no:cacheprovider", "generated"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout[-4000:]
    assert "skipped" not in done.stdout
