"""Values of scalar expressions over dims, params and (where given) index variables, in plain Python."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping

from .nodes import Binary, Call, Cast, DimRef, Expr, IndexRef, Number, ParamRef, Select, Unary

Scalar = int | float | bool


MOST_BITS = 1024
"""What a product, power or shift of whole numbers may take: no extent or mask comes near, and no float is larger."""
_LIMIT = 1 << MOST_BITS


class ScalarError(ValueError):
    """The expression has no value: a name is not bound, or an operation is undefined (division by zero).

    Numbers that are too large count as undefined: a few characters, such as `2 ^ 2 ^ 99`, would fill any memory.
    """


def scalar_value(
    expr: Expr, dims: Mapping[str, int], params: Mapping[str, Scalar], indices: Mapping[str, int] | None = None
) -> Scalar:
    """The value of `expr`; ScalarError where a name is unbound, a tensor is read, or an operation is undefined."""
    names = {"dim": dims, "param": params, "index": indices or {}}
    try:
        return _value(expr, names)
    except _UNDEFINED as error:
        raise error if isinstance(error, ScalarError) else ScalarError(str(error)) from error


def _value(expr: Expr, names: Mapping[str, Mapping[str, Scalar]]) -> Scalar:
    match expr:
        case Number():
            return expr.value
        case DimRef() | ParamRef() | IndexRef():
            if expr.name not in names[expr.kind]:
                raise ScalarError(f"{expr.kind} `{expr.name}` has no value")
            return names[expr.kind][expr.name]
        case Cast():
            return _cast(_value(expr.operand, names), expr.dtype)
        case Unary():
            return _UNARY[expr.op](_value(expr.operand, names))
        case Binary():
            return _binary(expr, names)
        case Call() if expr.function in SCALAR_FUNCTIONS:
            return SCALAR_FUNCTIONS[expr.function](*(_value(arg, names) for arg in expr.args))
        case Select():
            return _value(expr.then if _value(expr.condition, names) else expr.otherwise, names)
    raise ScalarError(f"a {expr.kind} node has no scalar value")


def _binary(expr: Binary, names: Mapping[str, Mapping[str, Scalar]]) -> Scalar:
    left = _value(expr.left, names)
    if expr.op == "and":
        return bool(left) and bool(_value(expr.right, names))
    if expr.op == "or":
        return bool(left) or bool(_value(expr.right, names))
    return _BINARY[expr.op](left, _value(expr.right, names))


def _cast(value: Scalar, dtype: str) -> Scalar:
    if dtype == "bool":
        return bool(value)
    return int(value) if dtype[0] in "iu" else value


def compiled(expr: Expr) -> Callable[[Mapping[str, Scalar]], Scalar]:
    """The expression as a function of its names, for values that are wanted many times.

    It raises ScalarError where a name is missing or an operation is undefined.
    """
    evaluate = _compiled(expr)

    def value(names: Mapping[str, Scalar]) -> Scalar:
        try:
            return evaluate(names)
        except (KeyError, *_UNDEFINED) as error:
            raise error if isinstance(error, ScalarError) else ScalarError(str(error)) from error

    return value


def _compiled(expr: Expr) -> Callable[[Mapping[str, Scalar]], Scalar]:
    match expr:
        case Number(value=number):
            return lambda names: number
        case DimRef(name=name) | ParamRef(name=name) | IndexRef(name=name):
            return operator.itemgetter(name)
        case Binary(op="and" | "or" as op):
            left, right = _compiled(expr.left), _compiled(expr.right)
            if op == "and":
                return lambda names: bool(left(names)) and bool(right(names))
            return lambda names: bool(left(names)) or bool(right(names))
        case Binary():
            function, left, right = _BINARY[expr.op], _compiled(expr.left), _compiled(expr.right)
            return lambda names: function(left(names), right(names))
        case Unary():
            negate, operand = _UNARY[expr.op], _compiled(expr.operand)
            return lambda names: negate(operand(names))
    return lambda names: _value(expr, {"dim": names, "param": names, "index": names})


_UNDEFINED = (ZeroDivisionError, OverflowError, ValueError, TypeError)
"""What Python raises where an operation has no value; TypeError for one that its operands' dtypes do not have."""


def _product(left: Scalar, right: Scalar) -> Scalar:
    return _bounded(left * right)


def _power(base: Scalar, exponent: Scalar) -> Scalar:
    """`base ^ exponent`; ScalarError for roots of negative numbers, and for whole numbers beyond `MOST_BITS`."""
    if isinstance(base, int) and isinstance(exponent, int) and exponent > 0:
        if (base.bit_length() - 1) * exponent > MOST_BITS:
            raise ScalarError(_TOO_LARGE)
        return _bounded(base**exponent)
    value = base**exponent
    if isinstance(value, complex):
        raise ScalarError("a negative number has no such power")
    return value


def _shifted(value: Scalar, by: Scalar) -> Scalar:
    """`value << by`; ScalarError beyond `MOST_BITS`, whatever is shifted."""
    if isinstance(by, int) and by > MOST_BITS:
        raise ScalarError(_TOO_LARGE)
    return _bounded(value << by)  # type: ignore[operator]


def _bounded(value: Scalar) -> Scalar:
    if isinstance(value, int) and not -_LIMIT <= value <= _LIMIT:
        raise ScalarError(_TOO_LARGE)
    return value


_TOO_LARGE = f"a whole number takes more than {MOST_BITS} bits"
_UNARY: dict[str, Callable[[Scalar], Scalar]] = {"-": operator.neg, "not": operator.not_, "~": operator.invert}
_BINARY: dict[str, Callable[[Scalar, Scalar], Scalar]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": _product,
    "/": operator.truediv,
    "//": operator.floordiv,
    "%": operator.mod,
    "^": _power,
    "&": operator.and_,
    "|": operator.or_,
    "<<": _shifted,
    ">>": operator.rshift,
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
SCALAR_FUNCTIONS: dict[str, Callable[..., Scalar]] = {
    **{name: getattr(math, name) for name in ("exp", "expm1", "log", "log2", "log1p", "sqrt", "sin", "cos", "tan")},
    **{name: getattr(math, name) for name in ("tanh", "erf", "floor", "ceil", "trunc", "isnan", "isinf", "fmod")},
    "pow": math.pow,
    "atan2": math.atan2,
    "abs": abs,
    "round": round,
    "min": min,
    "max": max,
    "exp2": lambda x: 2.0**x,
    "rsqrt": lambda x: 1.0 / math.sqrt(x),
    "recip": lambda x: 1.0 / x,
    "sigmoid": lambda x: 1.0 / (1.0 + math.exp(-x)),
    "relu": lambda x: max(x, 0),
    "silu": lambda x: x / (1.0 + math.exp(-x)),
    "softplus": lambda x: math.log1p(math.exp(x)),
    "sign": lambda x: (x > 0) - (x < 0),
    "xor": operator.xor,
    "clamp": lambda x, low, high: min(max(x, low), high),
    "fma": lambda a, b, c: _product(a, b) + c,
}
