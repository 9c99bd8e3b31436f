"""Reductions, on approximations of full rank: one axis an index variable in scope.

The variables that a reduction binds are the last ones. Sums are in `sums`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from ..ir.dtypes import DType
from .accesses import OracleError
from .estimate import (
    Approx,
    accumulation,
    onto,
    rounding,
    scaled,
    settled,
    surely_finite,
    total,
    underflow,
    wrap,
)


def reduce(name: str, body: Approx, sizes: Sequence[int], outer: int, dtype: DType) -> Approx:
    """Any other reduction over the axes from `outer` on; argmax and argmin give the first place, row-major."""
    value = body.value.expand([*body.value.shape[:outer], *sizes[outer:]]).flatten(outer)
    error = None if body.error is None else body.error.expand(body.error.shape[:outer] + tuple(sizes[outer:]))
    error = None if error is None else error.flatten(outer).expand_as(value)
    return _REDUCTIONS[name](Approx(value, error), dtype)


def masked(name: str, body: Approx, inside: Tensor) -> Approx:
    """The body with what changes nothing where `inside` does not hold."""
    value = torch.where(inside, body.value, _identity(name, body.value))
    return Approx(value, None if body.error is None else torch.where(inside, body.error, 0.0))


def _identity(name: str, value: Tensor) -> bool | int | float:
    if value.dtype == torch.bool:
        return name in ("all", "min", "argmin")
    if name == "prod":
        return 1
    lowest = name not in ("min", "argmin")
    if value.dtype.is_floating_point:
        return -math.inf if lowest else math.inf
    limits = torch.iinfo(value.dtype)
    return limits.min if lowest else limits.max


def ranked(name: str, body: Approx, rank: Approx, sizes: Sequence[int], outer: int) -> Approx:
    """The value (`topk`) or place (`argtopk`) of the given rank along the last axis, the largest first.

    Of equal values the first comes first. A value of any rank moves no further than the furthest element; a place is
    unknown where a neighbour in the order is within the errors.
    """
    value = body.value.expand([*body.value.shape[:outer], *sizes[outer:]]).flatten(outer)
    ordered, places = torch.sort(value, dim=-1, descending=True, stable=True)
    if bool(((rank.value < 0) | (rank.value >= value.shape[-1])).any()):
        raise OracleError(f"the rank of {name} is beyond the {value.shape[-1]} values")
    shape = torch.broadcast_shapes(value.shape[:-1], rank.value.shape)
    at = rank.value.expand(shape).unsqueeze(-1)

    def pick(tensor: Tensor) -> Tensor:
        return tensor.expand(*shape, tensor.shape[-1]).gather(-1, at).squeeze(-1)

    if body.error is None:
        return Approx(pick(ordered if name == "topk" else places))
    error = body.error.expand(body.error.shape[:outer] + tuple(sizes[outer:])).flatten(outer).expand_as(value)
    if name == "topk":
        return Approx(pick(ordered), error.amax(-1).expand(shape))
    return Approx(pick(places), pick(unsure_order(ordered, error.gather(-1, places))))


def unsure_order(ordered: Tensor, error: Tensor) -> Tensor:
    """inf where a neighbour in the order is within both errors, else 0."""
    close = (ordered[..., 1:] - ordered[..., :-1]).abs() <= error[..., 1:] + error[..., :-1]
    close &= (error[..., 1:] + error[..., :-1]) > 0
    pad = torch.nn.functional.pad
    return torch.where(pad(close, (1, 0)) | pad(close, (0, 1)), math.inf, 0.0)


def _product(body: Approx, dtype: DType) -> Approx:
    value = body.value.prod(-1)
    if not dtype.is_float:
        return Approx(wrap(value, dtype), body.error if body.error is None else _unsure(body.error))
    count = body.value.shape[-1]
    size = body.value.abs()
    moved = None if body.error is None else (size + body.error).prod(-1) - size.prod(-1)
    lost = beyond_range(size.clamp_(min=1).prod(-1), count, dtype) if dtype.rounds else None
    return settled(value, total(moved, scaled(rounding(value, dtype), float(count)), lost))


def beyond_range(grown: Tensor, count: int, dtype: DType) -> Tensor:
    """What the range of `dtype` costs a product on its way, in any order; in place of `grown`, what its factors above
    1 multiply to.

    A part of it may overflow: then nothing is known. A part may be flushed to zero: the rest multiplies what was lost.
    """
    headroom = 2.0 ** (1023 - math.frexp(dtype.max_value)[1]) * 2
    return grown.mul_(headroom).mul_(count * underflow(dtype) / headroom)


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
    if not dtype.rounds:
        return Approx(value)
    weights = torch.exp(x - value.unsqueeze(-1)).nan_to_num(nan=0.0)
    inner = exponent_error(body, x.amax(-1, keepdim=True), dtype).mul_(weights)
    own = accumulation(x.shape[-1], dtype) + dtype.unit_roundoff * (4 * value.abs() + 8)
    return settled(value, inner.sum(-1) + own)


def finite_size(x: Tensor) -> Tensor:
    """|x|, 0 for what is not finite."""
    size = x.abs()
    return size if surely_finite(size) else torch.where(torch.isfinite(x), size, 0.0)


def exponent_error(body: Approx, top: Tensor, dtype: DType) -> Tensor:
    """The relative error of exp(x - max x): x·log2 e and max·log2 e are each rounded, the exponential itself, and x."""
    dense, share, floor = body.flat_parts
    own = finite_size(top).mul_(2 * dtype.unit_roundoff).add_(4 * dtype.unit_roundoff + floor)
    return onto(finite_size(body.value).mul_(2 * dtype.unit_roundoff + share).add_(own), dense)


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
