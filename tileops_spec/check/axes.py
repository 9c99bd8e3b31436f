"""The index variables in the brackets of a reduction: `k`, `*s`, `j < n`, `lo <= j < hi`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ..syntax import tree

_FLIPPED = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}


@dataclass(frozen=True, slots=True)
class Bracketed:
    """One variable with the bounds written beside it; `upper` is exclusive, `+ 1` where `closed`."""

    variable: tree.Name | tree.Spread
    lower: tree.Expr | None = None
    upper: tree.Expr | None = None
    above: bool = False
    closed: bool = False


def read_bracketed(item: tree.Item, is_free) -> Bracketed | None:
    """The variable and its bounds; None where the item has another form.

    `above`: the lower bound itself is left out (`lo < j`). `closed`: the upper bound itself belongs to the range.
    `is_free(name)` says whether a word may be an index variable.
    """
    if isinstance(item, tree.Name | tree.Spread):
        return Bracketed(item)
    links = list(_links(item))
    variable = _variable(links, is_free)
    if variable is None:
        return None
    bounds: dict[str, tuple[tree.Expr, bool]] = {}
    for link in links:
        side, bound, strict = _bound(link, variable.id)
        if side in bounds or not side:
            return None
        bounds[side] = (bound, strict)
    lower, above = bounds.get("lower", (None, False))
    upper, strict = bounds.get("upper", (None, True))
    return Bracketed(variable, lower, upper, above, not strict)


def _links(item: tree.Item) -> Iterator[tree.Expr]:
    """The comparisons of a chain."""
    if isinstance(item, tree.Binary) and item.op == "and":
        yield from _links(item.left)
        yield from _links(item.right)
    else:
        yield item  # type: ignore[misc]


def _variable(links: list[tree.Expr], is_free) -> tree.Name | None:
    """The one word that may be an index variable and stands alone on a side of every comparison."""
    sides = [
        {side.id: side for side in (link.right, link.left) if isinstance(side, tree.Name) and is_free(side.id)}
        for link in links
        if isinstance(link, tree.Binary)
    ]
    shared = set(sides[0]).intersection(*sides) if sides and len(sides) == len(links) else set()
    return sides[0][shared.pop()] if len(shared) == 1 else None


def _bound(link: tree.Expr, name: str) -> tuple[str, tree.Expr, bool]:
    """(`lower` or `upper` or ``, the bound, whether it is strict) of one comparison with the variable."""
    assert isinstance(link, tree.Binary)
    op, bound = link.op, link.right
    if not (isinstance(link.left, tree.Name) and link.left.id == name):
        op, bound = _FLIPPED.get(link.op, ""), link.left
    side = {"<": "upper", "<=": "upper", ">": "lower", ">=": "lower"}.get(op, "")
    return side, bound, op in ("<", ">")
