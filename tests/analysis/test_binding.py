"""Bindings: defaults, groups, errors that name what is wrong; scalar expressions."""

from __future__ import annotations

import math

import pytest

from tileops_spec.analysis.binding import (
    BindingError,
    bind,
    bind_workload,
    dtype_options,
    evaluate_scalar,
    holds,
    shape_of,
)
from tileops_spec.ir.show import show_expr

SCALARS = """
dims: {n: dynamic}
params: {a: i32 = 7, b: f32 = 2.5, flag: bool = false}
inputs: {x: "f32[n]"}
outputs: {y: "f32[n]"}
where: ["%s"]
math: |
  y[i] = x[i]
"""


def test_defaults_may_use_dims(project_spec) -> None:
    spec = project_spec("gqa_fwd")
    binding = bind(spec, dims={"B": 2, "Sq": 5, "Sk": 7, "H": 4, "HK": 2, "D": 64})
    assert binding.dtype("T").name == "f16"
    assert binding.dtype("f32").bits == 32
    assert binding.params == {"causal": True, "scale": 0.125}
    assert shape_of(spec.tensor("K"), binding) == (2, 7, 2, 64)
    assert holds(spec, binding) == []


def test_failing_clauses_are_named(project_spec) -> None:
    spec = project_spec("gqa_fwd")
    binding = bind(spec, dims={"B": 1, "Sq": 9, "Sk": 7, "H": 5, "HK": 2, "D": 64})
    assert [show_expr(clause) for clause in holds(spec, binding)] == ["H % HK == 0", "Sk >= Sq"]


def test_a_group_takes_its_extents(project_spec) -> None:
    spec = project_spec("rms_norm")
    binding = bind_workload(spec, {"S": (3, 5), "D": 16, "eps": 0.5}, {"T": "bf16"})
    assert (binding.dims, binding.params) == ({"S": 15, "D": 16}, {"eps": 0.5})
    assert [option.name for option in dtype_options(spec, "T")] == ["f16", "bf16"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"dims": {"M": 1, "N": 8}}, "no value for dim K"),
        ({"dims": {"M": 1, "N": 8, "K": 8, "Z": 1}}, "Z is no dim"),
        ({"dims": {"M": 1, "N": 8, "K": -8}}, "K is -8"),
        ({"dims": {"M": 1, "N": 8, "K": 8.0}}, "a whole number, not 8.0"),
        ({"dims": {"M": 1, "N": 8, "K": 8}, "dtypes": {"T": "f32"}}, "one of f16, bf16, not f32"),
        ({"dims": {"M": 1, "N": 8, "K": 8}, "params": {"eps": 1.0}}, "eps is no param of this spec"),
    ],
)
def test_errors_say_what_is_wrong(project_spec, changes, message) -> None:
    with pytest.raises(BindingError, match=message):
        bind(project_spec("gemm"), **changes)


@pytest.mark.parametrize(
    ("clause", "value"),
    [
        ("-7 // 2 == -4 and -7 % 2 == 1", True),
        ("n ^ 2 - 1 == 8 or 1 / 0 > 0", True),
        ("not (flag or a < b)", True),
        ("min(n, a) == 3 and max(n, b) == 3", True),
        ("where(flag, 1 / 0, a) == 7", True),
        ("abs(exp(log(b)) - b) < 1e-9", True),
        ("(a >> 1) == 3 and (a & 4) != 0 and (a | 8) == 15", True),
        ("i32(b) == 2 and rsqrt(4.0) == 0.5 and ~a == -8", True),
        ("n > a", False),
    ],
)
def test_scalar_expressions(spec_of, clause, value) -> None:
    spec = spec_of(SCALARS % clause)
    binding = bind(spec, dims={"n": 3})
    assert evaluate_scalar(spec.where[0], binding) is value


def test_a_clause_without_a_value_fails(spec_of) -> None:
    spec = spec_of(SCALARS % "n % (a - 7) == 0")
    binding = bind(spec, dims={"n": 3})
    assert len(holds(spec, binding)) == 1
    with pytest.raises(BindingError):
        evaluate_scalar(spec.where[0], binding)


def test_infinity_is_a_number(spec_of) -> None:
    spec = spec_of(SCALARS % "b < inf")
    assert math.isinf(evaluate_scalar(spec.where[0].right, bind(spec, dims={"n": 1})))
