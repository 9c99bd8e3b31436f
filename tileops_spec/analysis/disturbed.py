"""Errors of recurrences, measured: how far small random disturbances of every step carry.

Bounds that are carried from step to step by absolute values grow with every step, also where the recurrence itself
forgets (a state that is projected, a matrix that is normalized again and again). There the recurrence is run again a
few times, with every element of every step moved by its own step's bound, up or down at random. docs/tolerance.md has
the derivation.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor

from .accesses import Window
from .estimate import Approx

SAMPLES = 8
"""Disturbed runs."""
LAMBDA_RUNS = 6.0
"""The bound is so many times the largest deviation among the runs."""
GROWN = 2.0**-14
"""A carried bound beyond this share of the largest value is worth measuring: below it, it hides nothing in 16 bits."""


@dataclass
class Disturbance:
    """Signs for one run; the same for the same seed."""

    seed: int
    generator: torch.Generator = field(init=False)

    def __post_init__(self) -> None:
        self.generator = torch.Generator().manual_seed(self.seed)

    def moved(self, result: Approx) -> Approx:
        """The value moved by its bound, up or down, and exact from there on; NaN where nothing is known of it."""
        if result.error is None or not result.value.dtype.is_floating_point:
            return Approx(result.value)
        signs = torch.randint(0, 2, result.value.shape, generator=self.generator).double() * 2 - 1
        step = result.error.masked_fill(torch.isinf(result.error), torch.nan)
        return Approx(result.value + signs.to(step.device) * step)


def has_grown(windows: dict[str, Window]) -> bool:
    """Whether a carried bound is large against what it bounds."""
    return any(_is_large(window.approx) for window in windows.values())


def _is_large(approx: Approx) -> bool:
    if approx.error is None or not approx.value.dtype.is_floating_point or not approx.value.numel():
        return False
    finite = torch.where(torch.isfinite(approx.value), approx.value.abs(), 0.0)
    return bool((approx.error > GROWN * finite.max()).any())


def measured(carried: Window, runs: list[Tensor]) -> Window:
    """The window with the smaller of the carried bound and LAMBDA_RUNS times the largest deviation of the runs.

    Where a run has no number although there is a value, the carried bound stands.
    """
    value, bound = carried.approx.value, carried.approx.bound
    if not value.dtype.is_floating_point:
        return carried
    largest = torch.zeros_like(bound)
    for run in runs:
        apart = torch.where(run == value, 0.0, (run - value).abs())
        largest = torch.maximum(largest, apart.nan_to_num(nan=torch.inf))
    return Window(Approx(value, torch.minimum(bound, LAMBDA_RUNS * largest)), carried.origin)
