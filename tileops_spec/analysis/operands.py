"""How the operands of a contraction lie in memory: which of its axes is innermost."""

from __future__ import annotations

from dataclasses import dataclass

from ..ir.nodes import Expr
from ..ir.spec import Spec
from .classify import Contraction, Operand, outermost_reads
from .cost import free_indices, reads_data


@dataclass(frozen=True, slots=True)
class Layout:
    """Where an operand comes from.

    `tensor` is the input that it is a plain read of, "" where it is computed. `major` names the part of the contraction
    that its innermost axis belongs to: `batch`, `M`, `N` or `K`, several joined by `+` (`M+K` in a convolution), or ""
    where it belongs to none or is found in data. `index` is that innermost index.
    """

    tensor: str
    major: str
    index: Expr | None


def layout_of(contraction: Contraction, side: Operand, spec: Spec) -> Layout:
    """The layout of one side."""
    inputs = {tensor.name for tensor in spec.inputs}
    reads = list(outermost_reads(side.expr))
    if len(reads) != 1 or reads[0].tensor not in inputs or not reads[0].indices:
        return Layout("", "", None)
    (access,) = reads
    innermost = access.indices[-1]
    if reads_data(innermost):
        return Layout(access.tensor, "", innermost)
    return Layout(access.tensor, _parts(contraction, free_indices(innermost)), innermost)


def _parts(contraction: Contraction, indices: frozenset[str]) -> str:
    parts = {"batch": contraction.batch, "M": contraction.m, "N": contraction.n, "K": contraction.k}
    return "+".join(name for name, axes in parts.items() if indices & {axis.name for axis in axes})
