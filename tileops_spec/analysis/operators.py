"""Operators, casts and selection on approximations."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from ..ir.dtypes import DType
from .estimate import (
    Approx,
    Part,
    conform,
    onto,
    rounded,
    settled,
    stepped,
    times,
    wrap,
)
from .functions import power, remainder, unsure


def binary(op: str, left: Approx, right: Approx, dtype: DType) -> Approx:
    """`left op right`, computed in `dtype` (the operation's, bool for comparisons).

    u64 is kept in 64 signed bits: sums, products, bits and shifts are right, order and division beyond 2^63 are not.
    """
    if op in _COMPARE:
        return _compare(op, left, right)
    if op in _BITS:
        if dtype.kind != "bool":
            shifts_in_zeros = op == ">>" and dtype.name == "u64"
            function = _logical_shift if shifts_in_zeros else _BITS[op]
            return Approx(wrap(function(left.value, right.value), dtype), unsure((left, right)))
        op = {"&": "and", "|": "or"}[op]
    if op in ("and", "or"):
        return _logical(op, left, right)
    return _ARITHMETIC[op](left, right, dtype)


def unary(op: str, operand: Approx, dtype: DType) -> Approx:
    if op == "not" or dtype.kind == "bool":
        return Approx(~operand.value, operand.error)
    if op == "~":
        return Approx(wrap(~operand.value, dtype), unsure((operand,)))
    return Approx.of_parts(wrap(-operand.value, dtype), operand.dense, operand.relative, operand.floor)


def cast(operand: Approx, source: DType, target: DType) -> Approx:
    """Float to float keeps the value and adds the target's rounding; to integers truncates; integers wrap."""
    value = operand.value
    if source.name == "u64" and target.is_float:
        value = torch.where(value < 0, value.double() + 2.0**64, value.double())
    if target.is_float:
        value, parts = conform(value, target), (operand.dense, operand.relative, operand.floor)
        return rounded(value, target, *parts) if loses(source, target) else Approx.of_parts(value, *parts)
    if target.kind == "bool":
        return operand if source.kind == "bool" else _truth(operand)
    if source.is_float:
        whole = torch.trunc(value).nan_to_num(nan=0.0, posinf=0.0, neginf=0.0)
        return Approx(wrap(whole.to(torch.int64), target), stepped(torch.trunc, operand))
    return Approx(wrap(value.to(torch.int64), target), operand.error)


def _truth(operand: Approx) -> Approx:
    """Whether a number is not 0; unsure where its error reaches 0."""
    if operand.error is None:
        return Approx(operand.value != 0)
    flips = (operand.error > 0) & (operand.value.to(torch.float64).abs() <= operand.error)
    return Approx(operand.value != 0, flips.double())


def loses(source: DType, target: DType) -> bool:
    """Whether a value of `source` may change where it is converted to the float `target`."""
    if source.is_float:
        return source.precision > target.precision or source.max_value > target.max_value
    return source.kind != "bool" and source.bits > target.precision


def select(condition: Approx, then: Approx, otherwise: Approx) -> Approx:
    """The branch taken, with its error alone; where the condition is unsure, the other branch may be taken too."""
    value = torch.where(condition.value, then.value, otherwise.value)
    if condition.error is None and then.error is None and otherwise.error is None:
        return Approx(value)
    error = torch.where(condition.value, then.bound, otherwise.bound)
    if condition.error is not None:
        apart = (then.value.to(torch.float64) - otherwise.value.to(torch.float64)).abs()
        either = torch.maximum(then.bound, otherwise.bound) + apart
        error = torch.where(condition.error > 0, either, error)
    return settled(value, error)


def _add(left: Approx, right: Approx, dtype: DType) -> Approx:
    return _sum(left.value + right.value, left, right, dtype)


def _subtract(left: Approx, right: Approx, dtype: DType) -> Approx:
    return _sum(left.value - right.value, left, right, dtype)


def _sum(value: Tensor, left: Approx, right: Approx, dtype: DType) -> Approx:
    dense, floor = None, 0.0
    for operand in (left, right):
        if operand.is_exact:
            continue
        if operand.dense is None and operand.is_level:
            floor += operand.floor
        else:
            dense = operand.rough_error() if dense is None else onto(dense, operand.rough_error())
    return rounded(wrap(value, dtype), dtype, dense, 0.0, floor)


def _multiply(left: Approx, right: Approx, dtype: DType) -> Approx:
    value = left.value * right.value
    if left.is_exact and right.is_exact:
        return rounded(wrap(value, dtype), dtype, None, 0.0, 0.0)
    if not dtype.is_float:
        dense = onto(left.value.abs() * right.bound, right.value.abs() * left.bound, left.bound * right.bound)
        return settled(wrap(value, dtype), dense)
    return rounded(value, dtype, *product(left, right, value))


def product(left: Approx, right: Approx, value: Tensor) -> tuple[Tensor | None, Part, float]:
    """What the errors of both factors do to their product: |a|·e_b + |b|·e_a + e_a·e_b, in parts."""
    ours, theirs = left.shares(value.numel()), right.shares(value.numel())
    dense, floor = _carried(left, ours[0], theirs)
    more, level = _carried(right, theirs[0], ours)
    dense = more if dense is None else onto(dense, more)
    if (ours[1] is not None or ours[2]) and (theirs[1] is not None or theirs[2]):
        dense = onto(_level(ours, value) * _level(theirs, value), dense)
    return dense, _both(ours[0], theirs[0]), floor + level


def _both(ours: Part, theirs: Part) -> Part:
    """(1 + a)(1 + b) - 1; one tensor of the size of both is laid out at most."""
    if isinstance(ours, Tensor) and isinstance(theirs, Tensor):
        return torch.addcmul(ours, 1 + ours, theirs)
    return ours + theirs + ours * theirs


def _level(parts: tuple[Part, Tensor | None, float], like: Tensor) -> Tensor:
    """What of the parts is not relative."""
    return like.new_full((1,) * like.dim(), parts[2]) if parts[1] is None else parts[1] + parts[2]


NEGLIGIBLE = 2.0**-100
"""A floor below it may be taken times the largest factor there is, instead of each element's own."""


def _carried(factor: Approx, relative: Part, other: tuple[Part, Tensor | None, float]) -> tuple[Tensor | None, float]:
    """(dense, floor): |value|·(1 + relative) times the parts of the other factor's error that are not relative."""
    _, dense, floor = other
    if dense is None and floor == 0:
        return None, 0.0
    if dense is None and floor <= NEGLIGIBLE and not isinstance(relative, Tensor) and factor.reach * NEGLIGIBLE < 1:
        return None, factor.reach * floor * (1 + relative)
    size = factor.value.abs().to(torch.float64)
    size = size.mul_(floor) if dense is None else times(size, dense + floor if floor else dense)
    return times(size, 1 + relative) if isinstance(relative, Tensor) or relative else size, 0.0


def _divide(left: Approx, right: Approx, dtype: DType) -> Approx:
    """Division by approximate reciprocal: two roundings. Nothing is known where the divisor may be 0."""
    value = left.value.to(torch.float64) / right.value.to(torch.float64)
    if left.is_exact and right.is_exact:
        return _rounded_twice(value, dtype, None, 0.0, 0.0)
    share, dense, floor = right.shares(value.numel())
    if left.is_exact and dense is None and floor == 0 and _is_below_one(share):
        return _rounded_twice(value, dtype, None, share / (1 - share), 0.0)
    room = (right.value.to(torch.float64).abs() - right.bound).clamp_(min=0)
    carried = value.abs().mul_(right.bound) if not right.is_exact else torch.zeros_like(value)
    return _rounded_twice(value, dtype, onto(carried, left.error).div_(room), 0.0, 0.0)


def _rounded_twice(value: Tensor, dtype: DType, dense: Tensor | None, relative: Part, floor: float) -> Approx:
    once = rounded(value, dtype, dense, relative, floor)
    return rounded(value, dtype, once.dense, once.relative, once.floor)


def _is_below_one(share: Part) -> bool:
    return bool((share < 1).all()) if isinstance(share, Tensor) else share < 1


def _floor_divide(left: Approx, right: Approx, dtype: DType) -> Approx:
    value = torch.div(left.value, right.value, rounding_mode="floor")
    if left.error is None and right.error is None:
        return Approx(value)
    quotient = left.value.to(torch.float64) / right.value.to(torch.float64)
    spread = (left.bound + quotient.abs() * right.bound) / right.value.to(torch.float64).abs()
    return settled(value, torch.floor(quotient + spread) - torch.floor(quotient - spread))


def _modulo(left: Approx, right: Approx, dtype: DType) -> Approx:
    return remainder(left, right, torch.remainder, torch.floor)


def _compare(op: str, left: Approx, right: Approx) -> Approx:
    value = _COMPARE[op](left.value, right.value)
    if left.is_exact and right.is_exact:
        return Approx(value)
    error = onto(None if left.is_exact else left.laid_out(), right.error)
    near = (left.value.to(torch.float64) - right.value.to(torch.float64)).abs_() <= error
    return Approx(value, near.logical_and_(error > 0).double())


def _logical(op: str, left: Approx, right: Approx) -> Approx:
    """`and` is sure where one side is surely false, `or` where one side is surely true."""
    value = left.value & right.value if op == "and" else left.value | right.value
    if left.error is None and right.error is None:
        return Approx(value)
    decisive = op == "or"
    sure = ((left.value == decisive) & (left.bound == 0)) | ((right.value == decisive) & (right.bound == 0))
    return Approx(value, torch.where(sure, 0.0, torch.maximum(left.bound, right.bound)))


def _logical_shift(value: Tensor, by: Tensor) -> Tensor:
    """A right shift of 64 bits that fills with zeros."""
    kept = torch.bitwise_left_shift(torch.full_like(by, -1), (64 - by).clamp(max=63)).bitwise_not()
    return torch.where(by == 0, value, torch.bitwise_right_shift(value, by) & kept)


_BITS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "&": torch.bitwise_and,
    "|": torch.bitwise_or,
    "<<": torch.bitwise_left_shift,
    ">>": torch.bitwise_right_shift,
}
_COMPARE: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "==": torch.eq,
    "!=": torch.ne,
    "<": torch.lt,
    "<=": torch.le,
    ">": torch.gt,
    ">=": torch.ge,
}
_ARITHMETIC: dict[str, Callable[[Approx, Approx, DType], Approx]] = {
    "+": _add,
    "-": _subtract,
    "*": _multiply,
    "/": _divide,
    "//": _floor_divide,
    "%": _modulo,
    "^": power,
}


def literal(value: bool | int | float, dtype: DType, device: torch.device, *, rank: int) -> Approx:
    """A number, rounded to `dtype` where that is not exact."""
    tensor = torch.full((1,) * rank, value, dtype=torch.float64 if dtype.is_float else None, device=device)
    tensor = conform(tensor, dtype)
    if not dtype.is_float or math.isinf(value) or _fits(float(value), dtype):
        return Approx(tensor)
    return rounded(tensor, dtype, None, 0.0, 0.0)


def _fits(value: float, dtype: DType) -> bool:
    mantissa, _ = math.frexp(value)
    scaled_mantissa = mantissa * 2.0**dtype.precision
    return scaled_mantissa == int(scaled_mantissa)
