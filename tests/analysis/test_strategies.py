"""Cases as a hypothesis strategy: allowed, cheap, at every edge; shrinking ends at the least that fails."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, find, given, settings

from tileops_spec.analysis.binding import holds, shape_of
from tileops_spec.analysis.cases import DISTRIBUTIONS, WORK, Case, make_inputs
from tileops_spec.analysis.cost import cost
from tileops_spec.analysis.strategies import cases_of
from tileops_spec.ir.spec import Spec
from tileops_spec.testing import load

QUIET = {"database": None, "deadline": None, "suppress_health_check": list(HealthCheck), "derandomize": True}


def drawn(spec: Spec, count: int, **options) -> list[Case]:
    """Cases as hypothesis draws them, always the same."""
    found: list[Case] = []

    @settings(max_examples=count, phases=[Phase.generate], **QUIET)
    @given(cases_of(spec, **options))
    def collect(case: Case) -> None:
        found.append(case)

    collect()
    return found


def test_every_edge_appears(project_spec) -> None:
    cases = drawn(project_spec("gemm"), 500)
    rows = {dict(case.dims)["M"] for case in cases}
    assert {0, 1, 2, 15, 16, 17, 63, 64, 65, 127, 128, 129, 131} <= rows
    assert max(rows) >= 2048
    assert {dict(case.dims)["K"] % 64 for case in cases} >= {0, 8, 56}
    assert {dict(case.dtypes)["T"] for case in cases} == {"f16", "bf16"}
    assert {case.data for case in cases} == set(DISTRIBUTIONS)


def test_cases_are_allowed_and_cheap(project_spec) -> None:
    for name in ("gemm", "gqa_fwd", "rms_norm"):
        spec = project_spec(name)
        for case in drawn(spec, 60):
            binding = case.binding(spec)
            assert not holds(spec, binding)
            assert cost(spec).compiled_work()({**binding.dims, **binding.params}) <= WORK


def test_flags_params_and_optional_inputs_take_their_values(project_spec) -> None:
    cases = drawn(project_spec("attention_sink"), 60)
    assert {case.absent for case in cases} == {(), ("sink",)}
    assert {"left" in dict(case.params) for case in cases} == {True, False}
    assert {dict(case.params)["causal"] for case in drawn(project_spec("gqa_fwd"), 30)} == {True, False}


def test_empty_shapes_leave_no_element_in_any_output(project_spec) -> None:
    spec = project_spec("gqa_decode_paged")
    empty = [case for case in drawn(spec, 80, work=2e5) if 0 in dict(case.dims).values()]
    assert empty
    for case in empty:
        assert all(0 in shape_of(output, case.binding(spec)) for output in spec.outputs)
        assert make_inputs(spec, case)
    assert all(min(dict(case.dims).values()) for case in drawn(spec, 80, work=2e5, empty=False))


def test_tiles_are_the_callers(project_spec) -> None:
    rows = {dict(case.dims)["M"] for case in drawn(project_spec("gemm"), 300, tiles=(192,))}
    assert {191, 192, 193} <= rows


def test_shrinks_to_the_least_case_that_fails(project_spec) -> None:
    spec = project_spec("gemm")
    strategy = cases_of(spec, empty=False)
    found = find(strategy, lambda case: dict(case.dims)["M"] > 64, settings=settings(max_examples=300, **QUIET))
    assert found.label == "T=f16 M=65 K=8 N=8 normal"


@pytest.mark.parametrize("initial", "abcdefghijklmnopqrstuvwxyz")
def test_all_specs_of_the_project(root: Path, initial: str) -> None:
    for path in sorted((root / "specs").glob(f"{initial}*.yaml")):
        spec = load(path)
        cases = drawn(spec, 3)
        assert len(cases) == 3, path.stem
        assert not any(holds(spec, case.binding(spec)) for case in cases), path.stem
