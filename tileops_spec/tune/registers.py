"""Registers of a thread, as far as the tiles of a kernel tell, and whether they spill."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from ..hardware import Target
from .memory import row_threads

Answer = Literal["fits", "unknown", "too many"]

_ADDRESSES = 48
"""Registers for addresses, loop counters and temporaries of a tile's operations; an upper estimate."""
_GRANULE = 8
"""Registers are handed out in eights."""


@dataclass(frozen=True, slots=True)
class Registers:
    """Of one thread: `tiles` hold what must outlive an operation, `all_tiles` everything that the body names.

    `limit` is what a thread may have, `share` what the launch can give to every thread. `used` is the estimate that
    occupancy is computed with.
    """

    tiles: int
    all_tiles: int
    limit: int
    share: int

    @property
    def used(self) -> int:
        wanted = -(-(self.all_tiles + _ADDRESSES) // _GRANULE) * _GRANULE
        return min(wanted, self.limit, self.share)

    @property
    def answer(self) -> Answer:
        if self.all_tiles + _ADDRESSES <= self.limit:
            return "fits"
        return "too many" if self.tiles > self.limit else "unknown"


def registers(footprint: Mapping[str, Any], target: Target) -> Registers:
    """The estimate for one kernel.

    `tiles` counts what no compiler can do without: accumulators of products, from the first to the last use.
    """
    fragments = {name: each for name, each in footprint["buffers"].items() if each["scope"] in _PRIVATE}
    share = _share(footprint, target)
    accumulators = {each["result"] for each in footprint["products"]}
    sizes = {name: _per_thread(name, each, footprint) for name, each in fragments.items()}
    return Registers(
        tiles=_most_at_once({name: each for name, each in fragments.items() if name in accumulators}, sizes),
        all_tiles=_most_at_once(fragments, sizes),
        limit=max(share, footprint["raised"]),
        share=share,
    )


_PRIVATE = ("local.fragment", "local.reducer", "local")


def _share(footprint: Mapping[str, Any], target: Target) -> int:
    """What the launch leaves to a thread; a branch that asks for more has it from those that give some back."""
    share = target.registers // max(footprint["threads"], 1) // _GRANULE * _GRANULE
    return min(target.registers_per_thread, share)


def _per_thread(name: str, buffer: Mapping[str, Any], footprint: Mapping[str, Any]) -> int:
    """32-bit registers of a thread for a fragment: its share, or all of its rows' figures that the thread keeps."""
    words = buffer["bytes"] / 4
    if buffer["scope"] == "local":
        return round(words)
    sharing = [row_threads(each, footprint) or 1 for each in footprint["reductions"] if each["target"] == name]
    copies = max(sharing, default=_copies(buffer, footprint))
    return max(1, round(words * copies / footprint["consumers"]))


def _copies(buffer: Mapping[str, Any], footprint: Mapping[str, Any]) -> int:
    """Figures of rows lie where the rows do: as often as a row has threads."""
    if len(buffer["shape"]) != 1:
        return 1
    sharing = [row_threads(each, footprint) or 1 for each in footprint["reductions"] if each["rows"] == buffer["shape"][0]]
    return max(sharing, default=1)


def _most_at_once(buffers: Mapping[str, Mapping[str, Any]], sizes: Mapping[str, int]) -> int:
    places = {each["first"] for each in buffers.values() if each["first"] >= 0}
    return max(
        (sum(sizes[name] for name, each in buffers.items() if each["first"] <= at <= each["last"]) for at in places),
        default=0,
    )
