"""How long a kernel takes, by what its blocks do: for ranking configurations, not for foretelling times.

An SM's blocks share its tensor cores, its arithmetic and its part of the L2's bandwidth; each block waits for what it
does not overlap; the device waits for its memory and for the SM that is done last. No figure here belongs to an op.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..hardware.device import Device

_L2_RATE = 3.0
"""Byte/s of the L2 in those of device memory: a GEMM in tiles of 128 × 128 has drawn 2.4 on an H200 without being held
up by it (docs/measurements/patterns-h200.md)."""
_LATENCY = 0.7e-6
"""Seconds from a load to its data, when device memory is busy."""
_SHARED_RATE = 128
"""Bytes that an SM's shared memory gives in a clock."""
_BUBBLE = 32
"""Clocks between the last of a tile's products and the first of the next, where one warpgroup multiplies alone: from
how much more tiles of 128 columns take than of 256 (the same measurements)."""
_LAUNCH = 2e-6
_A_BLOCK = 0.62e-9
"""Seconds between the starts of two blocks on a device: 65,536 blocks with next to nothing to do took 44 µs on an H200,
131,072 took 83 (docs/measurements/tunables.md)."""
_IN_THE_WAY = 0.1
"""The part of the shorter of two things done at once by which they hold each other up."""
_SAMPLED = 3
"""Rounds of blocks that are looked at, of a grid with many more."""
_SMALL_L2 = 32 * 2**20
"""Bytes, where a device file does not say."""
_EXACT = 4096
"""Blocks up to which all of them are."""


@dataclass(frozen=True, slots=True)
class Rates:
    """Of one SM: `tensor` FLOP/s, `vector` operations/s, `l2` byte/s, `clock` Hz."""

    tensor: float
    vector: float
    l2: float
    clock: float

    @classmethod
    def of(cls, device: Device, flops: float) -> Rates:
        """`flops` is the peak of the device on what the products multiply."""
        count = device.limit("processors")
        f32 = device.peak("f32") / 2 / count
        return cls(flops / count, f32, _L2_RATE * device.bandwidth / count, f32 / 128)


@dataclass(slots=True)
class Load:
    """Seconds that one block, or all blocks of an SM, keep each unit of the SM busy; `alone` for a block by itself."""

    tensor: float = 0.0
    vector: float = 0.0
    l2: float = 0.0
    alone: float = 0.0

    def add(self, other: Load) -> None:
        self.tensor += other.tensor
        self.vector += other.vector
        self.l2 += other.l2
        self.alone += other.alone

    def seconds(self, at_once: int) -> float:
        return max(self.tensor, self.vector, self.l2, self.alone / at_once)


@dataclass(frozen=True, slots=True)
class Estimate:
    """`bytes`: what comes from device memory and goes there. `bound`: `SM` or `memory`."""

    seconds: float
    blocks: int
    bytes: float
    bound: str


@dataclass(slots=True)
class Blocks:
    """What blocks do: `steps` by the number of the block, of a grid of `count`; those left out are like them.

    `sizes`: bytes of the tensors in device memory, by name.
    """

    count: int
    events: Sequence[Mapping[str, Any]]
    steps: dict[int, list[list[tuple]]] = field(default_factory=dict)
    sizes: Mapping[str, float] = field(default_factory=dict)


def sample(count: int, slots: int) -> list[int]:
    """The blocks to look at: all of a small grid, else those of the first round, of one in the middle, of the last."""
    if count <= max(_EXACT, slots * _SAMPLED):
        return list(range(count))
    starts = (0, (count - slots) // 2, count - slots)
    return [block for start in starts for block in range(start, start + slots)]


def estimate(blocks: Blocks, device: Device, rates: Rates, at_once: int, strain: float = 0.0) -> Estimate:
    """`at_once` blocks share an SM; `strain` is the share of registers that a thread lacks, and that goes to memory."""
    processors = device.limit("processors")
    loads = {place: block_load(steps, blocks.events, rates, strain) for place, steps in blocks.steps.items()}
    busy = _busiest(list(loads.values()), blocks.count, processors, at_once)
    moved = _moved(blocks, device, at_once * processors) * blocks.count / max(1, len(loads))
    measured = device.measured.get("bandwidth")
    memory = moved / (measured.value if measured else device.bandwidth)
    seconds = max(busy, memory + _last_step(blocks, rates, strain), blocks.count * _A_BLOCK)
    seconds += _IN_THE_WAY * min(busy, memory) + _LAUNCH
    return Estimate(seconds, blocks.count, moved, "SM" if busy > memory else "memory")


def _last_step(blocks: Blocks, rates: Rates, strain: float) -> float:
    """Seconds of what a block does last, which it does alone: others have nothing left to load then."""
    return max(
        (block_load(each[-1:], blocks.events, rates, strain).alone for each in blocks.steps.values()), default=0.0
    )


def _busiest(loads: Sequence[Load], count: int, processors: int, at_once: int) -> float:
    """The SM that is done last: blocks go to the SM that is free first."""
    if len(loads) < count:
        total = Load()
        for each in loads:
            total.add(each)
        mean = total.seconds(at_once) * count / len(loads) / processors
        return mean + max(each.alone for each in loads)
    heap = [(0.0, place) for place in range(min(processors, max(1, len(loads))))]
    sums = [Load() for _ in heap]
    for each in loads:
        _, place = heapq.heappop(heap)
        sums[place].add(each)
        heapq.heappush(heap, (sums[place].seconds(at_once), place))
    shares = [min(at_once, max(1, -(-count // processors)))] * len(sums)
    return max((each.seconds(share) for each, share in zip(sums, shares, strict=True)), default=0.0)


def block_load(
    steps: Iterable[Sequence[tuple]], events: Sequence[Mapping[str, Any]], rates: Rates, strain: float = 0.0
) -> Load:
    """What a block keeps busy. Copies with versions of their tile to fill run beside the arithmetic; others do not."""
    total = Load()
    for step in steps:
        tensor = vector = lanes = beside = before = hidden = exposed = 0.0
        for number, times, *_ in step:
            event = events[number]
            kind = event["kind"]
            if kind == "product":
                tensor += times * product_seconds(event, rates)
            elif kind == "vector":
                vector += times * vector_seconds(event, rates) * (1 + strain)
                lanes += times * event["operations"] / rates.vector * (1 + strain)
            elif kind in ("load", "store"):
                seconds = times * event["bytes"] / rates.l2
                if kind == "load" and event["depth"] > 1:
                    beside += seconds
                    hidden = max(hidden, times * _LATENCY / event["depth"])
                else:
                    before += seconds
                    exposed += times * _LATENCY * (kind == "load")
        arithmetic = max(tensor, vector) + min(tensor, vector) / 2
        alone = max(arithmetic, beside, hidden) + before + exposed
        total.add(Load(tensor, lanes, beside + before, alone))
    return total


def product_seconds(event: Mapping[str, Any], rates: Rates) -> float:
    """A product of tiles: at the peak, or as fast as shared memory gives the operands, and a pause after it.

    Every warpgroup of 64 rows reads the right side for itself.
    """
    m, n, k = event["m"], event["n"], event["k"]
    groups = max(1, event["threads"] // 128)
    read = (m if event["left_shared"] else 0) * k + -(-m // 64) * n * k
    computing = 2 * m * n * k / rates.tensor
    reading = read * event["bits"] / 8 / (_SHARED_RATE * rates.clock)
    return max(computing, reading) + _BUBBLE / groups / rates.clock


def vector_seconds(event: Mapping[str, Any], rates: Rates) -> float:
    """Operations on elements, for a block alone: fewer than four warps cannot use all of an SM's lanes, which other
    blocks use then."""
    return event["operations"] / (rates.vector * min(1.0, event["threads"] / 128))


def _moved(blocks: Blocks, device: Device, slots: int) -> float:
    """Bytes of the sampled blocks that device memory sees: in each round a part of a tensor is loaded once, and not
    again where the round before had it and left room in the L2; and all stores."""
    room = device.limits["l2"].value if "l2" in device.limits else _SMALL_L2
    total = 0.0
    before: dict[str, dict[tuple, float]] = {}
    for records in _rounds(blocks, slots):
        now: dict[str, dict[tuple, float]] = {}
        for number, times, *places in records:
            event = blocks.events[number]
            if event["kind"] == "store":
                total += times * event["bytes"]
            elif event["kind"] == "load":
                now.setdefault(event["tensor"], {})[tuple(places)] = times * event["bytes"]
        held = {name: _within(blocks, name, parts.values()) for name, parts in now.items()}
        stays = (
            sum(held.values()) + sum(_within(blocks, name, parts.values()) for name, parts in before.items()) <= room
        )
        for name, parts in now.items():
            total += _new(blocks, name, parts, before[name]) if stays and name in before else held[name]
        before = now
    return total


def _within(blocks: Blocks, name: str, parts: Iterable[float]) -> float:
    """Bytes of some parts of a tensor. Parts that begin at different places may overlap: no more than it has."""
    return min(sum(parts), blocks.sizes.get(name, math.inf))


def _new(blocks: Blocks, name: str, parts: Mapping[tuple, float], before: Mapping[tuple, float]) -> float:
    """Bytes of the parts that were not there before; none where all of the tensor was."""
    if sum(before.values()) >= blocks.sizes.get(name, math.inf):
        return 0.0
    return _within(blocks, name, (size for place, size in parts.items() if place not in before))


def _rounds(blocks: Blocks, slots: int) -> Iterator[list[tuple]]:
    """What is done at about the same time: a step of every block of a persistent kernel, or a whole round of blocks."""
    if blocks.count <= slots:
        longest = max((len(steps) for steps in blocks.steps.values()), default=0)
        for at in range(longest):
            yield [record for steps in blocks.steps.values() if at < len(steps) for record in steps[at]]
        return
    chosen = list(blocks.steps.values())
    for start in range(0, len(chosen), slots):
        yield [record for steps in chosen[start : start + slots] for step in steps for record in step]
