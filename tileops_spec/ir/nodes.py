"""Expressions of the mathematics, resolved and typed.

Every node carries `dtype` (a concrete dtype name such as `f32`, or a dtype variable such as `T`) and `span`, its place
in the spec file; `span` takes no part in equality or hash. A leading group `*S` is one ordinary dim here: every tensor
that has it is seen with those axes flattened into one.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Any, Literal, TypeAlias, Union

from ..diagnostics.text import Span

NOWHERE = Span("<derived>", 0, 0)


def node(cls: type) -> type:
    """The one way an IR node is declared: frozen, slotted, keyword-only, no stray fields.

    The checker builds nodes from what it has checked, so their types are not checked again: `ir.schema` does so where
    nodes come from elsewhere, and in tests (docs/decisions/0005-ir-validation.md).
    """
    cls.__pydantic_config__ = {"extra": "forbid"}
    return dataclass(frozen=True, slots=True, kw_only=True)(cls)


class _ByKind:
    """Tells pydantic that `kind` says which node it is; pydantic is imported only where nodes are validated."""

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> Any:
        from pydantic import Discriminator

        return Discriminator("kind").__get_pydantic_core_schema__(source, handler)


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
    """An element of an input, an output or a local definition; one index an axis.

    `pad` is the value where an index leaves the tensor; without it, none may. Of a tensor that is updated in place, the
    element before the update is read.
    """

    kind: Literal["access"] = "access"
    tensor: str
    indices: tuple[Expr, ...]
    pad: Expr | None = None
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
    """An index variable and its range: `0 … extent - 1`, or the part of it in `lower … upper - 1`.

    `extent` is over dims and params alone; the bounds, which only a reduction's axis has, may read tensors, the index
    variables around the reduction and its axes further left. `spread` marks a variable that stands for a group `*s`.
    """

    name: str
    extent: Expr
    lower: Expr | None = None
    upper: Expr | None = None
    spread: bool = False
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@node
class Reduce:
    """A reduction of `ir.functions.REDUCTIONS` over `axes`; its dtype is the accumulator's.

    `rank` is the second argument of `topk` and `argtopk`: which of the values, counted from 0, the largest first.
    """

    kind: Literal["reduce"] = "reduce"
    function: str
    axes: tuple[Axis, ...]
    body: Expr
    rank: Expr | None = None
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


@node
class Lookup:
    """`segment(boundaries, value)`: the last place b with `boundaries[b] <= value`, as an integer.

    `tensor` has one axis and does not decrease along it, as `cu_seqlens` does.
    """

    kind: Literal["lookup"] = "lookup"
    tensor: str
    value: Expr
    dtype: str = ""
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@node
class Present:
    """`present(x)`: whether an optional input was given."""

    kind: Literal["present"] = "present"
    tensor: str
    dtype: str = ""
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@node
class Property:
    """A property of the whole of an input, of `ir.functions.PROPERTIES`; it stands only in assumptions."""

    kind: Literal["property"] = "property"
    function: str
    tensor: str
    dtype: str = ""
    span: Span = field(default=NOWHERE, compare=False, repr=False)


Expr: TypeAlias = Annotated[
    Union[  # noqa: UP007
        Number,
        DimRef,
        ParamRef,
        IndexRef,
        Access,
        Cast,
        Unary,
        Binary,
        Call,
        Select,
        Reduce,
        Along,
        Lookup,
        Present,
        Property,
    ],
    _ByKind(),
]
