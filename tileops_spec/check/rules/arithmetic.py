"""TS139: several roundings to 16 bits where one is enough."""

from __future__ import annotations

import math
from collections.abc import Iterator

from ...diagnostics.diagnostic import Sink
from ...ir.nodes import Binary, Call, Cast, Expr, Number, Select, Unary
from ...ir.show import show_expr
from ...ir.spec import Definition, Spec
from ...ir.walk import walk
from .facts import dtype_options

_EXACT = frozenset({"abs", "sign", "min", "max", "clamp", "relu", "floor", "ceil", "round", "trunc"})
_ROUNDING = frozenset({"+", "-", "*", "/", "^"})
_SAY_AS_MUCH = frozenset({"TS122", "TS134"})
"""Codes whose findings around an operation ask for the same cast."""


def check_narrow_arithmetic(spec: Spec, sink: Sink) -> None:
    """TS139 for the first operation of a statement that rounds to a float of 16 bits or fewer, and is not the last.

    One sum, difference or product that becomes an output is what hardware does anyway; anything more rounds twice, and
    a function of real numbers is never computed in 16 bits.
    """
    told = [found.span for found in sink.diagnostics if found.code in _SAY_AS_MUCH]
    for definition in spec.math:
        for node in _narrow(definition, spec):
            if any(span.start <= node.span.start and node.span.end <= span.end for span in told):
                break
            name = node.function if isinstance(node, Call) else node.op
            dtype = next(option.name for option in dtype_options(spec, node.dtype) if _is_narrow(option))
            message = f"`{name}` is computed in {node.dtype}" + (
                f", which may be {dtype}" if dtype != node.dtype else ""
            )
            help_text = (
                f"cast what it takes: `f32(…)` in `{_short(node)}`; the result is rounded once, where it is stored"
            )
            sink.warning("TS139", message, node.span, help=help_text)
            break


def _narrow(definition: Definition, spec: Spec) -> Iterator[Binary | Call]:
    last = [id(node) for node in _last(definition.value)] if definition.is_output else []
    for value in definition.values:
        for node in walk(value):
            if _rounds(node) and any(map(_is_narrow, dtype_options(spec, node.dtype))):
                alone = id(node) in last and isinstance(node, Binary) and not any(map(_rounds, _below(node)))
                if not alone:
                    yield node  # type: ignore[misc]


def _rounds(node: Expr) -> bool:
    if isinstance(node, Binary):
        return node.op in _ROUNDING and not (node.op == "*" and any(map(_is_power, (node.left, node.right))))
    return isinstance(node, Call) and node.function not in _EXACT


def _is_power(expr: Expr) -> bool:
    """Whether a factor is a literal power of two, by which products are exact."""
    return isinstance(expr, Number) and abs(math.frexp(expr.value)[0]) == 0.5


def _is_narrow(dtype) -> bool:
    return dtype.is_float and dtype.bits <= 16


def _last(expr: Expr) -> Iterator[Expr]:
    """The operations whose results are stored, through what does not round."""
    if isinstance(expr, Select):
        yield from _last(expr.then)
        yield from _last(expr.otherwise)
    elif isinstance(expr, Cast | Unary):
        yield from _last(expr.operand)
    else:
        yield expr


def _below(node: Expr) -> Iterator[Expr]:
    nodes = walk(node)
    next(nodes)
    yield from nodes


def _short(node: Expr) -> str:
    text = show_expr(node)
    return text if len(text) <= 40 else text[:37] + "…"
