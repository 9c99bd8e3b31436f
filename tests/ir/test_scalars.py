"""Values of scalar expressions: what has none is a ScalarError, at once, on both paths."""

from __future__ import annotations

import pytest

from tileops_spec.ir.nodes import Binary, Call, Cast, DimRef, Expr, Number, Unary
from tileops_spec.ir.scalars import MOST_BITS, Scalar, ScalarError, compiled, scalar_value


def _of(value: object) -> Expr:
    return Number(value=value) if isinstance(value, int | float) else value  # type: ignore[return-value]


def binary(left: object, op: str, right: object) -> Expr:
    return Binary(op=op, left=_of(left), right=_of(right))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("expr", "value"),
    [
        (binary(2, "^", 10), 1024),
        (binary(2, "^", MOST_BITS), 2**MOST_BITS),
        (binary(-1, "^", 10**18 + 1), -1),
        (binary(0, "^", 10**18), 0),
        (binary(2, "^", -2), 0.25),
        (binary(2.5, "^", 2), 6.25),
        (binary(10**18, "*", 10**18), 10**36),
        (binary(1, "<<", 40), 2**40),
        (binary(3, "<<", 0), 3),
        (Call(function="xor", args=(_of(5), _of(3))), 6),
    ],
)
def test_values(expr: Expr, value: Scalar) -> None:
    assert scalar_value(expr, {}, {}) == value
    assert compiled(expr)({}) == value


HUGE = binary(2, "^", 1000)


@pytest.mark.parametrize(
    "expr",
    [
        binary(2, "^", binary(2, "^", 99)),
        binary(2**63, "^", 10**18),
        binary(1, "<<", 10**12),
        binary(0, "<<", 10**12),
        binary(1, "<<", -1),
        binary(HUGE, "*", HUGE),
        Call(function="fma", args=(HUGE, HUGE, _of(1))),
        binary(-8, "^", 0.5),
        binary(0, "^", -1),
        binary(10.0, "^", 1000),
        Unary(op="~", operand=_of(1.5)),
        binary(1.5, "&", 2),
        Call(function="xor", args=(_of(1.5), _of(2))),
        Cast(operand=_of(float("inf")), dtype="i32"),
        Cast(operand=_of(float("nan")), dtype="i32"),
        binary(1, "//", 0),
        DimRef(name="M"),
    ],
)
def test_what_has_no_value(expr: Expr) -> None:
    with pytest.raises(ScalarError):
        scalar_value(expr, {}, {})
    with pytest.raises(ScalarError):
        compiled(expr)({})
