"""What the atoms of polynomials stand for. An atom is its meaning: equal meanings are one atom."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias, Union

from .formulas import Formula, Free, leaves
from .polynomial import Poly


@dataclass(frozen=True, slots=True)
class Named:
    """A dim or a param; or what remains of a dim once its divisors are taken out: `positive` then as well."""

    name: str
    positive: bool


@dataclass(frozen=True, slots=True)
class Running:
    """An index variable: 0 … extent - 1, and lower … upper - 1 where these are given."""

    name: str
    extent: Poly
    lower: Poly | None = None
    upper: Poly | None = None


@dataclass(frozen=True, slots=True)
class Quotient:
    """dividend // divisor, towards minus infinity."""

    dividend: Poly
    divisor: Poly


@dataclass(frozen=True, slots=True)
class Remainder:
    """dividend % divisor, with the divisor's sign."""

    dividend: Poly
    divisor: Poly


@dataclass(frozen=True, slots=True)
class Element:
    """An element of an input."""

    tensor: str
    indices: tuple[Poly, ...]


@dataclass(frozen=True, slots=True)
class Extremum:
    """The least or the largest of some values."""

    largest: bool
    values: tuple[Poly, ...]


@dataclass(frozen=True, slots=True)
class Choice:
    condition: Formula
    then: Poly
    otherwise: Poly


@dataclass(frozen=True, slots=True)
class Wrapped:
    """A value in an integer dtype: itself where the dtype holds it, else something that the dtype holds."""

    value: Poly
    dtype: str


@dataclass(frozen=True, slots=True)
class Segment:
    """The last place b of a tensor with tensor[b] <= at."""

    tensor: str
    at: Poly


@dataclass(frozen=True, slots=True)
class Unknown:
    """Something of which only limits are known, told apart by `key`.

    `any_value`: every value within the limits does occur, as for a place that a search may find.
    """

    key: object
    low: Poly | None = None
    high: Poly | None = None
    any_value: bool = False


Atom: TypeAlias = Union[  # noqa: UP007
    Named, Running, Quotient, Remainder, Element, Extremum, Choice, Wrapped, Segment, Unknown
]


def inner(meaning: Atom) -> Iterator[Poly]:
    """The polynomials that a meaning is made of."""
    match meaning:
        case Quotient(dividend, divisor) | Remainder(dividend, divisor):
            yield from (dividend, divisor)
        case Element(_, indices):
            yield from indices
        case Extremum(_, values):
            yield from values
        case Choice(condition, then, otherwise):
            yield from (leaf.poly for leaf in leaves(condition) if not isinstance(leaf, Free))
            yield from (then, otherwise)
        case Wrapped(value):
            yield value
        case Segment(_, at):
            yield at
