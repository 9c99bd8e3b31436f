"""How far an index variable runs: the extent of every axis that it indexes by itself."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ..diagnostics.diagnostic import Label
from ..diagnostics.text import Span
from ..ir.functions import AXISWISE
from ..ir.nodes import Expr, Number
from ..syntax import tree
from .axes import read_bracketed
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
        help_text = f"index an axis with `{item.id}` alone, or give its range: `{item.id} < n`"
        scope.sink.error("TS109", f"nothing says how far `{item.id}` runs", item.span, help=help_text)
        return None
    first = uses[0]
    for use in uses:
        if use.spread not in (None, isinstance(item, tree.Spread)):
            labels = (Label(span=use.span, text=f"over an axis of `{use.tensor}` here"),)
            what, form = ("a group of axes", f"*{item.id}") if use.spread else ("a single axis", item.id)
            scope.sink.error("TS115", f"`{item.id}` runs over {what}", item.span, labels=labels, help=f"write `{form}`")
            return None
        if use.extent != first.extent:
            labels = (Label(span=first.span, text=f"over an axis of `{first.tensor}` here"),)
            message = f"`{item.id}` runs over axes of different extents"
            help_text = f"see the shapes of `{first.tensor}` and `{use.tensor}`"
            scope.sink.error("TS108", message, use.span, labels=labels, help=help_text)
            return None
    return first.extent


def is_told(name: str, bodies: Iterable[tree.Expr], scope: Scope) -> bool:
    """Whether some axis is indexed by the variable alone."""
    return any(True for body in bodies for _ in _uses(name, body, scope))


@dataclass(frozen=True, slots=True)
class _Use:
    """An index variable as the whole index of an axis of `tensor`.

    `spread` says whether it stands for a group; None where it is written otherwise than the axis, reported there.
    """

    extent: Expr
    spread: bool | None
    span: Span
    tensor: str


def _uses(name: str, expr: tree.Item, scope: Scope) -> Iterator[_Use]:
    """Each axis that `name` indexes by itself, where no reduction inside rebinds it."""
    if isinstance(expr, tree.Reduction) and expr.function.id not in AXISWISE and name in map(_bound, expr.items):
        return
    if isinstance(expr, tree.Subscript):
        yield from _direct_uses(name, expr, scope)
    for child in tree.children(expr):
        yield from _uses(name, child, scope)


def _direct_uses(name: str, expr: tree.Subscript, scope: Scope) -> Iterator[_Use]:
    found = scope.indexable(expr.base.id)
    if found is None or len(found.shape) != len(expr.items):
        return
    for item, extent, is_group in zip(expr.items, found.shape, found.spread, strict=True):
        if isinstance(item, tree.Name | tree.Spread) and item.id == name:
            spread = is_group if is_group == isinstance(item, tree.Spread) else None
            yield _Use(extent, spread, item.span, found.name)


def _bound(item: tree.Item) -> str | None:
    """The variable that an item of brackets binds."""
    found = read_bracketed(item, lambda name: True)
    if found is not None:
        return found.variable.id
    return item.left.id if isinstance(item, tree.Binary) and isinstance(item.left, tree.Name) else None
