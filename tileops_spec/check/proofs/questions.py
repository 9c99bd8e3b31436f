"""Obligations as polynomials: what must not be negative, and where."""

from __future__ import annotations

from dataclasses import dataclass

from ...ir import nodes as ir
from ...ir.spec import Spec
from .assumed import Assumptions
from .bounds import Bounds
from .formulas import And, AtLeast, Formula, Zero, negated
from .obligations import Obligation
from .polynomial import Poly, number
from .terms import Terms

_ONE = number(1)


@dataclass(frozen=True)
class Question:
    """That `goal` holds at all values of `scope` where the `guards` do."""

    obligation: Obligation
    goal: Formula
    guards: tuple[Formula, ...]
    scope: dict[str, Poly]
    value: Poly
    high: Poly | None


class Questions:
    """The obligations of one spec, in one set of terms."""

    def __init__(self, spec: Spec) -> None:
        self.spec = spec
        self.terms = Terms(spec)
        self.assumptions = Assumptions(self.terms)
        self._scopes: dict[int, tuple[tuple[ir.Axis, ...], dict[str, Poly]]] = {}
        self._bounds: dict[tuple[Formula, ...], Bounds] = {}

    def of(self, obligation: Obligation) -> Question:
        scope = self._scope(obligation.axes)
        guards = tuple(self.terms.truth(guard, scope) for guard in obligation.guards)
        value = self.terms.poly(obligation.value, scope)
        low, high = (
            None if each is None else self.terms.poly(each, scope) for each in (obligation.low, obligation.high)
        )
        if obligation.kind == "divisor":
            goal: Formula = negated(Zero(value))
        else:
            above = (AtLeast(value - low),) if low is not None else ()
            goal = And((*above, *((AtLeast(high - value - _ONE),) if high is not None else ())))
        return Question(obligation, goal, guards, scope, value, high)

    def quickly(self, question: Question) -> bool:
        """Whether it is proved without a solver."""
        bounds = self._bounds.get(question.guards)
        if bounds is None:
            bounds = Bounds(self.assumptions, question.guards)
            self._bounds[question.guards] = bounds
        if question.obligation.kind == "divisor":
            return bounds.proves(question.value - _ONE) or bounds.proves(-question.value - _ONE)
        return bounds.holds(question.goal)

    def _scope(self, axes: tuple[ir.Axis, ...]) -> dict[str, Poly]:
        if id(axes) not in self._scopes:
            self._scopes[id(axes)] = (axes, self.terms.bind(axes))
        return self._scopes[id(axes)][1]
