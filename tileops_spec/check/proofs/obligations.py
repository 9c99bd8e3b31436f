"""What must hold of every index, bound, divisor and extent of a spec, and under which conditions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from ...diagnostics.text import Span
from ...ir import nodes as ir
from ...ir.functions import SELECTIONS
from ...ir.show import show_expr
from ...ir.spec import Definition, Spec
from ...ir.walk import children
from .integers import integers

Kind = Literal["index", "bound", "divisor", "extent", "rank"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Obligation:
    """`low <= value` and `value < high`, where the limits are given; for a divisor, that `value` is not 0.

    It must hold at all values of `axes` where every one of `guards` holds. `what` says it in words.
    """

    kind: Kind
    value: ir.Expr
    low: ir.Expr | None
    high: ir.Expr | None
    axes: tuple[ir.Axis, ...]
    guards: tuple[ir.Expr, ...]
    span: Span
    what: str


def obligations(spec: Spec) -> Iterator[Obligation]:
    """Every obligation, in the order of the file."""
    collector = _Collector(_shapes(spec), integers(spec))
    defaults = (param.default for param in spec.params if param.default is not None)
    for expr in (*spec.where, *spec.assumptions, *defaults):
        yield from collector.below(expr, (), ())
    given = {tensor.name for tensor in spec.inputs}
    for tensor in (*spec.inputs, *spec.outputs):
        yield from collector.of_shape(tensor.name, tensor.shape, tensor.span, is_given=tensor.name in given)
    for definition in spec.math:
        yield from collector.of_definition(definition)


def _shapes(spec: Spec) -> dict[str, tuple[tuple[ir.Expr | None, ir.Expr], ...]]:
    """For each name, the lowest index (None for 0) and the extent of each axis."""
    shapes: dict[str, tuple] = {}
    for definition in spec.math:
        if definition.target not in shapes:
            shapes[definition.target] = tuple(_recurrent_ranges(definition))
    for tensor in spec.inputs:
        shapes[tensor.name] = tuple((None, extent) for extent in tensor.shape)
    return shapes


def _recurrent_ranges(definition: Definition) -> Iterator[tuple[ir.Expr | None, ir.Expr]]:
    """A recurrence has one element more, before its first step."""
    names = [axis.name for axis in definition.axes] if not definition.is_scatter else [""] * len(definition.shape)
    for name, extent in zip(names, definition.shape, strict=True):
        if definition.initial is None or name != definition.along:
            yield None, extent
        elif definition.backward:
            yield None, ir.Binary(op="+", left=extent, right=ir.Number(value=1, dtype="i64"), dtype="i64")
        else:
            yield ir.Number(value=-1, dtype="i64"), extent


@dataclass(frozen=True)
class _Collector:
    shapes: Mapping[str, tuple[tuple[ir.Expr | None, ir.Expr], ...]]

    integers: frozenset[str]

    def of_shape(self, name: str, shape: tuple[ir.Expr, ...], span: Span, *, is_given: bool) -> Iterator[Obligation]:
        """The divisors in a shape; and that no extent is negative, which a tensor that is given shows by itself."""
        for at, extent in enumerate(shape):
            yield from self.below(extent, (), ())
            if isinstance(extent, ir.Binary) and not is_given:
                what = f"the extent of axis {at} of `{name}`"
                yield _make("extent", extent, ZERO, None, (), (), extent.span or span, what)

    def of_definition(self, definition: Definition) -> Iterator[Obligation]:
        axes = definition.axes
        for axis in axes:
            yield from self._of_extent(axis, definition)
        if definition.initial is not None:
            others = tuple(axis for axis in axes if axis.name != definition.along)
            yield from self.below(definition.initial, others, ())
        yield from self.below(definition.value, axes, ())
        for at, (index, extent) in enumerate(zip(definition.indices, definition.target_shape, strict=False)):
            yield from self.below(index, axes, ())
            what = f"axis {at} of `{definition.target}`"
            yield _make("index", index, ZERO, extent, axes, (), index.span, what)

    def _of_extent(self, axis: ir.Axis, definition: Definition) -> Iterator[Obligation]:
        """The divisors in an extent; and that a local has no negative one: those of outputs are looked at above."""
        if isinstance(axis.extent, ir.Binary):
            yield from self.below(axis.extent, (), ())
            if not definition.is_output:
                what = f"the extent of `{axis.name}` in `{definition.target}`"
                yield _make("extent", axis.extent, ZERO, None, (), (), axis.extent.span, what)

    def below(self, expr: ir.Expr, axes: tuple[ir.Axis, ...], guards: tuple[ir.Expr, ...]) -> Iterator[Obligation]:
        """The obligations of an expression and everything below it."""
        match expr:
            case ir.Select():
                yield from self.below(expr.condition, axes, guards)
                yield from self.below(expr.then, axes, (*guards, expr.condition))
                yield from self.below(expr.otherwise, axes, (*guards, _not(expr.condition)))
            case ir.Binary(op="and" | "or"):
                yield from self.below(expr.left, axes, guards)
                assumed = expr.left if expr.op == "and" else _not(expr.left)
                yield from self.below(expr.right, axes, (*guards, assumed))
            case ir.Reduce():
                yield from self._of_reduce(expr, axes, guards)
            case _:
                yield from self._own(expr, axes, guards)
                for child in children(expr):
                    yield from self.below(child, axes, guards)

    def _own(self, expr: ir.Expr, axes: tuple[ir.Axis, ...], guards: tuple[ir.Expr, ...]) -> Iterator[Obligation]:
        if isinstance(expr, ir.Access) and expr.pad is None:
            ranges = self.shapes.get(expr.tensor, ())
            for at, (index, (low, high)) in enumerate(zip(expr.indices, ranges, strict=False)):
                what = f"axis {at} of `{expr.tensor}`"
                yield _make("index", index, low or ZERO, high, axes, guards, index.span, what)
        elif isinstance(expr, ir.Binary) and expr.op in ("//", "%") and expr.dtype in self.integers:
            what = f"the divisor of `{show_expr(expr)}`"
            yield _make("divisor", expr.right, None, None, axes, guards, expr.right.span, what)

    def _of_reduce(
        self, expr: ir.Reduce, axes: tuple[ir.Axis, ...], guards: tuple[ir.Expr, ...]
    ) -> Iterator[Obligation]:
        inner = axes
        for axis in expr.axes:
            yield from self.below(axis.extent, (), guards)
            for bound in (axis.lower, axis.upper):
                if bound is not None:
                    yield from self.below(bound, inner, guards)
            yield from _of_bounds(axis, inner, guards)
            inner = (*inner, axis)
        if expr.rank is not None and expr.function in SELECTIONS:
            what = f"the values over `{expr.axes[0].name}`"
            yield _make("rank", expr.rank, ZERO, expr.axes[0].extent, axes, guards, expr.rank.span, what)
            yield from self.below(expr.rank, axes, guards)
        yield from self.below(expr.body, inner, guards)


def _of_bounds(axis: ir.Axis, axes: tuple[ir.Axis, ...], guards: tuple[ir.Expr, ...]) -> Iterator[Obligation]:
    """A range that is not empty lies within what is laid out."""
    filled = guards
    upper = axis.upper if axis.upper is not None else axis.extent
    if axis.lower is not None:
        filled = (*guards, ir.Binary(op="<", left=axis.lower, right=upper, dtype="bool"))
        what = f"the range of `{axis.name}`"
        yield _make("bound", axis.lower, ZERO, None, axes, filled, axis.lower.span, what)
    if axis.upper is not None:
        what = f"the range of `{axis.name}`"
        end = ir.Binary(op="+", left=axis.extent, right=ir.Number(value=1, dtype="i64"), dtype="i64")
        yield _make("bound", axis.upper, None, end, axes, filled, axis.upper.span, what)


ZERO = ir.Number(value=0, dtype="i64")


def _not(condition: ir.Expr) -> ir.Expr:
    return ir.Unary(op="not", operand=condition, dtype="bool")


def _make(
    kind: Kind,
    value: ir.Expr,
    low: ir.Expr | None,
    high: ir.Expr | None,
    axes: tuple[ir.Axis, ...],
    guards: tuple[ir.Expr, ...],
    span: Span,
    what: str,
) -> Obligation:
    return Obligation(kind=kind, value=value, low=low, high=high, axes=axes, guards=guards, span=span, what=what)
