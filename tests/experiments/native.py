"""Elementwise operations as kernels compute them: in f32 (f64 where the dtype is that), rounded to the dtype.

With `fast`, functions are composed as GPU libraries compose them: exp(x) as exp2 of a rounded product, a quotient as a
product with a reciprocal, sigmoid, silu, tanh and softplus by way of exp.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from tileops_spec.ir.dtypes import DType

from .orders import rounded

EXPONENTIALS = frozenset({"exp", "exp2", "sigmoid", "silu", "softplus", "tanh"})
"""Functions that a kernel computes by an exponential."""
Exp = Callable[[Tensor], Tensor]


def binary(op: str, left: Tensor, right: Tensor, dtype: DType, *, fast: bool) -> Tensor:
    a, b = _wide(left, dtype), _wide(right, dtype)
    if op == "/":
        return _back(a * torch.reciprocal(b) if fast and dtype.name != "f64" and _is_normal(b) else a / b, dtype)
    if op == "^":
        return _back(_power(a, b, fast=fast), dtype)
    return _back(_OPERATORS[op](a, b), dtype)


def call(name: str, args: Sequence[Tensor], dtype: DType, *, fast: bool, exp: Exp) -> Tensor:
    """An elementwise function; exponentials are made of `exp`."""
    wide = [_wide(each, dtype) for each in args]
    if name in EXPONENTIALS:
        return _back(_exponential(name, wide[0], exp, fast=fast), dtype)
    if name == "pow":
        return _back(_power(*wide, fast=fast), dtype)
    if fast and name in _FAST:
        return _back(_FAST[name](*wide), dtype)
    return _back(_PLAIN[name](*wide), dtype)


def exact_exp(x: Tensor) -> Tensor:
    return torch.exp(x)


def gpu_exp(x: Tensor) -> Tensor:
    """exp2 of a product that is rounded."""
    return torch.exp2(x * math.log2(math.e))


def poor_exp(x: Tensor) -> Tensor:
    """An approximation with a relative error of up to 2^-8 that varies with the fraction, as short tables have it."""
    turns = x.double() * math.log2(math.e)
    wave = torch.cos(2 * math.pi * (turns - torch.floor(turns))).nan_to_num(nan=0.0)
    return torch.exp(x) * (1 + 2.0**-8 * wave).to(x.dtype)


def _exponential(name: str, x: Tensor, exp: Exp, *, fast: bool) -> Tensor:
    if exp is exact_exp and not fast:
        return _LIBRARY[name](x)
    match name:
        case "exp":
            return exp(x)
        case "exp2":
            return torch.exp2(x) if exp is not poor_exp else exp(x * math.log(2))
        case "sigmoid":
            return 1 / (1 + exp(-x))
        case "silu":
            return x * (1 / (1 + exp(-x)))
        case "tanh":
            return 1 - 2 / (exp(2 * x) + 1)
    return torch.where(x > 20, x, torch.log(1 + exp(x)))


def _wide(value: Tensor, dtype: DType) -> Tensor:
    return value.to(torch.float64 if dtype.name == "f64" else torch.float32)


def _back(value: Tensor, dtype: DType) -> Tensor:
    return value.double() if dtype.name in ("f32", "f64") else rounded(value.double(), dtype)


def _is_normal(b: Tensor) -> bool:
    """Reciprocals of numbers beyond 2^126 are flushed: libraries scale such divisors first."""
    return bool(((b.abs() < 2.0**125) | ~torch.isfinite(b)).all())


def _power(a: Tensor, b: Tensor, *, fast: bool) -> Tensor:
    whole = b.numel() == 1 and float(b.reshape(-1)[0]) in (2.0, 3.0)
    if whole:
        return a * a if float(b.reshape(-1)[0]) == 2.0 else a * a * a
    if fast and bool((a > 0).all()):
        return torch.exp2(b * torch.log2(a))
    return torch.pow(a, b)


_OPERATORS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "+": torch.add,
    "-": torch.sub,
    "*": torch.mul,
    "//": lambda a, b: torch.div(a, b, rounding_mode="floor"),
    "%": torch.remainder,
}
_LIBRARY: dict[str, Callable[[Tensor], Tensor]] = {
    "exp": torch.exp,
    "exp2": torch.exp2,
    "sigmoid": torch.sigmoid,
    "silu": torch.nn.functional.silu,
    "softplus": torch.nn.functional.softplus,
    "tanh": torch.tanh,
}
_FAST: dict[str, Callable[..., Tensor]] = {
    "log": lambda x: torch.log2(x) * math.log(2),
    "rsqrt": lambda x: 1 / torch.sqrt(x),
}
_PLAIN: dict[str, Callable[..., Tensor]] = {
    **{name: getattr(torch, name) for name in ("expm1", "log", "log2", "log1p", "sqrt", "rsqrt", "sin", "cos", "tan")},
    **{name: getattr(torch, name) for name in ("erf", "relu", "abs", "sign", "floor", "ceil", "round", "trunc")},
    "recip": torch.reciprocal,
    "min": torch.minimum,
    "max": torch.maximum,
    "fmod": torch.fmod,
    "atan2": torch.atan2,
    "clamp": lambda x, low, high: torch.minimum(torch.maximum(x, low), high),
    "fma": lambda a, b, c: (a.double() * b.double() + c.double()).to(a.dtype),
}
