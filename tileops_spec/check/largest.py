"""The largest value of a bound, over dims and params alone: how far a variable with a dynamic bound can run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..ir.nodes import Access, Axis, Binary, Call, Cast, DimRef, Expr, IndexRef, Number, ParamRef
from ..ir.walk import walk


def largest(expr: Expr, axes: Mapping[str, Axis], assumptions: Sequence[Expr]) -> Expr | None:
    """An upper limit of `expr` over dims and params; None where none is seen.

    `axes` gives the ranges of index variables, `assumptions` those of tensors' elements.
    """
    match expr:
        case Number() | DimRef() | ParamRef():
            return expr
        case IndexRef() if expr.name in axes:
            return add(axes[expr.name].extent, -1)
        case Access():
            return _assumed(expr.tensor, assumptions)
        case Cast():
            return largest(expr.operand, axes, assumptions)
        case Call(function="min"):
            limits = (largest(arg, axes, assumptions) for arg in expr.args)
            return next((limit for limit in limits if limit is not None), None)
        case Binary():
            return _of_binary(expr, axes, assumptions)
    return None


def _of_binary(expr: Binary, axes: Mapping[str, Axis], assumptions: Sequence[Expr]) -> Expr | None:
    left, right = (largest(side, axes, assumptions) for side in (expr.left, expr.right))
    if expr.op == "-" and left is not None:
        # What is taken away is not negative: an index, a length, a fixed number.
        return add(left, -expr.right.value) if isinstance(expr.right, Number) else _difference(left, expr.right)
    if left is None or right is None:
        return None
    if expr.op == "+":
        return add(left, right.value) if isinstance(right, Number) else add(left, right)
    if expr.op == "*" or (expr.op in ("//", "%") and is_scalar(expr.right)):
        return right if expr.op == "%" else Binary(op=expr.op, left=left, right=right)
    return None


def _difference(left: Expr, right: Expr) -> Expr:
    return Binary(op="-", left=left, right=right) if is_scalar(right) else left


def add(expr: Expr, more: Expr | int) -> Expr:
    """`expr + more`, with numbers at its end put together: `S - 1` and 1 give `S`."""
    if not isinstance(more, int):
        return Binary(op="+", left=expr, right=more)
    if isinstance(expr, Number):
        return Number(value=expr.value + more)
    if isinstance(expr, Binary) and expr.op in ("+", "-") and isinstance(expr.right, Number):
        return add(expr.left, more + (expr.right.value if expr.op == "+" else -expr.right.value))
    if more == 0:
        return expr
    return Binary(op="+" if more > 0 else "-", left=expr, right=Number(value=abs(more)))


def is_scalar(expr: Expr) -> bool:
    """Whether an expression is over dims, params and numbers alone."""
    return all(isinstance(node, Number | DimRef | ParamRef | Binary | Call | Cast) for node in walk(expr))


def _assumed(tensor: str, assumptions: Sequence[Expr]) -> Expr | None:
    """The limit that a clause such as `all[b](len[b] <= S)` sets to the elements of a tensor."""
    for clause in assumptions:
        for node in walk(clause):
            match node:
                case Binary(op="<=" | "<" as op, left=Access(tensor=found), right=limit) if found == tensor:
                    if is_scalar(limit):
                        return limit if op == "<=" else add(limit, -1)
    return None
