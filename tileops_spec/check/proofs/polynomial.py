"""Integer polynomials over atoms, so that products distribute and equal terms are seen to be equal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

Monomial = tuple[int, ...]
"""The atoms of a product, by number, in order; () for 1."""


@dataclass(frozen=True, slots=True)
class Poly:
    """Σ coefficient · monomial, without zeros, in the order of the monomials."""

    terms: tuple[tuple[Monomial, int], ...]

    def __add__(self, other: Poly) -> Poly:
        return _collected((*self.terms, *other.terms))

    def __neg__(self) -> Poly:
        return Poly(tuple([(monomial, -factor) for monomial, factor in self.terms]))

    def __sub__(self, other: Poly) -> Poly:
        return self + -other

    def __mul__(self, other: Poly) -> Poly:
        pairs = [(tuple(sorted(m + n)), factor * times) for m, factor in self.terms for n, times in other.terms]
        return _collected(pairs)

    @property
    def constant(self) -> int | None:
        """The value, where no atom is left."""
        if not self.terms:
            return 0
        (monomial, factor), *rest = self.terms
        return factor if not monomial and not rest else None

    @property
    def degree(self) -> int:
        """How many atoms the largest product has, each as often as it stands there."""
        return max((len(monomial) for monomial, _ in self.terms), default=0)

    @property
    def atoms(self) -> set[int]:
        return {index for monomial, _ in self.terms for index in monomial}

    def split(self, index: int) -> tuple[Poly, Poly] | None:
        """(c, r) with self = c · atom + r; None where the atom has a power."""
        inside, outside = [], []
        for monomial, factor in self.terms:
            times = monomial.count(index)
            if times > 1:
                return None
            if times:
                inside.append((without(monomial, (index,)), factor))
            else:
                outside.append((monomial, factor))
        return Poly(tuple(sorted(inside))), Poly(tuple(outside))

    def replaced(self, index: int, value: Poly) -> Poly:
        """The polynomial with a value in place of an atom."""
        if index not in self.atoms:
            return self
        result = number(0)
        for monomial, factor in self.terms:
            times = monomial.count(index)
            part = Poly(((without(monomial, (index,) * times), factor),))
            for _ in range(times):
                part = part * value
            result = result + part
        return result


def _collected(terms: Iterable[tuple[Monomial, int]]) -> Poly:
    found: dict[Monomial, int] = {}
    for monomial, factor in terms:
        found[monomial] = found.get(monomial, 0) + factor
    return Poly(tuple(sorted([item for item in found.items() if item[1]])))


def number(value: int) -> Poly:
    return Poly((((), value),) if value else ())


def atom(index: int) -> Poly:
    return Poly((((index,), 1),))


def of_monomial(monomial: Monomial, factor: int = 1) -> Poly:
    return Poly(((monomial, factor),))


def without(monomial: Monomial, part: Monomial) -> Monomial:
    """The product divided by one of its parts."""
    left = list(monomial)
    for each in part:
        left.remove(each)
    return tuple(left)


def contains(monomial: Monomial, part: Monomial) -> bool:
    """Whether a product is a multiple of another."""
    return all(monomial.count(each) >= part.count(each) for each in part)


def divided(dividend: Poly, divisor: Poly) -> tuple[Poly, Poly]:
    """(q, r) with dividend = q · divisor + r: q takes what a divisor of one term divides.

    For a number d, the constant of r is one of -1 … d - 2: `(n + d - 1) // d` and `(n - 1) // d + 1` look alike.
    """
    if dividend == divisor:
        return number(1), number(0)
    if len(divisor.terms) != 1:
        return number(0), dividend
    ((part, by),) = divisor.terms
    quotient, rest = [], []
    for monomial, factor in dividend.terms:
        whole = _whole(factor, by) if contains(monomial, part) else 0
        if whole:
            quotient.append((without(monomial, part), whole))
        rest.append((monomial, factor - whole * by))
    return _balanced(_collected(quotient), _collected(rest), divisor.constant)


def _whole(factor: int, by: int) -> int:
    """How often a number goes into another, towards 0."""
    return abs(factor) // abs(by) * (1 if factor * by > 0 else -1)


def _balanced(quotient: Poly, rest: Poly, by: int | None) -> tuple[Poly, Poly]:
    if by is None or by <= 0:
        return quotient, rest
    constant = dict(rest.terms).get((), 0)
    wanted = constant % by
    if rest.constant is None and wanted == by - 1:
        wanted = -1
    return quotient + number((constant - wanted) // by), rest - number(constant - wanted)


def powers(monomial: Monomial) -> Iterator[tuple[Monomial, Monomial]]:
    """Each way to take one atom out of a product: the atom, the rest."""
    for at in range(len(monomial)):
        yield monomial[at : at + 1], monomial[:at] + monomial[at + 1 :]
