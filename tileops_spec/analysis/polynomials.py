"""Extents as polynomials of dims and params, so that formulas can be added up, compared and shown."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from ..ir.nodes import Binary, Expr, IndexRef, Number, Unary
from ..ir.show import show_expr
from ..ir.walk import map_children, walk

Monomial = tuple[str, ...]
"""Atoms with repetition, sorted; `()` is the constant."""
Poly = Mapping[Monomial, int]

_FLIPPED = {"<": ">=", "<=": ">", ">": "<=", ">=": "<", "==": "!=", "!=": "=="}
_DEPTH = 4
"""The most facts that are added up for one proof."""


def plus(left: Poly, right: Poly, factor: int = 1) -> Poly:
    total = dict(left)
    for monomial, count in right.items():
        total[monomial] = total.get(monomial, 0) + factor * count
    return {monomial: count for monomial, count in total.items() if count}


def times(left: Poly, right: Poly) -> Poly:
    total: dict[Monomial, int] = {}
    for one, count in left.items():
        for other, again in right.items():
            both = tuple(sorted(one + other))
            total[both] = total.get(both, 0) + count * again
    return {monomial: count for monomial, count in total.items() if count}


def number(value: int) -> Poly:
    return {(): value} if value else {}


def conjuncts(condition: Expr) -> Iterator[Expr]:
    if isinstance(condition, Binary) and condition.op == "and":
        yield from conjuncts(condition.left)
        yield from conjuncts(condition.right)
    else:
        yield condition


def negated(condition: Expr) -> Expr:
    """`not condition` in the shortest form; of whole numbers."""
    if isinstance(condition, Unary) and condition.op == "not":
        return condition.operand
    if isinstance(condition, Number):
        return Number(value=not condition.value, dtype="bool")
    if isinstance(condition, Binary) and condition.op in _FLIPPED:
        return Binary(op=_FLIPPED[condition.op], left=condition.left, right=condition.right, dtype="bool")  # type: ignore[arg-type]
    if isinstance(condition, Binary) and condition.op == "or":
        return Binary(op="and", left=negated(condition.left), right=negated(condition.right), dtype="bool")
    return Unary(op="not", operand=condition, dtype="bool")


@dataclass(frozen=True)
class Algebra:
    """Polynomials under the clauses of a spec: what divides what, and what is at least what.

    Dims, index variables and quotients are not negative. Everything that is no sum or product of whole numbers is an
    atom, named by its text.
    """

    where: tuple[Expr, ...]
    params: frozenset[str] = frozenset()
    dims: tuple[str, ...] = ()

    def _is_natural(self, atom: str) -> bool:
        """Whether an atom is known not to be negative: params may be, and so may differences."""
        return "-" not in atom and not self.params & set(re.findall(r"\w+", atom))

    @cached_property
    def divisible(self) -> tuple[tuple[str, str], ...]:
        """Pairs of texts (a, b) with a % b == 0."""
        return tuple(
            (show_expr(each.left.left), show_expr(each.left.right))
            for clause in self.where
            for each in conjuncts(clause)
            if isinstance(each, Binary) and each.op == "==" and _is_zero(each.right)
            if isinstance(each.left, Binary) and each.left.op == "%"
        )

    @cached_property
    def facts(self) -> tuple[Poly, ...]:
        """Polynomials that are not negative: what the clauses say, and that no dim is 0."""
        stated = (fact for clause in self.where for each in conjuncts(clause) for fact in self.facts_of(each))
        return (*stated, *({(name,): 1, (): -1} for name in self.dims))

    def facts_of(self, comparison: Expr) -> Iterator[Poly]:
        """What a true comparison of whole numbers says, as polynomials that are not negative."""
        if not isinstance(comparison, Binary):
            return
        gap = {"<=": (1, 0), "<": (1, -1), ">=": (-1, 0), ">": (-1, -1), "==": (1, 0)}.get(comparison.op)
        if gap is None:
            return
        sign, shift = gap
        difference = plus(self.poly(comparison.right), self.poly(comparison.left), -1)
        yield plus(times(difference, number(sign)), number(shift))
        if comparison.op == "==":
            yield times(difference, number(-1))

    def poly(self, expr: Expr) -> Poly:
        """The polynomial of a whole number."""
        match expr:
            case Number(value=int(value)):
                return number(int(value))
            case Unary(op="-", operand=operand):
                return times(self.poly(operand), number(-1))
            case Binary(op="+" | "-" as op, left=left, right=right):
                return plus(self.poly(left), self.poly(right), 1 if op == "+" else -1)
            case Binary(op="*", left=left, right=right):
                return self.divided_out(times(self.poly(left), self.poly(right)))
            case Binary(op="//", left=left, right=right):
                return self._quotient(expr, left, right)
        return {(show_expr(expr),): 1}

    def _quotient(self, expr: Binary, left: Expr, right: Expr) -> Poly:
        whole = self.poly(left)
        if isinstance(right, Binary) and self.divides(right, left):  # H // (H // K) is K
            return self.poly(right.right)
        if isinstance(right, Number) and whole and all(count % right.value == 0 for count in whole.values()):
            return {monomial: count // right.value for monomial, count in whole.items()}
        atom = next(iter(self.poly(right)), ())
        if len(atom) == 1 and self.poly(right) == {atom: 1} and all(atom[0] in monomial for monomial in whole):
            return {_without(monomial, atom[0]): count for monomial, count in whole.items()}
        return {(show_expr(expr),): 1}

    def divided_out(self, poly: Poly) -> Poly:
        """The polynomial with `(a // b) · b` as `a`, where b divides a."""
        total: Poly = {}
        for monomial, count in poly.items():
            total = plus(total, self._divided_monomial(monomial, count))
        return total

    def _divided_monomial(self, monomial: Monomial, count: int) -> Poly:
        for a, b in self.divisible:
            quotient = f"{a} // {b}"
            if quotient in monomial:
                rest = list(monomial)
                rest.remove(quotient)
                if b in rest:
                    rest.remove(b)
                    return self._divided_monomial(tuple(sorted((*rest, a))), count)
                if b.isdigit() and count % int(b) == 0 and a.isidentifier():
                    return self._divided_monomial(tuple(sorted((*rest, a))), count // int(b))
        return {monomial: count}

    def divides(self, by: Expr, whole: Expr) -> bool:
        """Whether `by` is known to divide `whole`: by a clause, or as `H // K` divides H where K does."""
        text = show_expr(whole)
        if (text, show_expr(by)) in self.divisible:
            return True
        if isinstance(by, Binary):
            return by.op == "//" and show_expr(by.left) == text and (text, show_expr(by.right)) in self.divisible
        poly = self.poly(whole)
        if isinstance(by, Number):
            return all(count % by.value == 0 for count in poly.values())
        return all((show_expr(by),) == m or show_expr(by) in m for m in poly)

    def product(self, extents: Iterable[Expr]) -> Poly:
        total: Poly = number(1)
        for extent in extents:
            total = self.divided_out(times(total, self.poly(extent)))
        return total

    def equal(self, left: Expr, right: Expr) -> bool:
        return self.poly(left) == self.poly(right)

    # proofs

    def never_negative(self, poly: Poly, facts: Sequence[Poly] = (), depth: int = _DEPTH) -> bool:
        """Whether the polynomial is proved to be at least 0, as a sum of facts and of atoms that are not negative."""
        return self._proved(poly, (*facts, *self.facts), depth)

    def _proved(self, poly: Poly, facts: Sequence[Poly], depth: int) -> bool:
        wrong = next((m for m, count in poly.items() if count < 0 or not all(map(self._is_natural, m))), None)
        if wrong is None:
            return True
        if not depth:
            return False
        useful = (fact for fact in facts if fact.get(wrong, 0) * poly[wrong] > 0)
        return any(self._proved(plus(poly, fact, -1), facts, depth - 1) for fact in useful)

    def at_most(self, left: Expr, right: Expr) -> bool:
        """Whether left <= right is proved."""
        return self.never_negative(plus(self.poly(right), self.poly(left), -1))

    def holds(self, condition: Expr, facts: Sequence[Poly] = ()) -> bool:
        """Whether a condition is proved for every value of what it names."""
        match condition:
            case Number(value=value):
                return bool(value)
            case Binary(op="and", left=left, right=right):
                return self.holds(left, facts) and self.holds(right, facts)
            case Binary(op="or", left=left, right=right):
                known = [fact for each in conjuncts(negated(left)) for fact in self.facts_of(each)]
                return self.holds(left, facts) or self.holds(right, (*facts, *known))
            case Unary(op="not", operand=Binary(op="and", left=left, right=right)):
                return self.holds(negated(left), facts) or self.holds(negated(right), facts)
            case Binary(op="<" | "<=" | ">" | ">="):
                return all(self.never_negative(fact, facts) for fact in self.facts_of(condition))
            case Binary(op="==", left=left, right=right):
                return self.equal(left, right)
        return False


def _without(monomial: Monomial, atom: str) -> Monomial:
    at = monomial.index(atom)
    return (*monomial[:at], *monomial[at + 1 :])


def _is_zero(expr: Expr) -> bool:
    return isinstance(expr, Number) and expr.value == 0


def replaced(expr: Expr, table: Mapping[str, Expr]) -> Expr:
    """The expression with index variables replaced."""
    if isinstance(expr, IndexRef):
        return table.get(expr.name, expr)
    return map_children(expr, lambda child: replaced(child, table))


def names_in(expr: Expr) -> Iterator[str]:
    """The index variables that an expression names."""
    return (node.name for node in walk(expr) if isinstance(node, IndexRef))
