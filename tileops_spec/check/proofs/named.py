"""What dims and params are: of clauses such as `H % HK == 0` and `M == N * K`, products of fewer unknowns."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

from ...ir import nodes as ir
from .atoms import Named
from .formulas import AtLeast, Formula
from .polynomial import Poly, number

if TYPE_CHECKING:
    from .terms import Terms


def name_values(terms: Terms, *, simplify: bool) -> None:
    """Give a value to each dim and integer param; `simplify` puts their divisors and equals in place."""
    spec = terms.spec
    clauses = [part for clause in spec.where for part in _conjuncts(clause)]
    at_least_one = _at_least_one(clauses, {dim.name for dim in spec.dims}) if simplify else set()
    for dim in spec.dims:
        terms.values[dim.name] = terms.atom(Named(dim.name, positive=True))
    for param in spec.params:
        if terms.is_integer(param):
            terms.values[param.name] = terms.atom(Named(param.name, positive=param.name in at_least_one))
    if simplify:
        _simplify(terms, clauses)


def _simplify(terms: Terms, clauses: list[ir.Expr]) -> None:
    pairs = [pair for clause in clauses if (pair := _divisible(clause))]
    for number_last in (False, True):
        for value, divisor in pairs:
            if isinstance(divisor, ir.Number) == number_last and terms.is_integer(value):
                _divide(terms, terms.poly(value, {}), terms.poly(divisor, {}))
    for clause in clauses:
        for name, other in _equal(clause):
            if name in terms.values:
                _equate(terms, name, other)


def positive(terms: Terms) -> tuple[Formula, ...]:
    """Dims are at least 1, those that stand for something else as well."""
    values = (terms.values[dim.name] for dim in terms.spec.dims)
    return tuple(AtLeast(value - number(1)) for value in values if terms.meaning(value) is None)


def _conjuncts(clause: ir.Expr) -> Iterator[ir.Expr]:
    if isinstance(clause, ir.Binary) and clause.op == "and":
        yield from _conjuncts(clause.left)
        yield from _conjuncts(clause.right)
    else:
        yield clause


def _at_least_one(clauses: list[ir.Expr], dims: set[str]) -> set[str]:
    """The names that clauses say are at least 1, themselves or by others: `k >= 1` and `k <= G`."""
    known, orders = set(dims), [pair for clause in clauses for pair in _ordered(clause)]
    while new := {high for low, high in orders if high not in known and (low in known or low == 1)}:
        known |= new
    return known


def _ordered(clause: ir.Expr) -> Iterator[tuple[str | int, str]]:
    """What a clause says is at most a name: another name, or 1."""
    if not isinstance(clause, ir.Binary) or clause.op not in ("<", "<=", ">", ">=", "=="):
        return
    for op, low, high in ((clause.op, clause.left, clause.right), (_TURNED[clause.op], clause.right, clause.left)):
        if op in ("<", "<=", "==") and isinstance(high, ir.DimRef | ir.ParamRef):
            if isinstance(low, ir.DimRef | ir.ParamRef):
                yield low.name, high.name
            elif isinstance(low, ir.Number) and low.value >= (0 if op == "<" else 1):
                yield 1, high.name


_TURNED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "=="}


def _divisible(clause: ir.Expr) -> tuple[ir.Expr, ir.Expr] | None:
    """What `x % d == 0` says: x, d."""
    match clause:
        case ir.Binary(op="==", left=ir.Binary(op="%", left=value, right=divisor), right=ir.Number(value=0)):
            return value, divisor
    return None


def _equal(clause: ir.Expr) -> Iterator[tuple[str, ir.Expr]]:
    if isinstance(clause, ir.Binary) and clause.op == "==":
        for one, other in ((clause.left, clause.right), (clause.right, clause.left)):
            if isinstance(one, ir.DimRef | ir.ParamRef):
                yield one.name, other


def _divide(terms: Terms, value: Poly, divisor: Poly) -> None:
    """A number of times a name is a multiple of the divisor: what by becomes an unknown of its own."""
    match value.terms, divisor.terms:
        case (((index,), times),), ((part, by),) if times > 0 and by > 0:
            was, factors = terms.meanings[index], [terms.meanings[each] for each in part]
            if index in part or not all(isinstance(each, Named) and each.positive for each in factors):
                return
            if not part:
                by //= math.gcd(by, times)
            elif times > 1:
                return
            if isinstance(was, Named) and (by > 1 or part):
                rest = terms.atom(Named(f"{was.name}/{part or ''}{by}", positive=was.positive))
                _substitute(terms, index, rest * Poly(((part, by),)))


def _equate(terms: Terms, name: str, other: ir.Expr) -> None:
    value, known = terms.poly(other, {}), terms.values[name]
    if terms.meaning(known) is None or not all(isinstance(terms.meanings[each], Named) for each in value.atoms):
        return
    (index,) = known.atoms
    if index not in value.atoms:
        _substitute(terms, index, value)


def _substitute(terms: Terms, index: int, value: Poly) -> None:
    terms.values = {name: known.replaced(index, value) for name, known in terms.values.items()}
