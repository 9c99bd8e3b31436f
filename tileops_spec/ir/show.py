"""IR as text of the language: for messages, prompts and docstrings."""

from __future__ import annotations

from .nodes import (
    Access,
    Along,
    Axis,
    Binary,
    Call,
    Cast,
    DimRef,
    Expr,
    IndexRef,
    Number,
    ParamRef,
    Reduce,
    Select,
    Unary,
)
from .spec import Definition, Param, Spec, TensorDecl

_PRECEDENCE = {
    "or": 1,
    "and": 2,
    "|": 5,
    "&": 6,
    "<<": 7,
    ">>": 7,
    "+": 8,
    "-": 8,
    "*": 9,
    "/": 9,
    "//": 9,
    "%": 9,
    "^": 11,
    **dict.fromkeys(("==", "!=", "<", "<=", ">", ">="), 4),
}
_UNARY = {"not": 3, "-": 10, "~": 10}
_NON_ASSOCIATIVE = frozenset({"==", "!=", "<", "<=", ">", ">="})
_ATOM = 12


def show_expr(expr: Expr) -> str:
    """The expression as the language writes it, with the fewest parentheses; casts that promotion added are shown."""
    return _show(expr)[0]


def _show(expr: Expr) -> tuple[str, int]:
    """The text, and how tightly its outermost operation binds."""
    match expr:
        case Number():
            return _number(expr.value), _ATOM
        case IndexRef():
            return f"*{expr.name}" if expr.spread else expr.name, _ATOM
        case DimRef() | ParamRef():
            return expr.name, _ATOM
        case Access():
            indices = ", ".join(show_expr(index) for index in expr.indices)
            return (f"{expr.tensor}[{indices}]" if indices else expr.tensor), _ATOM
        case Cast():
            return f"{expr.dtype}({show_expr(expr.operand)})", _ATOM
        case Unary():
            space = " " if expr.op == "not" else ""
            return f"{expr.op}{space}{_wrapped(expr.operand, _UNARY[expr.op])}", _UNARY[expr.op]
        case Binary():
            return _binary(expr), _PRECEDENCE[expr.op]
        case Call():
            return f"{expr.function}({', '.join(map(show_expr, expr.args))})", _ATOM
        case Select():
            parts = (expr.condition, expr.then, expr.otherwise)
            return f"where({', '.join(map(show_expr, parts))})", _ATOM
        case Reduce():
            axes = ", ".join(map(show_axis, expr.axes))
            return f"{expr.function}[{axes}]({show_expr(expr.body)})", _ATOM
        case Along():
            return f"{expr.function}[{expr.axis}]({show_expr(expr.body)})", _ATOM
    raise TypeError(f"no such expression: {expr!r}")


def _binary(expr: Binary) -> str:
    binds = _PRECEDENCE[expr.op]
    right_first = expr.op == "^"
    left = _wrapped(expr.left, binds + (right_first or expr.op in _NON_ASSOCIATIVE))
    right = _wrapped(expr.right, binds + (not right_first))
    return f"{left} {expr.op} {right}"


def _wrapped(expr: Expr, at_least: int) -> str:
    text, binds = _show(expr)
    return text if binds >= at_least else f"({text})"


def _number(value: bool | int | float) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "inf" if value == float("inf") else repr(value)


def show_axis(axis: Axis) -> str:
    return f"*{axis.name}" if axis.spread else axis.name


def show_tensor(tensor: TensorDecl, spec: Spec) -> str:
    """`A: T[M, K]`."""
    spread = {dim.name for dim in spec.dims if dim.spread}
    extents = (
        f"*{each.name}" if isinstance(each, DimRef) and each.name in spread else show_expr(each)
        for each in tensor.shape
    )
    return f"{tensor.name}: {tensor.dtype}[{', '.join(extents)}]"


def show_param(param: Param) -> str:
    """`eps: f32 = 1e-06`."""
    default = f" = {show_expr(param.default)}" if param.default is not None else ""
    return f"{param.name}: {param.dtype}{default}"


def show_definition(definition: Definition) -> str:
    """`C[m, n] = sum[k](…)`."""
    axes = ", ".join(map(show_axis, definition.axes))
    return f"{definition.target}{f'[{axes}]' if axes else ''} = {show_expr(definition.value)}"
