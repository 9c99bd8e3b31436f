"""Making cases smaller: to the least shape that fails, within the clauses and the budget."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tileops_spec.analysis.binding import holds
from tileops_spec.analysis.case_text import case_text, parse_case
from tileops_spec.analysis.cases import Case, draw_cases
from tileops_spec.analysis.shrink import Budget, shrink_case
from tileops_spec.ir.spec import Spec

ENOUGH = Budget(seconds=60, runs=200)


def shrunk(spec: Spec, text: str, fails: Callable[[dict], bool], budget: Budget = ENOUGH) -> str:
    """The smaller case as text; every case that is tried satisfies the clauses."""

    def judge(cases: list[Case]) -> list[bool]:
        assert not any(holds(spec, case.binding(spec)) for case in cases)
        return [fails({**case.binding(spec).dims, **case.binding(spec).params, "case": case}) for case in cases]

    return case_text(shrink_case(spec, parse_case(text, spec), judge, budget), spec)


@pytest.mark.parametrize(
    ("fails", "least"),
    [
        (lambda at: True, "M=1 K=8 N=8"),
        (lambda at: at["M"] > 64, "M=65 K=8 N=8"),
        (lambda at: at["M"] % 16 and at["M"] > 16, "M=17 K=8 N=8"),
        (lambda at: at["K"] >= 40, "M=1 K=40 N=8"),
        (lambda at: at["M"] >= 100 and at["N"] >= 64, "M=100 K=8 N=64"),
    ],
)
def test_to_the_least_shape(project_spec, fails, least: str) -> None:
    spec = project_spec("gemm")
    found = shrunk(spec, "T=bf16 M=257 K=264 N=136 data=heavy seed=77", fails)
    assert found == f"T=bf16 {least} data=integers seed=0"


def test_dims_that_divide_each_other_shrink_together(project_spec) -> None:
    spec = project_spec("gqa_fwd")
    start = case_text(next(case for case in draw_cases(spec, count=20, seed=0) if dict(case.dims)["HK"] > 1), spec)
    dims = dict(parse_case(shrunk(spec, start, lambda at: at["H"] > at["HK"]), spec).dims)
    assert (dims["H"], dims["HK"], dims["B"], dims["Sq"]) == (2, 1, 1, 1)


def test_data_and_seed_stay_where_they_matter(project_spec) -> None:
    spec = project_spec("gemm")
    found = shrunk(spec, "M=5 K=8 N=8 data=scaled seed=5", lambda at: at["case"].data in ("heavy", "scaled"))
    assert found == "T=f16 M=1 K=8 N=8 data=scaled seed=0"
    found = shrunk(spec, "M=5 K=8 N=8 data=heavy seed=5", lambda at: at["case"].seed == 5)
    assert found == "T=f16 M=1 K=8 N=8 data=integers seed=5"


def test_params_go_to_their_defaults_and_optional_inputs_away(project_spec) -> None:
    spec = project_spec("attention_sink")
    start = next(case for case in draw_cases(spec, count=20, seed=0) if case.params and not case.absent)
    found = parse_case(shrunk(spec, case_text(start, spec), lambda at: True), spec)
    assert (found.params, found.absent) == ((), ("sink",))
    kept = parse_case(shrunk(spec, case_text(start, spec), lambda at: not at["case"].absent), spec)
    assert (kept.params, kept.absent) == ((), ())


def test_the_budget_is_kept(project_spec) -> None:
    spec, runs = project_spec("gemm"), []
    case = parse_case("M=257 K=264 N=136", spec)

    def judge(cases: list[Case]) -> list[bool]:
        runs.append(len(cases))
        return [dict(each.dims)["M"] > 200 for each in cases]

    small = shrink_case(spec, case, judge, Budget(seconds=60, runs=2))
    assert len(runs) == 2
    assert judge([small]) == [True]
    assert shrink_case(spec, case, judge, Budget(seconds=0)) == case


def test_a_case_that_cannot_be_smaller_stays(project_spec) -> None:
    spec = project_spec("gemm")
    case = parse_case("M=1 K=8 N=8 data=integers", spec)
    assert shrink_case(spec, case, lambda cases: [False] * len(cases), ENOUGH) == case
