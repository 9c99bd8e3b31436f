"""Sums of products, on approximations of full rank: one axis an index variable in scope.

The variables that a sum binds are the last ones. A sum over a product becomes one einsum, so that the product is never
laid out; its bound takes a second one, of absolute values, and one more for each factor whose error is no share of it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy
import torch
from torch import Tensor

from ..ir.dtypes import DType
from .estimate import (
    LAMBDA_CAST,
    Approx,
    accumulation,
    may_overflow,
    onto,
    rounding,
    scaled,
    settled,
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
