"""The emulate gate: an honest body passes; each seeded fault is refused under its code, with the case named."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tileops_spec.gates.emulate import check_emulation
from tileops_spec.gates.isolation import Limits
from tileops_spec.scaffold.body import Body

from .conftest import LIMITS, TUNABLES, changed

WRONG = {
    "wrong K bound": ("T.ceildiv(K, block_K), num", "K // block_K, num", "TS431"),
    "swapped tile indices": ("C[by * block_M, bx * block_N]", "C[bx * block_M, by * block_N]", {"TS431", "TS436"}),
    "forgotten transpose": ("A[by * block_M, k * block_K]", "A[by * block_M, 0]", "TS431"),
    "f16 accumulator": ('"float32"', '"float16"', "TS431"),
    "missing clear": ("    T.clear(acc)\n", "", "TS432"),
    "last rows unwritten": ("T.ceildiv(M, block_M), threads", "T.max(M // block_M, 1), threads", "TS436"),
    "input overwritten": (
        "    T.copy(acc, C[",
        "    T.copy(B_s, B[0, 0])\n    T.copy(acc, C[",
        {"TS437", "TS431", "TS432"},
    ),
    "two blocks store one tile": ("C[by * block_M, bx * block_N]", "C[0, bx * block_N]", {"TS432", "TS436"}),
}


def test_honest_body_passes(gemm, cases, kernel_of, honest: Body) -> None:
    verdict = check_emulation(gemm, cases, kernel_of(honest), LIMITS)
    assert verdict.status == "passed", verdict.summary
    assert verdict.facts["cases"] == len(cases)


@pytest.mark.parametrize("fault", WRONG)
def test_fault_is_refused(gemm, cases, kernel_of, fault: str) -> None:
    before, after, codes = WRONG[fault]
    kernel = kernel_of(changed(before, after))
    verdict = check_emulation(gemm, cases, kernel, LIMITS)
    assert verdict.status == "failed"
    found = {finding.code for finding in verdict.diagnostics}
    assert found & ({codes} if isinstance(codes, str) else codes), verdict.summary
    for finding in verdict.diagnostics:
        assert "T=" in finding.message
        assert finding.help
        assert finding.span.path == kernel.path


def test_a_fault_of_other_tunables_names_them(gemm, cases, kernel_of) -> None:
    body = changed("T.ceildiv(N, block_N)", "T.ceildiv(N, 64)")
    tunables = tuple((name, (64, 32) if name == "block_N" else values) for name, values in TUNABLES)
    verdict = check_emulation(gemm, cases[:2], kernel_of(replace(body, tunables=tunables)), LIMITS)
    assert verdict.diagnostics[0].code == "TS436"
    assert verdict.diagnostics[0].message.endswith(", block_N=32)")


def test_endless_loop_is_killed(gemm, cases, kernel_of) -> None:
    body = changed("    T.clear(acc)\n", "    while by >= 0:\n        T.clear(acc)\n")
    verdict = check_emulation(gemm, cases[:1], kernel_of(body), Limits(seconds=8))
    assert [finding.code for finding in verdict.diagnostics] == ["TS434"]
    assert "did not end within 8 s" in verdict.summary


def test_crash_ends_the_child_only(gemm, cases, kernel_of) -> None:
    """A body that brings its process down while it is traced: here by the deepest recursion there is."""
    body = changed("    T.clear(acc)\n", "    T.clear(acc)\n    ().__class__.__base__.__subclasses__\n")
    text = kernel_of(body).text.replace("().__class__.__base__.__subclasses__", "__import__('ctypes').string_at(0)")
    kernel = kernel_of(body)
    with open(kernel.path, "w", encoding="utf-8") as file:
        file.write(text)
    verdict = check_emulation(gemm, cases[:1], kernel, LIMITS)
    assert [finding.code for finding in verdict.diagnostics] == ["TS433"]
    assert "SIGSEGV" in verdict.summary


def test_a_construct_that_the_simulator_lacks_is_no_pass(gemm, cases, kernel_of) -> None:
    body = changed("    T.clear(acc)\n", '    T.clear(acc)\n    T.call_extern("int32", "mystery", acc.data)\n')
    verdict = check_emulation(gemm, cases[:1], kernel_of(body), LIMITS)
    assert verdict.status in ("unsupported", "failed")
    assert {finding.code for finding in verdict.diagnostics} == {"TS406", "TS435"}
