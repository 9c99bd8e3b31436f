"""Reductions, on approximations of full rank: one axis an index variable in scope.

The variables that a reduction binds are the last ones. A sum over a product becomes one einsum, so that the product is
never laid out.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy
import torch
from torch import Tensor

from ..ir.dtypes import DType
from .accesses import OracleError
from .estimate import (
    LAMBDA_CAST,
    Approx,
    accumulation,
    may_overflow,
    onto,
    rounding,
    scaled,
    settled,
    surely_finite,
    total,
    underflow,
    wrap,
)

_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"


@dataclass(frozen=True, slots=True)
class Factor:
    """A factor of a product under a sum, at most `error` + `relative`·|value| off.

    Besides, a rounding of each element to `fresh`, independent of the others.
    """

    value: Tensor
    error: Tensor | None = None
    relative: float = 0.0
    fresh: DType | None = None

    @classmethod
    def of(cls, approx: Approx) -> Factor:
        if isinstance(approx.relative, Tensor) or approx.is_laid_out:
            return cls(approx.value, approx.error)
        floor = approx.value.new_full((1,) * approx.value.dim(), approx.floor, dtype=torch.float64)
        error = floor if approx.dense is None else approx.dense + floor
        return cls(approx.value, error, approx.relative)

    def rounded(self, dtype: DType) -> Factor:
        """The factor with one rounding to `dtype`; where that overflows, nothing is known."""
        error = self.error
        if may_overflow(self.value, dtype):
            error = total(error, torch.where(self.value.abs() > dtype.max_value, math.inf, 0.0))
        return replace(self, error=error, fresh=dtype)


def sum_of_products(
    factors: Sequence[Factor],
    sizes: Sequence[int],
    outer: int,
    dtype: DType,
    rounded: float,
    *,
    mean: bool = False,
    inside: Tensor | None = None,
) -> Approx:
    """Σ over the axes from `outer` on of the product of `factors`; `rounded`: relative roundings of each product.

    `sizes` are the extents in scope; a factor has extent 1 where it does not vary. The result has `outer` axes. Only
    the points where `inside` holds are summed, and counted for a mean.
    """
    count = math.prod(sizes[outer:])
    shares: Tensor | int = count
    if inside is not None:
        factors = _cut(factors, inside)
        shares = _einsum([inside.double()], sizes, outer)
    values = [factor.value.to(torch.float64) for factor in factors]
    value = _einsum(values, sizes, outer)
    error = _summed_error(factors, value, sizes, outer, dtype, rounded)
    if mean:
        value, error = value / shares, None if error is None else error / shares
        error = total(error, scaled(rounding(value, dtype), 2.0))
    return settled(value if dtype.is_float else wrap(value.round().to(torch.int64), dtype), error)


def _summed_error(
    factors: Sequence[Factor], value: Tensor, sizes: Sequence[int], outer: int, dtype: DType, rounded: float
) -> Tensor | None:
    """What the errors of the factors and the accumulation do to the sum; Σ|product| serves all that is relative."""
    count = math.prod(sizes[outer:])
    relative = sum(factor.relative for factor in factors)
    if dtype.is_float and dtype.rounds:
        relative += accumulation(count, dtype) + rounded
    if not relative and all(factor.error is None and not factor.fresh for factor in factors):
        return None
    is_needed = bool(relative) or any(factor.fresh for factor in factors)
    if not is_needed and len(factors) == 1:
        return _carried([], factors, 0, sizes, outer)
    absolute = [factor.value.abs().to(torch.float64) for factor in factors]
    if not is_needed:
        return total(*(_carried(absolute, factors, at, sizes, outer) for at in range(len(factors))))
    mass = _einsum(absolute, sizes, outer)
    errors = [_carried(absolute, factors, at, sizes, outer) for at in range(len(factors))]
    for at, factor in enumerate(factors):
        if factor.fresh and count > LAMBDA_CAST**2:
            errors.append(_cancelling(absolute, factors, at, (value, mass), sizes, outer))
        elif factor.fresh:
            relative += factor.fresh.unit_roundoff
            errors.append(_level(absolute, at, underflow(factor.fresh), sizes, outer))
    return onto(mass.mul_(relative), *errors)


def _cut(factors: Sequence[Factor], inside: Tensor) -> list[Factor]:
    """The factors with one more that is 0 outside; where one of them is not finite, the product laid out."""
    errors = (factor.error for factor in factors if factor.error is not None)
    cut = list(factors)
    if not all(bool(torch.isfinite(each).all()) for each in (*(factor.value for factor in factors), *errors)):
        for at, factor in enumerate(factors):
            error = None if factor.error is None else torch.where(inside, factor.error, 0.0)
            cut[at] = replace(factor, value=torch.where(inside, factor.value.double(), 0.0), error=error)
    return [*cut, Factor(inside.double())]


def _einsum(tensors: Sequence[Tensor], sizes: Sequence[int], outer: int) -> Tensor:
    """Multiply and sum out the axes from `outer` on; axes where no tensor varies are counted, not laid out."""
    tensors = _joined(tensors)
    varying = [[axis for axis in range(len(sizes)) if tensor.shape[axis] != 1] for tensor in tensors]
    present = set().union(*varying)
    kept = [axis for axis in range(outer) if axis in present]
    left = ",".join("".join(_LETTERS[axis] for axis in axes) for axes in varying)
    right = "".join(_LETTERS[axis] for axis in kept)
    flat = [tensor.reshape([tensor.shape[a] for a in axes]) for tensor, axes in zip(tensors, varying, strict=True)]
    result = torch.einsum(f"{left}->{right}", *flat)
    repeated = math.prod(size for axis, size in enumerate(sizes) if axis >= outer and axis not in present)
    result = result.reshape([sizes[axis] if axis in kept else 1 for axis in range(outer)])
    return result if repeated == 1 else result * repeated


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
    absolute: Sequence[Tensor], factors: Sequence[Factor], at: int, sizes: Sequence[int], outer: int
) -> Tensor | None:
    """What the error of one factor does to the sum."""
    error = factors[at].error
    others = (each for position, each in enumerate(absolute) if position != at)
    return None if error is None else _einsum([error, *others], sizes, outer)


def _level(absolute: Sequence[Tensor], at: int, floor: float, sizes: Sequence[int], outer: int) -> Tensor:
    """What an error of `floor` for every element of one factor does to the sum."""
    others = [each for position, each in enumerate(absolute) if position != at]
    return _einsum([absolute[at].new_full((1,) * len(sizes), floor), *others], sizes, outer)


def _cancelling(
    absolute: Sequence[Tensor],
    factors: Sequence[Factor],
    at: int,
    sums: tuple[Tensor, Tensor],
    sizes: Sequence[int],
    outer: int,
) -> Tensor:
    """What the fresh roundings of one factor do to the sum: linear at most, but independent ones partly cancel.

    `sums`: that of the products and that of their absolute values. Of so few terms as LAMBDA_CAST² the linear one is
    no larger: Σ|x| ≤ √n·√Σx².
    """
    value, mass = sums
    unit, floor = factors[at].fresh.unit_roundoff, underflow(factors[at].fresh)  # type: ignore[arg-type, union-attr]
    linear = onto(mass * unit, _level(absolute, at, floor, sizes, outer))
    fresh, copies = (absolute[at] * unit).add_(floor).square_(), _copies(factors[at].value, outer)
    fresh = fresh if copies is None else fresh.mul_(copies)
    others = (each.square() for position, each in enumerate(absolute) if position != at)
    cancelling = _einsum([fresh, *others], sizes, outer).sqrt_().mul_(LAMBDA_CAST).add_(value.abs(), alpha=unit)
    return torch.minimum(linear, cancelling)


def _copies(value: Tensor, outer: int) -> Tensor | None:
    """How many elements of its sum are equal to each one, and so are rounded alike; 1 where all but zeros are equal.

    By the inequality of Cauchy and Schwarz, n equal roundings weigh no more than n independent ones √n times as large.
    None where no two are equal.
    """
    flat = value.flatten(outer).contiguous()
    ordered = _ordered(flat)
    steps = (ordered[..., 1:] != ordered[..., :-1]).sum(-1, keepdim=True)
    alike = steps < flat.shape[-1] - 1
    if not bool(alike.any()):
        return None
    zeros = ordered[..., :1] == 0
    single = ((steps == 0) & ~zeros) | ((steps == 1) & zeros)
    return torch.where(single, 1, _run_lengths(flat)).double().reshape(value.shape)


def _ordered(flat: Tensor) -> Tensor:
    """Sorted along the last axis; by NumPy where it can, which has vector instructions for it."""
    if flat.device.type != "cpu":
        return flat.sort(-1).values
    return torch.from_numpy(numpy.sort(flat.numpy(), axis=-1))


def _run_lengths(flat: Tensor) -> Tensor:
    """Of each element of a matrix, how many of its row are equal to it."""
    on_cpu = flat.device.type == "cpu"
    order = torch.from_numpy(numpy.argsort(flat.numpy(), axis=-1)) if on_cpu else flat.argsort(-1)
    ordered = flat.gather(-1, order)
    begins = torch.ones_like(ordered, dtype=torch.bool)
    torch.ne(ordered[..., 1:], ordered[..., :-1], out=begins[..., 1:])
    runs = begins.flatten().cumsum(0) - 1
    return torch.empty_like(order).scatter_(-1, order, torch.bincount(runs)[runs].reshape(order.shape))


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
