"""Reading tile-level TIR: scalar expressions as Python text, regions, buffers. Imported where TileLang is."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

_INFIX = {
    "Add": "+",
    "Sub": "-",
    "Mul": "*",
    "FloorDiv": "//",
    "FloorMod": "%",
    "Div": "//",
    "Mod": "%",
    "EQ": "==",
    "NE": "!=",
    "LT": "<",
    "LE": "<=",
    "GT": ">",
    "GE": ">=",
    "And": "and",
    "Or": "or",
}
_FOLDING = frozenset({"FloorDiv", "FloorMod", "Div", "Mod", "Min", "Max", "Select"})
SCALARS = ("local.var",)


class UnknownValue(Exception):
    """An expression that hangs on data, or on an operator that is not known here."""


def python_of(expr: Any, name: Callable[[Any], str | None]) -> str:
    """An integer or boolean expression as Python text; `name` gives a variable's name, None where it has no value.

    UnknownValue where the expression has no value before the kernel runs.
    """
    kind = type(expr).__name__
    part = lambda each: python_of(each, name)  # noqa: E731
    if kind in ("IntImm", "FloatImm"):
        return repr(int(expr.value))
    if kind in _INFIX:
        return f"({part(expr.a)} {_INFIX[kind]} {part(expr.b)})"
    if kind in ("Min", "Max"):
        return f"{kind.lower()}({part(expr.a)}, {part(expr.b)})"
    if kind == "Not":
        return f"(not {part(expr.a)})"
    if kind == "Cast":
        return part(expr.value)
    if kind == "Select":
        return f"({part(expr.true_value)} if {part(expr.condition)} else {part(expr.false_value)})"
    if kind == "Call" and call_name(expr) == "if_then_else":
        return f"({part(expr.args[1])} if {part(expr.args[0])} else {part(expr.args[2])})"
    known = name(expr.buffer.data if kind == "BufferLoad" else expr) if kind in ("Var", "BufferLoad") else None
    if known is None:
        raise UnknownValue(kind)
    return known


def call_name(call: Any) -> str:
    """`wgmma_gemm` of `tl.tileop.wgmma_gemm`."""
    return str(getattr(call.op, "name", call.op)).rpartition(".")[2]


def is_thread_index(value: Any) -> bool:
    return type(value).__name__ == "Call" and call_name(value) == "launch_thread_idx"


def walk(node: Any) -> Iterator[Any]:
    """Every node below a statement or an expression, itself included."""
    from tilelang import tvm

    found: list[Any] = []
    tvm.tirx.stmt_functor.post_order_visit(node, found.append)
    return iter(found)


def variables(expr: Any) -> list[Any]:
    """The variables that an expression reads, scalars in local buffers by their data."""
    found = []
    for node in walk(expr):
        kind = type(node).__name__
        if kind == "Var":
            found.append(node)
        elif kind == "BufferLoad" and node.buffer.scope() in SCALARS:
            found.append(node.buffer.data)
    return found


def folds(expr: Any) -> bool:
    """Whether the expression is more than sums and multiples of its variables."""
    return any(type(node).__name__ in _FOLDING for node in walk(expr))


def bits(buffer: Any) -> int:
    from tilelang import tvm

    return tvm.DataType(str(buffer.dtype)).bits


def size_of(buffer: Any) -> int:
    """Bytes of a buffer whose extents are constants."""
    return math.prod(int(extent) for extent in buffer.shape) * bits(buffer) // 8


@dataclass(frozen=True, slots=True)
class Region:
    """A part of a buffer: `starts` are expressions, `extents` the elements along each axis, within the buffer.

    `asked` are the elements that the tile has along each axis, more than the buffer where the tile is larger.
    """

    buffer: Any
    starts: tuple[Any, ...]
    extents: tuple[int, ...]
    asked: tuple[int, ...] = ()

    @property
    def elements(self) -> int:
        return math.prod(self.extents)

    @property
    def bytes(self) -> int:
        return self.elements * bits(self.buffer) // 8

    @property
    def scope(self) -> str:
        return self.buffer.scope()

    @property
    def is_global(self) -> bool:
        return self.scope in ("", "global")

    @property
    def versions(self) -> int:
        """How many tiles the buffer holds, where the region is one of them at a place that changes."""
        first = self.buffer.shape[0]
        moving = len(self.extents) > 1 and self.extents[0] == 1 and type(self.starts[0]).__name__ != "IntImm"
        return int(first) if moving and type(first).__name__ == "IntImm" else 1


def region_of(call: Any) -> Region | None:
    """What `region(buffer[starts], access, extents…)` stands for; None for anything else."""
    if type(call).__name__ != "Call" or call_name(call) != "region":
        return None
    load, _, *extents = call.args
    shape = load.buffer.shape
    asked = tuple(_least(extent, extent) for extent in extents)
    return Region(load.buffer, tuple(load.indices), tuple(map(_least, extents, shape)), asked)


def shape_of(buffer: Any) -> list[int | str]:
    """Extents: numbers, names of dynamic dims, or an empty name for anything else."""
    return [int(each) if type(each).__name__ == "IntImm" else getattr(each, "name", "") for each in buffer.shape]


def _least(extent: Any, whole: Any) -> int:
    """An extent, at most that of the axis; 1 where it is no constant."""
    sizes = [int(each) for each in (extent, whole) if type(each).__name__ == "IntImm"]
    return min(sizes, default=1)
