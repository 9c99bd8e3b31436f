"""The cost of a spec: floating-point operations and the fewest bytes, symbolic in the dims. Conventions: docs/cost.md."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from ..ir.nodes import Expr
from ..ir.scalars import Scalar, ScalarError, compiled
from ..ir.spec import Spec
from .binding import Binding, evaluate_scalar
from .formulas import Formula
from .needed import Needs, Work, free_indices, gather_needs, reads_data
from .regions import Region, simplified, split
from .touched import Touched, touched_of

__all__ = ["Cost", "CostValue", "Term", "cost", "free_indices", "reads_data"]

UNKNOWN = "unknown: without mathematics there is nothing to count"


@dataclass(frozen=True, slots=True)
class Term:
    """`factor` · Π extents · Π the points of regions; operations."""

    factor: int
    extents: tuple[Expr, ...]
    regions: tuple[Region, ...] = ()

    def value(self, binding: Binding) -> int:
        sizes = (max(0, int(evaluate_scalar(extent, binding))) for extent in self.extents)
        return self.factor * math.prod(sizes) * math.prod(region.count(binding) for region in self.regions)


@dataclass(frozen=True, slots=True)
class CostValue:
    """Numbers for one binding."""

    flops: int
    bytes: int

    @property
    def intensity(self) -> float:
        """Floating-point operations a byte."""
        return self.flops / self.bytes if self.bytes else math.inf


@dataclass(frozen=True, slots=True)
class Cost:
    """The cost of a spec: sums of terms; `…_at_most` where data may make it less."""

    flop_terms: tuple[Term, ...]
    byte_terms: tuple[Touched, ...]
    needs: Needs
    flops_at_most: bool
    bytes_at_most: bool
    known: bool = True

    def evaluate(self, binding: Binding) -> CostValue:
        """The cost at one binding; without mathematics no operations, and all of every tensor."""
        flops, size = (sum(term.value(binding) for term in terms) for terms in (self.flop_terms, self.byte_terms))
        return CostValue(flops, size)

    def compiled_work(self) -> Callable[[Mapping[str, Scalar]], int]:
        """Flops with nothing masked, and elements of tensors, as a function of dims and params: monotone in every dim.

        An extent that needs a name without a value counts as 1.
        """
        terms = [(factor, [compiled(extent) for extent in extents]) for factor, extents in self._dense()]
        return lambda names: sum(factor * math.prod(_size(each, names) for each in sizes) for factor, sizes in terms)

    def _dense(self) -> Iterator[tuple[int, tuple[Expr, ...]]]:
        for term in self.flop_terms:
            masked = (axis.extent for region in term.regions for axis in region.axes)
            yield term.factor, (*term.extents, *masked)
        for term in self.byte_terms:
            yield 1, term.shape

    @property
    def flops(self) -> str:
        """Such as `2·M·N·K`."""
        if not self.known:
            return UNKNOWN
        formula = Formula(self.needs.algebra)
        for term in self.flop_terms:
            formula.add(term.factor, term.extents, tuple(map(str, term.regions)))
        return ("at most " if self.flops_at_most else "") + str(formula)

    @property
    def bytes(self) -> str:
        """Such as `(M·K + N·K)·bytes(T) + M·bytes(i32)`."""
        formula = Formula(self.needs.algebra)
        for term in self.byte_terms:
            formula.add(1, term.extents, (*term.parts, f"bytes({term.dtype})"), last=True)
        return ("at most " if self.bytes_at_most else "") + str(formula)


def cost(spec: Spec) -> Cost:
    """The cost of computing every output once, with every optional input given."""
    needs = gather_needs(spec)
    pairs = [_term(each, needs) for each in needs.work]
    touched = touched_of(needs)
    return Cost(
        flop_terms=tuple(_merged([term for term, _ in pairs])),
        byte_terms=touched,
        needs=needs,
        flops_at_most=any(loose for _, loose in pairs),
        bytes_at_most=any(each.loose for each in touched),
        known=bool(spec.math),
    )


def _term(work: Work, needs: Needs) -> tuple[Term, bool]:
    axes = {name: axis for name, axis in work.points.axes.items() if name in work.names}
    hidden = [axis for name, axis in work.points.axes.items() if name not in work.names]
    conditions = simplified(work.points.conditions, axes, hidden, needs.algebra)
    free, regions = split(list(axes.values()), conditions, hidden)
    return Term(work.weight, tuple(axis.extent for axis in free), tuple(regions)), work.points.loose


def _merged(terms: list[Term]) -> Iterator[Term]:
    """Like terms added up."""
    merged: dict[tuple, int] = {}
    for term in terms:
        key = (term.extents, term.regions)
        merged[key] = merged.get(key, 0) + term.factor
    return (Term(factor, *key) for key, factor in merged.items())


def _size(extent: Callable[[Mapping[str, Scalar]], Scalar], names: Mapping[str, Scalar]) -> int:
    try:
        return max(0, int(extent(names)))
    except ScalarError:
        return 1
