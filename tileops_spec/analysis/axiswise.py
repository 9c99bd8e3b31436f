"""Functions along an axis that the result keeps, on approximations of full rank."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch

from ..ir.dtypes import DType
from .estimate import Approx, accumulation, onto, rounding, scaled, settled, surely_finite, total
from .reductions import beyond_range, exponent_error, growth, unsure_order


def along(name: str, body: Approx, axis: int, dtype: DType) -> Approx:
    """A function along `axis`, which the result keeps."""
    return _ALONG[name](body, axis, dtype)


def _softmax(body: Approx, axis: int, dtype: DType) -> Approx:
    """p·(e_x + Σ p·e_x + own): one pass or online, where each new maximum rescales what was summed so far."""
    x = body.value
    value = torch.softmax(x, axis)
    if not dtype.rounds:
        return Approx(value)
    count = x.shape[axis]
    each = onto(exponent_error(x, x.amax(axis, keepdim=True), dtype), body.error)
    moved = torch.where(value > 0, each, 0.0).mul_(value) if body.error is not None else each.mul_(value)
    shared = moved.sum(axis, keepdim=True)
    own = accumulation(count, dtype) + dtype.unit_roundoff * (8 + 4 * math.log2(max(count, 2)))
    return settled(value, moved.addcmul_(value, shared.add_(own)).add_(_tiny(dtype)))


def _tiny(dtype: DType) -> float:
    """Exponentials far below the maximum may be flushed to zero."""
    return 2.0**dtype.min_exponent


def _cumsum(body: Approx, axis: int, dtype: DType) -> Approx:
    value = body.value.cumsum(axis)
    carried = None if body.error is None else body.error.cumsum(axis)
    if not dtype.is_float or not dtype.rounds:
        return Approx(value, carried)
    count = body.value.shape[axis]
    shape = [1] * body.value.dim()
    shape[axis] = count
    units = torch.tensor([accumulation(n + 1, dtype) for n in range(count)], dtype=torch.float64)
    own = body.value.abs().cumsum_(axis).mul_(units.to(value.device).reshape(shape))
    return settled(value, onto(own, carried))


def _cumprod(body: Approx, axis: int, dtype: DType) -> Approx:
    value = body.value.cumprod(axis)
    size = body.value.abs()
    moved = None if body.error is None else (size + body.error).cumprod(axis) - size.cumprod(axis)
    count = body.value.shape[axis]
    lost = beyond_range(growth(size).cumsum(axis), count, dtype) if dtype.is_float and dtype.rounds else None
    return settled(value, total(moved, scaled(rounding(value, dtype), float(count)), lost))


def _log_softmax(body: Approx, axis: int, dtype: DType) -> Approx:
    """x - logsumexp x: the errors of both, and of the subtraction."""
    x = body.value
    value = torch.log_softmax(x, axis)
    if not dtype.rounds:
        return Approx(value)
    moved = onto(exponent_error(x, x.amax(axis, keepdim=True), dtype), body.error).mul_(torch.exp(value))
    shared = moved.nan_to_num_(nan=0.0).sum(axis, keepdim=True).add_(accumulation(x.shape[axis], dtype))
    sizes = value.abs().add_(x.abs())
    if not surely_finite(sizes):
        sizes = torch.where(torch.isfinite(value), sizes, 0.0)
    own = sizes.mul_(4 * dtype.unit_roundoff).add_(8 * dtype.unit_roundoff)
    return settled(value, onto(own, shared, body.error))


def _extremum(name: str) -> Callable[[Approx, int, DType], Approx]:
    """A running extremum moves no further than the furthest element so far."""

    def evaluate(body: Approx, axis: int, dtype: DType) -> Approx:
        error = None if body.error is None else body.error.cummax(axis).values
        return settled(getattr(body.value, name)(axis).values, error)

    return evaluate


def _sort(body: Approx, axis: int, dtype: DType) -> Approx:
    """A value of any rank moves no further than the furthest element."""
    value = torch.sort(body.value, dim=axis, stable=True).values
    error = None if body.error is None else body.error.amax(axis, keepdim=True).expand_as(value)
    return settled(value, error)


def _argsort(body: Approx, axis: int, dtype: DType) -> Approx:
    """A place is unknown where a neighbour in the order is within the errors."""
    ordered, places = torch.sort(body.value, dim=axis, stable=True)
    if body.error is None:
        return Approx(places)
    error = body.error.expand_as(ordered).gather(axis, places)
    return Approx(places, unsure_order(ordered.movedim(axis, -1), error.movedim(axis, -1)).movedim(-1, axis))


_ALONG: dict[str, Callable[[Approx, int, DType], Approx]] = {
    "softmax": _softmax,
    "log_softmax": _log_softmax,
    "cumsum": _cumsum,
    "cumprod": _cumprod,
    "cummax": _extremum("cummax"),
    "cummin": _extremum("cummin"),
    "sort": _sort,
    "argsort": _argsort,
}
