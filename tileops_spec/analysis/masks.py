"""Masks under a softmax: which points of a definition need no work at all, and how many are left."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise, product

from ..ir.nodes import (
    COMPARISONS,
    Access,
    Along,
    Axis,
    Binary,
    Cast,
    Expr,
    IndexRef,
    Number,
    Reduce,
    Select,
    Unary,
)
from ..ir.scalars import ScalarError
from ..ir.show import show_axis, show_expr
from ..ir.spec import Definition, Spec
from ..ir.walk import map_children, walk
from .binding import Binding, BindingError, evaluate_scalar
from .counting import count_points

_ROWS = 2**13
"""The most rows that are counted one by one where there is no closed form; with more, nothing counts as masked."""


@dataclass(frozen=True, slots=True)
class Mask:
    """Points of `axes` where `condition` holds need no work. The last axis is the one that is normalized over."""

    condition: Expr
    axes: tuple[Axis, ...]

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(axis.name for axis in self.axes)

    def count(self, binding: Binding) -> int:
        """The points that need work: exact, in closed form or else row by row; with too many rows, all points."""
        sizes = {axis.name: int(evaluate_scalar(axis.extent, binding)) for axis in self.axes}
        try:
            masked = count_points(self.condition, sizes, {**binding.dims, **binding.params})
        except ScalarError as error:
            raise BindingError(str(error)) from error
        return math.prod(sizes.values()) - masked if masked is not None else self._count_rows(sizes, binding)

    def _count_rows(self, sizes: dict[str, int], binding: Binding) -> int:
        *others, last = sizes
        rows = math.prod(sizes[name] for name in others)
        if rows > _ROWS:
            return rows * sizes[last]
        points = product(*(range(sizes[name]) for name in others))
        return sum(self._row(dict(zip(others, point, strict=True)), last, sizes[last], binding) for point in points)

    def _row(self, indices: dict[str, int], last: str, extent: int, binding: Binding) -> int:
        """Points of one row that need work: the condition is constant between neighbouring thresholds."""
        cuts = {0, extent}
        for threshold in _thresholds(self.condition, last):
            at = math.ceil(float(evaluate_scalar(threshold, binding, indices)))
            cuts |= {min(max(cut, 0), extent) for cut in (at - 1, at, at + 1)}
        edges = sorted(cuts)
        return sum(
            stop - start
            for start, stop in pairwise(edges)
            if not evaluate_scalar(self.condition, binding, {**indices, last: start})
        )

    def __str__(self) -> str:
        ranges = ", ".join(f"{show_axis(axis)} < {show_expr(axis.extent)}" for axis in self.axes)
        return f"|{{{ranges} : {show_expr(_negated(self.condition))}}}|"


def masks_of(spec: Spec) -> dict[str, Mask]:
    """The mask of each definition: of a masked softmax, of sums over its result, and of what feeds it alone."""
    zero = {each.target: (each, mask) for each in spec.math if (mask := _own_mask(each)) is not None}
    found = {name: mask for name, (_, mask) in zero.items()}
    for definition in spec.math:
        inherited = _inherited(definition, zero)
        fed = None if definition.is_output else _fed(definition, spec, zero)
        if definition.target not in found and (inherited or fed):
            found[definition.target] = inherited or fed  # type: ignore[assignment]
    return found


def masked_softmax(expr: Expr) -> Select | None:
    """The selection that a softmax masks by: a condition on indices that gives -inf."""
    if not isinstance(expr, Along) or expr.function != "softmax" or not isinstance(expr.body, Select):
        return None
    select = expr.body
    if is_minus_infinity(select.then) and _on_indices(select.condition):
        return select
    if is_minus_infinity(select.otherwise) and _on_indices(select.condition):
        return replace(select, condition=_negated(select.condition), then=select.otherwise, otherwise=select.then)
    return None


def _negated(condition: Expr) -> Expr:
    if isinstance(condition, Unary) and condition.op == "not":
        return condition.operand
    return Unary(op="not", operand=condition, dtype="bool")


def is_minus_infinity(expr: Expr) -> bool:
    """Whether the expression is -inf, through casts."""
    while isinstance(expr, Cast):
        expr = expr.operand
    if isinstance(expr, Unary) and expr.op == "-":
        return isinstance(expr.operand, Number) and expr.operand.value == math.inf
    return isinstance(expr, Number) and expr.value == -math.inf


def _on_indices(condition: Expr) -> bool:
    nodes = list(walk(condition))
    return not any(isinstance(node, Access) for node in nodes) and any(isinstance(node, IndexRef) for node in nodes)


def _own_mask(definition: Definition) -> Mask | None:
    select = masked_softmax(definition.value)
    if select is None:
        return None
    along: Along = definition.value  # type: ignore[assignment]
    return _mask(select.condition, definition.axes, along.axis)


def _mask(condition: Expr, axes: Sequence[Axis], last: str) -> Mask | None:
    """A mask that can be counted: `last` stands alone on one side of every comparison that it is in."""
    used = {node.name for node in walk(condition) if isinstance(node, IndexRef)}
    if last not in used or not _countable(condition, last):
        return None
    ordered = [axis for axis in axes if axis.name in used and axis.name != last]
    return Mask(condition, (*ordered, next(axis for axis in axes if axis.name == last)))


def _countable(condition: Expr, last: str) -> bool:
    uses = sum(isinstance(node, IndexRef) and node.name == last for node in walk(condition))
    return uses == len(list(_thresholds(condition, last)))


def _thresholds(condition: Expr, last: str) -> Iterator[Expr]:
    """What `last` is compared with, where it stands alone and the other side does not read it."""
    for node in walk(condition):
        if isinstance(node, Binary) and node.op in COMPARISONS:
            for side, other in ((node.left, node.right), (node.right, node.left)):
                if isinstance(side, IndexRef) and side.name == last and not _reads(other, last):
                    yield other


def _reads(expr: Expr, name: str) -> bool:
    return any(isinstance(node, IndexRef) and node.name == name for node in walk(expr))


def _inherited(definition: Definition, zero: Mapping[str, tuple[Definition, Mask]]) -> Mask | None:
    """The mask of a sum whose terms have a masked probability as a factor: they are 0 where it is masked."""
    value = definition.value
    if not isinstance(value, Reduce) or value.function != "sum":
        return None
    scope = {axis.name: axis for axis in (*definition.axes, *value.axes)}
    for factor in map(stripped, product_factors(value.body)):
        if isinstance(factor, Access) and factor.tensor in zero and _plain(factor):
            source, mask = zero[factor.tensor]
            table = {axis.name: index.name for axis, index in zip(source.axes, factor.indices, strict=True)}  # type: ignore[union-attr]
            return _renamed(mask, table, scope)
    return None


def _fed(definition: Definition, spec: Spec, zero: Mapping[str, tuple[Definition, Mask]]) -> Mask | None:
    """The mask of a local that is read once, as what a masked softmax selects where it is not masked."""
    if not zero:
        return None
    nodes = (node for each in spec.math for node in walk(each.value))
    reads = [node for node in nodes if isinstance(node, Access) and node.tensor == definition.target]
    if len(reads) != 1 or not _plain(reads[0]):
        return None
    table = {index.name: axis.name for axis, index in zip(definition.axes, reads[0].indices, strict=True)}  # type: ignore[union-attr]
    for source, mask in zero.values():
        select = masked_softmax(source.value)
        if select is not None and reads[0] in walk(select.otherwise) and set(mask.names) <= set(table):
            return _renamed(mask, table, {axis.name: axis for axis in definition.axes})
    return None


def product_factors(expr: Expr, opaque: Callable[[Cast], bool] = lambda cast: False) -> Iterator[Expr]:
    """The factors of a product, through signs and casts that are not `opaque`; each with the casts around it."""
    inner = stripped(expr, opaque)
    if isinstance(inner, Binary) and inner.op == "*":
        yield from product_factors(inner.left, opaque)
        yield from product_factors(inner.right, opaque)
    else:
        yield expr


def stripped(expr: Expr, opaque: Callable[[Cast], bool] = lambda cast: False) -> Expr:
    """The expression without the signs and casts around it, down to an opaque cast."""
    while (isinstance(expr, Cast) and not opaque(expr)) or (isinstance(expr, Unary) and expr.op == "-"):
        expr = expr.operand
    return expr


def _plain(access: Access) -> bool:
    return all(isinstance(index, IndexRef) for index in access.indices)


def _renamed(mask: Mask, table: Mapping[str, str], scope: Mapping[str, Axis]) -> Mask | None:
    """The mask in the index variables of another place; None where one has no counterpart there."""
    if any(name not in table or table[name] not in scope for name in mask.names):
        return None
    return Mask(_rename(mask.condition, table), tuple(scope[table[name]] for name in mask.names))


def _rename(expr: Expr, table: Mapping[str, str]) -> Expr:
    if isinstance(expr, IndexRef):
        return replace(expr, name=table.get(expr.name, expr.name))
    return map_children(expr, lambda child: _rename(child, table))
