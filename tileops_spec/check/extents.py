"""How far an index variable runs: the extent of every axis that it indexes by itself."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ..diagnostics.diagnostic import Label
from ..diagnostics.text import Span
from ..ir.nodes import Expr, Number
from ..syntax import tree
from .scope import Scope


def infer_extent(item: tree.Name | tree.Spread, bodies: Iterable[tree.Expr], scope: Scope) -> Expr | None:
    """The extent of the index variable `item` from its uses in `bodies`.

    TS109 where no use tells, TS108 where two uses tell different extents.
    """
    bodies = tuple(bodies)
    uses = [use for body in bodies for use in _uses(item.id, body, scope)]
    if not uses:
        if scope.broken:
            return Number(value=0)  # an axis that would tell may have been reported
        help_text = f"index an axis with `{item.id}` alone, or give its range: `sum[{item.id} < n](…)`"
        scope.sink.error("TS109", f"nothing says how far `{item.id}` runs", item.span, help=help_text)
        return None
    extent, first, what = uses[0]
    for other, span, name in uses[1:]:
        if other != extent:
            labels = (Label(span=first, text=f"over an axis of `{what}` here"),)
            message = f"`{item.id}` runs over axes of different extents"
            scope.sink.error("TS108", message, span, labels=labels, help=f"see the shapes of `{what}` and `{name}`")
            return None
    return extent


def _uses(name: str, expr: tree.Item, scope: Scope) -> Iterator[tuple[Expr, Span, str]]:
    """(extent, place, tensor) of each axis that `name` indexes by itself, where no reduction inside rebinds it."""
    match expr:
        case tree.Subscript():
            yield from _direct_uses(name, expr, scope)
            children: tuple[tree.Item, ...] = expr.items
        case tree.Reduction():
            rebinds = any(name == bound for bound in map(_bound, expr.items)) and expr.function.id not in _KEEPS
            children = () if rebinds else (expr.body,)
        case tree.Call():
            children = expr.args
        case tree.Binary():
            children = (expr.left, expr.right)
        case tree.Unary():
            children = (expr.operand,)
        case _:
            children = ()
    for child in children:
        yield from _uses(name, child, scope)


_KEEPS = frozenset({"softmax", "cumsum", "cumprod"})


def _direct_uses(name: str, expr: tree.Subscript, scope: Scope) -> Iterator[tuple[Expr, Span, str]]:
    found = scope.indexable(expr.base.id)
    if found is None or len(found.shape) != len(expr.items):
        return
    for item, extent in zip(expr.items, found.shape, strict=True):
        if isinstance(item, tree.Name | tree.Spread) and item.id == name:
            yield extent, item.span, found.name


def _bound(item: tree.Item) -> str | None:
    if isinstance(item, tree.Name | tree.Spread):
        return item.id
    if isinstance(item, tree.Binary) and isinstance(item.left, tree.Name):
        return item.left.id
    return None
