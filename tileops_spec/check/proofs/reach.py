"""Everything that must be said to a solver: what is known of the atoms that formulas speak of, and of those in turn."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from .assumed import Assumptions
from .atoms import Choice, Element, Named, Segment, inner
from .facts import facts_of
from .formulas import Formula, Free, implies, leaves
from .polynomial import Poly
from .terms import Terms

_DEEP = 3
"""Assumptions at elements may read further elements, of which they speak again, so many times."""


def reached_from(polys: Iterable[Poly], terms: Terms, *, always: bool = False) -> set[int]:
    """The atoms of polynomials, and those that they are made of; `always`: but for what a choice may leave aside."""
    found: set[int] = set()
    waiting = list(polys)
    while waiting:
        new = waiting.pop().atoms - found
        found |= new
        meanings = (terms.meanings[index] for index in new)
        waiting += [poly for each in meanings if not (always and isinstance(each, Choice)) for poly in inner(each)]
    return found


def spoken_of(formulas: Iterable[Formula], terms: Terms) -> set[object]:
    """What ties formulas together: dims, params, elements and free truths, directly or inside of atoms."""
    found = [leaf for formula in formulas for leaf in leaves(formula)]
    atoms = reached_from((leaf.poly for leaf in found if not isinstance(leaf, Free)), terms)
    tying = {index for index in atoms if isinstance(terms.meanings[index], Named | Element)}
    return tying | {leaf for leaf in found if isinstance(leaf, Free)}


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
