"""Orders in which kernels add (or multiply) up the last axis of a tensor, each with the roundings that it makes.

Terms and results are float64 tensors that hold numbers of the accumulator's dtype; terms of `tensor_core` are exact
products.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy
import torch
from torch import Tensor

from tileops_spec.ir.dtypes import DType

ORDERS = ("sequential", "reversed", "shuffled", "pairwise", "split", "lanes", "tensor_core")
"""One after the other, from the end, in random order, as a tree, in chunks that are added up, by the lanes of a warp
(each takes every 32nd term, then a tree), and as a tensor core adds (see `_tensor_core`)."""
LANES = 32
MMA_K = 16
"""Terms that one tensor-core instruction adds."""
_ALIGNED_BITS = 25
"""Fraction bits that a tensor core keeps of each term, against the largest: Hopper has two beyond those of f32."""

Combine = Callable[[Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class Order:
    """How to go through the terms; `seed` draws the permutation, `parts` is the number of chunks of a split."""

    name: str = "sequential"
    seed: int = 0
    parts: int = 4


def rounded(value: Tensor, dtype: DType) -> Tensor:
    """`value` rounded to nearest in `dtype`, in float64 again."""
    return value if dtype.name == "f64" else value.to(getattr(torch, dtype.torch)).double()


def summed(terms: Tensor, dtype: DType, order: Order) -> Tensor:
    """The sum over the last axis with an accumulator of `dtype`; 0 for no terms."""
    if order.name == "tensor_core":
        return _tensor_core(terms, dtype)
    return _folded(terms, dtype, order, 0.0, numpy.add, torch.add)


def multiplied(terms: Tensor, dtype: DType, order: Order) -> Tensor:
    """The product over the last axis; 1 for no terms."""
    name = "pairwise" if order.name == "tensor_core" else order.name
    return _folded(terms, dtype, replace(order, name=name), 1.0, numpy.multiply, torch.mul)


def running(terms: Tensor, dtype: DType, order: Order, *, products: bool = False) -> Tensor:
    """Running sums (or products) along the last axis: one after the other, or block by block with a carry."""
    ufunc, combine = (numpy.multiply, torch.mul) if products else (numpy.add, torch.add)
    if order.name in ("sequential", "reversed") or not terms.shape[-1]:
        return _accumulate(terms, dtype, ufunc, combine)
    blocks = []
    carry = torch.full_like(terms[..., :1], float(products))
    for block in terms.split(max(1, -(-terms.shape[-1] // order.parts)), dim=-1):
        inside = _accumulate(block, dtype, ufunc, combine)
        blocks.append(rounded(combine(inside, carry), dtype))
        carry = blocks[-1][..., -1:]
    return torch.cat(blocks, -1)


def summed_with(terms: Tensor, accumulator: DType, block: int) -> Tensor:
    """The sum with one rounding to a narrow accumulator after every `block` terms, which are added exactly."""
    total = torch.zeros(terms.shape[:-1], dtype=torch.float64)
    for part in terms.split(block, dim=-1):
        total = rounded(total + part.sum(-1), accumulator)
    return total


def _folded(terms: Tensor, dtype: DType, order: Order, neutral: float, ufunc: numpy.ufunc, combine: Combine) -> Tensor:
    if not terms.shape[-1]:
        return torch.full(terms.shape[:-1], neutral, dtype=torch.float64)
    terms = rounded(terms, dtype)

    def sequential(values: Tensor) -> Tensor:
        return _accumulate(values, dtype, ufunc, combine)[..., -1]

    def tree(values: Tensor) -> Tensor:
        while values.shape[-1] > 1:
            even = values.shape[-1] // 2 * 2
            pairs = rounded(combine(values[..., 0:even:2], values[..., 1:even:2]), dtype)
            values = torch.cat([pairs, values[..., even:]], -1)
        return values[..., 0]

    match order.name:
        case "sequential":
            return sequential(terms)
        case "reversed":
            return sequential(terms.flip(-1))
        case "shuffled":
            places = torch.randperm(terms.shape[-1], generator=torch.Generator().manual_seed(order.seed))
            return sequential(terms[..., places])
        case "pairwise":
            return tree(terms)
        case "split":
            return sequential(sequential(_cut(terms, order.parts, neutral)))
        case "lanes":
            rows = _cut(terms, -(-terms.shape[-1] // LANES), neutral)
            return tree(sequential(rows.transpose(-1, -2)))
    raise ValueError(f"no such order: {order.name}")


def _cut(terms: Tensor, parts: int, neutral: float) -> Tensor:
    """The last axis as `parts` rows of one length, the last ones padded."""
    length = -(-terms.shape[-1] // parts)
    padded = torch.nn.functional.pad(terms, (0, parts * length - terms.shape[-1]), value=neutral)
    return padded.reshape(*terms.shape[:-1], parts, length)


def _accumulate(values: Tensor, dtype: DType, ufunc: numpy.ufunc, combine: Combine) -> Tensor:
    """Running results with a rounding after each step; numpy does exactly that in the formats that it has."""
    if dtype.name in ("f64", "f32", "f16"):
        native = values.to(getattr(torch, dtype.torch)).contiguous().numpy()
        with numpy.errstate(all="ignore"):
            return torch.from_numpy(ufunc.accumulate(native, axis=-1)).double()
    steps = [values[..., 0]]
    for at in range(1, values.shape[-1]):
        steps.append(rounded(combine(steps[-1], values[..., at]), dtype))
    return torch.stack(steps, -1)


def _tensor_core(terms: Tensor, dtype: DType) -> Tensor:
    """Blocks of 16 with the accumulator: all are aligned to the largest and cut off, added, and cut off to f32."""
    if dtype.name != "f32":
        return rounded(terms.sum(-1), dtype)
    total = torch.zeros(terms.shape[:-1], dtype=torch.float64)
    for part in terms.split(MMA_K, dim=-1):
        together = torch.cat([total.unsqueeze(-1), part], -1)
        largest = together.abs().amax(-1, keepdim=True)
        _, exponent = torch.frexp(torch.where(torch.isfinite(largest), largest, 1.0))
        quantum = torch.ldexp(torch.ones_like(largest), exponent - 1 - _ALIGNED_BITS)
        total = _towards_zero((torch.trunc(together / quantum) * quantum).sum(-1))
    return total


def _towards_zero(value: Tensor) -> Tensor:
    near = value.float()
    beyond = near.double().abs() > value.abs()
    return torch.where(beyond, torch.nextafter(near, torch.zeros_like(near)), near).double()
