"""Integer expressions as polynomials over atoms, with what is known of each atom as z3 constraints.

Products of atoms are atoms of their own to the solver: arithmetic stays linear, which is fast and decides; what must
be known of products is added as instances of lemmas (see `_signs` and lemmas.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import z3

from ...ir import nodes as ir
from ...ir.dtypes import DTYPES
from ...ir.functions import INDEX_RESULT
from ...ir.spec import Spec
from .polynomial import Monomial, Poly, atom, number


@dataclass(frozen=True, slots=True)
class Division:
    """quotient · divisor + remainder = dividend."""

    dividend: Poly
    divisor: Poly
    quotient: Poly
    remainder: Poly


@dataclass(frozen=True, slots=True)
class Element:
    """One element of an input (or of a local that is not inlined)."""

    tensor: str
    indices: tuple[Poly, ...]
    value: Poly


@dataclass
class Terms:
    """Translates expressions of one spec; `facts` holds of everything translated so far.

    `opaque` says that something was met of which nothing is known but its dtype (a float, a local sum): what is refuted
    then may hold all the same.
    """

    spec: Spec
    names: dict[object, int] = field(default_factory=dict)
    labels: list[str] = field(default_factory=list)
    variables: dict[Monomial, Any] = field(default_factory=dict)
    facts: list[Any] = field(default_factory=list)
    divisions: dict[tuple[Poly, Poly], Division] = field(default_factory=dict)
    elements: dict[tuple[str, tuple[Poly, ...]], Element] = field(default_factory=dict)
    axes: dict[str, Poly] = field(default_factory=dict)
    truths: dict[object, Any] = field(default_factory=dict)
    lookups: dict[tuple[str, Poly], Poly] = field(default_factory=dict)
    opaque: bool = False

    # atoms and z3

    def atom(self, key: object, label: str) -> Poly:
        """The atom for a key, the same one for the same key."""
        if key not in self.names:
            self.names[key] = len(self.labels)
            self.labels.append(label)
        return atom(self.names[key])

    def fresh(self, label: str) -> Poly:
        return self.atom(("fresh", len(self.labels)), label)

    def term(self, poly: Poly) -> Any:
        """The polynomial as a linear z3 term over monomials."""
        parts = [self._monomial(monomial) * factor for monomial, factor in poly.terms]
        return z3.Sum(parts) if parts else z3.IntVal(0)

    def _monomial(self, monomial: Monomial) -> Any:
        if not monomial:
            return z3.IntVal(1)
        if monomial not in self.variables:
            self.variables[monomial] = z3.Int("*".join(f"a{index}" for index in monomial))
        return self.variables[monomial]

    def at_least(self, left: Poly, right: Poly) -> Any:
        """left >= right."""
        return self.term(left - right) >= 0

    def equal(self, left: Poly, right: Poly) -> Any:
        return self.term(left - right) == 0

    # scopes

    def bind(self, axes: Sequence[ir.Axis]) -> list[Any]:
        """Atoms for index variables; returns their ranges as constraints."""
        ranges = []
        for axis in axes:
            value = self.fresh(axis.name)
            ranges += [self.at_least(value, number(0))]
            ranges += [self.at_least(self.poly(axis.extent), value + number(1))]
            lower, upper = (None if each is None else self.poly(each) for each in (axis.lower, axis.upper))
            if lower is not None:
                ranges.append(self.at_least(value, lower))
            if upper is not None:
                ranges.append(self.at_least(upper, value + number(1)))
            self.axes[axis.name] = value
        return ranges

    # integers

    def poly(self, expr: ir.Expr) -> Poly:
        match expr:
            case ir.Number():
                return number(int(expr.value)) if _is_whole(expr.value) else self._unknown(expr, "a number")
            case ir.DimRef():
                known = expr.name in {dim.name for dim in self.spec.dims}
                value = self.atom(("dim", expr.name), expr.name)
                if known and ("dim", expr.name, "positive") not in self.truths:
                    self.truths[("dim", expr.name, "positive")] = True
                    self.facts.append(self.at_least(value, number(1)))
                return value
            case ir.ParamRef():
                return self.atom(("param", expr.name), expr.name)
            case ir.IndexRef():
                return self.axes[expr.name] if expr.name in self.axes else self._unknown(expr, expr.name)
            case ir.Unary(op="-"):
                return -self.poly(expr.operand)
            case ir.Unary(op="~"):
                return -self.poly(expr.operand) - number(1)
            case ir.Binary():
                return self._binary(expr)
            case ir.Cast():
                return self._cast(expr)
            case ir.Call():
                return self._call(expr)
            case ir.Select():
                return self._select(expr)
            case ir.Access():
                return self._access(expr)
            case ir.Lookup():
                return self._lookup(expr)
        value = self._unknown(expr, "a value")
        self._within(value, expr, ())
        return value

    def _unknown(self, expr: ir.Expr, label: str) -> Poly:
        """A value of which only the dtype is known."""
        self.opaque = True
        value = self.atom(("unknown", expr, tuple(sorted(self.axes.items()))), label)
        self._in_dtype(value, expr.dtype)
        return value

    def _in_dtype(self, value: Poly, name: str) -> None:
        dtype = DTYPES.get(name)
        if dtype is not None and dtype.kind in ("int", "uint") and dtype.bits <= 32:
            lowest = -int(dtype.max_value) - 1 if dtype.kind == "int" else 0
            self.facts += [self.at_least(value, number(lowest)), self.at_least(number(int(dtype.max_value)), value)]

    def _binary(self, expr: ir.Binary) -> Poly:
        if expr.op not in ("+", "-", "*", "//", "%", "<<", ">>", "&"):
            return self._unknown(expr, "a value")
        left, right = self.poly(expr.left), self.poly(expr.right)
        match expr.op:
            case "+":
                return left + right
            case "-":
                return left - right
            case "*":
                return left * right
            case "//":
                return self._division(left, right).quotient
            case "%":
                return self._division(left, right).remainder
        by = right.constant
        if by is None or by < 0 or (expr.op != "&" and by > 62):
            return self._unknown(expr, "bits")
        if expr.op == "&":
            return self._masked(expr, left, by)
        power = number(2**by)
        return left * power if expr.op == "<<" else self._division(left, power).quotient

    def _masked(self, expr: ir.Binary, left: Poly, mask: int) -> Poly:
        if mask & (mask + 1) == 0:
            return self._division(left, number(mask + 1)).remainder
        value = self._unknown(expr, "bits")
        self.facts += [self.at_least(value, number(0)), self.at_least(number(mask), value)]
        return value

    def _division(self, dividend: Poly, divisor: Poly) -> Division:
        """Floor division, where the divisor is positive; lemmas for symbolic divisors follow in `lemmas`."""
        key = (dividend, divisor)
        if key in self.divisions:
            return self.divisions[key]
        exact = _exact(dividend, divisor)
        if exact is not None:
            return self.divisions.setdefault(key, Division(dividend, divisor, exact, number(0)))
        quotient, remainder = self.fresh("a quotient"), self.fresh("a remainder")
        found = self.divisions[key] = Division(dividend, divisor, quotient, remainder)
        positive = self.at_least(divisor, number(1))
        rules = z3.And(
            self.equal(divisor * quotient + remainder, dividend),
            self.at_least(remainder, number(0)),
            self.at_least(divisor - number(1), remainder),
        )
        self.facts.append(rules if divisor.constant is not None else z3.Implies(positive, rules))
        if divisor.constant is None:
            self.facts += self._signs(quotient, divisor, positive)
        return found

    def _signs(self, quotient: Poly, divisor: Poly, positive: Any) -> list[Any]:
        """How a product with a positive divisor lies to its factors."""
        product, one = divisor * quotient, number(1)
        return [
            z3.Implies(z3.And(positive, self.at_least(quotient, one)), self.at_least(product, divisor)),
            z3.Implies(z3.And(positive, self.at_least(quotient, one)), self.at_least(product, quotient)),
            z3.Implies(z3.And(positive, self.at_least(number(0), quotient)), self.at_least(number(0), product)),
            z3.Implies(z3.And(positive, self.at_least(-one, quotient)), self.at_least(-divisor, product)),
        ]

    def _cast(self, expr: ir.Cast) -> Poly:
        source = DTYPES.get(expr.operand.dtype)
        if source is not None and source.kind == "bool":
            truth = self.truth(expr.operand)
            value = self.fresh("a truth")
            self.facts.append(z3.If(truth, self.equal(value, number(1)), self.equal(value, number(0))))
            return value
        if source is None or source.is_float:
            return self._unknown(expr, "a float made whole")
        value, target = self.poly(expr.operand), DTYPES.get(expr.dtype)
        if target is None or target.bits >= 32 or value.constant is not None:
            return value
        wrapped = self.atom(("cast", expr.dtype, value), "a cast")
        lowest = -int(target.max_value) - 1 if target.kind == "int" else 0
        inside = z3.And(self.at_least(value, number(lowest)), self.at_least(number(int(target.max_value)), value))
        self.facts.append(z3.Implies(inside, self.equal(wrapped, value)))
        self._in_dtype(wrapped, expr.dtype)
        return wrapped

    def _call(self, expr: ir.Call) -> Poly:
        if expr.function not in ("min", "max", "abs", "clamp"):
            return self._unknown(expr, "a value")
        args = [self.poly(arg) for arg in expr.args]
        if expr.function == "abs":
            args.append(-args[0])
        if expr.function == "clamp":
            value, low, high = args
            return self._extremum("min", (self._extremum("max", (value, low)), high))
        return self._extremum("max" if expr.function == "abs" else expr.function, tuple(args))

    def _extremum(self, name: str, args: tuple[Poly, ...]) -> Poly:
        value = self.atom((name, args), name)
        self.facts.append(z3.Or([self.equal(value, arg) for arg in args]))
        for arg in args:
            self.facts.append(self.at_least(value, arg) if name == "max" else self.at_least(arg, value))
        return value

    def _select(self, expr: ir.Select) -> Poly:
        condition = self.truth(expr.condition)
        then, otherwise = self.poly(expr.then), self.poly(expr.otherwise)
        value = self.fresh("a choice")
        self.facts.append(z3.If(condition, self.equal(value, then), self.equal(value, otherwise)))
        return value

    def _access(self, expr: ir.Access) -> Poly:
        return self.element(expr.tensor, tuple(self.poly(index) for index in expr.indices), expr.dtype, expr.pad)

    def element(self, tensor: str, indices: tuple[Poly, ...], dtype: str, pad: ir.Expr | None = None) -> Poly:
        """The value of an element, the same for the same indices."""
        value = self.atom(("element", tensor, indices, pad), tensor)
        if pad is not None:
            self.opaque = True
            return value
        if (tensor, indices) not in self.elements:
            self.elements[(tensor, indices)] = Element(tensor, indices, value)
            self._in_dtype(value, dtype)
            if tensor not in {each.name for each in self.spec.inputs}:
                self._of_local(value, tensor)
        return value

    def _of_local(self, value: Poly, name: str) -> None:
        """What the statement of a local that is not inlined tells of its elements."""
        definition = next((each for each in self.spec.math if each.target == name), None)
        if definition is not None:
            self.opaque = True
            if not definition.is_scatter and definition.initial is None:
                self._within(value, definition.value, definition.axes)

    def _within(self, value: Poly, expr: ir.Expr, axes: tuple[ir.Axis, ...]) -> None:
        """Places lie within what is searched, and counts within what is counted."""
        while isinstance(expr, ir.Cast) and expr.operand.dtype[:1] in ("i", "u"):
            expr = expr.operand
        searched: tuple[ir.Axis, ...] = ()
        if isinstance(expr, ir.Reduce) and (expr.function in INDEX_RESULT or _counts(expr)):
            searched = expr.axes
        elif isinstance(expr, ir.Along) and expr.function in INDEX_RESULT:
            searched = tuple(axis for axis in axes if axis.name == expr.axis)
        if searched:
            size = number(1)
            for axis in searched:
                size = size * self.poly(axis.extent)
            most = size if _counts(expr) else size - number(1)
            self.facts += [self.at_least(value, number(0)), self.at_least(most, value)]

    def _lookup(self, expr: ir.Lookup) -> Poly:
        at = self.poly(expr.value)
        value = self.atom(("lookup", expr.tensor, at), "a segment")
        self.lookups.setdefault((expr.tensor, at), value)
        return value

    # truths

    def truth(self, expr: ir.Expr) -> Any:
        match expr:
            case ir.Number():
                return z3.BoolVal(bool(expr.value))
            case ir.Unary(op="not"):
                return z3.Not(self.truth(expr.operand))
            case ir.Binary(op="and"):
                return z3.And(self.truth(expr.left), self.truth(expr.right))
            case ir.Binary(op="or"):
                return z3.Or(self.truth(expr.left), self.truth(expr.right))
            case ir.Binary() if expr.op in ir.COMPARISONS and _are_integers(expr):
                return self._comparison(expr)
            case ir.Cast() if expr.operand.dtype == "bool":
                return self.truth(expr.operand)
        return self._unknown_truth(expr)

    def _unknown_truth(self, expr: ir.Expr) -> Any:
        """Something that may hold or not, the same for the same expression."""
        key = ("truth", expr, tuple(sorted(self.axes.items())))
        if key not in self.truths:
            self.truths[key] = z3.Bool(f"b{len(self.truths)}")
        return self.truths[key]

    def _comparison(self, expr: ir.Binary) -> Any:
        left, right, one = self.poly(expr.left), self.poly(expr.right), number(1)
        match expr.op:
            case "==":
                return self.equal(left, right)
            case "!=":
                return z3.Not(self.equal(left, right))
            case "<":
                return self.at_least(right, left + one)
            case "<=":
                return self.at_least(right, left)
            case ">":
                return self.at_least(left, right + one)
        return self.at_least(left, right)


def _counts(expr: ir.Expr) -> bool:
    """Whether a sum counts where something holds."""
    if not isinstance(expr, ir.Reduce) or expr.function != "sum":
        return False
    body = expr.body
    return body.dtype == "bool" or (isinstance(body, ir.Cast) and body.operand.dtype == "bool")


def _is_whole(value: float) -> bool:
    return value == value and abs(value) != float("inf") and int(value) == value


def _are_integers(expr: ir.Binary) -> bool:
    return all(side.dtype[:1] in ("i", "u") and not side.dtype.endswith("?") for side in (expr.left, expr.right))


def _exact(dividend: Poly, divisor: Poly) -> Poly | None:
    """The quotient where the divisor is a number that divides every coefficient, or the same polynomial."""
    if dividend == divisor:
        return number(1)
    by = divisor.constant
    if by is None or by == 0 or any(factor % by for _, factor in dividend.terms):
        return None
    return Poly(tuple((monomial, factor // by) for monomial, factor in dividend.terms))
