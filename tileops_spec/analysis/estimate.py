"""A value with an absolute error bound, elementwise, and the rounding model that bounds are made of.

The derivation is in docs/tolerance.md.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from ..ir.dtypes import DType

LAMBDA = 6.0
"""Accumulating n terms costs at most min(n, LAMBDA·√n) roundings of Σ|x| (Higham and Mary, 2019)."""
LAMBDA_CAST = 4.0
"""The same for roundings of operands, which are independent of each other."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """`value` in float64, int64 or bool; `error` in float64, of the same shape, not negative.

    An error of inf says that nothing can be said about that element.
    """

    value: Tensor
    error: Tensor


@dataclass(frozen=True, slots=True)
class Approx:
    """A value on its way through the mathematics; `error` None means exact. For bool, an error of 1 means unsure."""

    value: Tensor
    error: Tensor | None = None

    @property
    def bound(self) -> Tensor:
        """The error as a tensor."""
        return torch.zeros_like(self.value, dtype=torch.float64) if self.error is None else self.error


def underflow(dtype: DType) -> float:
    """The absolute error of a result near 0: f32 and bf16 may be flushed to zero below the smallest normal number."""
    if dtype.name in ("f32", "bf16"):
        return 2.0**dtype.min_exponent
    return dtype.smallest_subnormal / 2


def rounding(value: Tensor, dtype: DType) -> Tensor | None:
    """The error of rounding `value` to `dtype`: u·|v| + underflow, inf beyond the largest finite.

    None for integers, and where nothing is rounded.
    """
    if not dtype.is_float or not dtype.rounds:
        return None
    error = value.abs().to(torch.float64).mul_(dtype.unit_roundoff).add_(underflow(dtype))
    return with_overflow(error, value, dtype)


def with_overflow(error: Tensor, value: Tensor, dtype: DType) -> Tensor:
    """The error, inf where the value is beyond the largest finite number of a narrow dtype."""
    if dtype.max_value >= 1e30 or value.numel() == 0:
        return error
    low, high = map(float, torch.aminmax(value))
    if -dtype.max_value <= low and high <= dtype.max_value:
        return error
    return error.masked_fill(value.abs() > dtype.max_value, math.inf)


def accumulation(count: int, dtype: DType) -> float:
    """The relative error, against Σ|x|, of summing `count` terms in any order with an accumulator of `dtype`.

    Tensor cores truncate where they add in f32, so its unit is 2^-23, not 2^-24.
    """
    unit = 2.0**-23 if dtype.name == "f32" else dtype.unit_roundoff
    return min(count, LAMBDA * math.sqrt(count)) * unit


def total(*errors: Tensor | None) -> Tensor | None:
    """The sum of errors, None for none."""
    found = [error for error in errors if error is not None]
    if len(found) < 2:
        return found[0] if found else None
    result = found[0] + found[1]
    for error in found[2:]:
        fits = torch.broadcast_shapes(result.shape, error.shape) == result.shape
        result = result.add_(error) if fits else result + error
    return result


def onto(own: Tensor | None, *errors: Tensor | None) -> Tensor | None:
    """`total` of them all, added in place to `own` where it has room: nobody else may hold that tensor.

    Laying out a tensor takes longer than adding to it, so that this is most of what a bound costs.
    """
    for error in errors:
        if own is None or error is None:
            own = own if error is None else error.clone()
        elif torch.broadcast_shapes(own.shape, error.shape) == own.shape:
            own = own.add_(error)
        else:
            own = own + error
    return own


def scaled(error: Tensor | None, factor: Tensor | float) -> Tensor | None:
    return None if error is None else error * factor


def settled(value: Tensor, error: Tensor | None) -> Approx:
    """An approximation with no NaN in its error: 0 beside values that are not finite, else inf (nothing is known)."""
    if error is None:
        return Approx(value)
    if value.dtype.is_floating_point and not surely_finite(value):
        error = torch.where(torch.isfinite(value), error, 0.0)
    if not surely_finite(error):
        error = torch.nan_to_num(error, nan=math.inf, posinf=math.inf)
    shape = torch.broadcast_shapes(value.shape, error.shape)
    return Approx(value, error if error.shape == shape else error.expand(shape))


def surely_finite(tensor: Tensor) -> bool:
    """Whether no element is inf or NaN; False as well where finite elements add up to inf. It lays nothing out."""
    return math.isfinite(float(tensor.sum()))


def conform(value: Tensor, dtype: DType) -> Tensor:
    """The value in the oracle's type for `dtype`: float64, int64 or bool."""
    if dtype.is_float:
        return value.to(torch.float64)
    return value.to(torch.bool if dtype.kind == "bool" else torch.int64)


def wrap(value: Tensor, dtype: DType) -> Tensor:
    """Integers modulo 2^bits, as the hardware keeps them; int64 itself wraps on its own."""
    if dtype.kind not in ("int", "uint") or dtype.bits >= 64:
        return value
    value = value & (2**dtype.bits - 1)
    if dtype.kind == "int":
        value = torch.where(value >= 2 ** (dtype.bits - 1), value - 2**dtype.bits, value)
    return value


def stepped(function, argument: Approx) -> Tensor | None:
    """The error of a monotone step function: how far it moves within the argument's error, to either side."""
    if argument.error is None:
        return None
    value = argument.value.to(torch.float64)
    here = function(value)
    return torch.maximum(function(value + argument.error) - here, here - function(value - argument.error))
