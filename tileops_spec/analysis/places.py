"""Whether accesses reach every place of some axes: indices as progressions of places without gaps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from ..ir.nodes import Axis, Binary, Expr, IndexRef, Number
from .divisors import proves_multiple
from .polynomials import Algebra, Poly, names_in, number, plus, times


@dataclass(frozen=True)
class Run:
    """The places `first`, `first + step`, … : `count` of them."""

    first: Poly
    count: Poly
    step: Poly

    @property
    def end(self) -> Poly:
        """One beyond the last place, of a run with a step of 1."""
        return plus(self.first, self.count)


def covers(
    indices: Sequence[Sequence[Expr]],
    axes: Sequence[Sequence[Axis]],
    extents: Sequence[Expr],
    algebra: Algebra,
) -> bool:
    """Whether some accesses together are proved to reach every place of the axes with these extents."""
    if len(extents) == 2 and len(indices) == 1:
        return _quotient_and_rest(indices[0], axes[0], extents, algebra)
    if len(extents) != 1:
        return False
    runs = [
        run_of(index[0], {axis.name: axis for axis in own}, algebra) for index, own in zip(indices, axes, strict=True)
    ]
    ranges = [run for run in runs if run is not None and run.step == number(1)]
    extent = algebra.poly(extents[0])
    return any(run == Run({}, extent, number(1)) for run in ranges) or _tiled(ranges, extent, algebra)


def _tiled(runs: Sequence[Run], extent: Poly, algebra: Algebra) -> bool:
    """Whether ranges of places reach from 0 to the extent without a gap."""
    reached: Poly = {}
    left = list(runs)
    while True:
        if algebra.never_negative(plus(reached, extent, -1)):
            return True
        joining = (
            run
            for run in left
            if algebra.never_negative(plus(reached, run.first, -1))
            and algebra.never_negative(plus(run.end, reached, -1))
        )
        run = next(joining, None)
        if run is None:
            return False
        left.remove(run)
        reached = run.end


def _quotient_and_rest(
    indices: Sequence[Expr],
    axes: Sequence[Axis],
    extents: Sequence[Expr],
    algebra: Algebra,
) -> bool:
    """`e // c` and `e % c` reach everything where e runs through all of it."""
    first, second = indices
    if not (isinstance(first, Binary) and first.op == "//" and isinstance(second, Binary) and second.op == "%"):
        return False
    if (first.left, first.right) != (second.left, second.right) or not algebra.equal(first.right, extents[1]):
        return False
    run = run_of(first.left, {axis.name: axis for axis in axes}, algebra)
    return run is not None and run.step == number(1) and run.first == {} and run.count == algebra.product(extents)


def run_of(index: Expr, axes: Mapping[str, Axis], algebra: Algebra) -> Run | None:
    """The places of an index as a progression, each of them reached; None where that is not known."""
    if not set(names_in(index)):
        return Run(algebra.poly(index), number(1), number(1))
    match index:
        case IndexRef(name=name):
            return Run({}, algebra.poly(axes[name].extent), number(1))
        case Binary(op="+" | "-" as op, left=left, right=right):
            return _sum(left, right, 1 if op == "+" else -1, axes, algebra)
        case Binary(op="*", left=left, right=right):
            scaled, by = (left, right) if set(names_in(left)) else (right, left)
            run = run_of(scaled, axes, algebra)
            if run is None or set(names_in(by)):
                return None
            factor = algebra.poly(by)
            first, step = (algebra.divided_out(times(each, factor)) for each in (run.first, run.step))
            return replace(run, first=first, step=step)
        case Binary(op="//" | "%" as op, left=IndexRef(name=name), right=by) if not set(names_in(by)):
            return _cut(op, axes[name].extent, by, algebra)
    return None


def _sum(
    left: Expr,
    right: Expr,
    sign: int,
    axes: Mapping[str, Axis],
    algebra: Algebra,
) -> Run | None:
    for moved, by, factor in ((left, right, sign), (right, left, 1)):
        if not set(names_in(by)) and (sign > 0 or moved is left):
            run = run_of(moved, axes, algebra)
            return None if run is None else replace(run, first=plus(run.first, algebra.poly(by), factor))
    one, other = (run_of(each, axes, algebra) for each in (left, right))
    if one is None or other is None or sign < 0 or set(names_in(left)) & set(names_in(right)):
        return None
    first = plus(one.first, other.first)
    for coarse, fine in ((one, other), (other, one)):
        if coarse.step == algebra.divided_out(times(fine.step, fine.count)):
            return Run(first, algebra.divided_out(times(coarse.count, fine.count)), fine.step)
    if one.step == other.step == number(1):
        return Run(first, plus(plus(one.count, other.count), number(-1)), number(1))
    return None


def _cut(op: str, extent: Expr, by: Expr, algebra: Algebra) -> Run | None:
    if op == "%":
        return Run({}, algebra.poly(by), number(1)) if _reaches(by, extent, algebra) else None
    quotient = Binary(op="//", left=extent, right=by, dtype="i64")
    exact = algebra.divides(by, extent) or (
        isinstance(by, Number) and proves_multiple(extent, int(by.value), algebra.where)
    )
    if not exact:
        one = Number(value=1, dtype="i64")
        last = Binary(op="-", left=Binary(op="+", left=extent, right=by), right=one)
        quotient = Binary(op="//", left=last, right=by, dtype="i64")
    return Run({}, algebra.poly(quotient), number(1))


def _reaches(by: Expr, extent: Expr, algebra: Algebra) -> bool:
    """Whether by <= extent: also where `by` is a part of it, as in `D // 2`."""
    part = isinstance(by, Binary) and by.op == "//" and algebra.equal(by.left, extent)
    return part or algebra.at_most(by, extent)
