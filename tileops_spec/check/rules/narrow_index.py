"""TS142: tensors of indices with too few bits for what they point into."""

from __future__ import annotations

from collections.abc import Iterator

from ...diagnostics.diagnostic import Sink
from ...ir.dtypes import DTYPES
from ...ir.nodes import Access, Binary, DimRef, Expr, Number
from ...ir.spec import Spec, TensorDecl
from ...ir.walk import walk
from .facts import expressions, nodes


def check_narrow_index(spec: Spec, sink: Sink) -> None:
    """TS142 for an input of 8- or 16-bit integers that picks elements along a dim which no clause limits."""
    shapes = {tensor.name: tensor.shape for tensor in (*spec.inputs, *spec.outputs)}
    for tensor in spec.inputs:
        dtype = DTYPES.get(tensor.dtype)
        if dtype is None or dtype.kind not in ("int", "uint") or dtype.bits > 16:
            continue
        for access, at in _picks(tensor, spec):
            extent = shapes[access.tensor][at] if access.tensor in shapes else None
            if isinstance(extent, DimRef) and not _is_limited(extent, int(dtype.max_value), spec):
                message = (
                    f"`{tensor.name}` picks elements of `{access.tensor}` along {extent.name}, and {dtype.name} "
                    f"counts to {int(dtype.max_value)}"
                )
                sink.warning("TS142", message, tensor.span, help=f"declare it i32, or limit {extent.name} by `where`")
                break


def _picks(tensor: TensorDecl, spec: Spec) -> Iterator[tuple[Access, int]]:
    """The accesses whose place along an axis is read from the tensor, with that axis."""
    for definition in spec.math:
        for node in (node for expr in expressions(definition) for node in nodes(expr)):
            if isinstance(node, Access):
                for at, index in enumerate(node.indices):
                    if any(isinstance(each, Access) and each.tensor == tensor.name for each in walk(index)):
                        yield node, at


def _is_limited(extent: DimRef, most: int, spec: Spec) -> bool:
    return any(_limits(clause, extent.name, most + 1) for clause in spec.where)


def _limits(clause: Expr, dim: str, most: int) -> bool:
    """Whether a clause, or a part of it, says that the dim is at most so large."""
    return any(
        isinstance(node, Binary)
        and node.op in ("<", "<=", "==")
        and isinstance(node.left, DimRef)
        and node.left.name == dim
        and isinstance(node.right, Number)
        and node.right.value - (node.op == "<") <= most
        for node in walk(clause)
    )
