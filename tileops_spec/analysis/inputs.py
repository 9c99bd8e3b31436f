"""Data for the inputs of a case."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from ..ir.dtypes import DType
from ..ir.nodes import BITWISE, Access, Binary
from ..ir.spec import Spec, TensorDecl
from ..ir.walk import walk
from .binding import Binding, evaluate_scalar, shape_of

_TAIL = 30.0
"""Heavy-tailed values are cut here, so that sums of their products stay within f16."""


def draw_inputs(spec: Spec, binding: Binding, *, data: str, seed: int) -> dict[str, Tensor]:
    """Every input on the CPU, contiguous, of its dtype; `data` is one of cases.DISTRIBUTIONS."""
    inputs = {}
    for at, tensor in enumerate(spec.inputs):
        generator = torch.Generator().manual_seed(seed * 1009 + at)
        inputs[tensor.name] = _draw(spec, tensor, binding, data, generator)
    return inputs


def _draw(spec: Spec, tensor: TensorDecl, binding: Binding, data: str, generator: torch.Generator) -> Tensor:
    dtype, shape = binding.dtype(tensor.dtype), shape_of(tensor, binding)
    storage = getattr(torch, dtype.torch)
    if dtype.is_float:
        values = _FLOATS[data](shape, generator).clamp(-dtype.max_value, dtype.max_value)
        return values.to(storage)
    low, high = _integer_range(spec, tensor, binding, dtype)
    return torch.randint(low, high + 1, shape, generator=generator, dtype=torch.int64).to(storage)


def _normal(shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
    return torch.randn(shape, generator=generator)


def _heavy(shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
    """A normal number over the root of a uniform one: Student-like tails."""
    uniform = torch.rand(shape, generator=generator).clamp(min=1e-4)
    return (_normal(shape, generator) / uniform.sqrt()).clamp(-_TAIL, _TAIL)


_FLOATS: dict[str, Callable[[tuple[int, ...], torch.Generator], Tensor]] = {
    "normal": _normal,
    "scaled": lambda shape, generator: 10 * _normal(shape, generator),
    "shifted": lambda shape, generator: 5 + _normal(shape, generator),
    "heavy": _heavy,
    "integers": lambda shape, generator: torch.randint(-4, 5, shape, generator=generator).float(),
}


def _integer_range(spec: Spec, tensor: TensorDecl, binding: Binding, dtype: DType) -> tuple[int, int]:
    """Indices stay within the axis that they index, packed bits take every value, other integers are modest."""
    extents = list(_indexed_extents(spec, tensor.name, binding))
    if dtype.kind == "bool":
        return 0, 1
    if extents:
        return 0, min(extents) - 1
    lowest = -int(dtype.max_value) - 1 if dtype.kind == "int" else 0
    if dtype.bits == 8 or _has_bits(spec):
        return lowest, int(dtype.max_value) if dtype.bits < 64 else 2**62
    return max(lowest, -100), 100


def _indexed_extents(spec: Spec, name: str, binding: Binding) -> Iterator[int]:
    """The extents of the axes that elements of `name` index directly."""
    shapes = {each.name: each.shape for each in spec.inputs} | {each.target: each.shape for each in spec.math}
    for definition in spec.math:
        for node in walk(definition.value):
            for index, extent in (
                zip(node.indices, shapes[node.tensor], strict=True) if isinstance(node, Access) else ()
            ):
                if isinstance(index, Access) and index.tensor == name:
                    yield int(evaluate_scalar(extent, binding))


def _has_bits(spec: Spec) -> bool:
    nodes = (node for definition in spec.math for node in walk(definition.value))
    return any(isinstance(node, Binary) and node.op in BITWISE for node in nodes)
