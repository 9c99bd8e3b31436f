"""Integer dtypes: which they are, and what they hold."""

from __future__ import annotations

from ...ir.dtypes import DTYPES
from ...ir.spec import Spec
from .polynomial import Poly, number

_WHOLE = frozenset(name for name, dtype in DTYPES.items() if dtype.kind in ("int", "uint"))


def integers(spec: Spec) -> frozenset[str]:
    """The integer dtypes, and the variables that stand for nothing else."""
    return _WHOLE | {var.name for var in spec.dtypes if _WHOLE.issuperset(var.options)}


def storable(dtype: str) -> tuple[int, int]:
    """The values that an integer dtype keeps; those of `u64` that are also 64 signed bits."""
    found = DTYPES[dtype]
    bits = found.bits if found.kind == "uint" and found.bits < 64 else found.bits - 1
    return (-(2**bits) if found.kind == "int" else 0), 2**bits - 1


def limits(dtype: str) -> tuple[Poly | None, Poly | None]:
    """What every value of a dtype lies within, where that says something; (None, None) for wide and other dtypes."""
    if dtype not in _WHOLE or DTYPES[dtype].bits == 64:
        return None, None
    low, high = storable(dtype)
    return number(low), number(high)
