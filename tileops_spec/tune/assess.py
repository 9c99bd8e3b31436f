"""One kernel judged by the model: does it fit, and how long does it take. Runs in a child, where TileLang is."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from ..gates.confine.profiles import confine_tools
from ..gates.tasks import load_function
from ..hardware import TARGETS, Target
from ..hardware.device import Device, device
from .estimate import Blocks, Rates, estimate, sample
from .footprint import footprint_of
from .memory import shared_memory
from .occupancy import occupancy, waves
from .registers import registers
from .schedule import Program, program_of

Data = dict[str, Any]
TASK = f"{__name__}:assess_all"


def assess_all(
    functions: Sequence[str], dims: Sequence[Mapping[str, int]], target: str, device_key: str, flops: float
) -> list[Data]:
    """For each PrimFunc (TIR in JSON) what `assess` gives; or, under `error`, why the model cannot read it.

    `dims`: the dynamic extents of each workload. `flops`: the device's peak on what the spec multiplies.
    """
    loaded = [load_function(text) for text in functions]
    confine_tools([])
    where = (TARGETS[target], device(device_key), flops)
    return [_checked(function, dims, *where) for function in loaded]


def _checked(function: Any, dims: Sequence[Mapping[str, int]], target: Target, on: Device, flops: float) -> Data:
    try:
        return assess(function, dims, target, on, flops)
    except (ArithmeticError, AttributeError, KeyError, NameError, TypeError, ValueError) as error:
        return {"error": f"{type(error).__name__}: {error}"}


def assess(function: Any, dims: Sequence[Mapping[str, int]], target: Target, on: Device, flops: float) -> Data:
    """Shared memory, registers, threads and blocks an SM of a kernel, and a figure of its time for each of `dims`."""
    footprint = footprint_of(function)
    memory, used = shared_memory(footprint), registers(footprint, target)
    room = occupancy(on, threads=footprint["threads"], registers=used.used, shared=memory.least)
    program = program_of(function, footprint["threads"])
    strain = max(0, used.all_tiles - used.limit) / used.limit
    rates = Rates.of(on, flops)
    return {
        "threads": footprint["threads"],
        "missing": [unit for unit in footprint["units"] if unit not in target.units],
        "shared": {"least": memory.least, "most": memory.most, "static": memory.static},
        "registers": {"used": used.used, "tiles": used.tiles, "limit": used.limit, "answer": used.answer},
        "occupancy": {"blocks": room.blocks, "bound": room.bound},
        "workloads": [_workload(program, each, on, rates, max(1, room.blocks), strain) for each in dims],
    }


def _workload(program: Program, dims: Mapping[str, int], on: Device, rates: Rates, at_once: int, strain: float) -> Data:
    grid = program.grid(**dims)
    count = grid[0] * grid[1] * grid[2]
    blocks = Blocks(count, program.events, sizes=_sizes(program.events, dims))
    for number in sample(count, at_once * on.limit("processors")):
        place = (number % grid[0], number // grid[0] % grid[1], number // grid[0] // grid[1])
        blocks.steps[number] = program.block(*place, **dims)
    found = estimate(blocks, on, rates, at_once, strain)
    return {
        "blocks": count,
        "waves": waves(count, at_once, on.limit("processors")),
        "seconds": found.seconds,
        "bytes": found.bytes,
        "bound": found.bound,
        "larger": _larger(program.events, dims),
    }


def _sizes(events: Sequence[Data], dims: Mapping[str, int]) -> dict[str, float]:
    """Bytes of the tensors whose extents are known."""
    sizes: dict[str, float] = {}
    for event in events:
        extents = [dims.get(each, 0) if isinstance(each, str) else each for each in event.get("whole", ())]
        if extents and all(extents):
            sizes[event["tensor"]] = math.prod(extents) * event["bits"] / 8
    return sizes


def _larger(events: Sequence[Data], dims: Mapping[str, int]) -> str | None:
    """Which axis a tile is at least twice as long as, so that half of it would do; None where there is none."""
    for event in events:
        axes = enumerate(zip(event.get("asked", ()), event.get("whole", ()), strict=False))
        for axis, (asked, whole) in axes:
            extent = dims.get(whole, 0) if isinstance(whole, str) else whole
            if extent and asked >= 2 * extent:
                return f"{asked} elements of the tile along axis {axis} of {event['tensor']}, which has {extent}"
    return None
