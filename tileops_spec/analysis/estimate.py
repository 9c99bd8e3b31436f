"""A value with an absolute error bound, elementwise, and the rounding model that bounds are made of.

The derivation is in docs/tolerance.md.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from ..ir.dtypes import DType

LAMBDA = 6.0
"""Accumulating n terms costs at most min(n, LAMBDA·√n) roundings of Σ|x| (Higham and Mary, 2019)."""
LAMBDA_CAST = 4.0
"""The same for roundings of operands, which are independent of each other."""


class Estimate:
    """`value` in float64, int64 or bool; `error` in float64, of the same shape, not negative.

    An error of inf says that nothing can be said about that element. An error that is given in parts is laid out when
    it is asked for.
    """

    __slots__ = ("_error", "value")

    def __init__(self, value: Tensor, error: Tensor | Approx) -> None:
        self.value = value
        self._error = error

    @property
    def error(self) -> Tensor:
        if isinstance(self._error, Approx):
            self._error = self._error.bound.contiguous()
        return self._error


Part = Tensor | float
"""A number, or one an element: of a tensor's shape, or 1 along axes where it does not vary."""


class Approx:
    """A value on its way through the mathematics, at most `dense` + `relative`·|value| + `floor` off.

    Most errors are a share of the value, and a sum of such shares costs nothing until the error is asked for.
    For bool, an error of 1 means unsure. Parts may be NaN where nothing is known, and anything where the value is not
    finite; `error` is in order.
    """

    __slots__ = ("_error", "_reach", "dense", "floor", "relative", "value")

    def __init__(self, value: Tensor, error: Tensor | None = None) -> None:
        self.value = value
        self.dense = self._error = error
        self.relative: Part = 0.0
        self.floor = 0.0
        self._reach: float | None = None

    @classmethod
    def of_parts(cls, value: Tensor, dense: Tensor | None, relative: Part, floor: float) -> Approx:
        result = cls(value, dense)
        result.relative, result.floor, result._error = relative, floor, None
        return result

    @property
    def is_exact(self) -> bool:
        return self.dense is None and self.is_level and self.floor == 0

    @property
    def is_level(self) -> bool:
        """Whether no part of the error is a share of the value."""
        return not isinstance(self.relative, Tensor) and self.relative == 0

    @property
    def is_laid_out(self) -> bool:
        """Whether the error is one tensor, or nothing."""
        return self.is_exact or (self._error is not None and self.dense is self._error)

    @property
    def flat_parts(self) -> tuple[Tensor | None, float, float]:
        """(dense, relative, floor), where only `dense` varies."""
        if isinstance(self.relative, Tensor) or self.is_laid_out:
            return self.error, 0.0, 0.0
        return self.dense, self.relative, self.floor

    @property
    def reach(self) -> float:
        """No element is larger: √Σ|v|², which takes one pass; inf or NaN where an element may not be finite."""
        if self._reach is None:
            self._reach = reach(self.value)
        return self._reach

    @property
    def error(self) -> Tensor | None:
        """The error of each element; None where every value is exact."""
        if self._error is None and not self.is_exact:
            self._error = self.laid_out()
            if any(isinstance(part, Tensor) and part.shape == self.value.shape for part in (self.dense, self.relative)):
                self.dense, self.relative, self.floor = self._error, 0.0, 0.0  # one tensor is enough to hold
        return self._error

    @property
    def bound(self) -> Tensor:
        """The error as a tensor."""
        error = self.error
        return torch.zeros_like(self.value, dtype=torch.float64) if error is None else error

    def laid_out(self, scale: float = 1.0) -> Tensor:
        """So many times the error, in order, in a tensor of its own."""
        error = self.rough_error(scale)
        if self.dense is None and not isinstance(self.relative, Tensor) and math.isfinite(self.reach):
            return error
        return settled(self.value, error).bound

    def rough_error(self, scale: float = 1.0) -> Tensor:
        """So many times the error, in a tensor of its own, not in order yet."""
        if self.is_level:
            floor = self.floor * scale
            if self.dense is None:
                return torch.full(self.value.shape, floor, dtype=torch.float64, device=self.value.device)
            return self.dense.mul(scale).add_(floor) if scale != 1 else self.dense + floor
        floor = self.floor * scale
        if isinstance(self.relative, Tensor):
            error = self.value.abs().to(torch.float64)
            room = error if fits(self.relative, error) else None
            error = torch.addcmul(error.new_full((), floor), error, self.relative, value=scale, out=room)
        else:
            error = self.value.to(torch.float64).mul(self.relative * scale).abs_()
            error = error.add_(floor) if floor else error
        if self.dense is None:
            return error
        return error.add_(self.dense, alpha=scale) if fits(self.dense, error) else error + self.dense * scale

    def shares(self, size: int) -> tuple[Part, Tensor | None, float]:
        """The parts, as a factor of a product of `size` elements: where it is small beside that, all relative."""
        if self.value.numel() * SMALL <= size and not self.is_exact:
            share = self.bound / self.value.abs()
            if surely_finite(share):
                return share, None, 0.0
        return self.relative, self.dense, self.floor


SMALL = 4
"""A factor with so many times fewer elements than the product is small."""


def times(own: Tensor, factor: Part) -> Tensor:
    """The product, in place where it has room."""
    if not isinstance(factor, Tensor) or fits(factor, own):
        return own.mul_(factor)
    return own * factor


def fits(part: Tensor, whole: Tensor) -> bool:
    """Whether the part, broadcast, has the shape of the whole at most."""
    return part.shape == whole.shape or joint_shape(part.shape, whole.shape) == whole.shape


def joint_shape(left: Sequence[int], right: Sequence[int]) -> tuple[int, ...]:
    """The shape that both broadcast to, as torch.broadcast_shapes gives it, in a fiftieth of the time."""
    rank = max(len(left), len(right))
    pairs = zip((1,) * (rank - len(left)) + tuple(left), (1,) * (rank - len(right)) + tuple(right), strict=True)
    return tuple(theirs if ours == 1 else ours for ours, theirs in pairs)


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
    return error.masked_fill(value.abs() > dtype.max_value, math.inf) if may_overflow(value, dtype) else error


def may_overflow(value: Tensor, dtype: DType, known: float | None = None) -> bool:
    """Whether any value is beyond the largest finite number of a narrow dtype, or not a number.

    `known`: the reach of the value.
    """
    if dtype.max_value >= 1e30 or value.numel() == 0:
        return False
    if (reach(value) if known is None else known) <= dtype.max_value:
        return False
    low, high = map(float, torch.aminmax(value))
    return not max(-low, high) <= dtype.max_value


def reach(value: Tensor) -> float:
    """No element is larger: √Σ|v|², which takes one pass; inf or NaN where an element may not be finite."""
    return float(torch.linalg.vector_norm(value.to(torch.float64)))


def rounded(value: Tensor, dtype: DType, dense: Tensor | None, relative: Part, floor: float) -> Approx:
    """The value with these errors and one rounding to `dtype`, where that rounds."""
    result = Approx.of_parts(value, dense, relative, floor)
    if dtype.is_float and dtype.rounds:
        result.relative, result.floor = relative + dtype.unit_roundoff, floor + underflow(dtype)
        if dtype.max_value < 1e30 and may_overflow(value, dtype, result.reach):
            beyond = torch.where(value.abs() > dtype.max_value, math.inf, 0.0)
            result.dense = beyond if dense is None else dense + beyond
    return result


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
        result = result.add_(error) if fits(error, result) else result + error
    return result


def onto(own: Tensor | None, *errors: Tensor | None) -> Tensor | None:
    """`total` of them all, added in place to `own` where it has room: nobody else may hold that tensor.

    Laying out a tensor takes longer than adding to it, so that this is most of what a bound costs.
    """
    for error in errors:
        if own is None or error is None:
            own = own if error is None else error.clone()
        elif fits(error, own):
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
    if math.isnan(float(error.sum())):
        error = torch.nan_to_num(error, nan=math.inf, posinf=math.inf)
    if error.shape != value.shape:
        error = error.expand(joint_shape(value.shape, error.shape))
    return Approx(value, error)


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
