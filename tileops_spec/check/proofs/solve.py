"""One question put to z3: proved, refuted with a witness, or open."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

import z3

from .atoms import Unknown
from .formulas import AtLeast, Formula, negated
from .lemmas import lemmas
from .polynomial import number
from .questions import Question, Questions
from .reach import Reached
from .smt import monomials, script, variable
from .terms import Terms

EFFORT = 400_000
"""z3's count of steps for one attempt: the same on every machine."""
_TIME = 1000
"""Milliseconds, should steps be slow."""
_SIZES = (8, 64, 4096, None)
"""Largest extents of a witness, tried in turn, so that it is as small as can be."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """`vague`: refuted only for values of which too little is known, so that it may hold all the same."""

    status: Literal["proved", "refuted", "open"]
    values: dict[int, int] | None = None
    vague: bool = False


def solve(question: Question, questions: Questions) -> Outcome:
    """Put one question to z3."""
    formulas, atoms = _formulas(question, questions)
    if _check(script(formulas, multiply=False))[0] == z3.unsat:
        return Outcome("proved")
    dims = [questions.terms.values[dim.name] for dim in questions.spec.dims]
    for size in _SIZES:
        small = [AtLeast(number(size) - dim) for dim in dims] if size is not None else []
        status, solver = _check(script([*formulas, *small], multiply=True))
        if status == z3.sat:
            return Outcome("refuted", _values(solver.model(), atoms), _is_vague(questions.terms, atoms))
        if status == z3.unsat and size is None:
            return Outcome("proved")
    return Outcome("open")


def _check(text: str) -> tuple[Any, Any]:
    solver = z3.Solver()
    solver.set("rlimit", EFFORT)
    solver.set("timeout", _TIME)
    solver.from_string(text)
    return solver.check(), solver


def _values(model: Any, atoms: Iterable[int]) -> dict[int, int]:
    return {index: model.eval(z3.Int(variable((index,))), model_completion=True).as_long() for index in atoms}


def _is_vague(terms: Terms, atoms: Iterable[int]) -> bool:
    return any(isinstance(each, Unknown) and not each.any_value for each in map(terms.meanings.__getitem__, atoms))


def _formulas(question: Question, questions: Questions) -> tuple[list[Formula], list[int]]:
    """What holds, and that the goal does not; and the atoms that are spoken of."""
    known = (*questions.terms.values.values(), *question.scope.values())
    variables = [atom for value in known for atom in sorted(value.atoms)]
    roots = [*questions.terms.where, *question.guards, negated(question.goal)]
    reached = Reached(questions.assumptions)
    reached.add(roots, variables)
    formulas = [*roots, *reached.formulas, *questions.assumptions.among(reached.elements)]
    numbers = {0, 1} | {each for each in (None if question.high is None else question.high.constant,) if each}
    products = [monomial for monomial in monomials(formulas) if len(monomial) > 1]
    return [*formulas, *lemmas(products, sorted(numbers))], sorted(reached.atoms)
