"""Inputs of workloads, on the GPU."""

from __future__ import annotations

import math
import secrets
from typing import TYPE_CHECKING, TypeAlias

from ..analysis.binding import Binding, shape_of
from ..ir.nodes import DimRef
from ..ir.spec import Spec, TensorDecl, Workload

if TYPE_CHECKING:
    from torch import Tensor

Inputs: TypeAlias = "tuple[Tensor, ...]"
_SETS = 4
_BYTES = 8e9


def input_sets(spec: Spec, workload: Workload, binding: Binding, device: str = "cuda") -> list[Inputs]:
    """Several sets of inputs in the order of the Op's arguments, no two alike; fewer sets where they are large."""
    size = sum(math.prod(shape_of(each, binding)) * binding.dtype(each.dtype).bytes for each in spec.inputs)
    count = max(2, min(_SETS, int(_BYTES / max(size, 1))))
    return [_inputs(spec, workload, binding, device) for _ in range(count)]


def _inputs(spec: Spec, workload: Workload, binding: Binding, device: str) -> Inputs:
    import torch

    shapes = {tensor.name: axes_of(tensor, spec, workload, binding) for tensor in spec.call_inputs}
    dtypes = {tensor.name: binding.dtype(tensor.dtype) for tensor in spec.call_inputs}
    if not spec.assumptions and all(dtype.is_float for dtype in dtypes.values()):
        return tuple(
            torch.randn(shapes[name], device=device).to(getattr(torch, dtype.torch)) for name, dtype in dtypes.items()
        )
    # Integers may be indices: the cases' drawing knows how far they may go.
    from ..analysis.inputs import draw_inputs

    drawn = draw_inputs(spec, binding, data="normal", seed=secrets.randbelow(2**31))
    return tuple(drawn[name].view(shape).to(device) for name, shape in shapes.items())


def axes_of(tensor: TensorDecl, spec: Spec, workload: Workload, binding: Binding) -> tuple[int, ...]:
    """The shape of a tensor, with groups of axes as the workload gives them."""
    given, axes = dict(workload.values), []
    for extent, size in zip(tensor.shape, shape_of(tensor, binding), strict=True):
        group = given[extent.name] if isinstance(extent, DimRef) and spec.dim(extent.name).spread else size
        axes += group if isinstance(group, tuple) else [group]
    return tuple(axes)
