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
from .places import run_of
from .polynomials import Algebra, conjuncts, names_in, negated, number, plus, replaced

_POINTS = 2**20
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
        """Such as `|{i < Sq, j < Sk : j <= i + Sk - Sq}|`; `[causal]`, 1 or 0, for a condition on params."""
        conditions = " and ".join(chained(self.conditions))
        if not self.axes:
            return f"[{conditions}]"
        some = f"some {_ranges(self.hidden)} : " if self.hidden else ""
        return f"|{{{_ranges(self.axes)} : {some}{conditions}}}|"


def chained(conditions: Sequence[Expr]) -> Iterator[str]:
    """The conditions as text; `lo <= e < hi` for two about the same e."""
    left = list(conditions)
    while left:
        first = left.pop(0)
        below = next((each for each in left if _is_range(first, each)), None)
        if below is None:
            yield _part(first)
        else:
            left.remove(below)
            yield f"{show_expr(first.right)} <= {show_expr(first.left)} < {show_expr(below.right)}"  # type: ignore[union-attr]


def _is_range(first: Expr, second: Expr) -> bool:
    if not isinstance(first, Binary) or not isinstance(second, Binary):
        return False
    return (first.op, second.op) == (">=", "<") and show_expr(first.left) == show_expr(second.left)


def _part(condition: Expr) -> str:
    text = show_expr(condition)
    return f"({text})" if isinstance(condition, Binary) and condition.op == "or" else text


def _ranges(axes: Sequence[Axis]) -> str:
    return ", ".join(f"{show_axis(axis)} < {show_expr(axis.extent)}" for axis in axes)


def both(conditions: Sequence[Expr]) -> Expr:
    return reduce(lambda left, right: _binary("and", left, right), conditions, Number(value=True, dtype="bool"))


def either(conditions: Sequence[Expr]) -> Expr:
    if any(negated(each) in conditions for each in conditions):
        return Number(value=True, dtype="bool")
    return reduce(lambda left, right: _binary("or", left, right), conditions)


def _binary(op: str, left: Expr, right: Expr) -> Expr:
    for one, other in ((left, right), (right, left)):
        if isinstance(one, Number):
            return other if bool(one.value) == (op == "and") else one
    return Binary(op=op, left=left, right=right, dtype="bool")  # type: ignore[arg-type]


def split(axes: Sequence[Axis], conditions: Sequence[Expr], hidden: Sequence[Axis]) -> tuple[list[Axis], list[Region]]:
    """The axes that no condition names, and the regions of those that conditions tie together."""
    waiting = [each for each in conditions if set(names_in(each))]
    constant = tuple(each for each in conditions if each not in waiting)
    regions = [Region((), constant)] if constant else []
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
    every = {**axes, **{axis.name: axis for axis in hidden}}
    ranges = [fact for axis in every.values() for fact in _facts(axis, algebra)]
    parts = [each for whole in conditions for each in conjuncts(whole)]
    left = [each for each in parts if not algebra.holds(each, ranges) and not _within(each, every, algebra)]
    left = list(dict.fromkeys(left))
    for axis in hidden:
        naming = [each for each in left if axis.name in set(names_in(each))]
        rest = [each for each in left if each not in naming]
        if naming and any(
            _proved(naming, axis, value, ranges, rest, algebra) for value in _witnesses(axis, axes, algebra)
        ):
            left = rest
    return tuple(left)


def _within(condition: Expr, axes: Mapping[str, Axis], algebra: Algebra) -> bool:
    """Whether an index is proved to begin at 0 or to end below a limit, as `o // P * Q + c` does."""
    if not isinstance(condition, Binary) or condition.op not in (">=", "<") or not set(names_in(condition.left)):
        return False
    run = run_of(condition.left, axes, algebra)
    if run is None or set(names_in(condition.right)):
        return False
    limit = algebra.poly(condition.right)
    if condition.op == ">=":
        return algebra.never_negative(plus(run.first, limit, -1))
    return run.step == number(1) and algebra.never_negative(plus(limit, run.end, -1))


def _proved(
    conditions: Sequence[Expr], axis: Axis, value: Expr, ranges: Sequence, known: Sequence[Expr], algebra: Algebra
) -> bool:
    """Whether the conditions hold, given others that are known, where an axis has one value."""
    moved = (replaced(each, {axis.name: value}) for each in conditions)
    return all(each in known or algebra.holds(each, ranges) for each in moved)


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
