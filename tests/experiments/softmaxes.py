"""Softmax, log-softmax and logsumexp as kernels compute them: in two passes, or online, tile by tile."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from tileops_spec.ir.dtypes import DType

from .native import Exp
from .orders import Order, rounded, summed, summed_with


@dataclass(frozen=True)
class Softmax:
    """All along the last axis, of float64 tensors that hold numbers of `dtype`.

    `tile`: the elements that are taken at once, 0 for all. Mistakes: `stale` keeps what was summed under an old maximum
    as it was when a tile brings a new one; `dropped` elements at the end are left out of the sum; `accumulator` is what
    the sum is kept in.
    """

    dtype: DType
    order: Order
    exp: Exp
    tile: int = 0
    stale: bool = False
    dropped: int = 0
    accumulator: DType | None = None

    def softmax(self, x: Tensor) -> Tensor:
        top, mass = self._mass(x)
        return self._round(self._exponential(x, top) / mass.unsqueeze(-1))

    def log_softmax(self, x: Tensor) -> Tensor:
        top, mass = self._mass(x)
        return self._round(self._round(x - top.unsqueeze(-1)) - self._log(mass).unsqueeze(-1))

    def logsumexp(self, x: Tensor) -> Tensor:
        top, mass = self._mass(x)
        return self._round(top + self._log(mass))

    def _mass(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """The maximum, and the sum of exponentials under it."""
        length = x.shape[-1] - (min(self.dropped, max(1, x.shape[-1] // 8)) if self.dropped else 0)
        kept = x[..., :length]
        top = torch.full(x.shape[:-1], -torch.inf, dtype=torch.float64)
        mass = torch.zeros_like(top)
        for part in kept.split(self.tile or max(1, length), dim=-1) if length else ():
            new = torch.maximum(top, part.amax(-1))
            fade = self._exponential(top.unsqueeze(-1), new).squeeze(-1)
            if not self.stale:
                mass = self._round(mass * fade)
            mass = self._added(mass, self._exponential(part, new))
            top = new
        return top, mass

    def _added(self, mass: Tensor, terms: Tensor) -> Tensor:
        if self.accumulator is not None:
            return summed_with(torch.cat([mass.unsqueeze(-1), terms], -1), self.accumulator, 1)
        return self._round(mass + summed(terms, self.dtype, self.order))

    def _exponential(self, x: Tensor, top: Tensor) -> Tensor:
        shift = torch.where(torch.isinf(top) & (top < 0), 0.0, top).unsqueeze(-1)
        wide = torch.float64 if self.dtype.name == "f64" else torch.float32
        return self._round(self.exp(x.to(wide) - shift.to(wide)).double())

    def _log(self, mass: Tensor) -> Tensor:
        wide = torch.float64 if self.dtype.name == "f64" else torch.float32
        return self._round(torch.log(mass.to(wide)).double())

    def _round(self, value: Tensor) -> Tensor:
        return rounded(value, self.dtype)
