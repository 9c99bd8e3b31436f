"""Functions along an axis that the result keeps, on approximations of full rank."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from ..ir.dtypes import DType
from .estimate import Approx, accumulation, onto, settled, surely_finite, underflow
from .reductions import beyond_range, exponent_error, finite_size, unsure_order


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
    each = exponent_error(body, x.amax(axis, keepdim=True), dtype)
    if not surely_finite(each):
        each = torch.where(value > 0, each, 0.0)
    shared = _weighted(value, each, axis)
    own = accumulation(count, dtype) + dtype.unit_roundoff * (8 + 4 * math.log2(max(count, 2)))
    return Approx.of_parts(value, None, each.add_(shared.add_(own)), _tiny(dtype))


def _weighted(weights: Tensor, each: Tensor, axis: int) -> Tensor:
    """Σ weights·each along the axis, which stays with extent 1; the product is not laid out."""
    return torch.linalg.vecdot(weights, each, dim=axis).unsqueeze(axis)


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
    size = body.value.abs()
    own = torch.cumsum(size, axis, out=size).mul_(units.to(value.device).reshape(shape))
    return Approx.of_parts(value, onto(own, carried), 0.0, 0.0)


def _cumprod(body: Approx, axis: int, dtype: DType) -> Approx:
    value = body.value.cumprod(axis)
    size = body.value.abs()
    moved = None if body.error is None else (size + body.error).cumprod(axis) - size.cumprod(axis)
    if not dtype.is_float or not dtype.rounds:
        return settled(value, moved)
    count = body.value.shape[axis]
    grown = size.clamp_(min=1)
    lost = beyond_range(torch.cumprod(grown, axis, out=grown), count, dtype)
    return Approx.of_parts(value, onto(lost, moved), count * dtype.unit_roundoff, count * underflow(dtype))


def _log_softmax(body: Approx, axis: int, dtype: DType) -> Approx:
    """x - logsumexp x: the errors of both, and of the subtraction."""
    x = body.value
    value = torch.log_softmax(x, axis)
    if not dtype.rounds:
        return Approx(value)
    unit, (dense, share, floor) = dtype.unit_roundoff, body.flat_parts
    weights, sizes = torch.exp(value), finite_size(x)
    shared = _weighted(weights, sizes, axis).mul_(2 * unit + share).add_(12 * unit + floor)
    shared.add_(finite_size(x.amax(axis, keepdim=True)), alpha=2 * unit)
    if dense is not None:
        shared.add_(_weighted(weights, dense if surely_finite(dense) else torch.where(weights > 0, dense, 0.0), axis))
    own = sizes.mul_(4 * unit + share).add_(shared.add_(accumulation(x.shape[axis], dtype) + floor))
    return Approx.of_parts(value, onto(own, dense), 4 * unit, 0.0)


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
