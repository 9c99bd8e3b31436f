"""Reductions and functions along an axis, on approximations of full rank: one axis an index variable in scope.

The variables that a reduction binds are the last ones. A sum over a product becomes one einsum, so that the product is
never laid out.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ..ir.dtypes import DType
from .estimate import LAMBDA_CAST, Approx, accumulation, rounding, scaled, settled, total

_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"


@dataclass(frozen=True, slots=True)
class Factor:
    """A factor of a product under a sum.

    `fresh` is the part of its error that is one independent rounding an element, `unit` that rounding's unit roundoff.
    """

    value: Tensor
    error: Tensor | None = None
    fresh: Tensor | None = None
    unit: float = 0.0


def sum_of_products(
    factors: Sequence[Factor], sizes: Sequence[int], outer: int, dtype: DType, rounded: float, *, mean: bool = False
) -> Approx:
    """Σ over the axes from `outer` on of the product of `factors`; `rounded`: relative roundings of each product.

    `sizes` are the extents in scope; a factor has extent 1 where it does not vary. The result has `outer` axes.
    """
    count = math.prod(sizes[outer:])
    values = [factor.value.to(torch.float64) for factor in factors]
    value = _einsum(values, sizes, outer)
    errors = [_carried(values, factors, at, value, sizes, outer) for at in range(len(factors))]
    if dtype.is_float:
        mass = _einsum([each.abs() for each in values], sizes, outer)
        errors.append(mass * (accumulation(count, dtype) + rounded))
    if mean:
        value, errors = value / count, [scaled(error, 1 / count) for error in errors]
        errors.append(scaled(rounding(value, dtype), 2.0))
    return settled(value if dtype.is_float else value.round().to(torch.int64), total(*errors))


def _einsum(tensors: Sequence[Tensor], sizes: Sequence[int], outer: int) -> Tensor:
    """Multiply and sum out the axes from `outer` on; axes where no tensor varies are counted, not laid out."""
    tensors = _joined(tensors)
    varying = [[axis for axis in range(len(sizes)) if tensor.shape[axis] > 1] for tensor in tensors]
    present = set().union(*varying)
    kept = [axis for axis in range(outer) if axis in present]
    left = ",".join("".join(_LETTERS[axis] for axis in axes) for axes in varying)
    right = "".join(_LETTERS[axis] for axis in kept)
    flat = [tensor.reshape([tensor.shape[a] for a in axes]) for tensor, axes in zip(tensors, varying, strict=True)]
    result = torch.einsum(f"{left}->{right}", *flat)
    repeated = math.prod(size for axis, size in enumerate(sizes) if axis >= outer and axis not in present)
    return result.reshape([sizes[axis] if axis in kept else 1 for axis in range(outer)]) * repeated


def _joined(tensors: Sequence[Tensor]) -> list[Tensor]:
    """The tensors, with those that vary along no further axis than another multiplied into it.

    So scales go into what they scale, and a product of two matrices is all that is left to einsum.
    """
    joined: list[Tensor] = []
    for tensor in sorted(tensors, key=lambda each: -sum(size > 1 for size in each.shape)):
        for at, other in enumerate(joined):
            if all(mine in (1, theirs) for mine, theirs in zip(tensor.shape, other.shape, strict=True)):
                joined[at] = other * tensor
                break
        else:
            joined.append(tensor)
    return joined


def _carried(
    values: Sequence[Tensor], factors: Sequence[Factor], at: int, value: Tensor, sizes: Sequence[int], outer: int
) -> Tensor | None:
    """What the error of one factor does to the sum: linear, but fresh roundings partly cancel."""
    factor = factors[at]
    others = [each.abs() for position, each in enumerate(values) if position != at]
    carried = None if factor.error is None else _einsum([factor.error, *others], sizes, outer)
    if factor.fresh is None:
        return carried
    linear = _einsum([factor.fresh, *others], sizes, outer)
    squares = _einsum([each * each for each in (factor.fresh, *others)], sizes, outer)
    cancelling = LAMBDA_CAST * torch.sqrt(squares) + factor.unit * value.abs()
    return total(carried, torch.minimum(linear, cancelling))


def reduce(name: str, body: Approx, sizes: Sequence[int], outer: int, dtype: DType) -> Approx:
    """Any other reduction over the axes from `outer` on; argmax and argmin give the first place, row-major."""
    value = body.value.expand([*body.value.shape[:outer], *sizes[outer:]]).flatten(outer)
    error = None if body.error is None else body.error.expand(body.error.shape[:outer] + tuple(sizes[outer:]))
    error = None if error is None else error.flatten(outer).expand_as(value)
    return _REDUCTIONS[name](Approx(value, error), dtype)


def _product(body: Approx, dtype: DType) -> Approx:
    value = body.value.prod(-1)
    if not dtype.is_float:
        return Approx(value, body.error if body.error is None else _unsure(body.error))
    count = body.value.shape[-1]
    size = body.value.abs()
    moved = None if body.error is None else (size + body.error).prod(-1) - size.prod(-1)
    return settled(value, total(moved, scaled(rounding(value, dtype), float(count))))


def _unsure(error: Tensor) -> Tensor:
    return torch.where((error > 0).any(-1), math.inf, 0.0)


def _extremum(name: str) -> Callable[[Approx, DType], Approx]:
    def evaluate(body: Approx, dtype: DType) -> Approx:
        error = None if body.error is None else body.error.amax(-1)
        return settled(getattr(body.value, name)(-1), error)

    return evaluate


def _truth(name: str) -> Callable[[Approx, DType], Approx]:
    """`any` is sure where one element is surely true, `all` where one is surely false."""

    def evaluate(body: Approx, dtype: DType) -> Approx:
        value = getattr(body.value, name)(-1)
        if body.error is None:
            return Approx(value)
        decisive = name == "any"
        sure = ((body.value == decisive) & (body.error == 0)).any(-1)
        return Approx(value, torch.where(sure, 0.0, body.error.amax(-1)))

    return evaluate


def _place(sign: int) -> Callable[[Approx, DType], Approx]:
    """The first place of the extremum; its error spans every place that may hold it within the errors."""

    def evaluate(body: Approx, dtype: DType) -> Approx:
        value = body.value.to(torch.float64) * sign
        places = torch.arange(value.shape[-1], device=value.device).expand_as(value)
        best = torch.where(value == value.amax(-1, keepdim=True), places, places.shape[-1]).amin(-1)
        if body.error is None:
            return Approx(best)
        floor = (value - body.error).amax(-1, keepdim=True)
        distance = (places - best.unsqueeze(-1)).abs().double()
        return Approx(best, torch.where(value + body.error >= floor, distance, 0.0).amax(-1))

    return evaluate


def _logsumexp(body: Approx, dtype: DType) -> Approx:
    x = body.value
    value = torch.logsumexp(x, -1)
    weights = torch.exp(x - value.unsqueeze(-1)).nan_to_num(nan=0.0)
    inner = weights * (_exponent_error(x, x.amax(-1, keepdim=True), dtype) + body.bound)
    own = accumulation(x.shape[-1], dtype) + dtype.unit_roundoff * (4 * value.abs() + 8)
    return settled(value, inner.sum(-1) + own)


def _exponent_error(x: Tensor, top: Tensor, dtype: DType) -> Tensor:
    """The relative error of exp(x - max x): x·log2 e and max·log2 e are each rounded, and the exponential itself."""
    size = torch.where(torch.isfinite(x), x.abs(), 0.0)
    return dtype.unit_roundoff * (2 * size + 2 * torch.where(torch.isfinite(top), top.abs(), 0.0) + 4)


_REDUCTIONS: dict[str, Callable[[Approx, DType], Approx]] = {
    "prod": _product,
    "max": _extremum("amax"),
    "min": _extremum("amin"),
    "any": _truth("any"),
    "all": _truth("all"),
    "argmax": _place(1),
    "argmin": _place(-1),
    "logsumexp": _logsumexp,
}


def along(name: str, body: Approx, axis: int, dtype: DType) -> Approx:
    """A function along `axis`, which the result keeps."""
    return _ALONG[name](body, axis, dtype)


def _softmax(body: Approx, axis: int, dtype: DType) -> Approx:
    """p·(e_x + Σ p·e_x + own): one pass or online, where each new maximum rescales what was summed so far."""
    x = body.value
    value = torch.softmax(x, axis)
    count = x.shape[axis]
    each = body.bound + _exponent_error(x, x.amax(axis, keepdim=True), dtype)
    each = torch.where(value > 0, each, 0.0)
    shared = (value * each).sum(axis, keepdim=True)
    own = accumulation(count, dtype) + dtype.unit_roundoff * (8 + 4 * math.log2(max(count, 2)))
    return settled(value, value * (each + shared + own) + _tiny(dtype))


def _tiny(dtype: DType) -> float:
    """Exponentials far below the maximum may be flushed to zero."""
    return 2.0**dtype.min_exponent


def _cumsum(body: Approx, axis: int, dtype: DType) -> Approx:
    value = body.value.cumsum(axis)
    carried = None if body.error is None else body.error.cumsum(axis)
    if not dtype.is_float:
        return Approx(value, carried)
    count = body.value.shape[axis]
    shape = [1] * body.value.dim()
    shape[axis] = count
    units = torch.tensor([accumulation(n + 1, dtype) for n in range(count)], dtype=torch.float64)
    return settled(value, total(carried, body.value.abs().cumsum(axis) * units.to(value.device).reshape(shape)))


def _cumprod(body: Approx, axis: int, dtype: DType) -> Approx:
    value = body.value.cumprod(axis)
    size = body.value.abs()
    moved = None if body.error is None else (size + body.error).cumprod(axis) - size.cumprod(axis)
    count = float(body.value.shape[axis])
    return settled(value, total(moved, scaled(rounding(value, dtype), count)))


_ALONG: dict[str, Callable[[Approx, int, DType], Approx]] = {
    "softmax": _softmax,
    "cumsum": _cumsum,
    "cumprod": _cumprod,
}
