"""Data for the inputs of a case, within what the spec assumes of them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping

import torch
from torch import Tensor

from ..ir.dtypes import DType
from ..ir.nodes import BITWISE, Access, Binary, Call, Property, Reduce
from ..ir.show import show_expr
from ..ir.spec import Spec, TensorDecl
from ..ir.walk import walk
from .assumed import Limits, assumed_limits, fixed_elements
from .binding import Binding, evaluate_scalar, shape_of
from .cases import FAR, NEAR, Unsatisfiable
from .oracle import failed_assumptions

_TAIL = 30.0
"""Heavy-tailed values are cut here, so that sums of their products stay within f16."""
_ATTEMPTS = 20
_DECISIVE = {"integers": False, "scaled": True}
"""Kinds of data in which, where a spec asks for `any` or `all`, nearly all numbers are zero, or nearly none is."""
_NOT_FINITE = ("scaled", "heavy")
"""Kinds of data in which, where a spec asks which elements are finite, some are not."""
_INFINITE = 0.2
"""Their share."""
_AT_LIMITS = 0.15
"""The share of integers at either end of their range."""
_FREE_ATTEMPTS = 5
"""So often boundaries of segments are drawn freely; after that they move towards segments of one length."""


def draw_inputs(
    spec: Spec, binding: Binding, *, data: str, seed: int, absent: Collection[str] = ()
) -> dict[str, Tensor]:
    """Every input but the absent ones, on the CPU, contiguous, typed; `data` is FAR, NEAR or of cases.DISTRIBUTIONS.

    Raises Unsatisfiable where the assumptions hold for nothing that was drawn.
    """
    failed = []
    for attempt in range(_ATTEMPTS):
        evenness = max(0.0, (attempt - _FREE_ATTEMPTS) / (_ATTEMPTS - 1 - _FREE_ATTEMPTS))
        inputs = _attempt(spec, binding, data, seed + attempt * 7919, absent, evenness)
        failed = failed_assumptions(spec, binding, inputs) if spec.assumptions else []
        if not failed:
            return inputs
    clauses = ", ".join(f"`{show_expr(clause)}`" for clause in failed)
    raise Unsatisfiable(f"no data of {spec.op} was found that satisfies {clauses}")


def _attempt(
    spec: Spec, binding: Binding, data: str, seed: int, absent: Collection[str], evenness: float
) -> dict[str, Tensor]:
    inputs: dict[str, Tensor] = {}
    for at, tensor in enumerate(spec.inputs):
        if tensor.name not in absent:
            generator = torch.Generator().manual_seed(seed * 1009 + at)
            inputs[tensor.name] = _draw(spec, tensor, binding, data, generator, inputs, evenness)
    return inputs


def _draw(
    spec: Spec,
    tensor: TensorDecl,
    binding: Binding,
    data: str,
    generator: torch.Generator,
    earlier: Mapping[str, Tensor],
    evenness: float,
) -> Tensor:
    dtype, shape = binding.dtype(tensor.dtype), shape_of(tensor, binding)
    storage = getattr(torch, dtype.torch)
    choices = assumed_limits(spec, tensor, binding, earlier)
    if dtype.is_float:
        values = _mixed([_within(_FLOATS[data](shape, generator), limits) for limits in choices], generator)
        if data in _DECISIVE and _asks(spec, Reduce, ("any", "all")):
            values = values * _decisive(shape, generator, mostly=_DECISIVE[data])
        values = values.double().clamp(-dtype.max_value, dtype.max_value)
        if data in _NOT_FINITE and dtype.bits > 8 and _asks(spec, Call, ("isnan", "isinf", "isfinite")):
            values = _partly_infinite(values, generator)
        return values.to(storage)
    values = _mixed([_integers(spec, tensor, binding, shape, generator, limits) for limits in choices], generator)
    fixed = dict(fixed_elements(spec, tensor, binding))
    for index, value in fixed.items():
        values[index] = value
    if evenness and len(fixed) > 1 and "nondecreasing" in _properties(spec, tensor.name):
        values = _evened(values, evenness)
    return values.to(storage)


def _asks(spec: Spec, kind: type[Reduce | Call], functions: Collection[str]) -> bool:
    nodes = (node for definition in spec.math for node in walk(definition.value))
    return any(isinstance(node, kind) and node.function in functions for node in nodes)


def _decisive(shape: tuple[int, ...], generator: torch.Generator, *, mostly: bool) -> Tensor:
    """About one element a row unlike the others, so that `any` and `all` hang on it: ones among zeros, or zeros."""
    rare = torch.rand(shape, generator=generator) * (shape[-1] if shape else 2) < 1
    return (~rare if mostly else rare).float()


def _partly_infinite(values: Tensor, generator: torch.Generator) -> Tensor:
    """About one element in five is NaN, or infinite with either sign."""
    others = torch.tensor([torch.nan, torch.inf, -torch.inf], dtype=values.dtype)
    drawn = others[torch.randint(3, values.shape, generator=generator)]
    return torch.where(torch.rand(values.shape, generator=generator) < _INFINITE, drawn, values)


def _evened(values: Tensor, evenness: float) -> Tensor:
    """Boundaries moved towards segments of one length; at an evenness of 1 no two lengths differ by more than 1."""
    even = torch.linspace(float(values[0]), float(values[-1]), len(values), dtype=torch.float64)
    return torch.lerp(values.double(), even, evenness).round().long()


def _mixed(choices: list[Tensor], generator: torch.Generator) -> Tensor:
    """Each element from one of the tensors."""
    if len(choices) == 1:
        return choices[0]
    pick = torch.randint(len(choices), choices[0].shape, generator=generator)
    return torch.stack(choices).gather(0, pick.unsqueeze(0)).squeeze(0)


def _within(values: Tensor, limits: Limits) -> Tensor:
    """Numbers mirrored, or squeezed, into the limits, not quite touching them."""
    low, high = limits
    if low is not None and high is not None:
        return (low + (high - low) * torch.sigmoid(values.double()).clamp(0.01, 0.99)).float()
    if low is not None:
        return (low + values.double().abs().clamp(min=0.01)).float()
    return values if high is None else (high - values.double().abs().clamp(min=0.01)).float()


def _integers(
    spec: Spec,
    tensor: TensorDecl,
    binding: Binding,
    shape: tuple[int, ...],
    generator: torch.Generator,
    limits: Limits,
) -> Tensor:
    first, last = _integer_range(spec, tensor, binding, binding.dtype(tensor.dtype), bounded=limits != (None, None))
    low = torch.full(shape, first) if limits[0] is None else torch.ceil(limits[0]).long().expand(shape)
    high = torch.full(shape, last) if limits[1] is None else torch.floor(limits[1]).long().expand(shape)
    properties = _properties(spec, tensor.name)
    ends = [int(value) for _, value in fixed_elements(spec, tensor, binding)]
    if "nondecreasing" in properties and ends:
        low = torch.full(shape, min(ends)) if limits[0] is None else low.clamp(min=min(ends))
        high = torch.full(shape, max(ends)) if limits[1] is None else high.clamp(max=max(ends))
    draw = _distinct if "distinct" in properties else _uniform
    values = draw(low, high, generator)
    return values.sort().values if "nondecreasing" in properties else values


def _uniform(low: Tensor, high: Tensor, generator: torch.Generator) -> Tensor:
    """Whole numbers from low to high, the two ends more often than the others."""
    where = torch.rand(low.shape, generator=generator, dtype=torch.float64)
    inner = ((where - _AT_LIMITS) / (1 - 2 * _AT_LIMITS)).clamp(0, 1)
    spread = (high - low + 1).clamp(min=1)
    values = low + (inner * spread).floor().long().clamp(max=spread - 1)
    return torch.where(where < _AT_LIMITS, low, torch.where(where > 1 - _AT_LIMITS, torch.maximum(low, high), values))


def _distinct(low: Tensor, high: Tensor, generator: torch.Generator) -> Tensor:
    """Whole numbers from the least to the greatest limit, each once."""
    if not low.numel():
        return low.clone()
    first, last = int(low.min()), int(high.max())
    if last - first + 1 < low.numel():
        raise Unsatisfiable(f"{low.numel()} distinct numbers do not fit between {first} and {last}")
    return (first + torch.randperm(last - first + 1, generator=generator)[: low.numel()]).reshape(low.shape)


def _properties(spec: Spec, name: str) -> set[str]:
    nodes = (node for clause in spec.assumptions for node in walk(clause))
    return {node.function for node in nodes if isinstance(node, Property) and node.tensor == name}


def _normal(shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
    return torch.randn(shape, generator=generator)


def _heavy(shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
    """A normal number over the root of a uniform one: Student-like tails."""
    uniform = torch.rand(shape, generator=generator).clamp(min=1e-4)
    return (_normal(shape, generator) / uniform.sqrt()).clamp(-_TAIL, _TAIL)


def _shifted(shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
    """Normal numbers about 5 or -5: products of two inputs may all be far above 0, or all far below."""
    return 10 * torch.randint(2, (), generator=generator) - 5 + _normal(shape, generator)


_FLOATS: dict[str, Callable[[tuple[int, ...], torch.Generator], Tensor]] = {
    "normal": _normal,
    "scaled": lambda shape, generator: 10 * _normal(shape, generator),
    "shifted": _shifted,
    "heavy": _heavy,
    "integers": lambda shape, generator: torch.randint(-4, 5, shape, generator=generator).float(),
    FAR: lambda shape, generator: 2.0**17 * _normal(shape, generator),
    NEAR: lambda shape, generator: 2.0**-10 * _normal(shape, generator),
}


def _integer_range(spec: Spec, tensor: TensorDecl, binding: Binding, dtype: DType, *, bounded: bool) -> tuple[int, int]:
    """Indices stay within the axis that they index, packed bits take every value, other integers are modest."""
    extents = list(_indexed_extents(spec, tensor.name, binding))
    if dtype.kind == "bool":
        return 0, 1
    if extents and not bounded:
        return 0, max(min(extents) - 1, 0)
    lowest = -int(dtype.max_value) - 1 if dtype.kind == "int" else 0
    if dtype.bits == 8 or _has_bits(spec):
        return lowest, int(dtype.max_value) if dtype.bits < 64 else 2**62
    return max(lowest, -100), 100


def _indexed_extents(spec: Spec, name: str, binding: Binding) -> Iterator[int]:
    """The extents of the axes that elements of `name` index directly."""
    shapes = {each.name: each.shape for each in spec.inputs} | {each.target: each.shape for each in spec.math}
    values = (value for definition in spec.math for value in definition.values)
    for node in (node for value in values for node in walk(value) if isinstance(node, Access)):
        for index, extent in zip(node.indices, shapes[node.tensor], strict=True):
            if isinstance(index, Access) and index.tensor == name:
                yield int(evaluate_scalar(extent, binding))
    for definition in spec.math:
        for index, extent in zip(definition.indices, definition.shape, strict=False):
            if isinstance(index, Access) and index.tensor == name:
                yield int(evaluate_scalar(extent, binding))


def _has_bits(spec: Spec) -> bool:
    nodes = (node for definition in spec.math for node in walk(definition.value))
    return any(isinstance(node, Binary) and node.op in BITWISE for node in nodes)
