"""Proofs without a solver: unknowns are replaced by their limits, one after the other, until signs decide.

Sound, quick and incomplete: what is not proved here is put to z3.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from .assumed import Assumptions
from .atoms import Choice, Element, Extremum, Named, Quotient, Remainder, Running, Segment, Unknown, Wrapped
from .formulas import And, AtLeast, Formula, Not, Or, Zero, conjuncts, negated, not_negative, without
from .integers import limits, storable
from .polynomial import Monomial, Poly, atom, divided, number
from .terms import Terms

_ROUNDS = ((3, 15), (6, 40), (12, 80))
"""How many atoms may be replaced one after the other, and how many polynomials looked at: short proofs come first."""
_ZERO, _ONE = number(0), number(1)
Options = Iterator[tuple[Poly, ...]]
"""Each entry: polynomials one of which lies beyond the atom, so that a proof must hold for every one of them."""


class Bounds:
    """What holds where the clauses and some guards do."""

    def __init__(self, assumptions: Assumptions, guards: Iterable[Formula]) -> None:
        self.terms: Terms = assumptions.terms
        self.assumptions = assumptions
        guards = [part for guard in guards for part in conjuncts(guard)]
        formulas = [*guards, *(part for clause in self.terms.where for part in conjuncts(clause))]
        self._conditions = tuple(dict.fromkeys(not_negative(guards)))
        self.facts = tuple(dict.fromkeys(not_negative(formulas)))
        self._truths = {each for each in formulas if not isinstance(each, AtLeast | Zero)}
        self._least: dict[int, int | None] = {}
        self._known: dict[Poly, bool] = {}
        self._about: dict[int, tuple[Poly, ...]] = {}
        self._running = False
        self._left = 0
        self._depth = 0
        self._deepest = 0
        self._cut = False
        self._exclude(guards)

    def _exclude(self, guards: Iterable[Formula]) -> None:
        """A value that is not the last one is one of those before it."""
        for guard in guards:
            if isinstance(guard, Not) and isinstance(guard.part, Zero):
                for poly in (guard.part.poly, -guard.part.poly):
                    if self.proves(poly):
                        self._conditions += (poly - _ONE,)
                        self.facts += (poly - _ONE,)
                        self._known, self._least, self._about = {}, {}, {}

    def holds(self, formula: Formula) -> bool:
        """Whether a formula is shown to hold."""
        match formula:
            case AtLeast(poly):
                return self.proves(poly)
            case Zero(poly):
                return not poly.terms or (self.proves(poly) and self.proves(-poly))
            case And(parts):
                return all(map(self.holds, parts))
            case Or(parts):
                return formula in self._truths or any(map(self.holds, parts))
        return formula in self._truths

    def proves(self, poly: Poly) -> bool:
        """Whether a polynomial is shown to be at least 0."""
        if self._running:  # part of a proof
            return self._not_negative(poly)
        above = (poly - condition for condition in self._conditions if condition.atoms & poly.atoms)
        ways = [poly, *above]
        for self._deepest, effort in _ROUNDS:
            self._cut = False
            if any(self._within(effort, way) for way in ways):
                return True
            if not self._cut:
                return False
            self._known = {known: True for known, holds in self._known.items() if holds}
        return False

    def _within(self, effort: int, poly: Poly) -> bool:
        self._left, self._running = effort, True
        found = self._not_negative(poly)
        self._running = False
        return found

    def _not_negative(self, poly: Poly) -> bool:
        if poly in self._known:
            return self._known[poly]
        if self._by_signs(poly) or any(self._by_signs(poly - fact) for fact in self.facts):
            self._known[poly] = True
            return True
        self._left -= 1
        if not poly.terms:
            return False
        if self._left <= 0 or self._depth == self._deepest:
            self._cut = True
            return False
        self._known[poly] = False  # what it rests on may not rest on it
        self._depth += 1
        found = any(self._without(poly, index) for index in sorted(poly.atoms, reverse=True))
        self._depth -= 1
        self._known[poly] = found
        return found

    def _without(self, poly: Poly, index: int) -> bool:
        """Whether the polynomial stays at least 0 with limits in place of an atom."""
        split = poly.split(index)
        if split is None:
            return False
        factor, rest = split
        if self._by_signs(factor):
            options = self._lowers(index)
        elif self._by_signs(-factor):
            options = self._uppers(index)
        else:
            return self._at_both_ends(factor, rest, index)
        if any(all(self._not_negative(factor * each + rest) for each in option) for option in options):
            return True
        return any(map(self._not_negative, self._multiplied(factor, rest, index)))

    def _at_both_ends(self, factor: Poly, rest: Poly, index: int) -> bool:
        """A factor of unknown sign: what holds at the least and at the largest value holds between."""
        low, high = next(self._lowers(index), None), next(self._uppers(index), None)
        if low is None or high is None:
            return False
        return all(self._not_negative(factor * each + rest) for each in (*low, *high))

    def _multiplied(self, factor: Poly, rest: Poly, index: int) -> Iterator[Poly]:
        """For a quotient: the polynomial without its division, by d · (n // d) between n - d + 1 and n."""
        meaning = self.terms.meanings[index]
        if isinstance(meaning, Remainder):
            quotient = self.terms.atom(Quotient(meaning.dividend, meaning.divisor))
            yield factor * (meaning.dividend - meaning.divisor * quotient) + rest
        if not isinstance(meaning, Quotient) or not self._by_signs(meaning.divisor - _ONE):
            return
        divisor = meaning.divisor
        near = meaning.dividend - divisor + _ONE if self._by_signs(factor) else meaning.dividend
        whole, left = divided(factor, divisor)
        if not left.terms:
            yield whole * near + rest
        else:
            yield divisor * rest + factor * near + divisor - _ONE

    # signs

    def _by_signs(self, poly: Poly) -> bool:
        """Whether no coefficient is negative once each atom is written as its least value and what it is above that."""
        if all(factor > 0 for _, factor in poly.terms):
            return all((self._least_of(index) or 0) >= 0 and self._least[index] is not None for index in poly.atoms)
        lows = {index: self._least_of(index) for index in poly.atoms}
        if not any(lows.values()) or None in lows.values():
            return False
        return all(factor >= 0 for factor in _total(poly, lows).values())

    def _least_of(self, index: int) -> int | None:
        """A number that the atom does not fall below."""
        if index not in self._least:
            self._least[index] = None
            self._least[index] = self._find_least(index)
        return self._least[index]

    def _find_least(self, index: int) -> int | None:
        found = [least] if (least := self._least_by_meaning(index)) is not None else []
        for fact in self.about(index):
            split = fact.split(index)
            if split is not None and split[0].constant == 1 and (rest := split[1].constant) is not None:
                found.append(-rest)
        return max(found, default=None)

    def _least_by_meaning(self, index: int) -> int | None:
        match self.terms.meanings[index]:
            case Named(positive=positive):
                return 1 if positive else None
            case Running():
                return 0
            case Quotient(dividend, divisor):
                return 0 if self._by_signs(divisor - _ONE) and self.proves(dividend) else None
            case Remainder(_, divisor):
                return 0 if self._by_signs(divisor - _ONE) else None
            case Extremum(largest, values):
                return self._least_extremum(largest, values)
            case Choice(_, then, otherwise):
                return 0 if self._by_signs(then) and self._by_signs(otherwise) else None
            case Element(tensor):
                low, _ = limits(self.terms.inputs[tensor].dtype)
                return None if low is None else low.constant
            case Wrapped(_, dtype):
                low, _ = limits(dtype)
                return None if low is None else low.constant
            case Unknown(_, low, high) if low is not None:
                return low.constant if high is None or self.proves(high - low) else None
        return None

    def _least_extremum(self, largest: bool, values: tuple[Poly, ...]) -> int | None:
        return 0 if (any if largest else all)(map(self._by_signs, values)) else None

    # limits

    def about(self, index: int) -> tuple[Poly, ...]:
        """Facts in which the atom stands alone, with 1 or -1 before it."""
        if index not in self._about:
            self._about[index] = ()
            facts = [*self.facts]
            if isinstance(self.terms.meanings[index], Element):
                facts += self._of_element(index)
            alone = [fact for fact in facts if any(m == (index,) and f in (1, -1) for m, f in fact.terms)]
            self._about[index] = tuple(alone)
        return self._about[index]

    def _of_element(self, index: int) -> Iterator[Poly]:
        for condition, body in self.assumptions.instances(index):
            if self.holds(condition):
                yield from not_negative((without(body, self._fails),))
        yield from self._of_boundary(index)

    def _fails(self, formula: Formula) -> bool:
        """Whether a guard says that a formula does not hold."""
        turned = Zero(-formula.poly) if isinstance(formula, Zero) else formula
        return negated(formula) in self._truths or negated(turned) in self._truths

    def _of_boundary(self, index: int) -> Iterator[Poly]:
        """A value lies between the boundaries of its segment."""
        element = self.terms.meanings[index]
        if not self.assumptions.ordered(element.tensor):
            return
        for by in (0, 1):
            segment = self.terms.meaning(element.indices[0] - number(by))
            if not isinstance(segment, Segment) or segment.tensor != element.tensor:
                continue
            if self.holds(self.assumptions.within_boundaries(segment)[0]):
                yield segment.at - atom(index) if by == 0 else atom(index) - segment.at - _ONE

    def _lowers(self, index: int) -> Options:
        yield from self._ordered(index, upper=False)
        for fact in self.about(index):
            factor, rest = fact.split(index) or (_ZERO, _ZERO)
            if factor == _ONE:
                yield (-rest,)
        match self.terms.meanings[index]:
            case Running(_, _, lower) if lower is not None:
                yield (lower,)
            case Quotient(dividend, divisor) if self._by_signs(divisor - _ONE):
                yield from ((self._floor(each, divisor),) for each in self._ends(dividend, upper=False))
            case Remainder(_, divisor) if self._by_signs(divisor - _ONE):
                yield (_ZERO,)
            case Extremum(largest, values):
                yield from ((each,) for each in values) if largest else (values,)
            case Choice(_, then, otherwise):
                yield then, otherwise
            case Wrapped(value, dtype) if self._fits(value, dtype):
                yield (value,)
            case Segment() as segment:
                inside, _ = self.assumptions.within_boundaries(segment)
                yield (_ZERO,) if self.holds(inside) else (-_ONE,)
            case Unknown(_, low, high) if low is not None and (high is None or self.proves(high - low)):
                yield (low,)
        least = self._least_of(index)
        if least is not None:
            yield (number(least),)

    def _uppers(self, index: int) -> Options:
        yield from self._ordered(index, upper=True)
        for fact in self.about(index):
            factor, rest = fact.split(index) or (_ZERO, _ZERO)
            if factor == -_ONE:
                yield (rest,)
        match self.terms.meanings[index]:
            case Running(_, extent, _, upper):
                yield from () if upper is None else ((upper - _ONE,),)
                yield (extent - _ONE,)
            case Quotient(dividend, divisor) if self._by_signs(divisor - _ONE):
                yield from ((self._floor(each, divisor),) for each in self._ends(dividend, upper=True))
            case Remainder(_, divisor) if self._by_signs(divisor - _ONE):
                yield (divisor - _ONE,)
            case Extremum(largest, values):
                yield from (values,) if largest else ((each,) for each in values)
            case Choice(_, then, otherwise):
                yield then, otherwise
            case Wrapped(value, dtype) if self._fits(value, dtype):
                yield (value,)
            case Wrapped(_, dtype) if limits(dtype)[1] is not None:
                yield (number(storable(dtype)[1]),)
            case Element(tensor) if (high := limits(self.terms.inputs[tensor].dtype)[1]) is not None:
                yield (high,)
            case Segment() as segment:
                inside, last = self.assumptions.within_boundaries(segment)
                yield (last - _ONE,) if self.holds(inside) else (last,)
            case Unknown(_, low, high) if high is not None and (low is None or self.proves(high - low)):
                yield (high,)

    def _ordered(self, index: int, *, upper: bool) -> Options:
        """The last element of a tensor that does not decrease, or its first one."""
        element = self.terms.meanings[index]
        if isinstance(element, Element) and self.assumptions.ordered(element.tensor):
            (at,) = element.indices
            last = self.terms.poly(self.terms.inputs[element.tensor].shape[0], {}) - _ONE
            if at not in (_ZERO, last) and self.proves(last - at if upper else at):
                yield (self.terms.atom(Element(element.tensor, (last if upper else _ZERO,))),)

    def _fits(self, value: Poly, dtype: str) -> bool:
        low, high = storable(dtype)
        return self.proves(value - number(low)) and self.proves(number(high) - value)

    # quotients

    def _ends(self, poly: Poly, *, upper: bool) -> Iterator[Poly]:
        """Limits of a dividend that speak of dims and params alone."""
        fixed = self._eliminated(poly, upper=upper)
        if fixed is not None:
            yield fixed
            least = self._constant_end(-fixed if upper else fixed)
            if least is not None:
                yield number(-least if upper else least)

    def _constant_end(self, poly: Poly) -> int | None:
        """A number that the polynomial does not fall below."""
        lows = {index: self._least_of(index) for index in poly.atoms}
        if None in lows.values():
            return None
        total = _total(poly, lows)
        least = total.pop((), 0)
        return least if all(factor >= 0 for factor in total.values()) else None

    def _eliminated(self, poly: Poly, *, upper: bool) -> Poly | None:
        for index in sorted(poly.atoms, reverse=True):
            if isinstance(self.terms.meanings[index], Named):
                continue
            split = poly.split(index)
            if split is None:
                return None
            factor, rest = split
            rises = self._by_signs(factor)
            if not rises and not self._by_signs(-factor):
                return None
            options = self._uppers(index) if rises == upper else self._lowers(index)
            limit = next((option[0] for option in options if len(option) == 1), None)
            if limit is None or index in limit.atoms or any(each > index for each in limit.atoms):
                return None
            return self._eliminated(factor * limit + rest, upper=upper)
        return poly

    def _floor(self, dividend: Poly, divisor: Poly) -> Poly:
        """The quotient, where what remains is shown to lie next to 0 as a number."""
        whole, rest = divided(dividend, divisor)
        if not rest.terms or (self.proves(rest) and self.proves(divisor - _ONE - rest)):
            return whole
        if self.proves(-rest - _ONE) and self.proves(rest + divisor):
            return whole - _ONE
        return self.terms.quotient(dividend, divisor)


def _total(poly: Poly, lows: dict[int, int | None]) -> dict[Monomial, int]:
    """The polynomial with least + more in place of each atom."""
    total: dict[Monomial, int] = {}
    for monomial, factor in poly.terms:
        for part, times in _shifted(monomial, factor, lows).items():
            total[part] = total.get(part, 0) + times
    return total


def _shifted(monomial: Monomial, factor: int, lows: dict[int, int | None]) -> dict[Monomial, int]:
    """A product with least + more in place of each atom."""
    parts: dict[Monomial, int] = {(): factor}
    for index in monomial:
        low, grown = lows[index] or 0, {}
        for part, times in parts.items():
            grown[(*part, index)] = grown.get((*part, index), 0) + times
            if low:
                grown[part] = grown.get(part, 0) + times * low
        parts = grown
    return parts
