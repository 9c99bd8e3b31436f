"""One obligation put to z3: proved, refuted with a witness, or open."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import z3

from ...ir import nodes as ir
from ...ir.spec import Spec
from ...ir.walk import walk
from .assumed import assume
from .lemmas import lemmas
from .obligations import Obligation, inlined
from .polynomial import Poly, number
from .terms import Terms

_EFFORT = 2_000_000
"""z3's count of steps for one question: the same on every machine."""
_TIME = 2000
"""Milliseconds, should steps be slow."""
_SIZES = (8, 64, 4096, None)
"""Largest extents of a witness, tried in turn, so that it is as small as can be."""


@dataclass(frozen=True, slots=True)
class Witness:
    """Values that break an obligation: `value` is what the index is there, `high` its upper limit."""

    assignments: tuple[str, ...]
    value: int
    high: int | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """`vague`: refuted only for values of which too little is known, so that it may hold all the same."""

    status: Literal["proved", "refuted", "open"]
    witness: Witness | None = None
    vague: bool = False


def solve(obligation: Obligation, spec: Spec, extra: Sequence[ir.Expr] = ()) -> Outcome:
    """Put one obligation to z3; `extra` are clauses that are assumed beside those of the spec."""
    question = _Question.of(obligation, spec, extra)
    if question.refuted(linear=True) == z3.unsat:
        return Outcome("proved")
    for size in _SIZES:
        status = question.refuted(linear=False, size=size)
        if status == z3.sat:
            return Outcome("refuted", question.witness(), question.terms.opaque)
        if status == z3.unsat and size is None:
            return Outcome("proved")
    return Outcome("open")


def proves(obligation: Obligation, spec: Spec, extra: Sequence[ir.Expr]) -> bool:
    """Whether the obligation holds under further clauses, by linear arithmetic and lemmas alone."""
    return _Question.of(obligation, spec, extra).refuted(linear=True) == z3.unsat


@dataclass
class _Question:
    """The constraints under which `value` leaves its limits."""

    terms: Terms
    constraints: list[Any]
    value: Poly
    high: Poly | None
    dims: tuple[Poly, ...]
    mentioned: frozenset[str]
    model: Any = None

    @classmethod
    def of(cls, obligation: Obligation, spec: Spec, extra: Sequence[ir.Expr]) -> _Question:
        terms = Terms(spec)
        constraints = [terms.truth(clause) for clause in spec.where]
        constraints += terms.bind(obligation.axes)
        constraints += [terms.truth(clause) for clause in extra]
        constraints += [terms.truth(inlined(guard, spec)) for guard in obligation.guards]
        value = terms.poly(inlined(obligation.value, spec))
        low, high = (None if each is None else terms.poly(each) for each in (obligation.low, obligation.high))
        broken = [terms.equal(value, number(0))] if obligation.kind == "divisor" else []
        if low is not None:
            broken.append(terms.at_least(low - number(1), value))
        if high is not None:
            broken.append(terms.at_least(value, high))
        constraints.append(z3.Or(broken))
        constraints += assume(terms, spec)
        numbers = {0, 1} | {each for each in (None if high is None else high.constant,) if each is not None}
        constraints += lemmas(terms, frozenset(numbers))
        dims = tuple(terms.poly(ir.DimRef(name=dim.name, dtype="i64")) for dim in spec.dims)
        return cls(terms, [*constraints, *terms.facts], value, high, dims, _mentioned(obligation))

    def refuted(self, *, linear: bool, size: int | None = None) -> Any:
        """sat where the limits can be left; products are products only where not `linear`."""
        solver = z3.Solver()
        solver.set("rlimit", _EFFORT)
        solver.set("timeout", _TIME)
        solver.add(self.constraints)
        if not linear:
            solver.add([self._product(monomial) for monomial in self.terms.variables if len(monomial) > 1])
        if size is not None:
            solver.add([self.terms.at_least(number(size), dim) for dim in self.dims])
        status = solver.check()
        self.model = solver.model() if status == z3.sat else None
        return status

    def _product(self, monomial: tuple[int, ...]) -> Any:
        factors = [self.terms.term(Poly((((index,), 1),))) for index in monomial]
        whole = self.terms.variables[monomial]
        product = factors[0]
        for factor in factors[1:]:
            product = product * factor
        return whole == product

    def witness(self) -> Witness:
        high = None if self.high is None else self._number(self.high)
        return Witness(tuple(dict.fromkeys(self._assignments())), self._number(self.value), high)

    def _number(self, poly: Poly) -> int:
        return self.model.eval(self.terms.term(poly), model_completion=True).as_long()

    def _assignments(self) -> Iterator[str]:
        """`K = 8`, `k = 7`, `len[0] = 9`: what the question speaks of."""
        for key, index in self.terms.names.items():
            if isinstance(key, tuple) and key[0] in ("dim", "param") and key[1] in self.mentioned:
                yield f"{key[1]} = {self._number(Poly((((index,), 1),)))}"
        for name, poly in self.terms.axes.items():
            if name in self.mentioned:
                yield f"{name} = {self._number(poly)}"
        tensors = {tensor.name for tensor in self.terms.spec.inputs}
        for element in self.terms.elements.values():
            if element.tensor in tensors:
                place = ", ".join(str(self._number(index)) for index in element.indices)
                yield f"{element.tensor}[{place}] = {self._number(element.value)}"


def _mentioned(obligation: Obligation) -> frozenset[str]:
    """The dims, params and index variables that the obligation speaks of, and the extents of those variables."""
    parts = [obligation.value, obligation.low, obligation.high, *obligation.guards]
    names = _names(parts)
    return names | _names([axis.extent for axis in obligation.axes if axis.name in names])


def _names(parts: Sequence[ir.Expr | None]) -> frozenset[str]:
    nodes = (node for part in parts if part is not None for node in walk(part))
    return frozenset(node.name for node in nodes if isinstance(node, ir.DimRef | ir.ParamRef | ir.IndexRef))
