"""The targets that kernels are compiled for: what each has, and what a feature looks like in generated CUDA."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from .device import Device, device

_COMMON: Mapping[str, tuple[str, ...]] = {
    "pipeline": ("cp.async", "cp_async", "tma_load"),
    "cp-async": ("cp_async_gs", "cp.async"),
    "vectorized": ("uint4", "float4", "ulonglong4", "longlong4", "tma_load", "cp_async"),
    "row-reduction": ("AllReduce", "__shfl"),
    "online-softmax": ("exp2f", "__expf", "expf", "exp2", "ex2"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A compilation target, with the figures of the GPU that stands for it (see `device.Device`).

    `units` are what its instructions have: `mma`, `wgmma` and `tcgen05` are tensor cores, `fp8` their 8-bit floats.
    `signals` gives, for features that can be seen in the CUDA source, tokens of which one must be there.
    """

    name: str
    device_key: str
    tilelang: Mapping[str, str]
    units: frozenset[str]
    signals: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: _COMMON)

    @property
    def device(self) -> Device:
        """The GPU that stands for the target."""
        return device(self.device_key)

    @property
    def gpu(self) -> str:
        return self.device.name

    @property
    def shared_memory(self) -> int:
        """The most bytes of dynamic shared memory that a block may have."""
        return self.device.limit("shared_memory")

    @property
    def registers(self) -> int:
        """Registers of one SM."""
        return self.device.limit("registers")

    @property
    def registers_per_thread(self) -> int:
        return self.device.limit("registers_per_thread")

    @property
    def threads_per_block(self) -> int:
        return self.device.limit("threads_per_block")

    @property
    def processors(self) -> int:
        return self.device.limit("processors")

    @property
    def bandwidth(self) -> float:
        """Byte/s of device memory."""
        return self.device.bandwidth

    def peak(self, dtype: str) -> float:
        """FLOP/s on operands of a dtype; what the GPU has no unit for runs at the f32 rate."""
        return self.device.peak(dtype)


def _target(name: str, device_key: str, units: str, signals: Mapping[str, tuple[str, ...]]) -> Target:
    return Target(
        name=name,
        device_key=device_key,
        tilelang={"kind": "cuda", "arch": name},
        units=frozenset(units.split()),
        signals={**_COMMON, **signals},
    )


_MMA = {"mma": ("mma_sync",)}
_CLUSTER = {"cluster": ("__cluster_dims__", "tma_load_multicast")}

TARGETS: dict[str, Target] = {
    target.name: target
    for target in (
        _target("sm_80", "a100", "mma cp-async", _MMA),
        _target("sm_89", "rtx4090", "mma cp-async fp8", _MMA),
        _target(
            "sm_90a",
            "h200",
            "mma cp-async fp8 wgmma tma cluster",
            {**_MMA, **_CLUSTER, "wgmma": ("tl::wgmma_", "wgmma"), "tma": ("tma_load",)},
        ),
        _target(
            "sm_100",
            "b200",
            "mma cp-async fp8 tcgen05 tma cluster",
            {**_MMA, **_CLUSTER, "tcgen05": ("tcgen05", "tcgen5"), "tma": ("tma_load",)},
        ),
    )
}
