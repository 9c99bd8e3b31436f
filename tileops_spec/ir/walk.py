"""Walking and rebuilding expressions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from .nodes import Access, Along, Axis, Binary, Call, Cast, Expr, Lookup, Reduce, Select, Unary


def children(expr: Expr) -> tuple[Expr, ...]:
    """The direct operands of an expression, left to right: bounds of axes are operands, their extents are not."""
    operands = _OPERANDS.get(type(expr))
    return operands(expr) if operands else ()


def _of_access(expr: Access) -> tuple[Expr, ...]:
    return expr.indices if expr.pad is None else (*expr.indices, expr.pad)


def _of_reduce(expr: Reduce) -> tuple[Expr, ...]:
    return (*bounds(expr), expr.body) if expr.rank is None else (*bounds(expr), expr.body, expr.rank)


_OPERANDS: dict[type, Callable[[Any], tuple[Expr, ...]]] = {
    Access: _of_access,
    Cast: lambda expr: (expr.operand,),
    Unary: lambda expr: (expr.operand,),
    Binary: lambda expr: (expr.left, expr.right),
    Call: lambda expr: expr.args,
    Select: lambda expr: (expr.condition, expr.then, expr.otherwise),
    Reduce: _of_reduce,
    Along: lambda expr: (expr.body,),
    Lookup: lambda expr: (expr.value,),
}


def bounds(expr: Reduce) -> tuple[Expr, ...]:
    """The dynamic bounds of a reduction's axes, left to right."""
    return tuple(bound for axis in expr.axes for bound in (axis.lower, axis.upper) if bound is not None)


def walk(expr: Expr) -> Iterator[Expr]:
    """The expression and everything below it, parents first."""
    waiting = [expr]
    while waiting:
        found = waiting.pop()
        yield found
        waiting += reversed(children(found))


def map_children(expr: Expr, function: Callable[[Expr], Expr]) -> Expr:
    """The same node over `function` of each operand."""
    match expr:
        case Access():
            return replace(expr, indices=tuple(map(function, expr.indices)), pad=_optional(expr.pad, function))
        case Cast() | Unary():
            return replace(expr, operand=function(expr.operand))
        case Binary():
            return replace(expr, left=function(expr.left), right=function(expr.right))
        case Call():
            return replace(expr, args=tuple(map(function, expr.args)))
        case Select():
            return replace(
                expr,
                condition=function(expr.condition),
                then=function(expr.then),
                otherwise=function(expr.otherwise),
            )
        case Reduce():
            axes = tuple(map_bounds(axis, function) for axis in expr.axes)
            return replace(expr, axes=axes, body=function(expr.body), rank=_optional(expr.rank, function))
        case Along():
            return replace(expr, body=function(expr.body))
        case Lookup():
            return replace(expr, value=function(expr.value))
    return expr


def map_bounds(axis: Axis, function: Callable[[Expr], Expr]) -> Axis:
    """The same axis over `function` of its bounds; itself where it has none."""
    if axis.lower is None and axis.upper is None:
        return axis
    return replace(axis, lower=_optional(axis.lower, function), upper=_optional(axis.upper, function))


def _optional(expr: Expr | None, function: Callable[[Expr], Expr]) -> Expr | None:
    return None if expr is None else function(expr)
