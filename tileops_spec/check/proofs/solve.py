"""One question put to z3: proved, refuted with a witness, or open."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import z3

from ...ir.scalars import Scalar
from .atoms import Element, Named, Quotient, Remainder, Unknown
from .facts import facts_of
from .formulas import And, Formula, Zero, equal, negated, within
from .lemmas import lemmas
from .polynomial import Poly, atom, number
from .questions import Question, Questions
from .reach import Reached, reached_from, spoken_of
from .smt import monomials, script, variable
from .terms import Terms

_EFFORT = {False: 150_000, True: 60_000}
"""z3's count of steps for one attempt, without and with products: some 200 milliseconds, the same on every machine."""
_TIME = 2000
"""Milliseconds, should steps be slow."""
_MOST_FAILURES = 8
"""Attempts that may end without an answer, for one spec."""
_MOST_ATTEMPTS, _MOST_ELEMENTS = 100, 64
_ATTEMPTS = ((2, True), (8, True), (8, False), (64, False), (None, False))
"""Largest extents of a witness, and whether params have their defaults: tried in turn, so that it is simple."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """`vague`: refuted only for values of which too little is known, so that it may hold all the same."""

    status: Literal["proved", "refuted", "open"]
    values: dict[int, int] | None = None
    vague: bool = False


class Solver:
    """z3 for the questions about one spec; once it has failed often enough, it is asked simple proofs, then nothing."""

    def __init__(self, questions: Questions) -> None:
        self.questions = questions
        self.terms = questions.terms
        self._failures = self._attempts = 0
        self._proved: dict[tuple[Formula, tuple[Formula, ...]], bool] = {}

    def proves(self, question: Question) -> bool:
        """Whether linear arithmetic and instances of lemmas on products prove it."""
        key = (question.goal, question.guards)
        if key not in self._proved:
            found = _formulas(question, self.questions)
            self._proved[key] = found is not None and self._attempt(found[0], multiply=False) == z3.unsat
        return self._proved[key]

    def refutes(self, question: Question, hint: Mapping[str, Scalar]) -> Outcome:
        """Look for values that break it; `hint` are values of names that may."""
        found = _formulas(question, self.questions)
        if found is None:
            return Outcome("open")
        formulas, atoms = found
        if hint and self._attempt([*formulas, *self._fixed(hint, question)], multiply=True) == z3.sat:
            return self._refuted(atoms)
        for size, usual in _ATTEMPTS:
            simple = [] if size is None else [*self._small(size, atoms), *(self._defaults() if usual else ())]
            status = self._attempt([*formulas, *simple], multiply=True)
            if status == z3.sat:
                return self._refuted(atoms)
            if status == z3.unsat and size is None:
                return Outcome("proved")
        return Outcome("open")

    def _attempt(self, formulas: Sequence[Formula], *, multiply: bool) -> Any:
        if self._failures > (_MOST_FAILURES if multiply else 2 * _MOST_FAILURES) or self._attempts == _MOST_ATTEMPTS:
            return z3.unknown
        self._attempts += 1
        solver = z3.Solver(ctx=z3.Context())  # what was asked before must not change what is found
        solver.set("rlimit", _EFFORT[multiply])
        solver.set("timeout", _TIME)
        solver.from_string(script(formulas, multiply=multiply))
        status = solver.check()
        self._failures += status == z3.unknown
        self._model = solver.model() if status == z3.sat else None
        return status

    def _refuted(self, atoms: Sequence[int]) -> Outcome:
        model = self._model
        names = {each: z3.Int(variable((each,)), model.ctx) for each in atoms}
        values = {each: model.eval(name, model_completion=True).as_long() for each, name in names.items()}
        unknown = (each for each in map(self.terms.meanings.__getitem__, atoms) if isinstance(each, Unknown))
        return Outcome("refuted", values, any(not each.any_value for each in unknown))

    def _fixed(self, hint: Mapping[str, Scalar], question: Question) -> Iterator[Formula]:
        for name, value in hint.items():
            known = question.scope.get(name, self.terms.values.get(name))
            if known is not None:
                yield equal(known, number(int(value)))

    def _small(self, size: int, atoms: Iterable[int]) -> Iterator[Formula]:
        """Dims up to a size; elements not much beyond."""
        for index in atoms:
            match self.terms.meanings[index]:
                case Named(positive=True):
                    yield within(atom(index), None, number(size))
                case Element():
                    yield within(atom(index), number(-size), number(32 * size))

    def _defaults(self) -> Iterator[Formula]:
        for param in self.questions.spec.params:
            if param.default is not None and param.name in self.terms.values:
                default = self.terms.poly(param.default, {})
                if all(isinstance(self.terms.meanings[index], Named) for index in default.atoms):
                    yield equal(self.terms.values[param.name], default)


def _formulas(question: Question, questions: Questions) -> tuple[list[Formula], list[int]] | None:
    """What holds, as far as it has to do with the question, and that the goal does not; and the atoms spoken of.

    None where that speaks of more elements than `_MOST_ELEMENTS`, each of which is compared with all others.
    """
    asked = [*question.guards, *_defined(question, questions.terms), negated(question.goal)]
    reached = Reached(questions.assumptions)
    reached.add(asked)
    roots = [*asked, *_related(asked, question, questions, reached)]
    if len(reached.elements) > _MOST_ELEMENTS:
        return None
    formulas = [*roots, *reached.formulas, *questions.assumptions.among(reached.elements)]
    numbers = {0, 1} | {each for each in (None if question.high is None else question.high.constant,) if each}
    products = [monomial for monomial in monomials(formulas) if len(monomial) > 1]
    return [*formulas, *lemmas(products, sorted(numbers))], sorted(reached.atoms)


def _related(asked: Sequence[Formula], question: Question, questions: Questions, reached: Reached) -> Iterator[Formula]:
    """The clauses, and the ranges of variables, that speak of something that the question speaks of, or they do."""
    terms = questions.terms
    variables = [index for value in question.scope.values() for index in sorted(value.atoms)]
    ranges = (And(tuple(facts_of(terms, index))) for index in variables if index not in reached.atoms)
    left = [(each, spoken_of([each], terms)) for each in (*terms.where, *ranges)]
    tied = spoken_of([*asked, *reached.formulas], terms)
    while found := [each for each, about in left if about & tied]:
        left = [(each, about) for each, about in left if not about & tied]
        reached.add(found)
        tied |= spoken_of([*found, *reached.formulas], terms)
        yield from found


def _defined(question: Question, terms: Terms) -> Iterator[Formula]:
    """What is asked has a value: no divisor is 0, no element lies outside. That they may is another obligation."""
    asked: tuple[Poly, ...] = (question.value, *(() if question.high is None else (question.high,)))
    for index in sorted(reached_from(asked, terms, always=True)):
        match terms.meanings[index]:
            case Quotient(_, divisor) | Remainder(_, divisor) if divisor.constant is None:
                yield negated(Zero(divisor))
            case Element(tensor, indices):
                yield terms.inside(tensor, indices)
