"""Scalar expressions of a spec as Python source."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from ..ir.dtypes import DTYPES
from ..ir.nodes import Binary, Call, Cast, DimRef, Expr, Number, ParamRef, Select, Unary
from ..ir.walk import walk
from .naming import safe_name

_LEVELS = (
    ("or",),
    ("and",),
    ("not",),
    ("==", "!=", "<", "<=", ">", ">="),
    ("|",),
    ("^",),
    ("&",),
    ("<<", ">>"),
    ("+", "-"),
    ("*", "/", "//", "%"),
    ("unary",),
    ("**",),
)
_BINDS = {operator: level for level, operators in enumerate(_LEVELS, start=1) for operator in operators}
_CONDITIONAL, _COMPARISON, _ATOM = 0, _BINDS["=="], len(_LEVELS) + 1

# Each with its text over already bracketed arguments, and how tightly that text binds.
_CALLS: dict[str, tuple[str, int]] = {
    **{name: (f"math.{name}({{0}})", _ATOM) for name in ("exp", "expm1", "log", "log2", "log1p", "sqrt", "erf")},
    **{name: (f"math.{name}({{0}})", _ATOM) for name in ("sin", "cos", "tan", "tanh", "isnan", "isinf")},
    **{name: (f"math.{name}({{0}})", _ATOM) for name in ("floor", "ceil", "trunc")},
    **{name: (f"math.{name}({{0}}, {{1}})", _ATOM) for name in ("fmod", "atan2")},
    **{name: (f"{name}({{0}}, {{1}})", _ATOM) for name in ("min", "max")},
    **{name: (f"{name}({{0}})", _ATOM) for name in ("abs", "round")},
    "exp2": ("2.0 ** ({0})", _BINDS["**"]),
    "rsqrt": ("1 / math.sqrt({0})", _BINDS["/"]),
    "recip": ("1 / ({0})", _BINDS["/"]),
    "sigmoid": ("1 / (1 + math.exp(-({0})))", _BINDS["/"]),
    "silu": ("({0}) / (1 + math.exp(-({0})))", _BINDS["/"]),
    "softplus": ("math.log1p(math.exp({0}))", _ATOM),
    "relu": ("max({0}, 0)", _ATOM),
    "sign": ("(({0}) > 0) - (({0}) < 0)", _BINDS["-"]),
    "pow": ("({0}) ** ({1})", _BINDS["**"]),
    "xor": ("({0}) ^ ({1})", _BINDS["^"]),
    "clamp": ("min(max({0}, {1}), {2})", _ATOM),
    "fma": ("({0}) * ({1}) + ({2})", _BINDS["+"]),
}


def python_expr(expr: Expr, dim: Callable[[str], str] = safe_name) -> str:
    """Python source, with `math` in scope, that gives the value of an expression over dims and params.

    `dim` is the source of a dim's extent. TypeError for an expression over tensors or index variables.
    """
    return _emit(expr, dim)[0]


def _emit(expr: Expr, dim: Callable[[str], str]) -> tuple[str, int]:
    match expr:
        case Number():
            return _number(expr.value)
        case DimRef():
            return dim(expr.name), _ATOM
        case ParamRef():
            return safe_name(expr.name), _ATOM
        case Cast():
            return f"{_python_type(expr.dtype)}({_emit(expr.operand, dim)[0]})", _ATOM
        case Unary():
            return _unary(expr, dim)
        case Binary():
            return _binary(expr, dim)
        case Call():
            template, binds = _CALLS[expr.function]
            return template.format(*(_emit(arg, dim)[0] for arg in expr.args)), binds
        case Select():
            then, condition = (_within(part, 1, dim) for part in (expr.then, expr.condition))
            return f"{then} if {condition} else {_within(expr.otherwise, 1, dim)}", _CONDITIONAL
    raise TypeError(f"not a scalar expression of dims and params: {expr!r}")


def _number(value: bool | int | float) -> tuple[str, int]:
    if isinstance(value, float) and value in (float("inf"), float("-inf")):
        return ("math.inf", _ATOM) if value > 0 else ("-math.inf", _BINDS["unary"])
    return repr(value), _ATOM if isinstance(value, bool) or value >= 0 else _BINDS["unary"]


def _python_type(dtype: str) -> str:
    """A dtype variable ranges over floats wherever a scalar is cast to it."""
    kind = DTYPES[dtype].kind if dtype in DTYPES else "float"
    return {"float": "float", "int": "int", "uint": "int", "bool": "bool"}[kind]


def _unary(expr: Unary, dim: Callable[[str], str]) -> tuple[str, int]:
    binds = _BINDS["not"] if expr.op == "not" else _BINDS["unary"]
    space = " " if expr.op == "not" else ""
    return f"{expr.op}{space}{_within(expr.operand, binds, dim)}", binds


def _binary(expr: Binary, dim: Callable[[str], str]) -> tuple[str, int]:
    """Comparisons bracket comparisons on either side: Python would chain them."""
    operator = "**" if expr.op == "^" else expr.op
    binds = _BINDS[operator]
    left_tighter = operator == "**" or binds == _COMPARISON
    right_tighter = operator != "**"
    left, right = _within(expr.left, binds + left_tighter, dim), _within(expr.right, binds + right_tighter, dim)
    return f"{left} {operator} {right}", binds


def _within(expr: Expr, at_least: int, dim: Callable[[str], str]) -> str:
    text, binds = _emit(expr, dim)
    return text if binds >= at_least else f"({text})"


def divisors(expr: Expr) -> Iterator[Expr]:
    """The operands that must not be 0 for the expression to have a value, without literals."""
    for part in walk(expr):
        if isinstance(part, Binary) and part.op in ("/", "//", "%") and not isinstance(part.right, Number):
            yield part.right


def names_in(expr: Expr) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The dims and the params that an expression mentions, each once, in order of appearance."""
    parts = tuple(walk(expr))
    dims = dict.fromkeys(part.name for part in parts if isinstance(part, DimRef))
    params = dict.fromkeys(part.name for part in parts if isinstance(part, ParamRef))
    return tuple(dims), tuple(params)
