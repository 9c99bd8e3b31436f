"""The dtypes of the language: names, widths, rounding, and what TileLang and torch call them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class DType:
    """A dtype.

    `precision` is the number of significand bits, the implicit one included, and `min_exponent` the exponent of the
    smallest normal number; both are 0 for integers. `max_value` is the largest finite value. One that does not round
    stands for the numbers themselves: the oracle then carries values alone.
    """

    name: str
    kind: Literal["float", "int", "uint", "bool"]
    bits: int
    tilelang: str
    torch: str
    precision: int = 0
    min_exponent: int = 0
    max_value: float = 0.0
    rounds: bool = True

    @property
    def is_float(self) -> bool:
        return self.kind == "float"

    @property
    def bytes(self) -> int:
        """Storage of one element, in bytes."""
        return max(1, self.bits // 8)

    @property
    def unit_roundoff(self) -> float:
        """The largest relative error of rounding to nearest: 2^-precision; 0 for integers."""
        return 2.0**-self.precision if self.is_float else 0.0

    @property
    def smallest_subnormal(self) -> float:
        """The spacing of the numbers nearest to 0; 0 for integers."""
        return 2.0 ** (self.min_exponent - self.precision + 1) if self.is_float else 0.0


def _float(name: str, bits: int, torch: str, precision: int, min_exponent: int, max_value: float) -> DType:
    return DType(
        name=name,
        kind="float",
        bits=bits,
        tilelang=torch,
        torch=torch,
        precision=precision,
        min_exponent=min_exponent,
        max_value=max_value,
    )


def _integer(name: str, bits: int, torch: str, kind: Literal["int", "uint"]) -> DType:
    top = 2 ** (bits - 1) - 1 if kind == "int" else 2**bits - 1
    return DType(name=name, kind=kind, bits=bits, tilelang=torch, torch=torch, max_value=float(top))


DTYPES: dict[str, DType] = {
    dtype.name: dtype
    for dtype in (
        _float("f64", 64, "float64", 53, -1022, 1.7976931348623157e308),
        _float("f32", 32, "float32", 24, -126, 3.4028234663852886e38),
        _float("bf16", 16, "bfloat16", 8, -126, 3.3895313892515355e38),
        _float("f16", 16, "float16", 11, -14, 65504.0),
        _float("e4m3", 8, "float8_e4m3fn", 4, -6, 448.0),
        _float("e5m2", 8, "float8_e5m2", 3, -14, 57344.0),
        _integer("i8", 8, "int8", "int"),
        _integer("i16", 16, "int16", "int"),
        _integer("i32", 32, "int32", "int"),
        _integer("i64", 64, "int64", "int"),
        _integer("u8", 8, "uint8", "uint"),
        _integer("u16", 16, "uint16", "uint"),
        _integer("u32", 32, "uint32", "uint"),
        _integer("u64", 64, "uint64", "uint"),
        DType(name="bool", kind="bool", bits=8, tilelang="bool", torch="bool", max_value=1.0),
    )
}


def promote(left: DType, right: DType) -> DType:
    """The dtype of an operation on two dtypes: the least one that holds the values of both, floats before integers.

    `f16` with `bf16` gives `f32`: neither holds the other.
    """
    if left == right:
        return left
    if left.kind == "bool":
        return right
    if right.kind == "bool":
        return left
    if left.is_float != right.is_float:
        return left if left.is_float else right
    return _wider_float(left, right) if left.is_float else _wider_integer(left, right)


def _wider_float(left: DType, right: DType) -> DType:
    for candidate in (left, right):
        other = right if candidate is left else left
        if candidate.precision >= other.precision and candidate.max_value >= other.max_value:
            return candidate
    return DTYPES["f32"]


def _wider_integer(left: DType, right: DType) -> DType:
    if left.kind == right.kind:
        return left if left.bits >= right.bits else right
    signed, unsigned = (left, right) if left.kind == "int" else (right, left)
    if signed.bits > unsigned.bits:
        return signed
    return DTYPES[f"i{min(64, unsigned.bits * 2)}"]
