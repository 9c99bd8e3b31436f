"""Whether what a kernel computed lies within the bound."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from .estimate import Estimate


@dataclass(frozen=True)
class Mismatch:
    """The worst element outside its bound; `count` of `total` elements are, `worst_ratio` is |difference| / bound."""

    tensor: str
    index: tuple[int, ...]
    actual: float
    expected: float
    bound: float
    count: int
    total: int
    worst_ratio: float

    @property
    def message(self) -> str:
        place = f"{self.tensor}[{', '.join(map(str, self.index))}]" if self.index else self.tensor
        how_far = "" if self.worst_ratio == float("inf") else f", {self.worst_ratio:.3g} times the bound"
        return (
            f"{place} is {self.actual:.8g}, expected {self.expected:.8g} ± {self.bound:.3g}{how_far}; "
            f"{self.count} of {self.total} elements are outside their bounds"
        )


def compare(name: str, actual: Tensor, expected: Estimate) -> Mismatch | None:
    """None where every element of `actual` is within the bound of `expected`, else the worst element.

    NaN is right only where NaN is expected, and an expected NaN takes nothing else. An expected inf takes that inf.
    Where |expected| + bound is beyond the largest finite number of the actual dtype, inf of the right sign and the
    largest number itself (saturation) are right too, and NaN for e4m3, which has no inf. An element whose bound is inf
    takes anything, since numbers that overflow on the way may end at inf - inf; but not the NaN whose bits are all 1,
    so that a poisoned output never passes. Raises ValueError where the shapes differ.
    """
    if actual.shape != expected.value.shape:
        raise ValueError(f"{name} has shape {tuple(actual.shape)}, not {tuple(expected.value.shape)}")
    if actual.numel() == 0:
        return None
    got, want = actual.detach().to(torch.float64), expected.value.to(actual.device, torch.float64)
    bound = expected.error.to(actual.device)
    # The usual case, in as few passes as can be: NaN, and inf where inf is expected, are looked at below.
    if bool(((got - want).abs_() <= bound).all()):
        return None
    unknown = torch.isinf(bound) & ~torch.isnan(want) & ~_all_ones(actual)
    excess = torch.where(unknown, 0.0, _excess(got, want, bound))
    excess = torch.where(_overflows(got, want, bound, actual.dtype), 0.0, excess)
    return _worst(name, got, want, bound, excess) if bool((excess > 1).any()) else None


def _excess(got: Tensor, want: Tensor, bound: Tensor) -> Tensor:
    """|difference| / bound: 0 where equal or both NaN, inf where the difference is not finite or the bound is 0."""
    difference = (got - want).abs()
    excess = torch.where(difference == 0, 0.0, difference / bound)
    excess = torch.where(got == want, 0.0, excess)
    both = torch.isnan(got) & torch.isnan(want)
    return torch.where(both, 0.0, excess.nan_to_num(nan=torch.inf))


_BITS = {1: torch.int8, 2: torch.int16, 4: torch.int32, 8: torch.int64}


def _all_ones(actual: Tensor) -> Tensor:
    """Floats that are the NaN with every bit set, which no operation gives."""
    if not actual.dtype.is_floating_point:
        return torch.zeros_like(actual, dtype=torch.bool)
    return actual.detach().contiguous().view(_BITS[actual.element_size()]) == -1


def _overflows(got: Tensor, want: Tensor, bound: Tensor, dtype: torch.dtype) -> Tensor:
    """Where the result may be beyond the dtype's range, and the actual value is what overflow gives."""
    if not dtype.is_floating_point:
        return torch.zeros_like(got, dtype=torch.bool)
    largest = torch.finfo(dtype).max
    beyond = torch.isfinite(want) & (want.abs() + bound > largest)
    right = (got.abs() >= largest) & (torch.sign(got) == torch.sign(want))
    if dtype == torch.float8_e4m3fn:
        right = right | torch.isnan(got)
    return beyond & right


def _worst(name: str, got: Tensor, want: Tensor, bound: Tensor, excess: Tensor) -> Mismatch:
    flat = int(excess.flatten().argmax())
    index = tuple(int(part) for part in torch.unravel_index(torch.tensor(flat), excess.shape))
    return Mismatch(
        tensor=name,
        index=index,
        actual=float(got[index]),
        expected=float(want[index]),
        bound=float(bound[index]),
        count=int((excess > 1).sum()),
        total=excess.numel(),
        worst_ratio=float(excess[index]),
    )
