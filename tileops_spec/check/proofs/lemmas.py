"""What linear arithmetic does not know of products: signs, and that they grow with their factors."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import combinations

from .formulas import And, Formula, at_least, implies
from .polynomial import Monomial, number, of_monomial, powers, without

_MOST = 60
"""Products for which pairs are compared; with more, proofs that need further lemmas are not found."""
_ZERO, _ONE = number(0), number(1)


def lemmas(products: Iterable[Monomial], constants: Iterable[int]) -> Iterator[Formula]:
    """Instances for some products; `constants` are numbers that a factor may be compared with."""
    found, numbers = sorted(products)[:_MOST], tuple(constants)
    for product in found:
        yield from _signs(product, numbers)
    for first, second in combinations(found, 2):
        yield from _order(first, second)


def _signs(monomial: Monomial, constants: tuple[int, ...]) -> Iterator[Formula]:
    product = of_monomial(monomial)
    for part, others in powers(monomial):
        factor, rest = of_monomial(part), of_monomial(others)
        not_negative = And((at_least(factor, _ZERO), at_least(rest, _ZERO)))
        yield implies(not_negative, at_least(product, _ZERO))
        grows = And((at_least(factor, _ONE), at_least(rest, _ZERO)))
        yield implies(grows, at_least(product, rest))
        falls = And((at_least(factor, _ONE), at_least(-_ONE, rest)))
        yield implies(falls, at_least(-factor, product))
        for value in constants:
            above = And((at_least(factor, _ZERO), at_least(rest, number(value))))
            yield implies(above, at_least(product, factor * number(value)))


def _order(first: Monomial, second: Monomial) -> Iterator[Formula]:
    """x·a and x·b lie as a and b do, for an x that is not negative; a whole x apart where a < b."""
    shared = _common(first, second)
    if not shared:
        return
    x, a, b = of_monomial(shared), of_monomial(without(first, shared)), of_monomial(without(second, shared))
    for low, high in ((a, b), (b, a)):
        not_negative = at_least(x, _ZERO)
        yield implies(And((not_negative, at_least(high, low))), at_least(x * high, x * low))
        yield implies(And((not_negative, at_least(high, low + _ONE))), at_least(x * high, x * low + x))


def _common(first: Monomial, second: Monomial) -> Monomial:
    left, found = list(second), []
    for each in first:
        if each in left:
            left.remove(each)
            found.append(each)
    return tuple(found)
