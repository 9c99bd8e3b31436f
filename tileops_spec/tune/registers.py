"""Registers of a thread, as far as the tiles of a kernel tell, and whether they spill."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from ..gates.compile import SPILL_LIMIT
from ..hardware import Target
from .memory import row_threads

Answer = Literal["fits", "unknown", "too many"]

_OVERHEAD, _BESIDE = 0.2, 16
"""Registers beside the tiles: a share for what the compiler loads ahead, and some for addresses and counters. The most
that was seen (docs/measurements/tunables.md) was a sixth and 13."""
_TYPICAL, _TYPICALLY = 0.1, 10
_SPILLED = SPILL_LIMIT // 4
"""Registers that a kernel may spill before the compile gate refuses it."""
_GRANULE = 8
"""Registers are handed out in eights."""


@dataclass(frozen=True, slots=True)
class Registers:
    """Of one thread: `tiles` hold what must outlive a reduction or a product, `all_tiles` all that the body names.

    `limit` is what a thread may have, `share` what the launch can give to every thread. `used` is the estimate that
    occupancy is computed with.
    """

    tiles: int
    all_tiles: int
    limit: int
    share: int

    @property
    def used(self) -> int:
        wanted = math.ceil((self.all_tiles * (1 + _TYPICAL) + _TYPICALLY) / _GRANULE) * _GRANULE
        return min(wanted, self.limit, self.share)

    @property
    def answer(self) -> Answer:
        """`fits`: nothing is spilled. `too many`: more is spilled than the compile gate lets pass."""
        if self.all_tiles * (1 + _OVERHEAD) + _BESIDE <= self.limit:
            return "fits"
        return "too many" if self.tiles > self.limit + _SPILLED else "unknown"


def registers(footprint: Mapping[str, Any], target: Target) -> Registers:
    """The estimate for one kernel.

    `tiles` counts what no compiler can do without: accumulators of products, and what is used before a reduction and
    after it. The rest may be folded into the operations around it.
    """
    fragments = {name: each for name, each in footprint["buffers"].items() if each["scope"] in _PRIVATE}
    share = _share(footprint, target)
    lasting = {name: each for name, each in fragments.items() if _outlives(name, each, footprint)}
    sizes = {name: _per_thread(name, each, footprint) for name, each in fragments.items()}
    return Registers(
        tiles=_most_at_once(lasting, sizes),
        all_tiles=_most_at_once(fragments, sizes),
        limit=max(share, footprint["raised"]),
        share=share,
    )


_PRIVATE = ("local.fragment", "local.reducer", "local")


def _outlives(name: str, buffer: Mapping[str, Any], footprint: Mapping[str, Any]) -> bool:
    accumulates = any(each["result"] == name for each in footprint["products"])
    return accumulates or any(buffer["first"] < each["place"] < buffer["last"] for each in footprint["reductions"])


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
    sharing = [
        row_threads(each, footprint) or 1 for each in footprint["reductions"] if each["rows"] == buffer["shape"][0]
    ]
    return max(sharing, default=1)


def _most_at_once(buffers: Mapping[str, Mapping[str, Any]], sizes: Mapping[str, int]) -> int:
    places = {each["first"] for each in buffers.values() if each["first"] >= 0}
    return max(
        (sum(sizes[name] for name, each in buffers.items() if each["first"] <= at <= each["last"]) for at in places),
        default=0,
    )
