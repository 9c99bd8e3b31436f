"""The cost of a spec: operations and the fewest bytes, symbolic in the dims. The conventions are in docs/cost.md."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

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


@dataclass(frozen=True)
class Cost:
    """The cost of a spec: sums of terms, derived when they are asked for."""

    spec: Spec

    @property
    def is_known(self) -> bool:
        """Whether there is mathematics to count."""
        return bool(self.spec.math)

    @cached_property
    def _needs(self) -> Needs:
        return gather_needs(self.spec)

    @cached_property
    def _pairs(self) -> tuple[tuple[Term, bool], ...]:
        return tuple(_term(each, self._needs) for each in self._needs.work)

    @cached_property
    def flop_terms(self) -> tuple[Term, ...]:
        return tuple(_merged([term for term, _ in self._pairs]))

    @cached_property
    def byte_terms(self) -> tuple[Touched, ...]:
        return touched_of(self._needs)

    @property
    def flops_at_most(self) -> bool:
        """Whether data may make the operations fewer than the formula says."""
        return any(loose for _, loose in self._pairs)

    @property
    def bytes_at_most(self) -> bool:
        """Whether data may make the bytes fewer than the formula says."""
        return any(each.loose for each in self.byte_terms)

    def evaluate(self, binding: Binding) -> CostValue:
        """The cost at one binding; without mathematics no operations, and all of every tensor."""
        flops, size = (sum(term.value(binding) for term in terms) for terms in (self.flop_terms, self.byte_terms))
        return CostValue(flops, size)

    def compiled_work(self) -> Callable[[Mapping[str, Scalar]], int]:
        """Operations with nothing masked, and elements of tensors, as a function of dims and params: monotone in every
        dim.

        An extent that needs a name without a value counts as 1.
        """
        terms = [(factor, [compiled(extent) for extent in extents]) for factor, extents in self._dense()]
        return lambda names: sum(factor * math.prod(_size(each, names) for each in sizes) for factor, sizes in terms)

    def _dense(self) -> Iterator[tuple[int, tuple[Expr, ...]]]:
        for work in gather_needs(self.spec, exact=False).work:
            yield work.weight, tuple(axis.extent for name, axis in work.points.axes.items() if name in work.names)
        for tensor in (*self.spec.inputs, *self.spec.outputs):
            yield 1, tensor.shape

    @property
    def flops(self) -> str:
        """Such as `2·M·N·K`."""
        if not self.is_known:
            return UNKNOWN
        formula = Formula(self._needs.algebra)
        for term in self.flop_terms:
            formula.add(term.factor, term.extents, tuple(map(str, term.regions)))
        return ("at most " if self.flops_at_most else "") + str(formula)

    @property
    def bytes(self) -> str:
        """Such as `(M·K + N·K)·bytes(T) + M·bytes(i32)`."""
        formula = Formula(self._needs.algebra)
        for term in self.byte_terms:
            formula.add(1, term.extents, (*term.parts, f"bytes({term.dtype})"))
        return ("at most " if self.bytes_at_most else "") + str(formula)


def cost(spec: Spec) -> Cost:
    """The cost of computing every output once, with every optional input given."""
    return Cost(spec)


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
