"""A seeded fault is shown at the smallest case that has it; replaying that case shows it again."""

from __future__ import annotations

import pytest

from tileops_spec.analysis.case_text import parse_case
from tileops_spec.analysis.shrink import Budget
from tileops_spec.gates.emulate import check_emulation
from tileops_spec.scaffold.body import Body

from .conftest import LIMITS, changed

BUDGET = Budget(seconds=60, runs=24)
FAULTS = {
    "wrong K bound": ("T.ceildiv(K, block_K), num", "K // block_K, num", "TS431", "M=1 K=8 N=8"),
    "last rows unwritten": (
        "T.ceildiv(M, block_M), threads",
        "T.max(M // block_M, 1), threads",
        "TS436",
        "M=65 K=8 N=8",
    ),
    "missing clear": ("    T.clear(acc)\n", "", "TS432", "M=1 K=8 N=8"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_the_smallest_shape_is_found_and_replays(gemm, cases, kernel_of, honest: Body, fault: str) -> None:
    before, after, code, shape = FAULTS[fault]
    kernel = kernel_of(changed(before, after))
    verdict = check_emulation(gemm, cases[:2], kernel, LIMITS, budget=BUDGET)
    minimal = verdict.facts["minimal"]
    assert minimal["code"] == verdict.diagnostics[0].code == code
    assert f" {shape} " in minimal["case"]
    smallest = parse_case(minimal["case"], gemm)
    again = check_emulation(gemm, [smallest], kernel, LIMITS, exactly=True)
    assert again.facts == {"cases": 1, "builds": 1}
    assert (again.diagnostics[0].code, again.diagnostics[0].message) == (code, minimal["message"])
    assert check_emulation(gemm, [smallest], kernel_of(honest), LIMITS, exactly=True).status == "passed"


def test_findings_are_the_same_with_a_budget(gemm, cases, kernel_of) -> None:
    """What a model sees of a failure: nothing that the smallest case has shown."""
    kernel = kernel_of(changed("T.ceildiv(K, block_K), num", "K // block_K, num"))
    plain = check_emulation(gemm, cases[:2], kernel, LIMITS)
    shrunk = check_emulation(gemm, cases[:2], kernel, LIMITS, budget=Budget(seconds=60, runs=1))
    assert plain.diagnostics == shrunk.diagnostics
    assert "minimal" not in plain.facts


def test_faults_of_no_case_stay(gemm, cases, kernel_of) -> None:
    body = changed("    T.clear(acc)\n", '    T.clear(acc)\n    T.call_extern("int32", "mystery", acc.data)\n')
    verdict = check_emulation(gemm, cases[:1], kernel_of(body), LIMITS, budget=BUDGET)
    assert verdict.diagnostics
    assert "minimal" not in verdict.facts
