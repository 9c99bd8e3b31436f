"""Edits that let an expression be computed in a wider dtype."""

from __future__ import annotations

from collections.abc import Iterator

from ...diagnostics.fix import Edit, Fix
from ...diagnostics.text import Span
from ...ir.nodes import Binary, Call, Cast, Expr, Number, Unary
from .facts import is_implicit


def widening_fix(expr: Expr, wide: str, title: str) -> Fix | None:
    """A fix that casts what an expression computes with to `wide`; None where there is nothing to cast.

    The operands are cast, not the result: a product of two f16 that is cast afterwards has been rounded already.
    """
    edits = tuple(_edits(expr, wide))
    return Fix(title=title, edits=edits) if edits else None


def _edits(expr: Expr, wide: str) -> Iterator[Edit]:
    if isinstance(expr, Cast) and is_implicit(expr):
        yield from _edits(expr.operand, wide)
    elif isinstance(expr, Binary) and expr.op in ("+", "-", "*", "/"):
        yield from _edits(expr.left, wide)
        yield from _edits(expr.right, wide)
    elif isinstance(expr, Binary) and expr.op == "^":
        yield from _edits(expr.left, wide)
    elif isinstance(expr, Unary) and expr.op == "-":
        yield from _edits(expr.operand, wide)
    elif isinstance(expr, Call):
        for arg in expr.args:
            yield from _edits(arg, wide)
    elif not isinstance(expr, Number):
        span = expr.span
        yield Span(span.path, span.start, span.start), f"{wide}("
        yield Span(span.path, span.end, span.end), ")"
