"""lower and compile: what passes shows its features and its resources; what does not names the line of the body."""

from __future__ import annotations

import pytest

from tileops_spec.gates import compile as compiling
from tileops_spec.gates.candidate import representative_bindings
from tileops_spec.gates.compile import check_compilation, find_nvcc
from tileops_spec.gates.lower import Lowered, check_lowering
from tileops_spec.hardware import TARGETS
from tileops_spec.scaffold.body import Body

from .conftest import HONEST, LIMITS, TUNABLES, changed

TARGET = TARGETS["sm_90a"]


def _lower(gemm, cases, kernel):
    return check_lowering(gemm, representative_bindings(gemm, cases), kernel, TARGET, LIMITS)


def test_honest_body_lowers_and_compiles(gemm, cases, kernel_of, honest: Body) -> None:
    kernel = kernel_of(honest)
    verdict, builds = _lower(gemm, cases, kernel)
    assert verdict.status == "passed", verdict.summary
    assert {build.label.split()[0] for build in builds} == {"T=f16", "T=bf16"}
    assert all("wgmma" in build.cuda for build in builds)
    compiled = check_compilation(builds, kernel, TARGET)
    assert compiled.status == ("passed" if find_nvcc() else "skipped"), compiled.summary


def test_wrong_shape_names_the_line(gemm, cases, kernel_of) -> None:
    kernel = kernel_of(changed("T.gemm(A_s, B_s, acc, transpose_B=True)", "T.gemm(A_s, B_s, acc)"))
    verdict, builds = _lower(gemm, cases, kernel)
    assert not builds
    finding = verdict.diagnostics[0]
    assert finding.code == "TS411"
    assert kernel.text[finding.span.start : finding.span.end] == "T.gemm(A_s, B_s, acc)"
    assert "shape check failed" in finding.message


def test_unknown_name_is_a_finding_not_a_traceback(gemm, cases, kernel_of) -> None:
    kernel = kernel_of(changed("T.clear(acc)", "T.clear(accumulator)"))
    verdict, _ = _lower(gemm, cases, kernel)
    finding = verdict.diagnostics[0]
    assert "NameError" in finding.message
    assert "Traceback" not in finding.message
    assert kernel.position(finding.span.start).line == kernel.text[: kernel.text.index("accumulator")].count("\n") + 1


def test_missing_feature(gemm, cases, kernel_of) -> None:
    """A tile of 32 rows lowers, but without WGMMA."""
    narrow = (("block_M", (32,)), *TUNABLES[1:])
    verdict, _ = _lower(gemm, cases, kernel_of(Body(HONEST, narrow)))
    assert {finding.code for finding in verdict.diagnostics} == {"TS412"}
    assert "wgmma" in verdict.summary


def test_too_much_shared_memory(gemm, cases, kernel_of) -> None:
    big = (("block_M", (256,)), ("block_N", (256,)), ("block_K", (128,)), ("num_stages", (2,)), ("threads", (256,)))
    kernel = kernel_of(Body(HONEST, big))
    verdict, builds = _lower(gemm, cases, kernel)
    assert verdict.status == "passed", verdict.summary
    if find_nvcc() is None:
        pytest.skip("no nvcc: shared memory is checked with the compilation")
    compiled = check_compilation(builds, kernel, TARGET)
    assert "TS422" in {finding.code for finding in compiled.diagnostics}
    assert "of 232448 on sm_90a" in compiled.summary


@pytest.mark.skipif(find_nvcc() is None, reason="no nvcc")
def test_nvcc_rejection(kernel_of, honest: Body) -> None:
    broken = Lowered("T=f16", 'extern "C" __global__ void f() { undeclared(); }', ({"threads": 128, "shared": 0},))
    verdict = check_compilation([broken], kernel_of(honest), TARGET)
    assert [finding.code for finding in verdict.diagnostics] == ["TS421"]
    assert "undeclared" in verdict.summary


def test_skipped_without_nvcc(kernel_of, honest: Body, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiling, "find_nvcc", lambda: None)
    verdict = check_compilation([], kernel_of(honest), TARGET)
    assert verdict.status == "skipped"
    assert "no nvcc" in verdict.summary
