"""Obligations that hold by their form: they need no solver."""

from __future__ import annotations

from collections.abc import Mapping

from ...ir import nodes as ir
from ...ir.spec import Spec
from .obligations import Obligation


def holds_trivially(obligation: Obligation, spec: Spec) -> bool:
    """Whether the form alone shows that an obligation holds for all shapes with extents from 1."""
    if obligation.kind == "divisor":
        return _at_least_one(obligation.value, spec)
    if obligation.kind == "extent":
        return _not_negative(obligation.value, spec)
    axes = {axis.name: axis for axis in obligation.axes}
    low = obligation.low is None or _reaches_low(obligation.value, obligation.low, axes, spec)
    return low and (obligation.high is None or _stays_below(obligation.value, obligation.high, axes, spec))


def _reaches_low(value: ir.Expr, low: ir.Expr, axes: Mapping[str, ir.Axis], spec: Spec) -> bool:
    if isinstance(low, ir.Number) and low.value == -1 and isinstance(value, ir.Binary) and value.op == "-":
        return isinstance(value.left, ir.IndexRef) and isinstance(value.right, ir.Number) and value.right.value <= 1
    return isinstance(low, ir.Number) and low.value <= 0 and _not_negative(value, spec)


def _not_negative(value: ir.Expr, spec: Spec) -> bool:
    match value:
        case ir.Number():
            return value.value >= 0
        case ir.IndexRef() | ir.DimRef():
            return True
        case ir.Binary(op="+" | "*"):
            return _not_negative(value.left, spec) and _not_negative(value.right, spec)
        case ir.Binary(op="//" | "%"):
            return _not_negative(value.left, spec) and _at_least_one(value.right, spec)
        case ir.Cast():
            return value.operand.dtype[:1] in ("i", "u") and _not_negative(value.operand, spec)
    return False


def _at_least_one(value: ir.Expr, spec: Spec) -> bool:
    match value:
        case ir.Number():
            return value.value >= 1
        case ir.DimRef():
            return True
        case ir.Binary(op="*"):
            return _at_least_one(value.left, spec) and _at_least_one(value.right, spec)
        case ir.Binary(op="+"):
            sides = ((value.left, value.right), (value.right, value.left))
            return any(_at_least_one(one, spec) and _not_negative(other, spec) for one, other in sides)
    return False


def _stays_below(value: ir.Expr, high: ir.Expr, axes: Mapping[str, ir.Axis], spec: Spec) -> bool:
    if isinstance(high, ir.Binary) and high.op == "+" and isinstance(high.right, ir.Number) and high.right.value == 1:
        if value == high.left or _stays_below(value, high.left, axes, spec):
            return True
        if isinstance(value, ir.Binary) and value.op == "+" and value.right == high.right:
            return _stays_below(value.left, high.left, axes, spec)
    match value:
        case ir.IndexRef(name=name) if name in axes:
            return axes[name].extent == high
        case ir.Number():
            return (value.value == 0 and _at_least_one(high, spec)) or (
                isinstance(high, ir.Number) and value.value < high.value
            )
        case ir.Binary(op="-", left=left, right=ir.Number(value=by)) if by >= 0:
            return _stays_below(left, high, axes, spec)
        case ir.Binary(op="%"):
            return value.right == high and _at_least_one(high, spec)
    return False
