"""Divisors of extents that follow from the `where` clauses: sound, from the form of the clauses alone."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from ..ir.nodes import Binary, DimRef, Expr, Number, ParamRef
from .candidates import conjuncts, required_divisors


def known_divisor(expr: Expr, where: Sequence[Expr]) -> int:
    """An integer that divides `expr` whenever the clauses hold; 1 where none is known, 0 where `expr` is 0."""
    return _divisor(expr, tuple(conjuncts(where)), frozenset())


def proves_multiple(expr: Expr, of: int, where: Sequence[Expr]) -> bool:
    """Whether the clauses prove that `expr` is a multiple of `of`."""
    return known_divisor(expr, where) % of == 0


def _divisor(expr: Expr, clauses: tuple[Expr, ...], seen: frozenset[str]) -> int:
    """`seen` are the dims being looked at, so that `A % B == 0 and B % A == 0` ends."""
    by_form = _by_form(expr, clauses, seen)
    if isinstance(expr, Binary | ParamRef) and by_form:
        return math.lcm(by_form, *_stated(expr, clauses))
    return by_form


def _stated(expr: Expr, clauses: tuple[Expr, ...]) -> Iterator[int]:
    """The numbers n of clauses `expr % n == 0`."""
    for clause in clauses:
        match clause:
            case Binary(op="==", left=Binary(op="%", left=left, right=Number(value=int(by))), right=Number(value=0)):
                if by > 0 and left == expr:
                    yield by


def _by_form(expr: Expr, clauses: tuple[Expr, ...], seen: frozenset[str]) -> int:
    match expr:
        case Number(value=int(value)):
            return abs(value)
        case DimRef(name=name) if name not in seen:
            return math.lcm(*_of_dim(expr, clauses, seen | {name}))
        case Binary(op="*", left=left, right=right):
            return _divisor(left, clauses, seen) * _divisor(right, clauses, seen)
        case Binary(op="+" | "-", left=left, right=right):
            return math.gcd(_divisor(left, clauses, seen), _divisor(right, clauses, seen))
        case Binary(op="//", left=left, right=Number(value=int(by))) if by > 0:
            whole = _divisor(left, clauses, seen)
            return whole // by if whole % by == 0 else 1
    return 1


def _of_dim(dim: DimRef, clauses: tuple[Expr, ...], seen: frozenset[str]) -> Iterator[int]:
    """Divisors that single clauses give; all of them hold at once."""
    yield 1
    for divisor in required_divisors(dim.name, clauses):
        yield max(1, _divisor(divisor, clauses, seen))
    for clause in clauses:
        for choices in _equal_to(clause, dim.name):
            yield max(1, math.gcd(*(_divisor(choice, clauses, seen) for choice in choices)))


def _equal_to(clause: Expr, name: str) -> Iterator[list[Expr]]:
    """The expressions one of which `name` equals: of `X == e`, and of `X == a or X == b`."""
    choices = []
    for part in _disjuncts(clause):
        match part:
            case Binary(op="==", left=DimRef(name=found), right=value) if found == name:
                choices.append(value)
            case Binary(op="==", left=value, right=DimRef(name=found)) if found == name:
                choices.append(value)
            case _:
                return
    yield choices


def _disjuncts(clause: Expr) -> Iterator[Expr]:
    if isinstance(clause, Binary) and clause.op == "or":
        yield from _disjuncts(clause.left)
        yield from _disjuncts(clause.right)
    else:
        yield clause
