"""The GPUs that kernels are made for: limits, peaks, and what a feature looks like in generated CUDA."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

_COMMON: Mapping[str, tuple[str, ...]] = {
    "pipeline": ("cp.async", "cp_async", "tma_load"),
    "vectorized": ("uint4", "float4", "ulonglong4", "longlong4", "tma_load", "cp_async"),
    "row-reduction": ("AllReduce", "__shfl"),
    "online-softmax": ("exp2f", "__expf", "expf", "exp2", "ex2"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A compilation target, with the figures of the GPU that stands for it.

    `shared_memory` is the most bytes of dynamic shared memory a block may have, `registers` those of one SM. `peaks`
    are dense tensor-core rates in FLOP/s by dtype name ("f32": without tensor cores), `bandwidth` is in byte/s.
    `signals` gives, for features that can be seen in the CUDA source, tokens of which one must be there.
    """

    name: str
    gpu: str
    tilelang: Mapping[str, str]
    shared_memory: int
    registers: int = 65536
    registers_per_thread: int = 255
    threads_per_block: int = 1024
    processors: int
    bandwidth: float
    peaks: Mapping[str, float]
    tokens: frozenset[str] = frozenset()
    signals: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: _COMMON)

    def peak(self, dtype: str) -> float:
        """FLOP/s on operands of a dtype; what the target has no unit for runs at the f32 rate."""
        return self.peaks.get(dtype, self.peaks["f32"])


_HOPPER = {**_COMMON, "wgmma": ("tl::wgmma_", "wgmma"), "tma": ("tma_load",)}
_BLACKWELL = {**_COMMON, "tma": ("tma_load",)}

TARGETS: dict[str, Target] = {
    target.name: target
    for target in (
        Target(
            name="sm_80",
            gpu="A100",
            tilelang={"kind": "cuda", "arch": "sm_80"},
            shared_memory=166912,
            processors=108,
            bandwidth=2.04e12,
            peaks={"f32": 19.5e12, "f16": 312e12, "bf16": 312e12, "i8": 624e12},
        ),
        Target(
            name="sm_89",
            gpu="L40S",
            tilelang={"kind": "cuda", "arch": "sm_89"},
            shared_memory=101376,
            processors=142,
            bandwidth=0.864e12,
            peaks={"f32": 91.6e12, "f16": 362e12, "bf16": 362e12, "e4m3": 733e12, "e5m2": 733e12, "i8": 733e12},
        ),
        Target(
            name="sm_90a",
            gpu="H200",
            tilelang={"kind": "cuda", "arch": "sm_90a"},
            shared_memory=232448,
            processors=132,
            bandwidth=4.8e12,
            peaks={"f32": 66.9e12, "f16": 989e12, "bf16": 989e12, "e4m3": 1979e12, "e5m2": 1979e12, "i8": 1979e12},
            tokens=frozenset({"wgmma", "tma"}),
            signals=_HOPPER,
        ),
        Target(
            name="sm_100",
            gpu="B200",
            tilelang={"kind": "cuda", "arch": "sm_100"},
            shared_memory=232448,
            processors=148,
            bandwidth=8e12,
            peaks={"f32": 80e12, "f16": 2250e12, "bf16": 2250e12, "e4m3": 4500e12, "e5m2": 4500e12, "i8": 4500e12},
            tokens=frozenset({"tma"}),
            signals=_BLACKWELL,
        ),
    )
}
