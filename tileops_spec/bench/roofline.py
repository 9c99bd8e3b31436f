"""Peaks of known devices, from their vendor's data sheets, dense and without boost beyond what is stated there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ..ir.dtypes import DType


@dataclass(frozen=True, slots=True, kw_only=True)
class Peaks:
    """`tflops` by width of the multiplied floats, in bits; `terabytes` of device memory a second."""

    tflops: Mapping[int, float]
    terabytes: float

    def floor_ms(self, flops: int, bytes: int, dtype: DType) -> float:
        """No implementation is faster: the longer of computing at the peak for `dtype` and moving the bytes once."""
        rate = self.tflops.get(dtype.bits, max(self.tflops.values()))
        return max(flops / (rate * 1e9), bytes / (self.terabytes * 1e9))


_HOPPER = {8: 1978.9, 16: 989.4, 32: 494.7, 64: 66.9}

# By a part of the name that torch gives; the first that fits.
_PEAKS: tuple[tuple[str, Peaks], ...] = (
    ("H200", Peaks(tflops=_HOPPER, terabytes=4.8)),
    ("H100 80GB HBM3", Peaks(tflops=_HOPPER, terabytes=3.35)),
    ("H100 PCIe", Peaks(tflops={8: 1513.0, 16: 756.0, 32: 378.0, 64: 51.0}, terabytes=2.0)),
    ("A100-SXM4-80GB", Peaks(tflops={8: 624.0, 16: 312.0, 32: 156.0, 64: 19.5}, terabytes=2.039)),
    ("A100-SXM4-40GB", Peaks(tflops={8: 624.0, 16: 312.0, 32: 156.0, 64: 19.5}, terabytes=1.555)),
    ("L40S", Peaks(tflops={8: 733.0, 16: 362.0, 32: 183.0, 64: 1.4}, terabytes=0.864)),
)


def peaks_of(device: str) -> Peaks | None:
    """The peaks of a device by its name, None where they are not known."""
    return next((peaks for part, peaks in _PEAKS if part in device), None)
