"""The time that no kernel can go below: computing at a device's peak, or moving the bytes once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from ..analysis.classify import Contraction, Structure
from ..analysis.cost import CostValue
from ..ir.spec import Spec
from .device import Device

_WITHOUT_TENSOR_CORES = "f32"


@dataclass(frozen=True, slots=True)
class Rate:
    """FLOP/s that a device reaches at best on a spec, and the dtype that it multiplies then.

    `on_tensor_cores` is false where nothing is contracted in a dtype that they have.
    """

    flops: float
    dtype: str
    on_tensor_cores: bool


@dataclass(frozen=True, slots=True)
class Floor:
    """Seconds, and what they go into."""

    seconds: float
    bound: Literal["compute", "memory"]


def rate_of(spec: Spec, structure: Structure, device: Device, dtypes: Mapping[str, str] | None = None) -> Rate:
    """The peak for the dtype that the contractions multiply, else that of f32; variables not in `dtypes` stand for
    their first option.

    Of several the fastest, as the floor must hold. Products of f32 run without tensor cores: tf32 rounds them.
    """
    chosen = {var.name: var.options[0] for var in spec.dtypes} | dict(dtypes or {})
    rates = [_rate(each, device, chosen) for each in structure.contractions]
    return max(rates, key=lambda rate: rate.flops, default=_rate_without(device))


def floor_of(cost: CostValue, rate: Rate, device: Device) -> Floor:
    computing, moving = cost.flops / rate.flops, cost.bytes / device.bandwidth
    return Floor(max(computing, moving), "compute" if computing > moving else "memory")


def _rate(contraction: Contraction, device: Device, dtypes: Mapping[str, str]) -> Rate:
    names = (contraction.dtype, contraction.left.dtype, contraction.right.dtype)
    accumulator, *operands = (dtypes.get(name, name) for name in names)
    if _WITHOUT_TENSOR_CORES in operands:
        return _rate_without(device)
    fastest = max(operands, key=lambda dtype: device.peak(dtype, accumulator))
    return Rate(device.peak(fastest, accumulator), fastest, on_tensor_cores=True)


def _rate_without(device: Device) -> Rate:
    return Rate(device.peak(_WITHOUT_TENSOR_CORES), _WITHOUT_TENSOR_CORES, on_tensor_cores=False)
