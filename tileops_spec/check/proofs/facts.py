"""What is always true of an atom."""

from __future__ import annotations

from collections.abc import Iterator

from .atoms import Choice, Element, Extremum, Named, Quotient, Remainder, Running, Unknown, Wrapped
from .formulas import And, Formula, Or, at_least, chosen, equal, implies, within
from .integers import limits, storable
from .polynomial import Poly, atom, number
from .terms import Terms

_ZERO, _ONE = number(0), number(1)


def facts_of(terms: Terms, index: int) -> Iterator[Formula]:
    """The formulas that give an atom its meaning; elements are constrained by assumptions as well."""
    value, meaning = atom(index), terms.meanings[index]
    match meaning:
        case Named(positive=True):
            yield at_least(value, _ONE)
        case Running():
            yield within(value, _ZERO, meaning.extent - _ONE)
            yield within(value, meaning.lower, None if meaning.upper is None else meaning.upper - _ONE)
        case Quotient(dividend, divisor) | Remainder(dividend, divisor):
            yield from _division(terms, dividend, divisor)
        case Element(tensor):
            yield from _element(terms, tensor, value)
        case Extremum(largest, values):
            yield Or(tuple(equal(value, each) for each in values))
            yield And(tuple(at_least(value, each) if largest else at_least(each, value) for each in values))
        case Choice(condition, then, otherwise):
            yield chosen(condition, equal(value, then), equal(value, otherwise))
        case Wrapped(inner, dtype):
            low, high = map(number, storable(dtype))
            yield implies(within(inner, low, high), equal(value, inner))
            yield within(value, *limits(dtype))
        case Unknown(_, low, high):
            some = at_least(high, low) if low is not None and high is not None else And(())
            yield implies(some, within(value, low, high))


def _division(terms: Terms, dividend: Poly, divisor: Poly) -> Iterator[Formula]:
    quotient = terms.atom(Quotient(dividend, divisor))
    remainder = terms.atom(Remainder(dividend, divisor))
    product = divisor * quotient
    yield equal(product + remainder, dividend)
    positive, negative = at_least(divisor, _ONE), at_least(-_ONE, divisor)
    yield implies(positive, within(remainder, _ZERO, divisor - _ONE))
    if divisor.constant is None:
        yield implies(negative, within(remainder, divisor + _ONE, _ZERO))
        yield implies(And((positive, at_least(quotient, _ONE))), at_least(product, divisor))
        yield implies(And((positive, at_least(quotient, _ONE))), at_least(product, quotient))
        yield implies(And((positive, at_least(_ZERO, quotient))), at_least(_ZERO, product))
        yield implies(And((positive, at_least(-_ONE, quotient))), at_least(-divisor, product))


def _element(terms: Terms, tensor: str, value: Poly) -> Iterator[Formula]:
    decl = terms.inputs[tensor]
    yield within(value, *limits(decl.dtype))
    if decl.default is not None:
        yield Or((terms.present(tensor), equal(value, terms.poly(decl.default, {}))))
