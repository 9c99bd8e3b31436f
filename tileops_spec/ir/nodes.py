"""Expressions of the mathematics, resolved and typed.

Every node carries `dtype` (a concrete dtype name such as `f32`, or a dtype variable such as `T`) and `span`, its place
in the spec file; `span` takes no part in equality or hash. A leading group `*S` is one ordinary dim here: every tensor
that has it is seen with those axes flattened into one.
"""

from __future__ import annotations

from dataclasses import field
from typing import Annotated, Literal, TypeAlias, Union

from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass

from ..diagnostics.text import Span

NOWHERE = Span("<derived>", 0, 0)


def node(cls: type) -> type:
    """The one way an IR node is declared: frozen, slotted, keyword-only, no stray fields."""
    return dataclass(frozen=True, slots=True, kw_only=True, config=ConfigDict(extra="forbid"))(cls)


@node
class Number:
    """A literal; its dtype is the one of the operation that it enters."""

    kind: Literal["number"] = "number"
    value: bool | int | float
    dtype: str = ""
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@node
class DimRef:
    """The extent of a dim, as an integer."""

    kind: Literal["dim"] = "dim"
    name: str
    dtype: str = ""
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@node
class ParamRef:
    """The value of a param."""

    kind: Literal["param"] = "param"
    name: str
    dtype: str = ""
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@node
class IndexRef:
    """The value of an index variable, as an integer; `spread` where it stands for a group `*s`."""

    kind: Literal["index"] = "index"
    name: str
    spread: bool = False
    dtype: str = ""
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@node
class Access:
    """An element of an input, an output or a local definition; one index an axis."""

    kind: Literal["access"] = "access"
    tensor: str
    indices: tuple[Expr, ...]
    dtype: str = ""
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@node
class Cast:
    """Conversion to `dtype`; between floats it rounds, and the error bound grows by that rounding."""

    kind: Literal["cast"] = "cast"
    operand: Expr
    dtype: str
    span: Span = field(default=NOWHERE, compare=False, repr=False)


UnaryOp: TypeAlias = Literal["-", "not", "~"]


@node
class Unary:
    kind: Literal["unary"] = "unary"
    op: UnaryOp
    operand: Expr
    dtype: str = ""
    span: Span = field(default=NOWHERE, compare=False, repr=False)


BinaryOp: TypeAlias = Literal[
    "+", "-", "*", "/", "//", "%", "^", "&", "|", "<<", ">>", "==", "!=", "<", "<=", ">", ">=", "and", "or"
]
COMPARISONS = frozenset({"==", "!=", "<", "<=", ">", ">="})
LOGICAL = frozenset({"and", "or"})
BITWISE = frozenset({"&", "|", "<<", ">>"})


@node
class Binary:
    """`^` is power; `//` and `%` round towards minus infinity, as in Python."""

    kind: Literal["binary"] = "binary"
    op: BinaryOp
    left: Expr
    right: Expr
    dtype: str = ""
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@node
class Call:
    """An elementwise function of `ir.functions.ELEMENTWISE`."""

    kind: Literal["call"] = "call"
    function: str
    args: tuple[Expr, ...]
    dtype: str = ""
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@node
class Select:
    """`where(condition, then, otherwise)`; the branch not taken is not evaluated."""

    kind: Literal["select"] = "select"
    condition: Expr
    then: Expr
    otherwise: Expr
    dtype: str = ""
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@node
class Axis:
    """An index variable and its range `0 … extent - 1`; `spread` marks one that stands for a group `*s`."""

    name: str
    extent: Expr
    spread: bool = False
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@node
class Reduce:
    """A reduction of `ir.functions.REDUCTIONS` over `axes`; its dtype is the accumulator's."""

    kind: Literal["reduce"] = "reduce"
    function: str
    axes: tuple[Axis, ...]
    body: Expr
    dtype: str = ""
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@node
class Along:
    """A function of `ir.functions.AXISWISE` along one axis that the result keeps: `softmax[j](…)`."""

    kind: Literal["along"] = "along"
    function: str
    axis: str
    body: Expr
    dtype: str = ""
    span: Span = field(default=NOWHERE, compare=False, repr=False)


Expr: TypeAlias = Annotated[
    Union[Number, DimRef, ParamRef, IndexRef, Access, Cast, Unary, Binary, Call, Select, Reduce, Along],  # noqa: UP007
    Field(discriminator="kind"),
]
