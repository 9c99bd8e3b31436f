"""Sums of products as text that people read: like terms added up, powers, common parts outside of brackets."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from ..ir.nodes import Expr
from ..ir.show import show_expr
from .polynomials import Algebra, Monomial, Poly, plus, times

_POWERS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
_LONG = 16
"""Characters from which on an extent that is no polynomial gets a name of its own."""


@dataclass
class Formula:
    """Terms `factor · extents · parts`, gathered by their parts."""

    algebra: Algebra
    groups: dict[tuple[str, ...], Poly] = field(default_factory=dict)
    order: dict[str, int] = field(default_factory=dict)

    def add(self, factor: int, extents: Iterable[Expr], parts: Sequence[str]) -> None:
        """One term; `parts` are texts that stay as they are."""
        total: Poly = {(): factor}
        for extent in extents:
            total = times(total, self._poly(extent))
        for each in (each for monomial in total for each in monomial):
            self.order.setdefault(each, len(self.order))
        self.groups[tuple(parts)] = plus(self.groups.get(tuple(parts), {}), self.algebra.divided_out(total))

    def _poly(self, extent: Expr) -> Poly:
        """The extent's polynomial; a sum with a quotient in it stays together."""
        poly = self.algebra.poly(extent)
        for each in sorted((name for monomial in poly for name in monomial), key=show_expr(extent).find):
            self.order.setdefault(each, len(self.order))
        together = len(poly) > 1 and any(" " in atom for monomial in poly for atom in monomial)
        return {(show_expr(extent),): 1} if together else poly

    def __str__(self) -> str:
        groups = {parts: poly for parts, poly in self.groups.items() if poly}
        if not groups:
            return "0"
        ordered = sorted(groups.items(), key=lambda item: -self._degree(*item))
        names = self._names(groups.values())
        sets = _set_names([part for parts, _ in ordered for part in parts])
        shown = " + ".join(
            self._group([sets.get(part, part) for part in parts], poly, names) for parts, poly in ordered
        )
        defined = [f"{name} = {text}" for text, name in (*sets.items(), *names.items())]
        return _abbreviated(f"{shown}, with {', '.join(defined)}" if defined else shown, names)

    def _degree(self, parts: Sequence[str], poly: Poly) -> int:
        return max(map(len, poly)) + 2 * sum("|" in part for part in parts)

    def _names(self, polys: Iterable[Poly]) -> dict[str, str]:
        """Short names of long extents, in the order in which they appear."""
        long = {atom for poly in polys for monomial in poly for atom in monomial if len(atom) >= _LONG}
        return {text: f"E{at}" for at, text in enumerate(sorted(long, key=self.order.__getitem__), start=1)}

    def _group(self, parts: Sequence[str], poly: Poly, names: dict[str, str]) -> str:
        ranked = sorted(poly.items(), key=lambda item: (-len(item[0]), [self.order[a] for a in self._sorted(item[0])]))
        shown = _joined([self._monomial(monomial, count, names) for monomial, count in ranked])
        if not parts:
            return shown
        if len(poly) > 1:
            shown = f"({shown})"
        return "·".join((*(() if shown == "1" else (shown,)), *parts))

    def _sorted(self, monomial: Monomial) -> list[str]:
        return sorted(monomial, key=self.order.__getitem__)

    def _monomial(self, monomial: Monomial, count: int, names: dict[str, str]) -> str:
        factors = [] if abs(count) == 1 and monomial else [str(abs(count))]
        for atom in dict.fromkeys(self._sorted(monomial)):
            power = monomial.count(atom)
            shown = names.get(atom) or (f"({atom})" if " " in atom else atom)
            factors.append(shown + (str(power).translate(_POWERS) if power > 1 else ""))
        return ("-" if count < 0 else "") + "·".join(factors)


def _set_names(parts: Sequence[str]) -> dict[str, str]:
    """Names of the sets of points, where a formula has more than one mention of any."""
    long = [part for part in parts if part.startswith("|")]
    return {text: f"n{at}" for at, text in enumerate(dict.fromkeys(long), start=1)} if len(long) > 1 else {}


def _abbreviated(text: str, names: dict[str, str]) -> str:
    """The names of long extents inside of sets as well, but where they are defined."""
    for long, name in names.items():
        head, mark, tail = text.rpartition(f"{name} = {long}")
        text = head.replace(long, name) + mark + tail
    return text


def _joined(terms: Sequence[str]) -> str:
    first, *rest = terms
    return first + "".join(f" - {each[1:]}" if each.startswith("-") else f" + {each}" for each in rest)
