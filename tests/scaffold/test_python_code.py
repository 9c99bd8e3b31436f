"""Expressions as Python source: the value must survive, whatever the brackets."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tileops_spec.ir.functions import ELEMENTWISE
from tileops_spec.ir.nodes import Access, Binary, Call, Cast, DimRef, Number, ParamRef, Select, Unary
from tileops_spec.ir.scalars import SCALAR_FUNCTIONS, ScalarError, scalar_value
from tileops_spec.scaffold.python_code import divisors, names_in, python_expr

M, K, eps = DimRef(name="M"), DimRef(name="K"), ParamRef(name="eps")


def number(value):
    return Number(value=value)


def binary(op, left, right):
    return Binary(op=op, left=left, right=right)


@pytest.mark.parametrize(
    ("expr", "source"),
    [
        (binary("==", binary("%", K, number(8)), number(0)), "K % 8 == 0"),
        (binary("*", binary("+", M, K), number(2)), "(M + K) * 2"),
        (binary("-", M, binary("-", K, number(1))), "M - (K - 1)"),
        (binary("^", binary("^", M, K), number(2)), "(M ** K) ** 2"),
        (binary("^", M, binary("^", K, number(2))), "M ** K ** 2"),
        (Unary(op="-", operand=binary("^", M, number(2))), "-M ** 2"),
        (binary("^", Unary(op="-", operand=M), number(2)), "(-M) ** 2"),
        (binary("==", binary("<", M, K), binary("<", K, M)), "(M < K) == (K < M)"),
        (Unary(op="not", operand=binary("and", M, K)), "not (M and K)"),
        (binary("/", number(1), Call(function="sqrt", args=(K,))), "1 / math.sqrt(K)"),
        (binary("*", number(2), Call(function="rsqrt", args=(K,))), "2 * (1 / math.sqrt(K))"),
        (Unary(op="-", operand=number(math.inf)), "-math.inf"),
        (Cast(operand=eps, dtype="f32"), "float(eps)"),
        (Select(condition=M, then=K, otherwise=number(1)), "K if M else 1"),
        (binary("+", Select(condition=M, then=K, otherwise=number(1)), number(1)), "(K if M else 1) + 1"),
    ],
)
def test_source(expr, source):
    assert python_expr(expr) == source


def test_reserved_names_get_an_underscore():
    assert python_expr(binary("+", DimRef(name="T"), ParamRef(name="lambda"))) == "T_ + lambda_"


def test_tensors_are_no_scalars():
    with pytest.raises(TypeError, match="not a scalar"):
        python_expr(Access(tensor="A", indices=()))


def test_names_and_divisors():
    clause = binary("==", binary("%", M, binary("//", K, number(2))), eps)
    assert names_in(clause) == (("M", "K"), ("eps",))
    assert list(divisors(clause)) == [binary("//", K, number(2))]


ARITHMETIC = {"+": lambda a, b: a + b, "-": lambda a, b: a - b, "*": lambda a, b: a * b}
COMPARISONS = {"<": lambda a, b: a < b, "==": lambda a, b: a == b, ">=": lambda a, b: a >= b}
BITS = {"&": lambda a, b: a & b, "|": lambda a, b: a | b}
LOGIC = {"and": lambda a, b: a and b, "or": lambda a, b: a or b}
OPERATIONS = {**ARITHMETIC, **COMPARISONS, **BITS, **LOGIC}


def evaluate(expr):
    match expr:
        case Number():
            return expr.value
        case Unary(op="-"):
            return -evaluate(expr.operand)
        case Unary(op="not"):
            return not evaluate(expr.operand)
        case Unary(op="~"):
            return ~evaluate(expr.operand)
        case Select():
            return evaluate(expr.then) if evaluate(expr.condition) else evaluate(expr.otherwise)
    return OPERATIONS[expr.op](evaluate(expr.left), evaluate(expr.right))


EXPRESSIONS = st.recursive(
    st.integers(-3, 9).map(number),
    lambda inner: st.one_of(
        st.builds(binary, st.sampled_from(sorted(OPERATIONS)), inner, inner),
        st.builds(lambda op, x: Unary(op=op, operand=x), st.sampled_from(["-", "not", "~"]), inner),
        st.builds(lambda c, a, b: Select(condition=c, then=a, otherwise=b), inner, inner, inner),
    ),
    max_leaves=12,
)


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::SyntaxWarning")
@settings(max_examples=300, deadline=None)
@given(EXPRESSIONS)
def test_brackets_keep_the_meaning(expr):
    assert eval(python_expr(expr), {"math": math}) == evaluate(expr)


@pytest.mark.parametrize("function", sorted(SCALAR_FUNCTIONS))
@pytest.mark.parametrize("values", [(2, 3, 5), (0.25, -0.5, 0.75), (1.0, 2.0, 1.5)])
def test_functions_mean_what_they_mean_in_analysis(function, values):
    """Python source and `evaluate_scalar` are two readings of one expression."""
    arguments = tuple(number(value) for value in values[: ELEMENTWISE[function]])
    expr = binary("-", number(7), Call(function=function, args=arguments))
    try:
        expected = scalar_value(expr, {}, {})
    except (ScalarError, TypeError):
        pytest.skip("no value for these arguments")
    assert eval(python_expr(expr), {"math": math}) == pytest.approx(expected)
