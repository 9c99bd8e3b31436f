"""How the rows of tensors lie in memory: how long they are, and whether they are read in order."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..analysis.binding import dtype_options
from ..analysis.candidates import names_in
from ..analysis.cost import reads_data
from ..analysis.divisors import known_divisor
from ..ir.nodes import Access, Binary, Expr, IndexRef, Number
from ..ir.show import show_expr
from ..ir.spec import Spec, TensorDecl
from ..ir.walk import walk

_SPARSE = 16
VECTOR = 16
"""Bytes of the widest load, and the unit of TMA's strides."""


@dataclass(frozen=True, slots=True)
class Row:
    """A tensor's innermost axis. `elements` must divide its extent so that rows are whole vectors of 16 bytes.

    `sparse`: one element serves many neighbours, as a scale does, so that its rows are no stream.
    """

    tensor: str
    dtype: str
    extent: Expr
    elements: int
    dynamic: bool
    rank: int
    sparse: bool
    is_input: bool
    obstacle: str | None = None

    def is_whole(self, where: Sequence[Expr]) -> bool:
        """Whether the clauses prove that a row is a multiple of 16 bytes long."""
        return known_divisor(self.extent, where) % self.elements == 0


def clause_text(extent: Expr, elements: int) -> str:
    """`K % 8 == 0`."""
    text = show_expr(extent)
    return f"{f'({text})' if isinstance(extent, Binary) else text} % {elements} == 0"


def lengths(rows: Sequence[Row]) -> dict[Expr, int]:
    """What each innermost extent must be a multiple of, so that all rows are whole vectors."""
    needed: dict[Expr, int] = {}
    for row in rows:
        needed[row.extent] = math.lcm(needed.get(row.extent, 1), row.elements)
    return needed


def rows_of(spec: Spec) -> tuple[Row, ...]:
    """The rows of every input with axes, then those of every output."""
    innermost = _innermost(spec)
    inputs = [_row(tensor, spec, innermost, is_input=True) for tensor in spec.inputs if tensor.shape]
    return (*inputs, *(_row(tensor, spec, innermost, is_input=False) for tensor in spec.outputs if tensor.shape))


def _row(tensor: TensorDecl, spec: Spec, innermost: Mapping[str, Sequence[Expr]], *, is_input: bool) -> Row:
    extent, indices = tensor.shape[-1], innermost.get(tensor.name, ())
    dynamic = {dim.name for dim in spec.dynamic_dims}
    return Row(
        tensor=tensor.name,
        dtype=tensor.dtype,
        extent=extent,
        elements=math.lcm(*(VECTOR // option.bytes for option in dtype_options(spec, tensor.dtype))),
        dynamic=bool(names_in(extent) & dynamic),
        rank=len(tensor.shape),
        sparse=any(_is_sparse(index) for index in indices),
        is_input=is_input,
        obstacle=_obstacle(indices),
    )


def _obstacle(indices: Sequence[Expr]) -> str | None:
    """Why rows are not read in order: an innermost index that is found in data, or strides over elements."""
    for index in indices:
        if reads_data(index):
            return f"its innermost index `{show_expr(index)}` is found in data"
        if not _in_order(index):
            return f"its innermost index `{show_expr(index)}` does not step by one"
    return None


def _innermost(spec: Spec) -> dict[str, list[Expr]]:
    """The innermost index of every place that reads each tensor."""
    found: dict[str, list[Expr]] = {}
    for definition in spec.math:
        for node in walk(definition.value):
            if isinstance(node, Access) and node.indices:
                found.setdefault(node.tensor, []).append(node.indices[-1])
    return found


def _is_sparse(index: Expr) -> bool:
    return (
        isinstance(index, Binary)
        and index.op == "//"
        and not (isinstance(index.right, Number) and index.right.value < _SPARSE)
    )


def _in_order(index: Expr) -> bool:
    """Whether neighbours of an index variable read neighbours, or one element in groups: `k`, `k + c`, `k // c`."""
    match index:
        case IndexRef():
            return True
        case Binary(op="+" | "-" | "//", left=left, right=right):
            fixed = not any(isinstance(node, IndexRef) for node in walk(right))
            return _in_order(left) and fixed
    return False
