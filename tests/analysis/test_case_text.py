"""Cases as text: round trips over the project's specs, defaults, and what is refused with which words."""

from __future__ import annotations

import pytest

from tileops_spec.analysis.case_text import CaseError, case_text, parse_case
from tileops_spec.analysis.cases import draw_cases

NAMES = ("gemm", "rms_norm", "gqa_fwd", "dropout", "group_norm", "conv2d_bwd_weight", "attention_sink")


@pytest.mark.parametrize("name", NAMES)
def test_text_gives_the_case_back(project_spec, name: str) -> None:
    spec = project_spec(name)
    for case in draw_cases(spec, count=24, seed=2):
        assert parse_case(case_text(case, spec), spec) == case


def test_the_form(project_spec) -> None:
    spec = project_spec("gemm")
    case = parse_case("M=1 N=8 K=16 T=bf16 seed=3 data=heavy", spec)
    assert case_text(case, spec) == "T=bf16 M=1 K=16 N=8 data=heavy seed=3"


def test_what_is_left_out_has_a_default(project_spec) -> None:
    case = parse_case("M=1 N=8 K=16", project_spec("gemm"))
    assert (case.dtypes, case.data, case.seed, case.absent) == ((("T", "f16"),), "normal", 0, ())


def test_optional_inputs_can_be_absent(project_spec) -> None:
    spec = project_spec("attention_sink")
    case = next(case for case in draw_cases(spec, count=4, seed=0) if case.absent)
    assert "without=sink" in case_text(case, spec)


def test_a_name_of_the_spec_hides_none_of_the_case(spec_of) -> None:
    spec = spec_of("""
inputs: {x: "f32[N]"}
params: {seed: i32 = 7, data: bool = true}
outputs: {y: "f32[N]"}
math: |
  y[n] = where(data, x[n], f32(seed))
""")
    case = parse_case("N=4 seed=3 data=false .seed=9 .data=heavy", spec)
    assert (dict(case.params), case.seed, case.data) == ({"seed": 3, "data": False}, 9, "heavy")
    assert parse_case(case_text(case, spec), spec) == case


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("M=1 N=8", "no value for dim K"),
        ("M=1 N=8 K=12", "`where` refuses the shape: `K % 8 == 0`"),
        ("M=1 N=8 K=8 Q=1", "`Q` is no name of gemm (known: T, M, K, N, without, data, seed)"),
        ("M=1 M=2 N=8 K=8", "`M` stands twice"),
        ("M=x N=8 K=8", "M is a whole number, not `x`"),
        ("M=1 N=8 K=8 T=f64", "T is one of f16, bf16, not `f64`"),
        ("M=1 N=8 K=8 data=odd", "data is one of normal, "),
        ("M=1 N=8 K=8 without=A", "`A` is no optional input of gemm (known: none)"),
        ("M=1 N=8 K=8 what", "`what` is not of the form name=value"),
        ("M=-1 N=8 K=8", "M is -1"),
        ("M='1 N=8", "is no case"),
    ],
)
def test_refused(project_spec, text: str, said: str) -> None:
    with pytest.raises(CaseError) as raised:
        parse_case(text, project_spec("gemm"))
    assert said in str(raised.value)


def test_dtypes_of_a_group_go_together(spec_of) -> None:
    spec = spec_of("""
dtypes: {"T, U": "(f16, f32) | (bf16, f64)"}
inputs: {x: "T[N]"}
outputs: {y: "U[N]"}
math: |
  y[n] = U(x[n])
""")
    assert dict(parse_case("N=1 T=bf16", spec).dtypes) == {"T": "bf16", "U": "f64"}
    with pytest.raises(CaseError, match="do not go together"):
        parse_case("N=1 T=bf16 U=f32", spec)
