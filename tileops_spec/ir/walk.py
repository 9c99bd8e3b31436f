"""Walking and rebuilding expressions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from .nodes import Access, Along, Binary, Call, Cast, Expr, Reduce, Select, Unary


def children(expr: Expr) -> tuple[Expr, ...]:
    """The direct operands of an expression, left to right (extents of axes are not operands)."""
    match expr:
        case Access():
            return expr.indices
        case Cast() | Unary():
            return (expr.operand,)
        case Binary():
            return (expr.left, expr.right)
        case Call():
            return expr.args
        case Select():
            return (expr.condition, expr.then, expr.otherwise)
        case Reduce() | Along():
            return (expr.body,)
    return ()


def walk(expr: Expr) -> Iterator[Expr]:
    """The expression and everything below it, parents first."""
    yield expr
    for child in children(expr):
        yield from walk(child)


def map_children(expr: Expr, function: Callable[[Expr], Expr]) -> Expr:
    """The same node over `function` of each operand."""
    match expr:
        case Access():
            return replace(expr, indices=tuple(map(function, expr.indices)))
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
        case Reduce() | Along():
            return replace(expr, body=function(expr.body))
    return expr
