"""Tensors between guard zones: what a kernel writes beside them is seen afterwards."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ..tensors import POISON_BYTE
from .platform import Platform

GUARD_BYTE = 0xA5
GUARD = 4096
"""Bytes before and after each tensor."""
_STEP = 256
"""Alignment of every tensor, which is that of torch's allocator halved: pointers move by multiples of it."""


@dataclass(frozen=True)
class Place:
    """One tensor in its guarded bytes."""

    record: Mapping[str, Any]
    whole: Tensor
    start: int
    size: int

    @property
    def bytes(self) -> Tensor:
        return self.whole[self.start : self.start + self.size]

    @property
    def tensor(self) -> Tensor:
        return self.bytes.view(getattr(torch, self.record["dtype"])).view(buffer_shape(self.record))

    def intact(self) -> bool:
        """Whether nothing was written beside the tensor."""
        zones = (self.whole[: self.start], self.whole[self.start + self.size :])
        return all(bool((zone == GUARD_BYTE).all()) for zone in zones)


@dataclass(frozen=True)
class Arena:
    """The tensors of one call, in the order of the kernel's parameters."""

    places: tuple[Place, ...]

    @classmethod
    def lay_out(cls, platform: Platform, records: Sequence[Mapping[str, Any]], shift: int = 0) -> Arena:
        """Guarded, not filled; `shift` moves each tensor by so many steps."""
        places = []
        for record in records:
            size = _size(record)
            start = GUARD + shift * _STEP
            whole = platform.allocate(start + size + GUARD)
            whole.fill_(GUARD_BYTE)
            places.append(Place(record, whole, start, size))
        return cls(tuple(places))

    def fill(self, sources: Mapping[str, Tensor]) -> None:
        """Inputs from host tensors (bytes); outputs get the poison."""
        for place in self.places:
            if place.record["role"] == "output":
                place.bytes.fill_(POISON_BYTE)
            else:
                place.bytes.copy_(sources[place.record["name"]])

    def poison(self) -> None:
        """Everything, inputs too."""
        for place in self.places:
            place.bytes.fill_(POISON_BYTE)

    def take_from(self, other: Arena) -> None:
        """A copy of each tensor, queued on the current stream."""
        for own, each in zip(self.places, other.places, strict=True):
            own.bytes.copy_(each.bytes)

    @property
    def tensors(self) -> list[Tensor]:
        return [place.tensor for place in self.places]


def buffer_shape(record: Mapping[str, Any]) -> list[int]:
    """As the kernel declares it: TileLang has no rank 0."""
    return record["shape"] or [1]


def _size(record: Mapping[str, Any]) -> int:
    dtype = getattr(torch, record["dtype"])
    count = 1
    for extent in record["shape"]:
        count *= extent
    return count * torch.empty((), dtype=dtype).element_size()
