"""What the assumptions say of the elements that are read: instances of their clauses at the indices that occur."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import combinations, permutations

from ...ir import nodes as ir
from ...ir.walk import walk
from .atoms import Element, Segment
from .formulas import TRUE, And, Formula, at_least, below, equal, implies, negated, within
from .polynomial import Poly, atom, number
from .terms import Terms

_ZERO, _ONE = number(0), number(1)


class Assumptions:
    """The clauses on data of one spec."""

    def __init__(self, terms: Terms) -> None:
        self.terms = terms
        self._clauses = [part for clause in terms.spec.assumptions for part in _conjuncts(clause)]
        self._properties = {(c.function, c.tensor) for c in self._clauses if isinstance(c, ir.Property)}
        self._instances: dict[int, tuple[tuple[Formula, Formula], ...]] = {}
        self._single: dict[str, tuple[tuple[Formula, Formula], ...]] = {}

    def ordered(self, tensor: str) -> bool:
        """Whether the elements of a tensor do not decrease."""
        return ("nondecreasing", tensor) in self._properties

    def instances(self, index: int) -> tuple[tuple[Formula, Formula], ...]:
        """Conditions and what follows from each, of the element that an atom is."""
        if index not in self._instances:
            element = self.terms.meanings[index]
            found = [each for clause in self._clauses for each in self._at(clause, element)]
            self._instances[index] = (*found, *self.single(element.tensor))
        return self._instances[index]

    def single(self, tensor: str) -> tuple[tuple[Formula, Formula], ...]:
        """The clauses about single elements of a tensor, such as `cu[0] == 0`."""
        if tensor not in self._single:
            self._single[tensor] = ()  # clauses may read each other's tensors
            clauses = (each for each in self._clauses if not isinstance(each, ir.Reduce | ir.Property))
            reading = (each for each in clauses if tensor in _tensors(each))
            self._single[tensor] = tuple((self._given(each), self.terms.truth(each, {})) for each in reading)
        return self._single[tensor]

    def _given(self, clause: ir.Expr) -> Formula:
        """Clauses speak of tensors that are given."""
        return And(tuple(present for name in sorted(_tensors(clause)) if (present := self.terms.present(name)) != TRUE))

    def _at(self, clause: ir.Expr, element: Element) -> Iterator[tuple[Formula, Formula]]:
        """The clause at the element, for each place where it reads that tensor."""
        axes, body = _quantified(clause)
        reads = (node for node in walk(body) if isinstance(node, ir.Access) and node.tensor == element.tensor)
        for pattern in dict.fromkeys(reads) if axes else ():
            matched = self._matched(pattern, element)
            if matched is not None and set(matched[0]) == {axis.name for axis in axes}:
                scope, same = matched
                inside = (*same, *(self._range(axis, scope) for axis in axes), self._given(clause))
                yield And(inside), self.terms.truth(body, scope)

    def _range(self, axis: ir.Axis, scope: dict[str, Poly]) -> Formula:
        poly, value = self.terms.poly, scope[axis.name]
        ends = [poly(end, scope) - _ONE for end in (axis.extent, axis.upper) if end is not None]
        starts = [_ZERO, *([] if axis.lower is None else [poly(axis.lower, scope)])]
        return And((*(at_least(value, each) for each in starts), *(at_least(each, value) for each in ends)))

    def _matched(self, pattern: ir.Access, element: Element) -> tuple[dict[str, Poly], list[Formula]] | None:
        """What the clause's variables are where it reads this element, and what must be equal besides."""
        bound: dict[str, Poly] = {}
        same: list[Formula] = []
        for index, value in zip(pattern.indices, element.indices, strict=True):
            moved = _moved(index)
            if moved is None:
                if any(isinstance(node, ir.IndexRef | ir.Access) for node in walk(index)):
                    return None
                same.append(equal(value, self.terms.poly(index, {})))
                continue
            name, by = moved
            first = bound.setdefault(name, value - number(by))
            if first != value - number(by):
                same.append(equal(first, value - number(by)))
        return bound, same

    # for z3

    def among(self, elements: Iterable[int]) -> Iterator[Formula]:
        """What holds of pairs: elements at equal places are equal; ordered tensors, distinct elements."""
        tensors: dict[str, list[tuple[Element, Poly]]] = {}
        for index in elements:
            meaning = self.terms.meanings[index]
            tensors.setdefault(meaning.tensor, []).append((meaning, atom(index)))
        for name, read in tensors.items():
            for (one, first), (other, second) in combinations(read, 2):
                same = And(tuple(equal(a, b) for a, b in zip(one.indices, other.indices, strict=True)))
                yield implies(same, equal(first, second))
                if ("distinct", name) in self._properties:
                    yield implies(negated(same), negated(equal(first, second)))
            for (one, first), (other, second) in permutations(read, 2) if self.ordered(name) else ():
                yield implies(at_least(other.indices[0], one.indices[0]), at_least(second, first))

    def segment(self, index: int) -> Iterator[Formula]:
        """Of the last b with cu[b] <= t: where t lies within the boundaries, cu[b] <= t < cu[b + 1]."""
        meaning, place = self.terms.meanings[index], atom(index)
        inside, last = self.within_boundaries(meaning)
        begin, end = (self.terms.atom(Element(meaning.tensor, (each,))) for each in (place, place + _ONE))
        yield within(place, -_ONE, last)
        held = (at_least(meaning.at, begin), below(meaning.at, end), within(place, _ZERO, last - _ONE))
        yield implies(inside, And(held))

    def within_boundaries(self, segment: Segment) -> tuple[Formula, Poly]:
        """That the value lies in some segment; and the last place of the boundaries."""
        tensor = segment.tensor
        last = self.terms.poly(self.terms.inputs[tensor].shape[0], {}) - _ONE
        first, final = (self.terms.atom(Element(tensor, (each,))) for each in (_ZERO, last))
        return And((at_least(segment.at, first), below(segment.at, final))), last


def _conjuncts(clause: ir.Expr) -> Iterator[ir.Expr]:
    if isinstance(clause, ir.Binary) and clause.op == "and":
        yield from _conjuncts(clause.left)
        yield from _conjuncts(clause.right)
    else:
        yield clause


def _quantified(clause: ir.Expr) -> tuple[tuple[ir.Axis, ...], ir.Expr]:
    axes: tuple[ir.Axis, ...] = ()
    while isinstance(clause, ir.Reduce) and clause.function == "all":
        axes, clause = (*axes, *clause.axes), clause.body
    return axes, clause


def _tensors(clause: ir.Expr) -> set[str]:
    return {node.tensor for node in walk(clause) if isinstance(node, ir.Access | ir.Lookup)}


def _moved(index: ir.Expr) -> tuple[str, int] | None:
    """The variable of `b`, `b + 1`, `b - 1`, and by how much it is moved."""
    match index:
        case ir.IndexRef(name=name):
            return name, 0
        case ir.Binary(op="+", left=ir.IndexRef(name=name), right=ir.Number(value=int(by))):
            return name, by
        case ir.Binary(op="-", left=ir.IndexRef(name=name), right=ir.Number(value=int(by))):
            return name, -by
    return None
