"""How many blocks an SM runs at once, and in how many waves a grid goes through a device."""

from __future__ import annotations

from dataclasses import dataclass

from ..hardware.device import Device

_WARP = 32
_REGISTER_UNIT = 256
"""Registers are given to warps in units of 256."""
_RESERVED = 1024
"""Bytes of shared memory that the system takes for each block."""
_BLOCKS = 32
_THREADS = {"sm_89": 1536}
"""Threads of an SM by target, where they are not 2048 (CUDA C++ Programming Guide, technical specifications)."""
_BLOCKS_BY_TARGET = {"sm_89": 24}


@dataclass(frozen=True, slots=True)
class Occupancy:
    """`blocks` an SM at once (0: not even one), and what keeps it from more."""

    blocks: int
    bound: str


def occupancy(device: Device, *, threads: int, registers: int, shared: int) -> Occupancy:
    """For a block of `threads`, with `registers` a thread and `shared` bytes, static ones included."""
    target = device.targets[0]
    warps = -(-threads // _WARP)
    per_warp = -(-registers * _WARP // _REGISTER_UNIT) * _REGISTER_UNIT
    limits = {
        "threads": _THREADS.get(target, 2048) // _WARP // warps if threads <= device.limit("threads_per_block") else 0,
        "registers": device.limit("registers") // per_warp // warps if per_warp else _BLOCKS,
        "shared memory": _by_memory(device, shared),
        "blocks": _BLOCKS_BY_TARGET.get(target, _BLOCKS),
    }
    bound = min(limits, key=lambda name: limits[name])
    return Occupancy(limits[bound], bound)


def _by_memory(device: Device, shared: int) -> int:
    if shared > device.limit("shared_memory"):
        return 0
    return device.limit("shared_memory_per_processor") // (shared + _RESERVED)


def waves(blocks: int, at_once: int, processors: int) -> float:
    """How often the device is filled; 1.2 is one full round and a fifth of one."""
    return blocks / max(1, at_once * processors)
