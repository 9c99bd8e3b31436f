"""What the outputs need: every operation with the points at which it is needed, and every read of an input.

Statements are walked from the last to the first. A read of a local definition asks for its elements under the
conditions of the place that reads; what no output asks for is not needed. The conventions are in docs/cost.md.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ..ir.nodes import Access, Along, Axis, Binary, Call, Cast, Expr, IndexRef, Lookup, Number, Reduce, Select, Unary
from ..ir.spec import Definition, Spec
from ..ir.walk import bounds, children
from .literals import LOWEST, ZERO, Literals, Where
from .polynomials import Algebra, names_in, negated, replaced
from .regions import both, either, simplified

_WEIGHTS = {"softmax": 5, "log_softmax": 5, "logsumexp": 4, "clamp": 2, "fma": 2}
_SKIPS = {"sum": ZERO, **dict.fromkeys(("max", "argmax", "topk", "argtopk", "logsumexp", "softmax"), LOWEST)}
"""The value that a function takes in without work."""
_FREE = frozenset({"==", "!=", "<", "<=", ">", ">=", "and", "or"})


@dataclass(frozen=True, slots=True)
class Points:
    """Points of a scope: those of `axes`, by name, at which the conditions hold; `loose`: at most those."""

    axes: Mapping[str, Axis]
    conditions: tuple[Expr, ...] = ()
    loose: bool = False

    def under(self, found: Where) -> Points:
        return replace(self, conditions=(*self.conditions, found.condition), loose=self.loose or found.loose)

    def but(self, found: Where) -> Points:
        return replace(self, conditions=(*self.conditions, negated(found.condition)), loose=self.loose or found.loose)


@dataclass(frozen=True, slots=True)
class Work:
    """`weight` operations for each combination of the variables `names` that some of the points has."""

    weight: int
    names: frozenset[str]
    points: Points


@dataclass(frozen=True, slots=True)
class Reading:
    """An element of an input is read at each of the points."""

    access: Access
    points: Points


@dataclass
class Needs:
    """The work of a spec, gathered by `gather_needs`."""

    spec: Spec
    algebra: Algebra
    literals: Literals
    exact: bool = True
    work: list[Work] = field(default_factory=list)
    readings: list[Reading] = field(default_factory=list)
    whole: set[str] = field(default_factory=set)
    wanted: dict[str, list[Points]] = field(default_factory=dict)

    # statements

    def statement(self, definition: Definition) -> None:
        axes = {axis.name: axis for axis in definition.axes}
        if definition.is_scatter:
            self._scatter(definition, Points(axes))
            return
        if definition.is_output or definition.target in self.literals.recurrent:
            points: Points | None = Points(axes)
        else:
            points = self._asked(axes, self.wanted.get(definition.target, []))
        if points is not None:
            self._walk(definition.value, points)
        if definition.initial is not None:
            self._walk(definition.initial, Points({k: v for k, v in axes.items() if k != definition.along}))

    def _scatter(self, definition: Definition, points: Points) -> None:
        for index in definition.indices:
            self._walk(index, points, counting=False)
        if definition.op == "+=":
            added = points.but(self.literals.where(definition.value, ZERO))
            self.work.append(Work(1, frozenset(points.axes), added))
        self._walk(definition.value, points)

    def _asked(self, axes: Mapping[str, Axis], asked: Sequence[Points]) -> Points | None:
        """All that is asked for of a definition, together."""
        everything = [each for each in asked if not each.conditions]
        if everything:
            return Points(axes, (), all(each.loose for each in everything))
        if not asked:
            return None
        hidden = {name: axis for each in asked for name, axis in each.axes.items() if name not in axes}
        return Points({**axes, **hidden}, _any_of(asked), any(each.loose for each in asked))

    # expressions

    def _walk(self, expr: Expr, points: Points, counting: bool = True) -> None:
        match expr:
            case Access():
                self._read(expr, points, counting)
            case Select():
                self._walk(expr.condition, points, counting)
                self._walk(expr.then, points.under(self.literals.at_most(expr.condition)), counting)
                otherwise = self.literals.at_most(Unary(op="not", operand=expr.condition, dtype="bool"))
                self._walk(expr.otherwise, points.under(otherwise), counting)
            case Lookup():
                self.whole.add(expr.tensor)
                self._walk(expr.value, points, counting=False)
            case Reduce():
                self._reduce(expr, points, counting)
            case Along():
                self._along(expr, points, counting)
            case Binary(op="and" | "or" as op):
                self._walk(expr.left, points, counting)
                open_left = expr.left if op == "and" else Unary(op="not", operand=expr.left, dtype="bool")
                self._walk(expr.right, points.under(self.literals.at_most(open_left)), counting)
            case _:
                self._operation(expr, points, counting)

    def _operation(self, expr: Expr, points: Points, counting: bool) -> None:
        points = self._computed(expr, points)
        if isinstance(expr, Binary) and expr.op == "*":
            factors = tuple(factors_of(expr))
            if counting and reads_data(expr):
                self.work += [Work(1, names, points) for names in _multiplications(factors)]
        else:
            factors = children(expr)
            weight = _weight(expr)
            if counting and weight and reads_data(expr):
                self.work.append(Work(weight, free_indices(expr), points))
        for factor in factors:
            self._walk(factor, points, counting)

    def _computed(self, expr: Expr, points: Points) -> Points:
        """The points at which the value is not known without computing it."""
        return points.but(self.literals.where(expr, ZERO)).but(self.literals.where(expr, LOWEST))

    def _reduce(self, expr: Reduce, points: Points, counting: bool) -> None:
        expr, points = self._apart(expr, points)
        own = {axis.name: replace(axis, lower=None, upper=None) for axis in expr.axes}
        inner = replace(points, axes={**points.axes, **own})
        for axis in expr.axes:
            for bound, op in ((axis.lower, ">="), (axis.upper, "<")):
                if bound is not None:
                    self._walk(bound, inner, counting=False)
                    here = IndexRef(name=axis.name, dtype="i64")
                    inner = inner.under(self.literals.at_most(_compared(here, op, bound)))
        if expr.function in _SKIPS:
            inner = inner.but(self.literals.where(expr.body, _SKIPS[expr.function]))
        if counting:
            names = free_indices(expr.body) | {axis.name for axis in expr.axes}
            names = names.union(*(free_indices(bound) for bound in bounds(expr)))
            self.work.append(Work(_WEIGHTS.get(expr.function, 1), names, inner))
        self._walk(expr.body, inner, counting)
        if expr.rank is not None:
            self._walk(expr.rank, points, counting)

    def _apart(self, expr: Reduce, points: Points) -> tuple[Reduce, Points]:
        """The points with what they call like the reduction's own variables renamed: those are others."""
        clashing = {axis.name for axis in expr.axes} & set(points.axes)
        return expr, _renamed(points, {name: f"{name}'" for name in clashing}) if clashing else points

    def _along(self, expr: Along, points: Points, counting: bool) -> None:
        """A wanted element needs its row, but for what is -inf where a softmax is taken."""
        row = self._row(self._computed(expr, points), expr.axis)
        if expr.function in _SKIPS:
            row = row.but(self.literals.where(expr.body, _SKIPS[expr.function]))
        if counting:
            self.work.append(Work(_WEIGHTS.get(expr.function, 1), free_indices(expr.body) | {expr.axis}, row))
        self._walk(expr.body, row, counting)

    def _row(self, points: Points, name: str) -> Points:
        """The rows that the points are in: the variable along them stands, in the conditions, for any other."""
        conditions = tuple(points.conditions)
        if not any(name in set(names_in(each)) for each in conditions):
            return points
        moved = _renamed(points, {name: f"{name}'"})
        return replace(moved, axes={**moved.axes, name: points.axes[name]})

    # reads

    def _read(self, expr: Access, points: Points, counting: bool) -> None:
        is_input = expr.tensor in self.literals.inputs
        if not is_input:
            points = self._computed(expr, points)
        inside = points
        if expr.pad is not None:
            outside = self.literals.outside(expr)
            self._walk(expr.pad, points.under(outside), counting)
            inside = points.but(outside)
        for index in expr.indices:
            self._walk(index, points, counting=False)
        if is_input and self.exact:
            self.readings.append(Reading(expr, self._simple(points, set(free_indices(expr)))))
        elif not is_input and expr.tensor not in self.literals.recurrent:
            self._ask(expr, inside)

    def _simple(self, points: Points, kept: set[str]) -> Points:
        axes = {name: axis for name, axis in points.axes.items() if name in kept}
        hidden = [axis for name, axis in points.axes.items() if name not in kept]
        return replace(points, conditions=simplified(points.conditions, axes, hidden, self.algebra))

    def _ask(self, expr: Access, points: Points) -> None:
        """The elements of a definition that an access reads, in the definition's own index variables."""
        definition = self.literals.definitions[expr.tensor]
        if definition.is_scatter:
            return
        if not self.exact:
            self.wanted[expr.tensor] = [Points({axis.name: axis for axis in definition.axes})]
            return
        shown = {index.name for index in expr.indices if isinstance(index, IndexRef)}
        points = self._simple(points, shown)
        own, names, extra = {axis.name: axis for axis in definition.axes}, {}, []
        for axis, index in zip(definition.axes, expr.indices, strict=True):
            if isinstance(index, IndexRef) and index.name not in names:
                names[index.name] = axis.name
                if not self.algebra.at_most(axis.extent, points.axes[index.name].extent):
                    extra.append((axis.name, points.axes[index.name].extent))
        others = {name: _fresh(name, own) for name in points.axes if name not in names}
        moved = _renamed(points, {**others, **names})
        limits = [
            Binary(op="<", left=IndexRef(name=name, dtype="i64"), right=limit, dtype="bool") for name, limit in extra
        ]
        loose = points.loose or any(self.literals.closed(index) is None for index in expr.indices)
        conditions = simplified(
            (*moved.conditions, *limits), own, [moved.axes[n] for n in others.values()], self.algebra
        )
        used = {name for each in conditions for name in names_in(each)}
        axes = {**own, **{name: axis for name, axis in moved.axes.items() if name in used and name not in own}}
        self.wanted.setdefault(expr.tensor, []).append(Points(axes, conditions, loose))


def gather_needs(spec: Spec, *, exact: bool = True) -> Needs:
    """The work and the reads of a spec; not `exact`: as if everything were needed, which takes less time."""
    algebra = Algebra(spec.where, frozenset(param.name for param in spec.params), tuple(dim.name for dim in spec.dims))
    needs = Needs(spec, algebra, Literals(spec, algebra), exact)
    for definition in reversed(spec.math):
        needs.statement(definition)
    return needs


def _compared(left: Expr, op: str, right: Expr) -> Expr:
    """A comparison; `<= x` for `< x + 1`."""
    if op == "<" and isinstance(right, Binary) and right.op == "+" and right.right == Number(value=1, dtype="i64"):
        op, right = "<=", right.left
    return Binary(op=op, left=left, right=right, dtype="bool")  # type: ignore[arg-type]


def _any_of(asked: Sequence[Points]) -> tuple[Expr, ...]:
    """What holds at some of the points: what all of them share, and one of their further conditions."""
    shared = tuple(each for each in asked[0].conditions if all(each in points.conditions for points in asked))
    further = [both([each for each in points.conditions if each not in shared]) for points in asked]
    return (*shared, either(list(dict.fromkeys(further))))


def _fresh(name: str, taken: Mapping[str, Axis]) -> str:
    return name if name not in taken else _fresh(f"{name}'", taken)


def _renamed(points: Points, table: Mapping[str, str]) -> Points:
    references = {name: IndexRef(name=new, dtype="i64") for name, new in table.items()}
    axes = {table.get(name, name): replace(axis, name=table.get(name, name)) for name, axis in points.axes.items()}
    return Points(axes, tuple(replaced(each, references) for each in points.conditions), points.loose)


def _weight(expr: Expr) -> int:
    """Operations of one node at one point; comparisons, logic, selections and casts are none."""
    match expr:
        case Call(function=name):
            return _WEIGHTS.get(name, 1)
        case Unary(op=op):
            return int(op != "not" and expr.dtype != "bool")
        case Binary(op=op):
            return int(op not in _FREE and expr.dtype != "bool")
    return 0


def factors_of(expr: Expr) -> Iterator[Expr]:
    """The factors of a product, through casts."""
    inner = expr
    while isinstance(inner, Cast):
        inner = inner.operand
    if isinstance(inner, Binary) and inner.op == "*":
        yield from factors_of(inner.left)
        yield from factors_of(inner.right)
    else:
        yield expr


def _multiplications(factors: Sequence[Expr]) -> Iterator[frozenset[str]]:
    """The index variables of each multiplication of a product, with scales multiplied into what they scale first."""
    waiting = sorted(map(free_indices, factors), key=len)
    largest: list[frozenset[str]] = []
    for at, names in enumerate(waiting):
        home = next((other for other in waiting[at + 1 :] if names <= other), None)
        if home is None:
            largest.append(names)
        else:
            yield home
    for at in range(1, len(largest)):
        yield frozenset().union(*largest[: at + 1])


def reads_data(expr: Expr) -> bool:
    """Whether a tensor is read anywhere in the expression."""
    return isinstance(expr, Access) or any(reads_data(child) for child in children(expr))


def free_indices(expr: Expr) -> frozenset[str]:
    """The index variables that the value of an expression varies with."""
    if isinstance(expr, IndexRef):
        return frozenset({expr.name})
    found = frozenset().union(*(free_indices(child) for child in children(expr)))
    return found - {axis.name for axis in expr.axes} if isinstance(expr, Reduce) else found
