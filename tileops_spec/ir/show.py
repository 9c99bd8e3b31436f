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
    Lookup,
    Number,
    ParamRef,
    Present,
    Property,
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
_COMPARED = 5


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
            text = f"{expr.tensor}[{indices}]" if indices else expr.tensor
            return (text if expr.pad is None else f"pad({text}, {show_expr(expr.pad)})"), _ATOM
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
            rank = f", {show_expr(expr.rank)}" if expr.rank is not None else ""
            return f"{expr.function}[{axes}]({show_expr(expr.body)}{rank})", _ATOM
        case Along():
            return f"{expr.function}[{expr.axis}]({show_expr(expr.body)})", _ATOM
        case Lookup():
            return f"segment({expr.tensor}, {show_expr(expr.value)})", _ATOM
        case Present():
            return f"present({expr.tensor})", _ATOM
        case Property():
            return f"{expr.function}({expr.tensor})", _ATOM
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
    """`k`, `*s`, or `lo <= k < hi` for a variable with bounds of its own."""
    name = f"*{axis.name}" if axis.spread else axis.name
    lower = "" if axis.lower is None else f"{_wrapped(axis.lower, _COMPARED)} <= "
    upper = "" if axis.upper is None else f" < {_wrapped(axis.upper, _COMPARED)}"
    return f"{lower}{name}{upper}"


def show_tensor(tensor: TensorDecl, spec: Spec) -> str:
    """`A: T[M, K]`."""
    spread = {dim.name for dim in spec.dims if dim.spread}
    extents = (
        f"*{each.name}" if isinstance(each, DimRef) and each.name in spread else show_expr(each)
        for each in tensor.shape
    )
    default = "" if tensor.default is None else f" = {show_expr(tensor.default)}"
    return f"{tensor.name}: {tensor.dtype}[{', '.join(extents)}]{default}"


def show_param(param: Param) -> str:
    """`eps: f32 = 1e-06`."""
    default = f" = {show_expr(param.default)}" if param.default is not None else ""
    return f"{param.name}: {param.dtype}{default}"


def show_definition(definition: Definition) -> str:
    """`C[m, n] = sum[k](…)`; a recurrence with its initial statement first, after which stands `; `."""
    axes = tuple(map(show_axis, definition.axes))
    items = tuple(map(show_expr, definition.indices)) or axes
    step = f"{_target(definition, items)} {definition.op} {show_expr(definition.value)}"
    if definition.initial is None:
        return step
    return f"{_target(definition, _first(definition))} = {show_expr(definition.initial)}; {step}"


def _target(definition: Definition, items: tuple[str, ...]) -> str:
    return f"{definition.target}[{', '.join(items)}]" if items else definition.target


def _first(definition: Definition) -> tuple[str, ...]:
    """The indices of the element before a recurrence's first step."""
    return tuple(
        show_axis(axis) if axis.name != definition.along else show_expr(axis.extent) if definition.backward else "-1"
        for axis in definition.axes
    )
