"""What the calls of a case need of the place where kernels run; `cuda` is the one that is real."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from torch import Tensor

    Kernel = Callable[[Sequence[Tensor]], None]
    """Queues one call on the current stream; tensors in the order of the kernel's parameters."""


class Platform(Protocol):
    """A place to run kernels. Everything is queued on the current stream of the current device."""

    def count(self) -> int:
        """How many devices there are."""
        ...

    def current(self, index: int) -> AbstractContextManager:
        """Makes a device the current one."""
        ...

    def allocate(self, size: int) -> Tensor:
        """Bytes (uint8) on the current device, not initialised."""
        ...

    def stream(self) -> AbstractContextManager:
        """Another stream than the default one, which is kept busy meanwhile; this one starts with a delay too."""
        ...

    def capture(self, call: Callable[[], None]) -> Callable[[], None]:
        """Record what `call` queues, as a graph; the result replays it."""
        ...

    def synchronize(self) -> None:
        """Wait for the current device. Raises where a kernel failed."""
        ...
