"""Which elements are known without computing them: where an expression is 0 or -inf because a `where` says so."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from ..ir.nodes import (
    Access,
    Along,
    Binary,
    Call,
    Cast,
    Expr,
    IndexRef,
    Lookup,
    Number,
    Present,
    Property,
    Reduce,
    Select,
    Unary,
)
from ..ir.spec import Definition, Spec
from ..ir.walk import map_children, walk
from .polynomials import Algebra, negated, replaced
from .recurrent import recurrent_groups
from .regions import both, either

ZERO, LOWEST = 0.0, -math.inf
KEEPS_ZERO = frozenset({"abs", "relu", "sqrt", "sin", "tan", "tanh", "erf", "expm1", "log1p", "sign", "silu"})
"""Functions with f(0) = 0."""
TRUE, FALSE = Number(value=True, dtype="bool"), Number(value=False, dtype="bool")


@dataclass(frozen=True, slots=True)
class Where:
    """`condition` says where something holds, as far as that can be said without data; `loose` where it cannot."""

    condition: Expr = FALSE
    loose: bool = False


@dataclass
class Literals:
    """What is known of the expressions of a spec; definitions are looked at in the order of their statements."""

    spec: Spec
    algebra: Algebra
    tables: dict[str, Definition] = field(default_factory=dict)
    known: dict[tuple[str, float], Where] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.inputs = {each.name: each for each in self.spec.inputs}
        self.definitions = {each.target: each for each in self.spec.math}
        self.recurrent = recurrent_groups(self.spec)
        for each in self.spec.math:
            if each.is_scatter or each.target in self.recurrent:
                continue
            if self.closed(each.value) is not None:
                self.tables[each.target] = each
            for value in (ZERO, LOWEST):
                self.known[each.target, value] = self.where(each.value, value)

    # conditions

    def closed(self, expr: Expr) -> Expr | None:
        """The expression over index variables, dims and params alone; None where it needs data."""
        opened = self._inlined(expr)
        needs = Access | Along | Lookup | Property | Reduce
        return None if any(isinstance(node, needs) for node in walk(opened)) else opened

    def _inlined(self, expr: Expr) -> Expr:
        if isinstance(expr, Present):
            return TRUE
        if isinstance(expr, Access) and expr.tensor in self.tables and expr.tensor not in self.inputs:
            table = self.tables[expr.tensor]
            names = {axis.name: self._inlined(index) for axis, index in zip(table.axes, expr.indices, strict=True)}
            return replaced(self._inlined(table.value), names)
        return map_children(expr, self._inlined)

    def at_most(self, condition: Expr) -> Where:
        """Where a condition may hold: parts that need data are taken to hold."""
        closed = self.closed(condition)
        if closed is not None:
            is_not = isinstance(closed, Unary) and closed.op == "not"
            return Where(negated(closed.operand) if is_not else closed)  # type: ignore[union-attr]
        if isinstance(condition, Unary) and condition.op == "not":
            return self.at_most(negated(condition.operand)) if _opens(condition.operand) else Where(TRUE, loose=True)
        if isinstance(condition, Binary) and condition.op in ("and", "or"):
            left, right = self.at_most(condition.left), self.at_most(condition.right)
            joined = both if condition.op == "and" else _either
            return Where(joined([left.condition, right.condition]), loose=True)
        return Where(TRUE, loose=True)

    def outside(self, access: Access) -> Where:
        """Where a padded access leaves its tensor."""
        leaves, loose = [], False
        for index, extent in zip(access.indices, self.shape(access.tensor), strict=True):
            closed = self.closed(index)
            if closed is None:
                loose = True
            elif not isinstance(closed, IndexRef):
                leaves.append(Binary(op="<", left=closed, right=Number(value=0, dtype="i64"), dtype="bool"))
                leaves.append(Binary(op=">=", left=closed, right=extent, dtype="bool"))
        return Where(either(leaves) if leaves else FALSE, loose)

    def shape(self, name: str) -> Sequence[Expr]:
        return self.inputs[name].shape if name in self.inputs else self.definitions[name].shape

    # values

    def where(self, expr: Expr, value: float) -> Where:
        """Where the expression is known to be `value`; `loose` where data may say so of more points."""
        match expr:
            case Number(value=found) if not isinstance(found, bool):
                return Where(TRUE if found == value else FALSE)
            case Unary(op="-", operand=Number(value=found)):
                return Where(TRUE if -found == value else FALSE)
            case Unary(op="-", operand=operand):
                return self.where(operand, ZERO) if value == ZERO else Where()
            case Cast(operand=operand):
                return self.where(operand, value)
            case Select():
                return self._selected(expr, value)
            case Binary():
                return self._of_binary(expr, value)
            case Call(function=name, args=args) if value == ZERO:
                if name in ("exp", "exp2"):
                    return self.where(args[0], LOWEST)
                return self.where(args[0], ZERO) if name in KEEPS_ZERO else Where()
            case Along(function="softmax") if value == ZERO:
                return self.where(expr.body, LOWEST)
            case Access():
                return self._of_access(expr, value)
        return Where()

    def _selected(self, expr: Select, value: float) -> Where:
        then, otherwise = self.where(expr.then, value), self.where(expr.otherwise, value)
        loose = then.loose or otherwise.loose
        if then.condition == otherwise.condition:
            return replace(then, loose=loose)
        condition = self.closed(expr.condition)
        if condition is None:
            return Where(loose=True)
        chosen = both([condition, then.condition])
        other = both([negated(condition), otherwise.condition])
        return Where(_either([chosen, other]), loose)

    def _of_binary(self, expr: Binary, value: float) -> Where:
        left, right = expr.left, expr.right
        if expr.op == "*" and value == ZERO:
            return self._any(self.where(left, ZERO), self.where(right, ZERO))
        if expr.op in ("/", "//", "%") and value == ZERO:
            return self.where(left, ZERO)
        if expr.op in ("+", "-") and value == ZERO:
            return self._all(self.where(left, ZERO), self.where(right, ZERO))
        if expr.op == "+" and value == LOWEST:
            return self._any(self.where(left, LOWEST), self.where(right, LOWEST))
        return self.where(left, LOWEST) if expr.op == "-" and value == LOWEST else Where()

    def _any(self, left: Where, right: Where) -> Where:
        return Where(_either([left.condition, right.condition]), left.loose or right.loose)

    def _all(self, left: Where, right: Where) -> Where:
        return Where(both([left.condition, right.condition]), left.loose or right.loose)

    def _of_access(self, expr: Access, value: float) -> Where:
        found = self._of_target(expr, value)
        if expr.pad is None:
            return found
        outside = self.outside(expr)
        padded = self.where(expr.pad, value)
        beyond = both([outside.condition, padded.condition])
        return Where(_either([beyond, found.condition]), found.loose or outside.loose)

    def _of_target(self, expr: Access, value: float) -> Where:
        found = self.known.get((expr.tensor, value), Where()) if expr.tensor not in self.inputs else Where()
        if found == Where():
            return found
        axes = self.definitions[expr.tensor].axes
        names: Mapping[str, Expr | None] = {
            axis.name: self.closed(index) for axis, index in zip(axes, expr.indices, strict=True)
        }
        if any(index is None for index in names.values()):
            return Where(loose=True)
        return replace(found, condition=replaced(found.condition, names))  # type: ignore[arg-type]


def _opens(expr: Expr) -> bool:
    return (isinstance(expr, Binary) and expr.op == "or") or (isinstance(expr, Unary) and expr.op == "not")


def _either(conditions: Sequence[Expr]) -> Expr:
    """`or`, where FALSE and TRUE are not mentioned."""
    left = [each for each in conditions if each != FALSE]
    if TRUE in left:
        return TRUE
    return either(left) if left else FALSE
