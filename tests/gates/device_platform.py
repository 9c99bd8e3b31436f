"""A platform without a GPU: a kernel in Python on CPU tensors, streams as queues that run late. For tests alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager

import torch
from torch import Tensor

Kernel = Callable[[Sequence[Tensor]], None]


class CpuPlatform:
    """Runs everything at once; `devices` says how many it claims to have, `device` which one is current."""

    def __init__(self, devices: int = 1) -> None:
        self.devices, self.device, self.on_stream, self.capturing = devices, 0, False, False

    def count(self) -> int:
        return self.devices

    def current(self, index: int) -> AbstractContextManager:
        return self._set("device", index)

    def allocate(self, size: int) -> Tensor:
        return torch.empty(size, dtype=torch.uint8)

    def stream(self) -> AbstractContextManager:
        return self._set("on_stream", True)

    def capture(self, call: Callable[[], None]) -> Callable[[], None]:
        with self._set("capturing", True):
            call()
        return call

    def synchronize(self) -> None:
        pass

    @contextmanager
    def _set(self, name: str, value: object) -> Iterator[None]:
        before = getattr(self, name)
        setattr(self, name, value)
        try:
            yield
        finally:
            setattr(self, name, before)


def product(tensors: Sequence[Tensor]) -> None:
    """C = A · Bᵀ, summed in float32."""
    a, b, c = tensors
    c.copy_((a.float() @ b.float().T).to(c.dtype))
