"""Elementwise functions: value, propagation of the argument's error, and the function's own error in units of u.

Own errors allow what GPUs do: approximate instructions for exp, log and division, and compositions such as
1/(1 + exp(-x)) for sigmoid. docs/tolerance.md states them.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ..ir.dtypes import DType
from .estimate import Approx, conform, rounding, scaled, settled, stepped, total, underflow


@dataclass(frozen=True, slots=True)
class Smooth:
    """A differentiable function: of (x, f(x)), `slope` is |f'(x)|; for an exact x, the function's own error in units of
    u is `relative`·|f(x)| + `absolute`.

    `flushed`: how many times what underflows on the way may count.
    """

    value: Callable[[Tensor], Tensor]
    slope: Callable[[Tensor, Tensor], Tensor]
    relative: Callable[[Tensor, Tensor], Tensor] | float
    absolute: Callable[[Tensor, Tensor], Tensor] | float = 0.0
    flushed: Callable[[Approx], float] | float = 1.0


FAR = 2.0**20
"""Beyond it an argument counts as this: an exponent of -inf times a value of 0 is 0."""


def _size(x: Tensor) -> Tensor:
    """|x|, finite."""
    return x.abs().clamp_(max=FAR)


def _silu_slope(x: Tensor, v: Tensor) -> Tensor:
    gate = torch.sigmoid(x)
    return (gate + v * (1 - gate)).abs()


SMOOTH: dict[str, Smooth] = {
    # GPUs compute exp(x) as exp2(x·log2 e): the rounding of that product moves the result by u·|x|.
    "exp": Smooth(torch.exp, lambda x, v: v, lambda x, v: _size(x).mul_(2).add_(4)),
    "exp2": Smooth(torch.exp2, lambda x, v: v * math.log(2), lambda x, v: _size(x).add_(4)),
    "expm1": Smooth(torch.expm1, lambda x, v: v + 1, 4),
    "log": Smooth(torch.log, lambda x, v: 1 / x.abs(), 4, 2),
    "log2": Smooth(torch.log2, lambda x, v: 1 / (x.abs() * math.log(2)), 4, 2),
    "log1p": Smooth(torch.log1p, lambda x, v: 1 / (1 + x).abs(), 4),
    "rsqrt": Smooth(torch.rsqrt, lambda x, v: v / (2 * x.abs()), 4),
    "recip": Smooth(torch.reciprocal, lambda x, v: v * v, 4),
    "sin": Smooth(torch.sin, lambda x, v: torch.cos(x).abs(), 4, 4),
    "cos": Smooth(torch.cos, lambda x, v: torch.sin(x).abs(), 4, 4),
    "tan": Smooth(torch.tan, lambda x, v: 1 + v * v, 6, lambda x, v: (v * v).add_(1).mul_(4)),
    # By way of exp(2x), as fused activations do it: absolute near 0.
    "tanh": Smooth(torch.tanh, lambda x, v: (v * v).neg_().add_(1), 4, 4),
    "erf": Smooth(torch.erf, lambda x, v: (x * x).neg_().exp_().mul_(2 / math.sqrt(math.pi)), 4),
    "sigmoid": Smooth(
        torch.sigmoid, lambda x, v: v * (1 - v), lambda x, v: _size(x).mul_(2).add_(4).mul_(1 - v).add_(4)
    ),
    "silu": Smooth(
        torch.nn.functional.silu,
        _silu_slope,
        lambda x, v: _size(x).mul_(2).add_(4).mul_(torch.sigmoid(-x)).add_(6),
        # Where exp(-x) overflows, 1 / (1 + exp(-x)) is 0, and x times that.
        flushed=lambda x: 1 + (x.reach if x.reach < FAR else FAR),
    ),
    "softplus": Smooth(
        torch.nn.functional.softplus, lambda x, v: torch.sigmoid(x), lambda x, v: _size(x).mul_(2).add_(8), 2
    ),
}

_STEPS = {"floor": torch.floor, "ceil": torch.ceil, "round": torch.round, "trunc": torch.trunc, "sign": torch.sign}


def call(name: str, args: Sequence[Approx], dtype: DType) -> Approx:
    """The elementwise function `name` of aligned arguments, rounded to `dtype`."""
    if name in SMOOTH:
        return _smooth(SMOOTH[name], _as_float(args[0]), dtype)
    if name in _STEPS:
        value = _STEPS[name](args[0].value)
        return Approx(conform(value, dtype), stepped(_STEPS[name], args[0]))
    if name in ("isnan", "isinf", "isfinite"):
        return Approx(getattr(torch, name)(args[0].value.to(torch.float64)))
    return _OTHERS[name](args, dtype)


def _as_float(argument: Approx) -> Approx:
    return Approx.of_parts(argument.value.to(torch.float64), argument.dense, argument.relative, argument.floor)


def _smooth(function: Smooth, argument: Approx, dtype: DType) -> Approx:
    x = argument.value
    value = function.value(x)
    if not dtype.rounds:
        return Approx(value)
    relative, absolute = (
        part(x, value).mul_(dtype.unit_roundoff) if callable(part) else part * dtype.unit_roundoff
        for part in (function.relative, function.absolute)
    )
    floor = underflow(dtype) * (function.flushed(argument) if callable(function.flushed) else function.flushed)
    if isinstance(absolute, float):
        floor, absolute = floor + absolute, None
    if not argument.is_exact:
        moved = function.slope(x, value) * argument.error
        absolute = moved if absolute is None else absolute.add_(moved)
    return Approx.of_parts(value, absolute, relative, floor)


def _sqrt(args: Sequence[Approx], dtype: DType) -> Approx:
    x = _as_float(args[0])
    value = torch.sqrt(x.value)
    if not dtype.rounds:
        return Approx(value)
    carried = None if x.error is None else torch.minimum(x.error / (2 * value), torch.sqrt(x.error))
    return Approx.of_parts(value, carried, 3 * dtype.unit_roundoff, underflow(dtype))


def _relu(args: Sequence[Approx], dtype: DType) -> Approx:
    (x,) = args
    reached = None if x.error is None else torch.where(x.value + x.error > 0, x.error, 0.0)
    return Approx(x.value.clamp(min=0), reached)


def _absolute(args: Sequence[Approx], dtype: DType) -> Approx:
    (x,) = args
    return Approx.of_parts(x.value.abs(), x.dense, x.relative, x.floor)


def _widest(value: Tensor, args: Sequence[Approx]) -> Approx:
    """The value with the largest error of the arguments."""
    errors = [argument.error for argument in args if argument.error is not None]
    if not errors:
        return Approx(value)
    return Approx(value, functools.reduce(torch.maximum, errors).expand(value.shape))


def _extremum(function: Callable[..., Tensor]):
    def evaluate(args: Sequence[Approx], dtype: DType) -> Approx:
        return _widest(function(args[0].value, args[1].value), args)

    return evaluate


def _clamp(args: Sequence[Approx], dtype: DType) -> Approx:
    x, low, high = (argument.value for argument in args)
    return _widest(torch.minimum(torch.maximum(x, low), high), args)


def _fma(args: Sequence[Approx], dtype: DType) -> Approx:
    """Fused or not: the product's own rounding is allowed for."""
    a, b, c = args
    product = a.value * b.value
    value = product + c.value
    carried = total(scaled(a.error, b.value.abs()), scaled(b.error, a.value.abs()), c.error)
    return settled(value, total(carried, rounding(product, dtype), rounding(value, dtype)))


def power(base: Approx, exponent: Approx, dtype: DType) -> Approx:
    """`base ^ exponent`: a small whole exponent costs its products, any other an exp2 of a product with a log2."""
    if not dtype.is_float:
        return Approx(torch.pow(base.value, exponent.value), total(base.error, exponent.error))
    a, b = base.value.to(torch.float64), exponent.value.to(torch.float64)
    value = torch.pow(a, float(b)) if b.numel() == 1 else torch.pow(a, b)
    if not dtype.rounds:
        return Approx(value)
    if b.numel() == 1 and float(b) in (1.0, 2.0, 3.0, 4.0) and exponent.error is None:
        return _whole_power(base, value, int(b), dtype)
    log = torch.log(a.abs()).nan_to_num(nan=0.0, neginf=0.0)
    products = (b == b.round()) & (b.abs() <= 4)
    ulps = torch.where(products, b.abs() + 1, 2 * (b * log).abs() + 8)
    slope = torch.where(b == 0, 0.0, (b * torch.pow(a, b - 1)).abs())
    carried = total(scaled(base.error, slope), scaled(exponent.error, (value * log).abs()))
    return settled(value, total(ulps * value.abs() * dtype.unit_roundoff + underflow(dtype), carried))


def _whole_power(base: Approx, value: Tensor, exponent: int, dtype: DType) -> Approx:
    """The products of a power from 1 to 4."""
    moved = None
    if not base.is_exact:
        moved = torch.pow(base.value, exponent - 1).abs_().mul_(exponent).mul_(base.error)
    return Approx.of_parts(value, moved, (exponent + 1) * dtype.unit_roundoff, underflow(dtype))


def _fmod(args: Sequence[Approx], dtype: DType) -> Approx:
    return remainder(args[0], args[1], torch.fmod, torch.trunc)


def remainder(a: Approx, b: Approx, function: Callable[..., Tensor], whole: Callable[[Tensor], Tensor]) -> Approx:
    """`%` and fmod: the errors carry over, and where the quotient may step, the result may wrap by |b|."""
    value = function(a.value, b.value)
    if a.error is None and b.error is None:
        return Approx(value)
    x, y = a.value.to(torch.float64), b.value.to(torch.float64)
    quotient = x / y
    spread = (a.bound + quotient.abs() * b.bound) / y.abs()
    wraps = whole(quotient + spread) != whole(quotient - spread)
    carried = a.bound + b.bound * whole(quotient).abs()
    return settled(value, torch.where(wraps, y.abs(), carried))


def _atan2(args: Sequence[Approx], dtype: DType) -> Approx:
    y, x = (_as_float(argument) for argument in args)
    value = torch.atan2(y.value, x.value)
    if not dtype.rounds:
        return Approx(value)
    square = x.value**2 + y.value**2
    carried = total(scaled(y.error, x.value.abs() / square), scaled(x.error, y.value.abs() / square))
    return settled(value, total(6 * value.abs() * dtype.unit_roundoff + underflow(dtype), carried))


def _xor(args: Sequence[Approx], dtype: DType) -> Approx:
    return Approx(args[0].value ^ args[1].value, unsure(args))


def unsure(args: Sequence[Approx]) -> Tensor | None:
    """inf where any argument is not exact: bits of an uncertain number say nothing."""
    error = total(*(argument.error for argument in args))
    return None if error is None else torch.where(error > 0, math.inf, 0.0)


_OTHERS: dict[str, Callable[[Sequence[Approx], DType], Approx]] = {
    "sqrt": _sqrt,
    "relu": _relu,
    "abs": _absolute,
    "min": _extremum(torch.minimum),
    "max": _extremum(torch.maximum),
    "pow": lambda args, dtype: power(args[0], args[1], dtype),
    "fmod": _fmod,
    "atan2": _atan2,
    "xor": _xor,
    "clamp": _clamp,
    "fma": _fma,
}
