"""The roofline of the device that a benchmark runs on, from the device files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ..analysis.classify import classify
from ..hardware.device import Device, device_named
from ..hardware.floor import rate_of
from ..ir.dtypes import DTYPES, DType
from ..ir.spec import Spec

_FASTEST = {"f32": "tf32"}
"""Libraries may round f32 to tf32 before they multiply."""


@dataclass(frozen=True, slots=True)
class Peaks:
    """What a device does at best."""

    device: Device

    def multiplied(self, spec: Spec, dtypes: Mapping[str, str]) -> DType:
        """The dtype that the spec's contractions multiply; f32 where there are none."""
        return DTYPES[rate_of(spec, classify(spec), self.device, dtypes).dtype]

    def floor_ms(self, flops: int, bytes: int, dtype: DType) -> float:
        """No implementation is faster: the longer of computing at the peak for `dtype` and moving the bytes once."""
        rate = self.device.peak(_FASTEST.get(dtype.name, dtype.name))
        return max(flops / rate, bytes / self.device.bandwidth) * 1e3


def peaks_of(device: str) -> Peaks | None:
    """The peaks of a device by the name that its driver gives, None where they are not known."""
    found = device_named(device)
    return Peaks(found) if found else None
