"""Intervals of integer expressions: they show which accesses need no check at run time."""

from __future__ import annotations

INF = float("inf")
Interval = tuple[float, float]
ANY: Interval = (-INF, INF)


def interval(expr, env: dict) -> Interval:
    """The least and the greatest value of `expr`, given the intervals of variables in `env`."""
    name = type(expr).__name__
    if name == "IntImm":
        return (int(expr.value), int(expr.value))
    if name == "Var" or name == "SizeVar":
        return env.get(expr, ANY)
    if name == "Cast":
        return interval(expr.value, env) if "int" in str(expr.dtype) else ANY
    rule = _RULES.get(name)
    return ANY if rule is None else rule(interval(expr.a, env), interval(expr.b, env))


def _add(a: Interval, b: Interval) -> Interval:
    return (a[0] + b[0], a[1] + b[1])


def _sub(a: Interval, b: Interval) -> Interval:
    return (a[0] - b[1], a[1] - b[0])


def _mul(a: Interval, b: Interval) -> Interval:
    products = [0 if 0 in (x, y) else x * y for x in a for y in b]
    return (min(products), max(products))


def _min(a: Interval, b: Interval) -> Interval:
    return (min(a[0], b[0]), min(a[1], b[1]))


def _max(a: Interval, b: Interval) -> Interval:
    return (max(a[0], b[0]), max(a[1], b[1]))


def _div(a: Interval, b: Interval) -> Interval:
    if b[0] != b[1] or b[0] <= 0 or a[0] < 0:
        return ANY
    return (a[0] // b[0], a[1] if a[1] == INF else a[1] // b[0])


def _mod(a: Interval, b: Interval) -> Interval:
    if b[0] != b[1] or b[0] <= 0:
        return ANY
    if a[0] >= 0 and a[1] < b[0]:
        return a
    return (0, b[0] - 1)


def _truncated_mod(a: Interval, b: Interval) -> Interval:
    return _mod(a, b) if a[0] >= 0 else ANY


_RULES = {
    "Add": _add,
    "Sub": _sub,
    "Mul": _mul,
    "Min": _min,
    "Max": _max,
    "FloorDiv": _div,
    "Div": _div,
    "FloorMod": _mod,
    "Mod": _truncated_mod,
}
