"""What linear arithmetic does not know of products: signs, and that they grow with their factors."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from typing import Any

import z3

from .polynomial import Monomial, Poly, number
from .terms import Terms

_MOST = 60
"""Products for which pairs are compared; with more, proofs that need further lemmas are not found."""


def lemmas(terms: Terms, constants: frozenset[int]) -> list[Any]:
    """Instances for the products met so far; `constants` are numbers that a factor may be compared with."""
    products = sorted(monomial for monomial in terms.variables if len(monomial) > 1)[:_MOST]
    found = [lemma for monomial in products for lemma in _signs(terms, monomial, constants)]
    for first, second in combinations(products, 2):
        found += _order(terms, first, second)
    return found


def _poly(monomial: Monomial) -> Poly:
    return Poly(((monomial, 1),)) if monomial else number(1)


def _splits(monomial: Monomial) -> Iterator[tuple[Poly, Poly]]:
    """Each way to take one atom out of a product."""
    for at in range(len(monomial)):
        yield _poly(monomial[at : at + 1]), _poly(monomial[:at] + monomial[at + 1 :])


def _signs(terms: Terms, monomial: Monomial, constants: frozenset[int]) -> Iterator[Any]:
    product, zero, one = _poly(monomial), number(0), number(1)
    for factor, rest in _splits(monomial):
        both = z3.And(terms.at_least(factor, zero), terms.at_least(rest, zero))
        yield z3.Implies(both, terms.at_least(product, zero))
        grows = z3.And(terms.at_least(factor, one), terms.at_least(rest, zero))
        yield z3.Implies(grows, terms.at_least(product, rest))
        falls = z3.And(terms.at_least(factor, one), terms.at_least(-one, rest))
        yield z3.Implies(falls, terms.at_least(-factor, product))
        for value in constants:
            above = z3.And(terms.at_least(factor, zero), terms.at_least(rest, number(value)))
            yield z3.Implies(above, terms.at_least(product, factor * number(value)))


def _order(terms: Terms, first: Monomial, second: Monomial) -> Iterator[Any]:
    """x·a and x·b lie as a and b do, for an x that is not negative; a whole x apart where a < b."""
    shared = _common(first, second)
    if not shared:
        return
    x, a, b = _poly(shared), _poly(_without(first, shared)), _poly(_without(second, shared))
    for low, high in ((a, b), (b, a)):
        below = z3.And(terms.at_least(x, number(0)), terms.at_least(high, low))
        yield z3.Implies(below, terms.at_least(x * high, x * low))
        apart = z3.And(terms.at_least(x, number(0)), terms.at_least(high, low + number(1)))
        yield z3.Implies(apart, terms.at_least(x * high, x * low + x))


def _common(first: Monomial, second: Monomial) -> Monomial:
    left, found = list(second), []
    for each in first:
        if each in left:
            left.remove(each)
            found.append(each)
    return tuple(found)


def _without(monomial: Monomial, part: Monomial) -> Monomial:
    left = list(monomial)
    for each in part:
        left.remove(each)
    return tuple(left)
