"""Where a traced kernel changes its mind about a dynamic extent: the values at which it compares one with a constant.

`if M < 3000`, `min(ceildiv(M, 64), 50)`, `if by == 47`: a test on each side of each is what proves all branches.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

_COMPARISONS = frozenset({"EQ", "NE", "LT", "LE", "GT", "GE", "Min", "Max"})
_LARGEST = 2**31
_ARITHMETIC: Mapping[str, Callable[[int, int], int]] = {
    "Add": lambda a, b: a + b,
    "Sub": lambda a, b: a - b,
    "Mul": lambda a, b: a * b,
    "FloorDiv": lambda a, b: a // b,
    "Div": lambda a, b: a // b,
    "FloorMod": lambda a, b: a % b,
    "Mod": lambda a, b: a % b,
    "Min": min,
    "Max": max,
}


class _Unknown(Exception):
    """An expression that extents alone do not decide."""


def find_thresholds(function: Any) -> list[tuple[str, int]]:
    """Pairs of a dynamic extent and its smallest value on the far side of a comparison with a constant.

    Loop variables count as the largest that they become. What depends on several dynamic extents is left out.
    """
    from tilelang import tvm

    look = _Look(function)
    tvm.tirx.stmt_functor.post_order_visit(function.body, look.visit)
    return look.thresholds()


class _Look:
    def __init__(self, function: Any) -> None:
        extents = [extent for buffer in function.buffer_map.values() for extent in buffer.shape]
        self._dynamic = {each: str(each.name) for each in extents if type(each).__name__ in ("Var", "SizeVar")}
        self._values: dict[Any, Any] = {}  # variable → what it is bound to
        self._loops: dict[Any, Any] = {}  # variable → its loop
        self._sides: list[tuple[Any, int]] = []

    def visit(self, node: Any) -> None:
        kind = type(node).__name__
        if kind in _COMPARISONS:
            self._compare(node.a, node.b)
            self._compare(node.b, node.a)
        elif kind == "Bind":
            self._values[node.var] = node.value
        elif kind == "For":
            self._loops[node.loop_var] = node

    def _compare(self, side: Any, other: Any) -> None:
        if type(other).__name__ == "IntImm" and type(side).__name__ != "IntImm":
            self._sides += [(side, int(other.value)), (side, int(other.value) + 1)]

    def thresholds(self) -> list[tuple[str, int]]:
        found = set()
        for side, constant in self._sides:
            try:
                names = self._names(side)
                value = _first(lambda extent, side=side: self._value(side, extent), constant)
            except (_Unknown, ZeroDivisionError, RecursionError):
                continue
            if len(names) == 1 and value is not None:
                found.add((names.pop(), value))
        return sorted(found)

    def _names(self, expr: Any) -> set[str]:
        """The dynamic extents that decide an expression."""
        if type(expr).__name__ in ("Var", "SizeVar"):
            if expr in self._dynamic:
                return {self._dynamic[expr]}
            return {name for each in self._behind(expr) for name in self._names(each)}
        if type(expr).__name__ == "IntImm":
            return set()
        return {name for each in _operands(expr) for name in self._names(each)}

    def _behind(self, variable: Any) -> list[Any]:
        if variable in self._values:
            return [self._values[variable]]
        if variable in self._loops:
            return [self._loops[variable].min, self._loops[variable].extent]
        raise _Unknown

    def _value(self, expr: Any, extent: int) -> int:
        """What an expression comes to where the one dynamic extent in it is `extent`."""
        kind = type(expr).__name__
        if kind == "IntImm":
            return int(expr.value)
        if kind in ("Var", "SizeVar"):
            if expr in self._dynamic:
                return extent
            behind = [self._value(each, extent) for each in self._behind(expr)]
            return behind[0] if len(behind) == 1 else behind[0] + behind[1] - 1
        values = [self._value(each, extent) for each in _operands(expr)]
        return values[0] if kind == "Cast" else _ARITHMETIC[kind](*values)


def _operands(expr: Any) -> list[Any]:
    kind = type(expr).__name__
    if kind == "Cast":
        return [expr.value]
    if kind not in _ARITHMETIC:
        raise _Unknown
    return [expr.a, expr.b]


def _first(function: Callable[[int], int], constant: int) -> int | None:
    """The smallest extent from 1 at which a function that grows reaches a constant; None where it never does, or does
    so from the start."""
    if function(1) >= constant or function(_LARGEST) < constant:
        return None
    low, high = 1, _LARGEST
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if function(middle) >= constant else (middle, high)
    return high
