"""TS122: sums that accumulate in few bits."""

from __future__ import annotations

from ...diagnostics.diagnostic import Sink
from ...diagnostics.text import Span
from ...ir.nodes import Access, Along, Expr, IndexRef, Property, Reduce
from ...ir.spec import Definition, Spec
from ...ir.walk import children, walk
from .facts import dtype_options, rounds
from .widen import widening_fix

_SUMS = frozenset({"sum", "mean", "prod", "logsumexp", "softmax", "log_softmax", "cumsum", "cumprod"})
"""Functions that add or multiply; the others choose one of their values, which is exact in any dtype."""


def check_narrow_accumulation(spec: Spec, sink: Sink) -> None:
    """TS122 for a sum, a `+=` or a recurrence that accumulates in 16 bits or fewer, for some choice of dtypes."""
    for definition in spec.math:
        for value in definition.values:
            for each in walk(value):
                if isinstance(each, Reduce | Along) and each.function in _SUMS:
                    _check(f"`{each.function}`", each.dtype, each.body, each.span, spec, sink)
        if definition.op == "+=" and not _adds_once(definition, spec):
            _check("`+=`", definition.value.dtype, definition.value, definition.span, spec, sink)
        elif definition.along is not None and _carries(definition):
            what = f"the recurrence of `{definition.target}`"
            _check(what, definition.dtype, None, definition.span, spec, sink)


def _check(what: str, dtype: str, body: Expr | None, span: Span, spec: Spec, sink: Sink) -> None:
    found = next((each for each in dtype_options(spec, dtype) if each.kind != "bool" and each.bits <= 16), None)
    if found is None:
        return
    wide = "f32" if found.is_float else "i32"
    may_be = dtype if found.name == dtype else f"{dtype}, which may be {found.name}"
    loss = "rounds at every step" if found.is_float else "overflows"
    message = f"{what} accumulates in {may_be}: it {loss}"
    if body is None:
        help_text = f"let a local in {wide} recur, and define the output from it"
        sink.warning("TS122", message, span, help=help_text)
        return
    fix = widening_fix(body, wide, f"accumulate in {wide}")
    sink.warning("TS122", message, span, help=f"cast what is accumulated, such as `{wide}(x)`", fix=fix)


def _adds_once(definition: Definition, spec: Spec) -> bool:
    """Whether each element gets at most one term, and begins as 0: then nothing is accumulated.

    So it is where the places come from a tensor of which `distinct` is assumed, and every other index variable is an
    index by itself.
    """
    if definition.target in spec.in_place or sum(each.target == definition.target for each in spec.math) > 1:
        return False
    distinct = {each.tensor for each in spec.assumptions if isinstance(each, Property) and each.function == "distinct"}
    told = {index.name for index in definition.indices if isinstance(index, IndexRef)}
    for index in definition.indices:
        if isinstance(index, Access) and index.tensor in distinct:
            told |= {each.name for each in index.indices if isinstance(each, IndexRef)}
    return {axis.name for axis in definition.axes} <= told


def _carries(definition: Definition) -> bool:
    """Whether the step computes with the value before it: a recurrence that only chooses one loses nothing."""

    def search(expr: Expr, inside: bool) -> bool:
        if isinstance(expr, Access) and expr.tensor == definition.target:
            return inside
        return any(search(child, inside or rounds(expr)) for child in children(expr))

    return search(definition.value, False)
