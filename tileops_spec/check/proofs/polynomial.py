"""Integer polynomials over atoms, so that products distribute and equal terms are seen to be equal."""

from __future__ import annotations

from collections.abc import Iterable
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
        return Poly(tuple((monomial, -factor) for monomial, factor in self.terms))

    def __sub__(self, other: Poly) -> Poly:
        return self + -other

    def __mul__(self, other: Poly) -> Poly:
        return _collected(
            (tuple(sorted(m + n)), factor * times) for m, factor in self.terms for n, times in other.terms
        )

    @property
    def constant(self) -> int | None:
        """The value, where no atom is left."""
        if not self.terms:
            return 0
        (monomial, factor), *rest = self.terms
        return factor if not monomial and not rest else None


def _collected(terms: Iterable[tuple[Monomial, int]]) -> Poly:
    found: dict[Monomial, int] = {}
    for monomial, factor in terms:
        found[monomial] = found.get(monomial, 0) + factor
    return Poly(tuple(sorted((m, f) for m, f in found.items() if f)))


def number(value: int) -> Poly:
    return Poly((((), value),) if value else ())


def atom(index: int) -> Poly:
    return Poly((((index,), 1),))
