"""What runs along axes and what is found in data: scans, recurrences, orders, gathers, scatters."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ..ir.nodes import Access, Along, Expr, Reduce
from ..ir.show import show_expr
from ..ir.spec import Spec
from ..ir.walk import walk
from .cost import reads_data

SCANS = frozenset({"cumsum", "cumprod", "cummax", "cummin"})
_ORDERS = frozenset({"sort", "argsort", "topk", "argtopk"})


@dataclass(frozen=True, slots=True)
class Scan:
    """Every element along `axis` is made from those before it (after it, where `backward`).

    `function` is that of the scan, or `recurrence`: then `target` reads itself one step back.
    """

    target: str
    function: str
    axis: str
    backward: bool = False


@dataclass(frozen=True, slots=True)
class Order:
    """Elements along `axes` are put in order, all of them or the largest."""

    target: str
    function: str
    axes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Gather:
    """`tensor` is read at an index that is found in data: that of its axis `position`, counted from 0."""

    target: str
    tensor: str
    position: int
    index: str


@dataclass(frozen=True, slots=True)
class Scatter:
    """`target` is written at `indices`: added to, or replaced. `by_data`: which of them are found in data."""

    target: str
    adds: bool
    indices: tuple[str, ...]
    by_data: tuple[int, ...]


def scans_of(spec: Spec) -> Iterator[Scan]:
    for definition in spec.math:
        if definition.along is not None:
            yield Scan(definition.target, "recurrence", definition.along, definition.backward)
    for target, node in _nodes(spec):
        if isinstance(node, Along) and node.function in SCANS:
            yield Scan(target, node.function, node.axis)


def orders_of(spec: Spec) -> Iterator[Order]:
    for target, node in _nodes(spec):
        if isinstance(node, Along) and node.function in _ORDERS:
            yield Order(target, node.function, (node.axis,))
        elif isinstance(node, Reduce) and node.function in _ORDERS:
            yield Order(target, node.function, tuple(axis.name for axis in node.axes))


def gathers_of(spec: Spec) -> Iterator[Gather]:
    for target, node in _nodes(spec):
        if isinstance(node, Access):
            for position, index in enumerate(node.indices):
                if reads_data(index):
                    yield Gather(target, node.tensor, position, show_expr(index))


def scatters_of(spec: Spec) -> Iterator[Scatter]:
    for each in spec.math:
        if each.is_scatter:
            found = tuple(at for at, index in enumerate(each.indices) if reads_data(index))
            yield Scatter(each.target, each.op == "+=", tuple(map(show_expr, each.indices)), found)


def _nodes(spec: Spec) -> Iterator[tuple[str, Expr]]:
    """Every expression of the mathematics with the name of its statement."""
    for definition in spec.math:
        for value in definition.values:
            yield from ((definition.target, node) for node in walk(value))
