"""Cases beside the drawn ones: least extents, many tiles, values beyond float16."""

from __future__ import annotations

import pytest

from tileops_spec.analysis.binding import holds
from tileops_spec.analysis.cases import FAR, NEAR, draw_cases, make_inputs
from tileops_spec.check import load_spec
from tileops_spec.diagnostics.diagnostic import Sink
from tileops_spec.gates.extents import grown_cases, with_smallest
from tileops_spec.gates.more_cases import with_more_cases
from tileops_spec.scaffold.body import Body


@pytest.fixture(scope="module")
def gemm(root):
    return load_spec(root / "specs" / "gemm.yaml", Sink())


@pytest.fixture(scope="module")
def drawn(gemm):
    return draw_cases(gemm, count=6, seed=1, static_shapes=2)


def test_the_least_extents_share_the_build(gemm, drawn) -> None:
    (case, least) = with_smallest(gemm, drawn[:1])
    assert case == drawn[0]
    assert dict(least.dims) == {**dict(case.dims), "M": 1}
    assert least.data == "shifted"


def test_least_extents_that_where_forbids_are_those_of_the_case(write_spec) -> None:
    text = 'op: probe\nsummary: A copy.\ndims: {M: dynamic}\ninputs: {x: "f32[M]"}\noutputs: {y: "f32[M]"}\n'
    text += "where: [M > 4]\n"
    spec = load_spec(write_spec(text + "math: y[m] = x[m]\n"), Sink())
    cases = draw_cases(spec, count=2, seed=0)
    assert {(each.dims, each.dtypes) for each in with_smallest(spec, cases)} == {
        (each.dims, each.dtypes) for each in cases
    }
    assert any(each.data == "shifted" for each in with_smallest(spec, cases[:1]))


def test_many_tiles_along_all_dims_but_one(gemm, drawn) -> None:
    grown = [dict(case.dims) for case in grown_cases(gemm, drawn)]
    assert any(dims["M"] > 1500 and dims["N"] > 1500 for dims in grown)
    assert all(dims["K"] % 8 == 0 and dims["N"] % 8 == 0 for dims in grown)
    assert grown_cases(gemm, ()) == ()


def test_clauses_between_dims_do_not_stop_the_growth(root) -> None:
    spec = load_spec(root / "specs" / "gqa_fwd.yaml", Sink())
    cases = draw_cases(spec, count=6, seed=0, static_shapes=3)
    for case in grown_cases(spec, cases):
        dims = dict(case.dims)
        assert dims["B"] > 8
        assert dims["Sq"] > 8
        assert not holds(spec, case.binding(spec))


def test_bfloat16_gets_values_that_float16_cannot_hold(gemm, drawn) -> None:
    far = [case for case in with_more_cases(gemm, Body("pass\n"), drawn) if case.data == FAR]
    assert [case.dtypes for case in far] == [(("T", "bf16"),)]
    inputs = make_inputs(gemm, far[0])
    assert inputs["A"].isfinite().all()
    assert (inputs["A"].abs() > 65504).float().mean() > 0.4


def test_branches_of_float16_meet_such_values_in_bfloat16(root) -> None:
    spec = load_spec(root / "specs" / "rms_norm.yaml", Sink())
    drawn = draw_cases(spec, count=6, seed=1, static_shapes=2)
    body = Body("step = 8 if D <= 16384 else 4\n")
    far = [case for case in with_more_cases(spec, body, drawn) if case.data == FAR]
    assert {dict(case.dtypes)["T"] for case in far} == {"bf16"}
    assert any(dict(case.dims)["D"] > 16384 for case in far)


def test_each_dtype_gets_values_near_zero(root, gemm, drawn) -> None:
    near = [case for case in with_more_cases(gemm, Body("pass\n"), drawn) if case.data == NEAR]
    assert {case.dtypes for case in near} == {(("T", "f16"),), (("T", "bf16"),)}
    magnitudes = make_inputs(gemm, near[0])["A"].abs().float()
    assert 0 < magnitudes.max() < 0.01
    narrow = load_spec(root / "specs" / "bmm_fp8_nk.yaml", Sink())
    cases = draw_cases(narrow, count=4, seed=0, static_shapes=2)
    assert not any(case.data == NEAR for case in with_more_cases(narrow, Body("pass\n"), cases))
