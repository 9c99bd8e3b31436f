"""Operators, casts and selection on approximations."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from ..ir.dtypes import DType
from .estimate import Approx, conform, onto, rounding, scaled, settled, stepped, total, underflow, with_overflow, wrap
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
    return Approx(wrap(-operand.value, dtype), operand.error)


def cast(operand: Approx, source: DType, target: DType) -> Approx:
    """Float to float keeps the value and adds the target's rounding; to integers truncates; integers wrap."""
    value = operand.value
    if source.name == "u64" and target.is_float:
        value = torch.where(value < 0, value.double() + 2.0**64, value.double())
    if target.is_float:
        own = rounding(value, target) if loses(source, target) else None
        if own is None:
            return Approx(conform(value, target), operand.error)
        return settled(conform(value, target), onto(own, operand.error))
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
    return settled(wrap(value, dtype), _with(rounding(value, dtype), left.error, right.error))


def _with(own: Tensor | None, *errors: Tensor | None) -> Tensor | None:
    """The total; `own` is held by nobody else."""
    return total(*errors) if own is None else onto(own, *errors)


def _multiply(left: Approx, right: Approx, dtype: DType) -> Approx:
    value = left.value * right.value
    if left.error is None and right.error is None:
        return settled(wrap(value, dtype), rounding(value, dtype))
    if not dtype.is_float or not dtype.rounds:
        return settled(wrap(value, dtype), _spread(left, right, 0.0))
    error = _spread(left, right, dtype.unit_roundoff).add_(underflow(dtype))
    return settled(value, with_overflow(error, value, dtype))


def _spread(left: Approx, right: Approx, unit: float) -> Tensor:
    """|a|·e_b + |b|·e_a + e_a·e_b + unit·|a·b|, with as few tensors of the result's size as possible.

    That is |a| · (e_b + unit·|b|) + e_a · (|b| + e_b), where b is the smaller one.
    """
    large, small = (left, right) if left.value.numel() >= right.value.numel() else (right, left)
    size = small.value.abs().to(torch.float64)
    own = size * unit if small.error is None else size.mul(unit).add(small.error)
    spread = own * large.value.abs()
    if large.error is None:
        return spread
    reach = size if small.error is None else size.add(small.error)
    return onto(spread, large.error * reach)


def _divide(left: Approx, right: Approx, dtype: DType) -> Approx:
    """Division by approximate reciprocal: two roundings. Nothing is known where the divisor may be 0."""
    value = left.value.to(torch.float64) / right.value.to(torch.float64)
    own = scaled(rounding(value, dtype), 2.0)
    if left.error is None and right.error is None:
        return settled(value, own)
    room = (right.value.to(torch.float64).abs() - right.bound).clamp(min=0)
    return settled(value, total(own, (left.bound + value.abs() * right.bound) / room))


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
    error = total(left.error, right.error)
    if error is None:
        return Approx(value)
    near = (left.value.to(torch.float64) - right.value.to(torch.float64)).abs() <= error
    return Approx(value, (near & (error > 0)).double())


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
    return Approx(tensor, rounding(tensor, dtype))


def _fits(value: float, dtype: DType) -> bool:
    mantissa, _ = math.frexp(value)
    scaled_mantissa = mantissa * 2.0**dtype.precision
    return scaled_mantissa == int(scaled_mantissa)
