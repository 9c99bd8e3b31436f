"""Everything that must be said to a solver: what is known of the atoms that formulas speak of, and of those in turn."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from .assumed import Assumptions
from .atoms import Element, Segment
from .facts import facts_of
from .formulas import Formula, Free, implies, leaves

_DEEP = 3
"""Assumptions at elements may read further elements, of which they speak again, so many times."""


class Reached:
    """The atoms that formulas speak of, and the formulas that speak of those, until nothing new is met."""

    def __init__(self, assumptions: Assumptions) -> None:
        self.assumptions = assumptions
        self.terms = assumptions.terms
        self.formulas: list[Formula] = []
        self.atoms: dict[int, None] = {}

    @property
    def elements(self) -> list[int]:
        return [index for index in self.atoms if isinstance(self.terms.meanings[index], Element)]

    def add(self, formulas: Iterable[Formula], further: Iterable[int] = (), depth: int = 0) -> None:
        found = [index for formula in formulas for index in _atoms(formula)]
        new = [index for index in dict.fromkeys((*found, *further)) if index not in self.atoms]
        self.atoms.update(dict.fromkeys(new))
        for index in new:
            about = list(self._about(index, depth))
            self.formulas += about
            self.add(about, _inner(self.terms.meanings[index]), depth + bool(self._reads(index)))

    def _reads(self, index: int) -> bool:
        return isinstance(self.terms.meanings[index], Element | Segment)

    def _about(self, index: int, depth: int) -> Iterator[Formula]:
        yield from facts_of(self.terms, index)
        if depth < _DEEP and isinstance(self.terms.meanings[index], Element):
            yield from (implies(condition, body) for condition, body in self.assumptions.instances(index))
        elif isinstance(self.terms.meanings[index], Segment):
            yield from self.assumptions.segment(index)


def _atoms(formula: Formula) -> Iterator[int]:
    for leaf in leaves(formula):
        if not isinstance(leaf, Free):
            yield from leaf.poly.atoms


def _inner(meaning: object) -> Iterator[int]:
    """The atoms inside of a meaning that its facts need not show."""
    for poly in meaning.indices if isinstance(meaning, Element) else ():
        yield from poly.atoms
