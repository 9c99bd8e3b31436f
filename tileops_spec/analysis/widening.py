"""What references may call beside torch."""

from __future__ import annotations

import torch
from torch import Tensor


def wide(tensor: Tensor) -> Tensor:
    """The tensor in float32 where its dtype is narrower (or no float), itself in float32 and float64.

    A reference that computes with it rounds once, at its end, and is exact where it is called with float64.
    """
    return tensor if tensor.dtype == torch.float64 else tensor.float()
