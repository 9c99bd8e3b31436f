"""Obligations that hold by their form, as nearly all do: nothing has to be set up for them."""

from __future__ import annotations

from ...ir import nodes as ir
from .obligations import Obligation


def holds_trivially(obligation: Obligation) -> bool:
    """Whether it is a variable over an axis of the very extent, or a number that divides."""
    match obligation.value:
        case ir.IndexRef(name=name) if obligation.kind == "index" and _begins_at_zero(obligation.low):
            axis = next((each for each in obligation.axes if each.name == name), None)
            return axis is not None and axis.extent == obligation.high
        case ir.Number(value=value) if obligation.kind == "divisor":
            return value != 0
        case ir.DimRef() if obligation.kind == "divisor":
            return True
    return False


def _begins_at_zero(low: ir.Expr | None) -> bool:
    return low is None or (isinstance(low, ir.Number) and low.value <= 0)
