"""From expressions of a spec to polynomials over atoms, and from conditions to formulas."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import TypeAlias

from ...ir import nodes as ir
from ...ir.dtypes import DTYPES
from ...ir.functions import INDEX_RESULT
from ...ir.spec import Definition, Spec
from ...ir.walk import walk
from .atoms import Atom, Choice, Element, Extremum, Quotient, Remainder, Running, Segment, Unknown, Wrapped
from .bits import combined, masked, shifted
from .formulas import FALSE, TRUE, And, Formula, Free, Or, at_least, below, chosen, equal, negated, within
from .integers import integers, limits, storable
from .named import name_values, positive
from .polynomial import Poly, atom, divided, number

_MOST_READS, _MOST_OPEN = 500, 12
"""Elements of definitions that are put in place for one spec, and how many inside of each other."""
_MOST_TERMS, _LONGEST, _HIGHEST, _WIDEST = 400, 64, 12, 256
"""Of a polynomial: its terms, before equal ones are put together and then; its degree; the bits of its factors."""

Scope: TypeAlias = Mapping[str, Poly]
"""What index variables stand for."""


class Terms:
    """The atoms of one spec, and what dims and params are in terms of them.

    64-bit and signed 32-bit integers are taken not to overflow; narrower and unsigned ones wrap.
    """

    def __init__(self, spec: Spec, *, simplify: bool = True) -> None:
        """`simplify`: put divisors and equals of dims in their place; then clauses that say so say nothing more."""
        self.spec = spec
        self.meanings: list[Atom] = []
        self.values: dict[str, Poly] = {}
        self.inputs = {tensor.name: tensor for tensor in spec.inputs}
        self._numbers: dict[Atom, int] = {}
        self._truths: dict[object, int] = {}
        self._read: dict[tuple[str, tuple[Poly, ...]], Poly] = {}
        self._open = self._reads = 0
        self._local = _single(spec)
        self._integers = integers(spec)
        name_values(self, simplify=simplify)
        self.where = tuple(self.truth(clause, {}) for clause in spec.where) + positive(self)

    # atoms

    def atom(self, meaning: Atom) -> Poly:
        """The atom of a meaning, as a polynomial."""
        index = self._numbers.setdefault(meaning, len(self.meanings))
        if index == len(self.meanings):
            self.meanings.append(meaning)
        return atom(index)

    def meaning(self, value: Poly) -> Atom | None:
        """What a polynomial stands for that is a single atom."""
        match value.terms:
            case (((index,), 1),):
                return self.meanings[index]
        return None

    def free(self, key: object) -> Free:
        """A truth of which nothing is known, the same one for the same key."""
        return Free(self._truths.setdefault(key, len(self._truths)))

    def bind(self, axes: tuple[ir.Axis, ...]) -> dict[str, Poly]:
        """The index variables of axes, each in the scope of those before it."""
        scope: dict[str, Poly] = {}
        for axis in axes:
            lower, upper = (None if bound is None else self.poly(bound, scope) for bound in (axis.lower, axis.upper))
            scope[axis.name] = self.atom(Running(axis.name, self.poly(axis.extent, scope), lower, upper))
        return scope

    def is_integer(self, expr: ir.Expr) -> bool:
        return expr.dtype in self._integers

    # integers

    def poly(self, expr: ir.Expr, scope: Scope) -> Poly:
        """The value of an integer expression."""
        match expr:
            case ir.Number() if _is_whole(expr.value):
                return number(int(expr.value))
            case ir.DimRef() | ir.ParamRef() if expr.name in self.values:
                return self.values[expr.name]
            case ir.IndexRef() if expr.name in scope:
                return scope[expr.name]
            case ir.Unary(op="-"):
                return self.wrapped(-self.poly(expr.operand, scope), expr.dtype)
            case ir.Unary(op="~"):
                return self.wrapped(-self.poly(expr.operand, scope) - number(1), expr.dtype)
            case ir.Binary() if self.is_integer(expr):
                return self.wrapped(self._binary(expr, scope), expr.dtype)
            case ir.Cast():
                return self._cast(expr, scope)
            case ir.Call() if self.is_integer(expr):
                return self._call(expr, scope)
            case ir.Select():
                then, otherwise = self.poly(expr.then, scope), self.poly(expr.otherwise, scope)
                return self.chosen(self.truth(expr.condition, scope), then, otherwise)
            case ir.Access() if self.is_integer(expr):
                return self._access(expr, scope)
            case ir.Lookup():
                return self.atom(Segment(expr.tensor, self.poly(expr.value, scope)))
        return self._searched(expr, scope) or self._unknown(expr, scope)

    def chosen(self, condition: Formula, then: Poly, otherwise: Poly) -> Poly:
        if condition in (TRUE, FALSE) or then == otherwise:
            return otherwise if condition == FALSE else then
        return self.atom(Choice(condition, then, otherwise))

    def quotient(self, dividend: Poly, divisor: Poly) -> Poly:
        """Floor division."""
        return self._division(dividend, divisor)[0]

    def remainder(self, dividend: Poly, divisor: Poly) -> Poly:
        return self._division(dividend, divisor)[1]

    def _division(self, dividend: Poly, divisor: Poly) -> tuple[Poly, Poly]:
        by = divisor.constant
        if by is not None and by < 0:
            quotient, remainder = self._division(-dividend, -divisor)
            return quotient, -remainder
        whole, rest = divided(dividend, divisor)
        if not rest.terms or (by and rest.constant is not None):
            return whole, rest
        return whole + self.atom(Quotient(rest, divisor)), self.atom(Remainder(rest, divisor))

    def wrapped(self, value: Poly, dtype: str) -> Poly:
        """The value as a dtype stores it, which only matters where that may be too narrow."""
        found = DTYPES.get(dtype)
        if found is None or (found.kind == "int" and found.bits >= 32) or found.kind not in ("int", "uint"):
            return value
        low, high = storable(dtype)
        known, meaning = value.constant, self.meaning(value)
        if known is not None and low <= known <= high:
            return value
        if isinstance(meaning, Wrapped) and meaning.dtype == dtype:
            return value
        if isinstance(meaning, Element) and self.inputs[meaning.tensor].dtype == dtype:
            return value
        return self.atom(Wrapped(value, dtype))

    def _unknown(self, expr: ir.Expr, scope: Scope) -> Poly:
        """A value of which only the dtype is known."""
        return self.atom(Unknown(_at(expr, scope), *limits(expr.dtype)))

    def _binary(self, expr: ir.Binary, scope: Scope) -> Poly:
        left, right = self.poly(expr.left, scope), self.poly(expr.right, scope)
        match expr.op:
            case "+" | "-":
                found = _bounded(left + right if expr.op == "+" else left - right)
            case "*":
                found = _times(left, right)
            case "//":
                return self.quotient(left, right)
            case "%":
                return self.remainder(left, right)
            case "<<" | ">>":
                found = shifted(self, expr.op, left, right)
            case "&":
                found = masked(self, left, right)
            case "|":
                found = combined(self, left, right, both=1)
            case _:
                found = _power(left, right)
        return self._unknown(expr, scope) if found is None else found

    def _cast(self, expr: ir.Cast, scope: Scope) -> Poly:
        operand = expr.operand
        if operand.dtype == "bool":
            return self.chosen(self.truth(operand, scope), number(1), number(0))
        if not self.is_integer(operand):
            return self._unknown(expr, scope)
        return self.wrapped(self.poly(operand, scope), expr.dtype)

    def _call(self, expr: ir.Call, scope: Scope) -> Poly:
        args = tuple(self.poly(arg, scope) for arg in expr.args)
        match expr.function:
            case "min" | "max":
                return self.extremum(args, largest=expr.function == "max")
            case "abs":
                return self.extremum((args[0], -args[0]), largest=True)
            case "relu":
                return self.extremum((args[0], number(0)), largest=True)
            case "clamp":
                value, low, high = args
                return self.extremum((self.extremum((value, low), largest=True), high), largest=False)
            case "xor":
                found = combined(self, *args, both=0)
                return self._unknown(expr, scope) if found is None else self.wrapped(found, expr.dtype)
        return self._unknown(expr, scope)

    def extremum(self, values: tuple[Poly, ...], *, largest: bool) -> Poly:
        apart = (values[0] - values[1]).constant
        if apart is not None:
            return values[0] if (apart >= 0) == largest else values[1]
        return self.atom(Extremum(largest, values))

    def _access(self, expr: ir.Access, scope: Scope) -> Poly:
        indices = tuple(self.poly(index, scope) for index in expr.indices)
        value = self.element(expr, indices)
        if expr.pad is None:
            return value
        return self.chosen(self.inside(expr.tensor, indices), value, self.poly(expr.pad, scope))

    def element(self, expr: ir.Access, indices: tuple[Poly, ...]) -> Poly:
        """An element of an input; of anything else the value that its statement gives it there."""
        if expr.tensor in self.inputs:
            return self.atom(Element(expr.tensor, indices))
        key = (expr.tensor, indices)
        if key not in self._read:
            definition = self._local.get(expr.tensor)
            if definition is None or not self._may_read():
                self._read[key] = self.atom(Unknown(key, *limits(expr.dtype)))
            else:
                self._open += 1
                value = self.poly(definition.value, _placed(definition, indices))
                self._open -= 1
                self._read[key] = self.wrapped(value, definition.dtype)
        return self._read[key]

    def _may_read(self) -> bool:
        """Whether one more definition may be put in place of what reads it: each may read others, many times."""
        self._reads += 1
        return self._open < _MOST_OPEN and self._reads <= _MOST_READS

    def inside(self, tensor: str, indices: tuple[Poly, ...]) -> Formula:
        """That indices stay in a tensor."""
        extents = (self.poly(extent, {}) for extent in self._shape(tensor))
        pairs = zip(indices, extents, strict=True)
        return And(tuple(within(index, number(0), extent - number(1)) for index, extent in pairs))

    def _shape(self, tensor: str) -> tuple[ir.Expr, ...]:
        if tensor in self.inputs:
            return self.inputs[tensor].shape
        return next(each.shape for each in self.spec.math if each.target == tensor)

    def _searched(self, expr: ir.Expr, scope: Scope) -> Poly | None:
        """A place that a search finds lies within what is searched, a count within what is counted."""
        if isinstance(expr, ir.Along) and expr.function in INDEX_RESULT:
            size = self.poly(self._axis(expr).extent, {})
        elif isinstance(expr, ir.Reduce) and (expr.function in INDEX_RESULT or _counts(expr)):
            size = number(1)
            for axis in expr.axes:
                size = size * self.poly(axis.extent, {})
        else:
            return None
        most = size if _counts(expr) else size - number(1)
        return self.atom(Unknown(_at(expr, scope), number(0), most, any_value=True))

    def _axis(self, expr: ir.Along) -> ir.Axis:
        """The axis of the statement that an expression runs along."""
        statements = (each for each in self.spec.math if any(node is expr for node in walk(each.value)))
        return next(axis for axis in next(statements).axes if axis.name == expr.axis)

    # truths

    def truth(self, expr: ir.Expr, scope: Scope) -> Formula:
        """The formula of a condition."""
        match expr:
            case ir.Number():
                return TRUE if expr.value else FALSE
            case ir.Unary(op="not"):
                return negated(self.truth(expr.operand, scope))
            case ir.Binary(op="and"):
                return And((self.truth(expr.left, scope), self.truth(expr.right, scope)))
            case ir.Binary(op="or"):
                return Or((self.truth(expr.left, scope), self.truth(expr.right, scope)))
            case ir.Binary() if (
                expr.op in ir.COMPARISONS and self.is_integer(expr.left) and self.is_integer(expr.right)
            ):
                return _compared(expr.op, self.poly(expr.left, scope), self.poly(expr.right, scope))
            case ir.Cast(dtype="bool", operand=operand) if self.is_integer(operand):
                return negated(equal(self.poly(operand, scope), number(0)))
            case ir.Cast(operand=operand) if operand.dtype == "bool":
                return self.truth(operand, scope)
            case ir.Select():
                then, otherwise = self.truth(expr.then, scope), self.truth(expr.otherwise, scope)
                return chosen(self.truth(expr.condition, scope), then, otherwise)
            case ir.ParamRef():
                return self.free(expr.name)
            case ir.Present():
                return self.present(expr.tensor)
            case ir.Access() if expr.pad is None:
                return self._true_element(expr, scope)
        return self.free(_at(expr, scope))

    def present(self, tensor: str) -> Formula:
        return TRUE if self.inputs[tensor].default is None else self.free(("present", tensor))

    def _true_element(self, expr: ir.Access, scope: Scope) -> Formula:
        indices = tuple(self.poly(index, scope) for index in expr.indices)
        definition = self._local.get(expr.tensor)
        if definition is not None and definition.dtype == "bool" and self._may_read():
            self._open += 1
            truth = self.truth(definition.value, _placed(definition, indices))
            self._open -= 1
            return truth
        return self.free((expr.tensor, indices))


def _at(expr: ir.Expr, scope: Scope) -> tuple[ir.Expr, tuple[tuple[str, Poly], ...]]:
    """What tells an expression apart that is not understood: itself, and what its variables stand for."""
    return expr, tuple(sorted(scope.items(), key=lambda item: item[0]))


def _single(spec: Spec) -> dict[str, Definition]:
    """What is defined by one plain statement, which says what each element is."""
    targets = Counter(each.target for each in spec.math)
    plain = (each for each in spec.math if not each.is_scatter and each.initial is None)
    return {each.target: each for each in plain if targets[each.target] == 1}


def _placed(definition: Definition, indices: tuple[Poly, ...]) -> dict[str, Poly]:
    return dict(zip((axis.name for axis in definition.axes), indices, strict=True))


def _counts(expr: ir.Expr) -> bool:
    """Whether a sum counts where something holds."""
    if not isinstance(expr, ir.Reduce) or expr.function != "sum" or not expr.dtype.endswith(("32", "64")):
        return False
    body = expr.body
    return body.dtype == "bool" or (isinstance(body, ir.Cast) and body.operand.dtype == "bool")


def _is_whole(value: float) -> bool:
    return value == value and abs(value) != float("inf") and int(value) == value


def _power(left: Poly, right: Poly) -> Poly | None:
    times = right.constant
    if times is None or not 0 <= times <= 4:
        return None
    result: Poly | None = number(1)
    for _ in range(times):
        result = None if result is None else _times(result, left)
    return result


def _times(left: Poly, right: Poly) -> Poly | None:
    """The product; None for one that is too large to be of use."""
    if len(left.terms) * len(right.terms) > _MOST_TERMS or left.degree + right.degree > _HIGHEST:
        return None
    return _bounded(left * right)


def _bounded(value: Poly) -> Poly | None:
    """A polynomial that is small enough to reason with."""
    narrow = all(factor.bit_length() <= _WIDEST for _, factor in value.terms)
    return value if narrow and len(value.terms) <= _LONGEST else None


def _compared(op: str, left: Poly, right: Poly) -> Formula:
    match op:
        case "==":
            return equal(left, right)
        case "!=":
            return negated(equal(left, right))
        case "<":
            return below(left, right)
        case "<=":
            return at_least(right, left)
        case ">":
            return below(right, left)
    return at_least(left, right)
