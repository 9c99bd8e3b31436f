"""What holds or not: comparisons of polynomials, joined by and, or, not."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TypeAlias, Union

from .polynomial import Poly, number


@dataclass(frozen=True, slots=True)
class AtLeast:
    """poly >= 0."""

    poly: Poly


@dataclass(frozen=True, slots=True)
class Zero:
    """poly == 0."""

    poly: Poly


@dataclass(frozen=True, slots=True)
class Free:
    """Something that may hold or not, by its number."""

    index: int


@dataclass(frozen=True, slots=True)
class Not:
    """Only of `Zero` and `Free`: `negated` turns everything else around."""

    part: Zero | Free


@dataclass(frozen=True, slots=True)
class And:
    parts: tuple[Formula, ...]


@dataclass(frozen=True, slots=True)
class Or:
    parts: tuple[Formula, ...]


Formula: TypeAlias = Union[AtLeast, Zero, Free, Not, And, Or]  # noqa: UP007
TRUE = And(())
FALSE = Or(())


def at_least(left: Poly, right: Poly) -> Formula:
    return AtLeast(left - right)


def below(left: Poly, right: Poly) -> Formula:
    return AtLeast(right - left - number(1))


def equal(left: Poly, right: Poly) -> Formula:
    return Zero(left - right)


def within(value: Poly, low: Poly | None, high: Poly | None) -> Formula:
    """low <= value <= high, where they are given."""
    lower = (at_least(value, low),) if low is not None else ()
    upper = (at_least(high, value),) if high is not None else ()
    return And((*lower, *upper))


def negated(formula: Formula) -> Formula:
    match formula:
        case AtLeast(poly):
            return AtLeast(-poly - number(1))
        case Not(part):
            return part
        case And(parts):
            return Or(tuple(map(negated, parts)))
        case Or(parts):
            return And(tuple(map(negated, parts)))
    return Not(formula)


def implies(condition: Formula, result: Formula) -> Formula:
    return result if condition == TRUE else Or((negated(condition), result))


def chosen(condition: Formula, then: Formula, otherwise: Formula) -> Formula:
    return And((implies(condition, then), implies(negated(condition), otherwise)))


def conjuncts(formula: Formula) -> Iterator[Formula]:
    """The parts all of which hold where the formula does."""
    if isinstance(formula, And):
        for part in formula.parts:
            yield from conjuncts(part)
    else:
        yield formula


def not_negative(formulas: Iterable[Formula]) -> Iterator[Poly]:
    """Polynomials that are not negative where the formulas hold."""
    for formula in formulas:
        for part in conjuncts(formula):
            if isinstance(part, AtLeast):
                yield part.poly
            elif isinstance(part, Zero):
                yield from (part.poly, -part.poly)


def without(formula: Formula, false: Callable[[Formula], bool]) -> Formula:
    """The formula where some parts are known not to hold: of `a or b`, b where a does not."""
    if isinstance(formula, And):
        return And(tuple(without(part, false) for part in formula.parts))
    if not isinstance(formula, Or):
        return formula
    left = [part for part in formula.parts if not false(part)]
    return without(left[0], false) if len(left) == 1 else Or(tuple(left))


def leaves(formula: Formula) -> Iterator[AtLeast | Zero | Free]:
    """Every comparison and free truth in a formula."""
    match formula:
        case Not(part):
            yield part
        case And(parts) | Or(parts):
            for part in parts:
                yield from leaves(part)
        case _:
            yield formula
