"""Kernels on CUDA: compiled by TileLang, launched through torch's streams, graphs and devices."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import torch
from torch import Tensor

_LONG_DELAY, _SHORT_DELAY = 400_000_000, 40_000_000
"""Cycles, of about 2e9 a second: how long the default stream, and the other one, are held."""


class CudaPlatform:
    """torch's current device and stream."""

    def count(self) -> int:
        return torch.cuda.device_count()

    def current(self, index: int) -> AbstractContextManager:
        return torch.cuda.device(index)

    def allocate(self, size: int) -> Tensor:
        return torch.empty(size, dtype=torch.uint8, device="cuda")

    @contextmanager
    def stream(self) -> Iterator[None]:
        torch.cuda.synchronize()
        torch.cuda._sleep(_LONG_DELAY)
        with torch.cuda.stream(torch.cuda.Stream()) as _:
            torch.cuda._sleep(_SHORT_DELAY)
            yield

    def capture(self, call: Callable[[], None]) -> Callable[[], None]:
        torch.cuda.synchronize()
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            call()
        return graph.replay

    def synchronize(self) -> None:
        torch.cuda.synchronize()


def compile_kernel(function: Any, target: dict[str, str]) -> Callable[[Sequence[Tensor]], None]:
    """A PrimFunc as a kernel that is given all of its tensors."""
    import tilelang

    compiled = tilelang.compile(function, out_idx=None, target=target)
    return lambda tensors: compiled(*tensors)
