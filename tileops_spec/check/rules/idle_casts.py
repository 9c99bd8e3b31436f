"""TS140: casts to the dtype that a value has."""

from __future__ import annotations

from ...diagnostics.diagnostic import Sink
from ...diagnostics.fix import Fix
from ...diagnostics.text import Span
from ...ir.nodes import Access, Cast, Expr, ParamRef
from ...ir.spec import Spec
from .facts import dtype_options, expressions, is_implicit, nodes


def check_idle_casts(spec: Spec, sink: Sink) -> None:
    """TS140 for a cast of an element, a param or another cast to the dtype that it has, whatever is chosen.

    Casts of operations are not reported: `T(a * b)` asks for the rounding, where a and b are T too.
    """
    for definition in spec.math:
        for node in (node for expr in expressions(definition) for node in nodes(expr)):
            if isinstance(node, Cast) and not is_implicit(node) and _is_idle(node, spec):
                message = f"this is cast to {node.dtype}, which it is"
                help_text = f"leave `{node.dtype}(…)` out, or correct the dtype of what is cast"
                sink.warning("TS140", message, node.span, help=help_text, fix=_fix(node, node.operand))


def _is_idle(cast: Cast, spec: Spec) -> bool:
    if not isinstance(cast.operand, Access | ParamRef | Cast):
        return False
    have, get = cast.operand.dtype, cast.dtype
    if have == get:
        return True
    options = {option.name for option in dtype_options(spec, have)}
    return len(options) == 1 and options == {option.name for option in dtype_options(spec, get)}


def _fix(cast: Cast, operand: Expr) -> Fix:
    path = cast.span.path
    before, after = (cast.span.start, operand.span.start), (operand.span.end, cast.span.end)
    edits = tuple((Span(path, *place), "") for place in (before, after))
    return Fix(title=f"leave `{cast.dtype}(…)` out", edits=edits, safe=True)
