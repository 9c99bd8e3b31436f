"""What the assumptions say of the elements that an obligation reads: instances of their clauses."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import permutations
from typing import Any

import z3

from ...ir import nodes as ir
from ...ir.spec import Spec
from ...ir.walk import walk
from .polynomial import Poly, number
from .terms import Element, Terms

_ROUNDS = 3
"""Instances may read further elements, of which the clauses speak again."""


def assume(terms: Terms, spec: Spec) -> list[Any]:
    """The constraints on every element that `terms` has met, as far as the assumptions give any."""
    found: list[Any] = []
    seen: set[tuple[int, tuple[str, tuple[Poly, ...]]]] = set()
    _fixed(terms, spec, found)
    for _ in range(_ROUNDS):
        found += _segments(terms, spec)
        for at, clause in enumerate(spec.assumptions):
            for element in list(terms.elements.values()):
                key = (at, (element.tensor, element.indices))
                if key not in seen:
                    seen.add(key)
                    found += _instances(clause, element, terms)
    found += _consistent(terms)
    for clause in spec.assumptions:
        if isinstance(clause, ir.Property):
            found += _property(clause, terms)
    return found


def _fixed(terms: Terms, spec: Spec, found: list[Any]) -> None:
    """Clauses about single elements: `cu[0] == 0`."""
    read = {tensor for tensor, _ in terms.elements} | {tensor for tensor, _ in terms.lookups}
    for clause in spec.assumptions:
        tensors = {node.tensor for node in walk(clause) if isinstance(node, ir.Access)}
        if not isinstance(clause, ir.Reduce | ir.Property) and tensors & read:
            found.append(terms.truth(clause))


def _instances(clause: ir.Expr, element: Element, terms: Terms) -> Iterator[Any]:
    """The clause at the indices of an element, for each place where the clause reads that tensor by variables."""
    if not isinstance(clause, ir.Reduce) or clause.function != "all":
        return
    patterns = {node for node in walk(clause.body) if isinstance(node, ir.Access) and node.tensor == element.tensor}
    for pattern in sorted(patterns, key=repr):
        bound = _matched(pattern, element)
        if bound is None or set(bound) != {axis.name for axis in clause.axes}:
            continue
        outer, terms.axes = terms.axes, {**terms.axes, **bound}
        inside = []
        for axis in clause.axes:
            value = bound[axis.name]
            inside += [terms.at_least(value, number(0)), terms.at_least(terms.poly(axis.extent), value + number(1))]
            if axis.lower is not None:
                inside.append(terms.at_least(value, terms.poly(axis.lower)))
            if axis.upper is not None:
                inside.append(terms.at_least(terms.poly(axis.upper), value + number(1)))
        body = terms.truth(clause.body)
        terms.axes = outer
        yield z3.Implies(z3.And(inside), body)


def _matched(pattern: ir.Access, element: Element) -> dict[str, Poly] | None:
    """What the clause's variables are where it reads this element; None where an index is no (moved) variable."""
    bound: dict[str, Poly] = {}
    for index, value in zip(pattern.indices, element.indices, strict=True):
        match index:
            case ir.IndexRef(name=name):
                at = value
            case ir.Binary(op="+", left=ir.IndexRef(name=name), right=ir.Number(value=int(by))):
                at = value - number(by)
            case ir.Binary(op="-", left=ir.IndexRef(name=name), right=ir.Number(value=int(by))):
                at = value + number(by)
            case _:
                return None
        if bound.setdefault(name, at) != at:
            return None
    return bound


def _consistent(terms: Terms) -> Iterator[Any]:
    """Elements at equal indices are equal."""
    for tensor in {tensor for tensor, _ in terms.elements}:
        elements = [each for each in terms.elements.values() if each.tensor == tensor]
        for at, first in enumerate(elements):
            for second in elements[:at]:
                same = [terms.equal(a, b) for a, b in zip(first.indices, second.indices, strict=True)]
                yield z3.Implies(z3.And(same), terms.equal(first.value, second.value))


def _property(clause: ir.Property, terms: Terms) -> Iterator[Any]:
    elements = [each for each in terms.elements.values() if each.tensor == clause.tensor]
    for first, second in permutations(elements, 2):
        if clause.function == "nondecreasing":
            ordered = terms.at_least(second.indices[0], first.indices[0])
            yield z3.Implies(ordered, terms.at_least(second.value, first.value))
        elif clause.function == "distinct":
            same = [terms.equal(a, b) for a, b in zip(first.indices, second.indices, strict=True)]
            yield z3.Implies(terms.equal(first.value, second.value), z3.And(same))


def _segments(terms: Terms, spec: Spec) -> list[Any]:
    """`segment(cu, t)` is the last b with cu[b] <= t: within the boundaries, cu[b] <= t < cu[b + 1]."""
    found = []
    for (tensor, at), segment in list(terms.lookups.items()):
        decl = spec.tensor(tensor)
        last = terms.poly(decl.shape[0]) - number(1)
        one = number(1)
        first, final, begin, end = (
            terms.element(tensor, (index,), decl.dtype) for index in (number(0), last, segment, segment + one)
        )
        inside = z3.And(terms.at_least(at, first), terms.at_least(final, at + one))
        found += [
            terms.at_least(segment, number(-1)),
            terms.at_least(last, segment),
            z3.Implies(
                inside,
                z3.And(
                    terms.at_least(segment, number(0)),
                    terms.at_least(last - one, segment),
                    terms.at_least(at, begin),
                    terms.at_least(end, at + one),
                ),
            ),
        ]
    return found
