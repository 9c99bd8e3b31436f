"""TS134: values that are rounded to few bits and widened only afterwards."""

from __future__ import annotations

import math
from collections.abc import Iterator

from ...diagnostics.diagnostic import Sink
from ...diagnostics.text import Span
from ...ir.nodes import Binary, Cast, Expr, Number, Reduce, Select
from ...ir.spec import Spec
from ...ir.walk import children, walk
from .facts import dtype_options, is_implicit, narrow_float, rounds
from .widen import widening_fix

_SUMS = frozenset({"sum", "mean", "prod", "logsumexp"})


def check_late_widening(spec: Spec, sink: Sink) -> None:
    """TS134 for arithmetic in 16 bits or fewer whose result is widened: by a cast around it, inside a sum that
    accumulates in more, or by an output of a wider dtype."""
    found: dict[Span, tuple[Expr, str]] = {}
    for definition in spec.math:
        for value in definition.values:
            for each in walk(value):
                found.update({place.span: (place, each.dtype) for place in _widened(each, spec)})
        if definition.is_output and _is_wider(definition.dtype, definition.value.dtype, spec):
            found.update({each.span: (each, definition.dtype) for each in _arithmetic(definition.value, spec)})
    for expr, dtype in found.values():
        _report(expr, dtype, spec, sink)


def _report(expr: Expr, dtype: str, spec: Spec, sink: Sink) -> None:
    may_be = narrow_float(spec, expr.dtype)
    assert may_be is not None
    name = expr.dtype if expr.dtype == may_be.name else f"{expr.dtype}, which may be {may_be.name},"
    message = f"this is computed in {name} and widened to {dtype} afterwards"
    fix = widening_fix(expr, dtype, f"compute in {dtype}")
    help_text = f"cast before computing, such as `{dtype}(a) * {dtype}(b)`"
    sink.warning("TS134", message, expr.span, help=help_text, fix=fix)


def _widened(expr: Expr, spec: Spec) -> Iterator[Expr]:
    """The narrow arithmetic that the node widens."""
    if isinstance(expr, Cast) and not is_implicit(expr) and _is_wider(expr.dtype, expr.operand.dtype, spec):
        yield from _arithmetic(expr.operand, spec)
    elif isinstance(expr, Reduce) and expr.function in _SUMS and _is_wide(expr.dtype, spec):
        yield from _arithmetic(expr.body, spec)


def _is_wider(dtype: str, than: str, spec: Spec) -> bool:
    """Whether a value of the narrow float dtype `than` gains bits in `dtype`."""
    return narrow_float(spec, than) is not None and _is_wide(dtype, spec)


def _is_wide(dtype: str, spec: Spec) -> bool:
    """Whether the dtype is a float of more than 16 bits, whatever is chosen."""
    return all(option.is_float and option.bits > 16 for option in dtype_options(spec, dtype))


def _arithmetic(expr: Expr, spec: Spec) -> Iterator[Expr]:
    """The outermost operations of an expression that round to a narrow float; not those inside reductions and
    conditions, nor those under a cast to a narrow float, which asks for the rounding."""
    if narrow_float(spec, expr.dtype) is not None:
        if isinstance(expr, Cast) and not is_implicit(expr):
            return
        if rounds(expr) and not _is_scaling(expr):
            yield expr
            return
    if isinstance(expr, Reduce):
        return
    for child in children(expr)[1:] if isinstance(expr, Select) else children(expr):
        yield from _arithmetic(child, spec)


def _is_scaling(expr: Expr) -> bool:
    """Whether the operation multiplies by a power of two, which is exact."""
    if not isinstance(expr, Binary) or expr.op != "*":
        return False
    return any(isinstance(side, Number) and _is_power_of_two(side.value) for side in (expr.left, expr.right))


def _is_power_of_two(value: bool | int | float) -> bool:
    return math.frexp(abs(value))[0] == 0.5
