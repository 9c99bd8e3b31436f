"""Sets of points of index variables: where something is needed. Counted exactly, and shown as a set."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import product

from ..ir.nodes import Axis, Binary, Expr, IndexRef, Number
from ..ir.scalars import Scalar, ScalarError, compiled
from ..ir.show import show_axis, show_expr
from .binding import Binding, BindingError, evaluate_scalar
from .counting import count_points
from .polynomials import Algebra, conjuncts, names_in, replaced

_POINTS = 2**22
"""The most points that are looked at one by one where there is no closed form; with more, all of them count."""


@dataclass(frozen=True, slots=True)
class Region:
    """The points of `axes` at which, for some value of the axes `hidden`, every condition holds."""

    axes: tuple[Axis, ...]
    conditions: tuple[Expr, ...]
    hidden: tuple[Axis, ...] = ()

    def count(self, binding: Binding) -> int:
        """The points; where there is no closed form and there are too many to look at, all points."""
        sizes = {axis.name: max(0, int(evaluate_scalar(axis.extent, binding))) for axis in (*self.axes, *self.hidden)}
        names = {**binding.dims, **binding.params}
        kept = math.prod(sizes[axis.name] for axis in self.axes)
        try:
            found = None if self.hidden else count_points(both(self.conditions), sizes, names)
            if found is None:
                found = self._one_by_one(sizes, names) if math.prod(sizes.values()) <= _POINTS else kept
        except ScalarError as error:
            raise BindingError(str(error)) from error
        return found

    def _one_by_one(self, sizes: Mapping[str, int], names: Mapping[str, Scalar]) -> int:
        test = compiled(both(self.conditions))
        inner = [axis.name for axis in self.hidden]
        outer = [axis.name for axis in self.axes]

        def holds(point: tuple[int, ...]) -> bool:
            known = {**names, **dict(zip(outer, point, strict=True))}
            rest = product(*(range(sizes[name]) for name in inner))
            return any(test({**known, **dict(zip(inner, each, strict=True))}) for each in rest)

        return sum(map(holds, product(*(range(sizes[name]) for name in outer))))

    def __str__(self) -> str:
        """Such as `|{i < Sq, j < Sk : j <= i + Sk - Sq}|`."""
        conditions = " and ".join(_part(each) for each in self.conditions)
        some = f"some {_ranges(self.hidden)} : " if self.hidden else ""
        return f"|{{{_ranges(self.axes)} : {some}{conditions}}}|"


def _part(condition: Expr) -> str:
    text = show_expr(condition)
    return f"({text})" if isinstance(condition, Binary) and condition.op == "or" else text


def _ranges(axes: Sequence[Axis]) -> str:
    return ", ".join(f"{show_axis(axis)} < {show_expr(axis.extent)}" for axis in axes)


def both(conditions: Sequence[Expr]) -> Expr:
    return reduce(lambda left, right: _binary("and", left, right), conditions, Number(value=True, dtype="bool"))


def either(conditions: Sequence[Expr]) -> Expr:
    return reduce(lambda left, right: _binary("or", left, right), conditions)


def _binary(op: str, left: Expr, right: Expr) -> Expr:
    for one, other in ((left, right), (right, left)):
        if isinstance(one, Number):
            return other if bool(one.value) == (op == "and") else one
    return Binary(op=op, left=left, right=right, dtype="bool")  # type: ignore[arg-type]


def split(axes: Sequence[Axis], conditions: Sequence[Expr], hidden: Sequence[Axis]) -> tuple[list[Axis], list[Region]]:
    """The axes that no condition names, and the regions of those that conditions tie together."""
    waiting = list(conditions)
    regions = []
    free = {axis.name for axis in axes}
    while waiting:
        tied, rest = _tied(waiting)
        names = {name for each in tied for name in names_in(each)}
        kept = tuple(axis for axis in axes if axis.name in names)
        inner = tuple(axis for axis in hidden if axis.name in names)
        regions.append(Region(kept, tuple(tied), inner))
        free -= names
        waiting = rest
    return [axis for axis in axes if axis.name in free], regions


def _tied(conditions: Sequence[Expr]) -> tuple[list[Expr], list[Expr]]:
    """The first condition with all that share index variables with it, and the rest."""
    names, tied, rest = set(names_in(conditions[0])), [conditions[0]], list(conditions[1:])
    grown = True
    while grown:
        grown = False
        for each in list(rest):
            if names & set(names_in(each)):
                names |= set(names_in(each))
                tied.append(each)
                rest.remove(each)
                grown = True
    return [each for each in conditions if each in tied], rest


def simplified(
    conditions: Sequence[Expr], axes: Mapping[str, Axis], hidden: Sequence[Axis], algebra: Algebra
) -> tuple[Expr, ...]:
    """The conditions without those that are proved to hold, for every point or for some value of the hidden axes."""
    ranges = [fact for axis in (*axes.values(), *hidden) for fact in _facts(axis, algebra)]
    left = [each for whole in conditions for each in conjuncts(whole) if not algebra.holds(each, ranges)]
    left = list(dict.fromkeys(left))
    for axis in hidden:
        naming = [each for each in left if axis.name in set(names_in(each))]
        if naming and any(_proved(naming, axis, value, ranges, algebra) for value in _witnesses(axis, axes, algebra)):
            left = [each for each in left if each not in naming]
    return tuple(left)


def _proved(conditions: Sequence[Expr], axis: Axis, value: Expr, ranges: Sequence, algebra: Algebra) -> bool:
    return all(algebra.holds(replaced(each, {axis.name: value}), ranges) for each in conditions)


def _witnesses(axis: Axis, axes: Mapping[str, Axis], algebra: Algebra) -> Iterator[Expr]:
    yield Number(value=0, dtype="i64")
    yield Binary(op="-", left=axis.extent, right=Number(value=1, dtype="i64"), dtype="i64")
    for other in axes.values():
        if algebra.at_most(other.extent, axis.extent):
            yield IndexRef(name=other.name, dtype="i64")


def _facts(axis: Axis, algebra: Algebra) -> Iterator:
    """extent - 1 - v >= 0."""
    yield from algebra.facts_of(
        Binary(op="<", left=IndexRef(name=axis.name, dtype="i64"), right=axis.extent, dtype="bool")
    )

