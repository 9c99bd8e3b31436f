"""A sanity check before timing: correctness proper is the gates' business."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor

_ROUNDINGS_TOLERATED = 16


class WrongResultError(RuntimeError):
    """Two implementations disagree: times of a wrong result are worth nothing."""


def check_agreement(outputs: Any, others: Any, who: str) -> None:
    """WrongResultError where an output's difference, as a norm, exceeds 16 roundings of its dtype."""
    for output, other in zip(_as_tuple(outputs), _as_tuple(others), strict=True):
        distance = relative_distance(output, other)
        if not distance <= tolerated(output):
            raise WrongResultError(f"{who} differ by {distance:.2g} of the result's norm")


def relative_distance(output: Tensor, other: Tensor) -> float:
    """The norm of the difference in parts of the norm of `other`; 0 where both are 0, infinite for other shapes."""
    if output.shape != other.shape:
        return math.inf
    norm = other.double().norm().item()
    distance = (output.double() - other.double()).norm().item()
    if norm == 0:
        return 0.0 if distance == 0 else math.inf
    return distance / norm


def tolerated(output: Tensor) -> float:
    """The distance that rounding explains; 0 for integers."""
    import torch

    return _ROUNDINGS_TOLERATED * torch.finfo(output.dtype).eps / 2 if output.dtype.is_floating_point else 0.0


def _as_tuple(outputs: Any) -> tuple[Tensor, ...]:
    return outputs if isinstance(outputs, tuple) else (outputs,)
