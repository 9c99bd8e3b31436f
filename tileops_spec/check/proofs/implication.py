"""Which clauses contradict, and which imply another, by z3."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import z3

from ...ir.nodes import Expr
from ...ir.spec import Spec
from .assumed import Assumptions
from .formulas import Formula, negated
from .lemmas import lemmas
from .reach import Reached
from .smt import monomials, script, text
from .terms import Terms

_EFFORT = 150_000
_TIME = 2000


class Undecided(Exception):
    """z3 has come to its limit."""


def contradiction(spec: Spec) -> list[Expr]:
    """A least set of clauses that nothing satisfies; empty where something satisfies all. Raises Undecided."""
    terms = Terms(spec, simplify=False)
    solver, marks = _solver(terms, [terms.truth(clause, {}) for clause in spec.where], [])
    if not _is_unsatisfiable(solver, marks):
        return []
    return [spec.where[marks.index(mark)] for mark in solver.unsat_core()]


def implied_by(spec: Spec, clause: Expr, others: Sequence[Expr]) -> list[Expr] | None:
    """Clauses that imply another, as few as possible; None where they do not. Raises Undecided."""
    terms = Terms(spec, simplify=False)
    formulas = [terms.truth(each, {}) for each in others]
    solver, marks = _solver(terms, formulas, [negated(terms.truth(clause, {}))])
    if not _is_unsatisfiable(solver, marks):
        return None
    core = {str(mark) for mark in solver.unsat_core()}
    return [each for at, each in enumerate(others) if str(marks[at]) in core]


def _is_unsatisfiable(solver: Any, marks: list[Any]) -> bool:
    status = solver.check(marks)
    if status == z3.unknown:
        raise Undecided
    return status == z3.unsat


def _solver(terms: Terms, marked: Sequence[Formula], fixed: Sequence[Formula]) -> tuple[Any, list[Any]]:
    """A solver in which each of some formulas holds where its mark does."""
    reached = Reached(Assumptions(terms))
    reached.add((*marked, *fixed))
    formulas = [*fixed, *reached.formulas]
    products = [monomial for monomial in monomials([*marked, *formulas]) if len(monomial) > 1]
    formulas += lemmas(products, (0, 1))
    names = [f"clause{at}" for at in range(len(marked))]
    solver = z3.Solver(ctx=z3.Context())  # what was asked before must not change what is found
    for key, value in (("rlimit", _EFFORT), ("timeout", _TIME), ("unsat_core", True), ("core.minimize", True)):
        solver.set(key, value)
    asserted = [f"(assert (=> {name} {text(formula)}))" for name, formula in zip(names, marked, strict=True)]
    solver.from_string(script([*formulas], multiply=False, names=names, spoken=marked) + "\n" + "\n".join(asserted))
    return solver, [z3.Bool(name, solver.ctx) for name in names]
