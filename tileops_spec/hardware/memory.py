"""How the rows of tensors lie in memory: whether each is a multiple of 16 bytes long, and read in order."""

from __future__ import annotations

import math
from collections.abc import Iterator
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
class Alignment:
    """A tensor's innermost axis. `elements` must divide its extent so that rows are whole vectors of 16 bytes.

    `sparse`: one element serves many neighbours, as a scale does, so that its rows are no stream.
    """

    tensor: str
    extent: Expr
    elements: int
    proven: bool
    dynamic: bool
    rank: int
    sparse: bool
    obstacle: str | None = None


def _clause(extent: Expr, elements: int) -> str:
    text = show_expr(extent)
    return f"{f'({text})' if isinstance(extent, Binary) else text} % {elements} == 0"


def clauses_for(rows: list[Alignment]) -> list[str]:
    """One clause an extent, which gives all of its tensors whole vectors."""
    needed: dict[Expr, int] = {}
    for row in rows:
        needed[row.extent] = math.lcm(needed.get(row.extent, 1), row.elements)
    return [_clause(extent, elements) for extent, elements in needed.items()]


def row_alignments(spec: Spec, *, outputs: bool = False) -> list[Alignment]:
    """The alignment of every input with axes, and of outputs where asked for."""
    tensors = (*spec.inputs, *spec.outputs) if outputs else spec.inputs
    return [_alignment(tensor, spec) for tensor in tensors if tensor.shape]


def _alignment(tensor: TensorDecl, spec: Spec) -> Alignment:
    extent = tensor.shape[-1]
    elements = _elements(tensor.dtype, spec)
    dynamic = {dim.name for dim in spec.dynamic_dims}
    return Alignment(
        tensor=tensor.name,
        extent=extent,
        elements=elements,
        proven=known_divisor(extent, spec.where) % elements == 0,
        dynamic=bool(names_in(extent) & dynamic),
        rank=len(tensor.shape),
        sparse=any(_is_sparse(index) for index in _innermost(tensor, spec)),
        obstacle=_obstacle(tensor, spec),
    )


def _elements(dtype: str, spec: Spec) -> int:
    """Elements in 16 bytes, for the narrowest dtype that the name may stand for."""
    return math.lcm(*(VECTOR // option.bytes for option in dtype_options(spec, dtype)))


def _obstacle(tensor: TensorDecl, spec: Spec) -> str | None:
    """Why rows are not read in order: an innermost index that is found in data, or strides over elements."""
    for index in _innermost(tensor, spec):
        if reads_data(index):
            return f"its innermost index `{show_expr(index)}` is found in data"
        if not _in_order(index):
            return f"its innermost index `{show_expr(index)}` does not step by one"
    return None


def _innermost(tensor: TensorDecl, spec: Spec) -> Iterator[Expr]:
    """The innermost index of every place that reads the tensor."""
    for definition in spec.math:
        for node in walk(definition.value):
            if isinstance(node, Access) and node.tensor == tensor.name:
                yield node.indices[-1]


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
