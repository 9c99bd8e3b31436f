"""The untyped syntax tree: what was written, with its place; names mean nothing yet."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, fields, is_dataclass
from functools import cache
from typing import TypeAlias

from ..diagnostics.text import Span


@dataclass(frozen=True, slots=True)
class Name:
    id: str
    span: Span = field(compare=False)


@dataclass(frozen=True, slots=True)
class Number:
    value: int | float
    span: Span = field(compare=False)


@dataclass(frozen=True, slots=True)
class Truth:
    value: bool
    span: Span = field(compare=False)


@dataclass(frozen=True, slots=True)
class Unary:
    """`op` is `-`, `+`, `~` or `not`."""

    op: str
    operand: Expr
    span: Span = field(compare=False)


@dataclass(frozen=True, slots=True)
class Binary:
    op: str
    left: Expr
    right: Expr
    span: Span = field(compare=False)


@dataclass(frozen=True, slots=True)
class Spread:
    """`*s`: a group of axes, or of extents."""

    id: str
    span: Span = field(compare=False)


Item: TypeAlias = "Expr | Spread"


@dataclass(frozen=True, slots=True)
class Call:
    """`f(a, b)`: an elementwise function, a cast, or `where`."""

    function: Name
    args: tuple[Item, ...]
    span: Span = field(compare=False)


@dataclass(frozen=True, slots=True)
class Subscript:
    """`A[i, j + 1]`."""

    base: Name
    items: tuple[Item, ...]
    span: Span = field(compare=False)


@dataclass(frozen=True, slots=True)
class Reduction:
    """`sum[k](body)`: a function over the index variables in brackets; `topk[k](body, r)` has a second argument."""

    function: Name
    items: tuple[Item, ...]
    args: tuple[Expr, ...]
    span: Span = field(compare=False)


Expr: TypeAlias = Name | Number | Truth | Unary | Binary | Call | Subscript | Reduction


@dataclass(frozen=True, slots=True)
class DTypeSet:
    """The alternatives: one name each, or one for each of several variables."""

    choices: tuple[tuple[Name, ...], ...]
    span: Span = field(compare=False)


@dataclass(frozen=True, slots=True)
class TensorType:
    """`default` is what every element is where an optional input is not given."""

    dtype: Name
    items: tuple[Item, ...]
    default: Expr | None
    span: Span = field(compare=False)


@dataclass(frozen=True, slots=True)
class ParamType:
    dtype: Name
    default: Expr | None
    span: Span = field(compare=False)


@dataclass(frozen=True, slots=True)
class Target:
    """The left-hand side of a statement; `items` is None where no brackets stand."""

    name: Name
    items: tuple[Item, ...] | None
    span: Span = field(compare=False)


@dataclass(frozen=True, slots=True)
class Statement:
    """`target op value`; `op` is `=` or `+=`."""

    target: Target
    op: str
    value: Expr
    span: Span = field(compare=False)


Node: TypeAlias = "Item | DTypeSet | TensorType | ParamType | Target | Statement"


def children(node: Node) -> Iterator[Node]:
    """The nodes directly below `node`, in the order written."""
    for name in _fields(type(node)):
        yield from _nodes_in(getattr(node, name))


@cache
def _fields(kind: type) -> tuple[str, ...]:
    """The fields that can hold nodes; () for what is no node."""
    return tuple(each.name for each in fields(kind) if each.name != "span") if is_dataclass(kind) else ()


def _nodes_in(value: object) -> Iterator[Node]:
    if isinstance(value, tuple):
        for each in value:
            yield from _nodes_in(each)
    elif _fields(type(value)):
        yield value  # type: ignore[misc]


def size(node: Node) -> tuple[int, int]:
    """The number of levels of the tree, and of its nodes; it does not recurse, so any tree can be asked."""
    levels, nodes, level = 0, 0, [node]
    while level:
        levels, nodes = levels + 1, nodes + len(level)
        level = [child for each in level for child in children(each)]
    return levels, nodes
