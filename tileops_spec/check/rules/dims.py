"""TS130: dims that cannot be read off the shapes of the inputs that are always given."""

from __future__ import annotations

from ...diagnostics.diagnostic import Sink
from ...ir.nodes import Binary, DimRef, Expr, Unary
from ...ir.spec import Spec
from ...ir.walk import walk


def check_dims(spec: Spec, sink: Sink) -> None:
    """TS130 for a dim that no required input's shape determines: where it stands alone, or alone is unknown in
    `a * D + b`."""
    extents = [extent for tensor in spec.inputs if tensor.default is None for extent in tensor.shape]
    known: set[str] = set()
    while found := {name for extent in extents if (name := _solved(extent, known)) is not None}:
        known |= found
    for dim in spec.dims:
        if dim.name not in known:
            message = f"the shapes of the required inputs do not tell `{dim.name}`"
            help_text = f"give an input an axis of extent {dim.name}, or make it a param: `{dim.name}: i64`"
            sink.error("TS130", message, dim.span, help=help_text)


def _solved(extent: Expr, known: set[str]) -> str | None:
    """The one unknown dim of an extent, where the extent's value tells it."""
    unknown = _unknown(extent, known)
    return unknown[0] if len(unknown) == 1 and _is_affine(extent, unknown[0]) else None


def _unknown(extent: Expr, known: set[str]) -> list[str]:
    """The unknown dims of an extent, once for each time that they stand in it."""
    return [node.name for node in walk(extent) if isinstance(node, DimRef) and node.name not in known]


def _is_affine(expr: Expr, name: str) -> bool:
    """Whether `expr`, in which the dim stands once, is the dim, or sums and products of it with what is known."""
    if isinstance(expr, DimRef):
        return expr.name == name
    if isinstance(expr, Unary):
        return expr.op == "-" and _is_affine(expr.operand, name)
    if isinstance(expr, Binary) and expr.op in ("+", "-", "*"):
        return _is_affine(expr.left, name) or _is_affine(expr.right, name)
    return False
