"""Work counted by evaluation: every operation that the outputs need of these inputs, and every element that is touched.

This is what the formulas of `cost` are held to. Nothing here is symbolic: statements are walked from the last to the
first with a mask of the elements that are wanted, and at each operation the points are counted at which it is needed.
The conventions are those of docs/cost.md.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from ..ir.nodes import Access, Along, Binary, Call, Cast, Expr, IndexRef, Lookup, Number, Reduce, Select, Unary
from ..ir.spec import Definition, Spec
from ..ir.walk import children, walk
from .binding import Binding, shape_of
from .expressions import Expressions
from .oracle import expressions_of
from .recurrent import recurrent_groups
from .scope import Run, Scope

_COMPUTED, _ZERO, _LOWEST = 0, 1, 2
"""What is known of an element without computing it: nothing, that it is 0, that it is -inf."""
_WEIGHTS = {"softmax": 5, "log_softmax": 5, "logsumexp": 4, "clamp": 2, "fma": 2}
_FREE = frozenset({"==", "!=", "<", "<=", ">", ">=", "and", "or"})
_NEUTRAL = {"sum": _ZERO, **dict.fromkeys(("max", "argmax", "topk", "argtopk", "logsumexp", "softmax"), _LOWEST)}
_KEEPS_ZERO = frozenset({"abs", "relu", "sqrt", "sin", "tan", "tanh", "erf", "expm1", "log1p", "sign", "silu"})


@dataclass(frozen=True, slots=True)
class Counted:
    """Operations; distinct elements read of each input and written of each output; bytes of all of them."""

    operations: int
    read: Mapping[str, int]
    written: Mapping[str, int]
    bytes: int


def count_work(spec: Spec, binding: Binding, inputs: Mapping[str, Tensor]) -> Counted:
    """The work for these inputs, all of which must be given. For small shapes: every statement is laid out whole."""
    counter = _Counter(spec, binding, expressions_of(spec, binding, inputs))
    counter.run()
    read = {each.name: int(counter.touched[each.name].sum()) for each in spec.inputs}
    written = {each.name: int(counter.written[each.name].sum()) for each in spec.outputs}
    widths = {each.name: binding.dtype(each.dtype).bytes for each in (*spec.inputs, *spec.outputs)}
    size = sum(count * widths[name] for group in (read, written) for name, count in group.items())
    return Counted(counter.operations, read, written, size)


@dataclass
class _Counter:
    spec: Spec
    binding: Binding
    expressions: Expressions
    operations: int = 0
    known: dict[str, Tensor] = field(default_factory=dict)
    touched: dict[str, Tensor] = field(default_factory=dict)
    wanted: dict[str, Tensor] = field(default_factory=dict)
    written: dict[str, Tensor] = field(default_factory=dict)

    def run(self) -> None:
        for each in self.spec.inputs:
            self.touched[each.name] = torch.zeros(shape_of(each, self.binding), dtype=torch.bool)
        recurrent = recurrent_groups(self.spec)
        for each in self.spec.math:
            shape = self._shape(each)
            is_whole = each.is_output or each.target in recurrent
            self.wanted[each.target] = torch.full(shape, is_whole, dtype=torch.bool)
            if not each.is_scatter and each.target not in recurrent:
                scope = self._scope(each)
                self.known[each.target] = self._knowledge(each.value, scope).expand(scope.sizes)
        for each in self.spec.outputs:
            self.written[each.name] = torch.zeros(shape_of(each, self.binding), dtype=torch.bool)
        for each in reversed(self.spec.math):
            self._statement(each)

    # statements

    def _shape(self, definition: Definition) -> tuple[int, ...]:
        from .binding import evaluate_scalar

        return tuple(int(evaluate_scalar(extent, self.binding)) for extent in definition.shape)

    def _scope(self, definition: Definition) -> Scope:
        extents = [(axis.name, self.expressions.extent(axis)) for axis in definition.axes]
        return Scope(tuple(Run(name, 0, extent, extent) for name, extent in extents))

    def _statement(self, definition: Definition) -> None:
        scope = self._scope(definition)
        if definition.is_scatter:
            self._scatter(definition, scope)
            return
        if definition.is_output:
            self.written[definition.target][...] = True
        self._walk(definition.value, scope, self.wanted[definition.target])
        if definition.initial is not None:
            at = scope.position(definition.along)
            before = scope.runs[at].extent if definition.backward else -1
            runs = [Run(r.name, before, before + 1, r.extent) if i == at else r for i, r in enumerate(scope.runs)]
            start = Scope(tuple(runs))
            self._walk(definition.initial, start, torch.ones(start.sizes, dtype=torch.bool))

    def _scatter(self, definition: Definition, scope: Scope) -> None:
        name, everywhere = definition.target, torch.ones(scope.sizes, dtype=torch.bool)
        for index in definition.indices:
            self._walk(index, scope, everywhere, counting=False)
        target = torch.zeros(self._shape(definition), dtype=torch.bool)
        reached = everywhere
        if definition.op == "+=":
            reached = self._knowledge(definition.value, scope).expand(scope.sizes) != _ZERO
            self._count(1, scope, reached, {run.name for run in scope.runs})
        self._mark(target, definition.indices, scope, reached)
        if name in self.spec.in_place:
            self.written[name] |= target
            if definition.op == "+=":
                self.touched[name] |= target
        elif definition.is_output:
            self.written[name][...] = True
        self._walk(definition.value, scope, everywhere)

    # what is known without computing

    def _knowledge(self, expr: Expr, scope: Scope) -> Tensor:
        nothing = torch.zeros([1] * scope.rank, dtype=torch.int8)
        match expr:
            case Number(value=value) if not isinstance(value, bool):
                return nothing + (_ZERO if value == 0 else _LOWEST if value == -float("inf") else _COMPUTED)
            case Unary(op="-", operand=Number(value=value)) if value == float("inf"):
                return nothing + _LOWEST
            case Unary(op="-", operand=operand):
                return self._only_zero(self._knowledge(operand, scope))
            case Cast(operand=operand):
                return self._knowledge(operand, scope)
            case Select():
                condition = self._value(expr.condition, scope)
                then = self._knowledge(expr.then, scope.where(condition))
                return torch.where(condition, then, self._knowledge(expr.otherwise, scope.where(~condition)))
            case Binary():
                return self._of_binary(expr, scope)
            case Call():
                return self._of_call(expr, scope)
            case Along(function="softmax"):
                lowest = self._knowledge(expr.body, scope) == _LOWEST
                return torch.where(lowest, _ZERO, _COMPUTED).to(torch.int8)
            case Access():
                return self._of_access(expr, scope)
        return nothing

    def _only_zero(self, known: Tensor) -> Tensor:
        return torch.where(known == _ZERO, known, torch.zeros_like(known))

    def _of_binary(self, expr: Binary, scope: Scope) -> Tensor:
        left, right = self._knowledge(expr.left, scope), self._knowledge(expr.right, scope)
        zero, lowest = torch.zeros_like(left + right), (left == _LOWEST) & (right != _LOWEST)
        if expr.op == "*":
            zero = (left == _ZERO) | (right == _ZERO)
        elif expr.op in ("/", "//", "%"):
            zero = (left == _ZERO) & (right != _ZERO)
        elif expr.op in ("+", "-"):
            zero = (left == _ZERO) & (right == _ZERO)
            lowest = lowest | ((right == _LOWEST) & (left != _LOWEST) & (expr.op == "+"))
            return zero.to(torch.int8) * _ZERO + lowest.to(torch.int8) * _LOWEST
        return zero.to(torch.int8) * _ZERO

    def _of_call(self, expr: Call, scope: Scope) -> Tensor:
        first = self._knowledge(expr.args[0], scope)
        if expr.function in ("exp", "exp2"):
            return torch.where(first == _LOWEST, _ZERO, _COMPUTED).to(torch.int8)
        return self._only_zero(first) if expr.function in _KEEPS_ZERO else torch.zeros_like(first)

    def _of_access(self, expr: Access, scope: Scope) -> Tensor:
        known = None if expr.tensor in self.touched else self.known.get(expr.tensor)
        places, outside = self._places(expr, scope)
        found = torch.zeros(places[0].shape if places else [1] * scope.rank, dtype=torch.int8)
        if known is not None:
            inside = [place.clamp(0, extent - 1) for place, extent in zip(places, known.shape, strict=True)]
            found = known[tuple(inside)] if inside else known.reshape([1] * scope.rank)
        if outside is None or expr.pad is None:
            return found
        return torch.where(outside, self._knowledge(expr.pad, scope), found)

    def _places(self, expr: Access, scope: Scope) -> tuple[list[Tensor], Tensor | None]:
        """The indices at every point, aligned; and where one of them leaves the tensor."""
        places = [self._value(index, scope).long() for index in expr.indices]
        places = list(torch.broadcast_tensors(*places)) if places else []
        outside = None
        for place, extent in zip(places, self._extents(expr.tensor), strict=True):
            beyond = (place < 0) | (place >= extent)
            outside = beyond if outside is None else outside | beyond
        return places, outside

    def _extents(self, name: str) -> Sequence[int]:
        return self.touched[name].shape if name in self.touched else self.wanted[name].shape

    def _value(self, expr: Expr, scope: Scope) -> Tensor:
        return self.expressions.evaluate(expr, scope).value

    # what is needed

    def _count(self, weight: int, scope: Scope, active: Tensor, names: set[str]) -> None:
        """Each combination of the variables `names` that some active point has."""
        points = active.expand(scope.sizes)
        for at, run in reversed(list(enumerate(scope.runs))):
            if run.name not in names:
                points = points.any(at)
        self.operations += weight * int(points.sum())

    def _walk(self, expr: Expr, scope: Scope, active: Tensor, counting: bool = True) -> None:
        """Count what the points `active` of an expression need; arithmetic inside indices is not counted."""
        scope = Scope(scope.runs, active)
        match expr:
            case Access():
                self._read(expr, scope, active, counting)
            case Select():
                condition = self._value(expr.condition, scope)
                self._walk(expr.condition, scope, active, counting)
                self._walk(expr.then, scope, active & condition, counting)
                self._walk(expr.otherwise, scope, active & ~condition, counting)
            case Lookup():
                self.touched[expr.tensor][...] = True
                self._walk(expr.value, scope, active, counting=False)
            case Reduce():
                self._reduce(expr, scope, active, counting)
            case Along():
                self._along(expr, scope, active, counting)
            case Binary(op="and" | "or"):
                self._walk(expr.left, scope, active, counting)
                left = self._value(expr.left, scope)
                self._walk(expr.right, scope, active & (left if expr.op == "and" else ~left), counting)
            case Binary(op="*"):
                self._product(expr, scope, active, counting)
            case _:
                self._operation(expr, scope, active, counting)

    def _operation(self, expr: Expr, scope: Scope, active: Tensor, counting: bool) -> None:
        active = self._computed(expr, scope, active)
        if counting and _reads(expr):
            self._count(_weight(expr), scope, active, _varies(expr))
        for child in children(expr):
            self._walk(child, scope, active, counting)

    def _computed(self, expr: Expr, scope: Scope, active: Tensor) -> Tensor:
        """The active points at which the expression is not known without computing it."""
        return active & (self._knowledge(expr, scope) == _COMPUTED)

    def _product(self, expr: Binary, scope: Scope, active: Tensor, counting: bool) -> None:
        """The factors in the order that needs the fewest points: what scales another factor is multiplied into it."""
        active = self._computed(expr, scope, active)
        factors = list(_factors(expr))
        if counting and _reads(expr):
            open_sets = sorted((_varies(factor) for factor in factors), key=len)
            outer: list[set[str]] = []
            while open_sets:
                smallest = open_sets.pop(0)
                home = next((other for other in open_sets if smallest <= other), None)
                if home is None:
                    outer.append(smallest)
                else:
                    self._count(1, scope, active, home)
            for upto in range(2, len(outer) + 1):
                self._count(1, scope, active, set().union(*outer[:upto]))
        for factor in factors:
            self._signs(factor, scope, active, counting)

    def _signs(self, factor: Expr, scope: Scope, active: Tensor, counting: bool) -> None:
        self._walk(factor, scope, active, counting)

    def _reduce(self, expr: Reduce, scope: Scope, active: Tensor, counting: bool) -> None:
        runs = tuple(Run(axis.name, 0, n, n) for axis in expr.axes for n in (self.expressions.extent(axis),))
        inner = Scope(scope.runs).within(runs)
        points = active.expand(scope.sizes)[(..., *[None] * len(runs))].expand(inner.sizes)
        for axis in expr.axes:
            here = Scope(inner.runs, points)
            values = self._value(IndexRef(name=axis.name, dtype="i64"), here)
            for bound in (axis.lower, axis.upper):
                if bound is not None:
                    self._walk(bound, here, points, counting=False)
                    limit = self._value(bound, here)
                    points = points & (values >= limit if bound is axis.lower else values < limit)
        neutral = _NEUTRAL.get(expr.function)
        if neutral is not None:
            points = points & (self._knowledge(expr.body, Scope(inner.runs, points)) != neutral)
        if counting:
            names = _varies(expr.body) | {name for bound in _bounds(expr) for name in _varies(bound)}
            names |= {axis.name for axis in expr.axes}
            self._count(_WEIGHTS.get(expr.function, 1), inner, points, names)
        self._walk(expr.body, inner, points, counting)
        if expr.rank is not None:
            self._walk(expr.rank, scope, active, counting)

    def _along(self, expr: Along, scope: Scope, active: Tensor, counting: bool) -> None:
        """A wanted element needs all of its row, but for what is -inf where a softmax is taken."""
        active = self._computed(expr, scope, active).expand(scope.sizes)
        row = active.any(scope.position(expr.axis), keepdim=True).expand(scope.sizes)
        if expr.function in _NEUTRAL:
            row = row & (self._knowledge(expr.body, Scope(scope.runs, row)) != _NEUTRAL[expr.function])
        if counting:
            self._count(_WEIGHTS.get(expr.function, 1), scope, row, _varies(expr.body) | {expr.axis})
        self._walk(expr.body, scope, row, counting)

    # reading

    def _read(self, expr: Access, scope: Scope, active: Tensor, counting: bool) -> None:
        active = self._computed(expr, scope, active) if expr.tensor not in self.touched else active
        _, outside = self._places(expr, scope)
        if expr.pad is not None and outside is not None:
            self._walk(expr.pad, scope, active & outside, counting)
        for index in expr.indices:
            self._walk(index, scope, active, counting=False)
        inside = active if outside is None else active & ~outside
        store = self.touched if expr.tensor in self.touched else self.wanted
        self._mark(store[expr.tensor], expr.indices, scope, inside)

    def _mark(self, store: Tensor, indices: Sequence[Expr], scope: Scope, active: Tensor) -> None:
        chosen = active.expand(scope.sizes)
        if not indices:
            store |= chosen.any()
            return
        found = Scope(scope.runs, chosen)
        places = [self._value(index, found).long().expand(scope.sizes)[chosen] for index in indices]
        store[tuple(places)] = True


def _reads(expr: Expr) -> bool:
    return any(isinstance(node, Access) for node in walk(expr))


def _varies(expr: Expr) -> set[str]:
    """The index variables that a value varies with."""
    found = {expr.name} if isinstance(expr, IndexRef) else set()
    for child in children(expr):
        found |= _varies(child)
    return found - {axis.name for axis in expr.axes} if isinstance(expr, Reduce) else found


def _bounds(expr: Reduce) -> Iterator[Expr]:
    for axis in expr.axes:
        yield from (bound for bound in (axis.lower, axis.upper) if bound is not None)


def _weight(expr: Expr) -> int:
    """Operations of one node at one point."""
    match expr:
        case Call(function=name):
            return _WEIGHTS.get(name, 1)
        case Unary(op=op):
            return int(op != "not" and expr.dtype != "bool")
        case Binary(op=op):
            return int(op not in _FREE and expr.dtype != "bool")
    return 0


def _factors(expr: Expr) -> Iterator[Expr]:
    inner = expr
    while isinstance(inner, Cast):
        inner = inner.operand
    if isinstance(inner, Binary) and inner.op == "*":
        yield from _factors(inner.left)
        yield from _factors(inner.right)
    else:
        yield expr
