"""Operations on bits as arithmetic, where one side is a number."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .atoms import Unknown
from .polynomial import Poly, number

if TYPE_CHECKING:
    from .terms import Terms

_WIDEST = 62


def shifted(terms: Terms, op: str, value: Poly, by: Poly) -> Poly | None:
    """`value << by` and `value >> by`, which rounds towards minus infinity."""
    bits = by.constant
    if bits is None or not 0 <= bits <= _WIDEST:
        return None
    return value * number(2**bits) if op == "<<" else terms.quotient(value, number(2**bits))


def masked(terms: Terms, left: Poly, right: Poly) -> Poly | None:
    """`left & right`: a remainder where the mask is 2^n - 1; else between 0 and the mask."""
    value, mask = (right, left.constant) if right.constant is None else (left, right.constant)
    if mask is None or mask < 0:
        return None
    if mask & (mask + 1) == 0:
        return terms.remainder(value, number(mask + 1))
    return terms.atom(Unknown(("&", value, mask), number(0), number(mask)))


def combined(terms: Terms, left: Poly, right: Poly, *, both: int) -> Poly | None:
    """`or` and `xor` with a single bit; `both` is that bit of the result where both sides have it."""
    value, bit = (right, left.constant) if right.constant is None else (left, right.constant)
    if bit == 0:
        return value
    if bit is None or bit < 0 or bit & (bit - 1):
        return None
    had = terms.remainder(terms.quotient(value, number(bit)), number(2))
    return value + number(bit) - had * number(bit * (2 - both))
