"""TS121: names that nothing uses."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ...diagnostics.diagnostic import Sink
from ...diagnostics.fix import Fix
from ...diagnostics.text import SourceText
from ...ir.nodes import Along, DimRef, Expr, IndexRef, Number, ParamRef, Reduce
from ...ir.show import show_expr
from ...ir.spec import Constant, Definition, Spec, TensorDecl
from ...ir.walk import walk
from .facts import expressions, name_span, nodes, source_of, target_span, tensors_in
from .removal import remove_entry, remove_lines
from .usage import Usage


def check_unused(spec: Spec, sink: Sink) -> None:
    """TS121 for locals, inputs, params, dtype variables and constants that no output depends on, and for index
    variables that a reduction's body does not read."""
    usage = Usage(spec)
    source = source_of(spec, sink)
    _locals(usage, sink, source)
    _inputs(usage, sink, source)
    _params(usage, sink, source)
    _dtypes(usage, sink, source)
    if source is not None and spec.constants:
        _constants(spec, sink, source)
    _axes(spec, sink)


def _locals(usage: Usage, sink: Sink, source: SourceText | None) -> None:
    needed = set(map(id, usage.needed))
    read = {name for each in usage.spec.math for expr in expressions(each) for name, _ in tensors_in(expr)}
    for each in usage.spec.math:
        if id(each) in needed:
            continue
        if each.target in read:
            message, edits = f"no output depends on `{each.target}`: only what is unused itself reads it", ()
        else:
            message = f"`{each.target}` is defined and never used"
            edits = remove_lines(source, each.span) if source and _stands_alone(each) else ()
        fix = Fix(title=f"remove the definition of `{each.target}`", edits=edits) if edits else None
        sink.warning("TS121", message, target_span(each, source), help="use it, or remove it", fix=fix)


def _stands_alone(definition: Definition) -> bool:
    """Whether the name has no other statement."""
    return definition.initial is None and not definition.is_scatter


def _inputs(usage: Usage, sink: Sink, source: SourceText | None) -> None:
    for tensor in usage.spec.inputs:
        if tensor.name in usage.tensors:
            continue
        message, help_text = _idle_input(tensor, usage)
        sink.warning("TS121", message, name_span(tensor.name, tensor.span, source), help=help_text)


def _idle_input(tensor: TensorDecl, usage: Usage) -> tuple[str, str]:
    """What to say of an input whose elements nothing reads: the message and the way out."""
    read = {name for each in usage.spec.math for expr in expressions(each) for name, _ in tensors_in(expr)}
    if tensor.name in read:
        return f"no output depends on the input `{tensor.name}`", "only statements that are unused themselves read it"
    if tensor.name in usage.spec.in_place:
        help_text = "take it out of `inputs`: nothing is kept of what it was"
        return f"the old elements of `{tensor.name}` are never read", help_text
    if any(tensor.name == name for clause in usage.spec.assumptions for name, _ in tensors_in(clause)):
        return f"only `where` speaks of the input `{tensor.name}`", "use it in `math`, or remove it"
    own = _dims_of_its_own(tensor, usage.spec)
    if own:
        message = f"of the input `{tensor.name}` only the shape is used, for {', '.join(own)}"
        return message, "its elements are never read: take an extent from another input, or from a param"
    return f"the input `{tensor.name}` is never read", "use it in `math`, or remove it"


def _dims_of_its_own(tensor: TensorDecl, spec: Spec) -> list[str]:
    """The dims that no other input's shape has."""
    others = {node.name for other in spec.inputs if other is not tensor for node in _dims(other)}
    return list(dict.fromkeys(node.name for node in _dims(tensor) if node.name not in others))


def _dims(tensor: TensorDecl) -> Iterator[DimRef]:
    return (node for extent in tensor.shape for node in walk(extent) if isinstance(node, DimRef))


def _params(usage: Usage, sink: Sink, source: SourceText | None) -> None:
    spec = usage.spec
    conditions = {node.name for clause in spec.where for node in walk(clause) if isinstance(node, ParamRef)}
    for param in spec.params:
        if param.name in usage.params:
            continue
        if param.name in conditions:
            message = f"only `where` speaks of the param `{param.name}`: no output depends on it"
            sink.warning("TS121", message, param.span, help="use it in `math`, or remove it with its clauses")
            continue
        edits = remove_entry(source, "params", param.name) if source else ()
        fix = Fix(title=f"remove the param `{param.name}`", edits=edits) if edits else None
        message = f"no output depends on the param `{param.name}`"
        sink.warning("TS121", message, param.span, help="use it in `math`, or remove it", fix=fix)


def _dtypes(usage: Usage, sink: Sink, source: SourceText | None) -> None:
    grouped = {name for group in usage.spec.dtype_groups for name in group.names}
    for variable in usage.spec.dtypes:
        if variable.name in usage.dtypes:
            continue
        edits = remove_entry(source, "dtypes", variable.name) if source and variable.name not in grouped else ()
        fix = Fix(title=f"remove `{variable.name}`", edits=edits) if edits else None
        message = f"no tensor, param or cast has the dtype `{variable.name}`"
        sink.warning("TS121", message, variable.span, help="use it, or remove it", fix=fix)


def _constants(spec: Spec, sink: Sink, source: SourceText) -> None:
    used = {source.text[each.span.start : each.span.end] for expr in _all(spec) for each in nodes(expr) if _named(each)}
    used |= {word for each in spec.references for word in re.findall(r"\w+", each.expression)}
    for at, constant in enumerate(spec.constants):
        if constant.name in used or _used_below(constant, spec.constants[at + 1 :], source):
            continue
        edits = remove_entry(source, "constants", constant.name)
        fix = Fix(title=f"remove the constant `{constant.name}`", edits=edits) if edits else None
        message = f"the constant `{constant.name}` is never used"
        sink.warning("TS121", message, constant.span, help="use it, or remove it", fix=fix)


def _named(expr: Expr) -> bool:
    return isinstance(expr, Number)


def _all(spec: Spec) -> Iterator[Expr]:
    """Every expression of a spec."""
    for definition in spec.math:
        yield from expressions(definition)
    for tensor in (*spec.inputs, *spec.outputs):
        yield from tensor.shape
        yield from () if tensor.default is None else (tensor.default,)
    yield from (param.default for param in spec.params if param.default is not None)
    yield from (*spec.where, *spec.assumptions)


def _used_below(constant: Constant, later: tuple[Constant, ...], source: SourceText) -> bool:
    """Whether the values of later constants name this one: they stand between its place and the last one's line end."""
    if not later:
        return False
    text = source.text
    last = later[-1].span.end
    line_end = re.compile(r"[\r\n]|\Z").search(text, last)
    values = text[constant.span.end : line_end.start() if line_end else len(text)]
    return re.search(rf"\b{constant.name}\b", re.sub(r"#[^\r\n]*", "", values)) is not None


def _axes(spec: Spec, sink: Sink) -> None:
    """Index variables that a reduction, or a function along an axis, runs over for nothing."""
    for definition in spec.math:
        for expr in (node for value in definition.values for node in walk(value)):
            if isinstance(expr, Reduce):
                for axis in expr.axes:
                    if not _reads(expr, axis.name):
                        message = f"`{expr.function}` runs over `{axis.name}`, which its body does not read"
                        sink.warning("TS121", message, axis.span, help=_HELP_AXIS)
            elif isinstance(expr, Along) and not _mentions(expr.body, expr.axis):
                message = f"`{show_expr(expr.body)}` is the same all along `{expr.axis}`"
                sink.warning("TS121", message, expr.span, help=_HELP_AXIS)


_HELP_AXIS = "index a tensor with it, or take it out"


def _reads(expr: Reduce, name: str) -> bool:
    bounds = (bound for axis in expr.axes for bound in (axis.lower, axis.upper) if bound is not None)
    return _mentions(expr.body, name) or any(_mentions(bound, name) for bound in bounds)


def _mentions(expr: Expr, name: str) -> bool:
    return any(isinstance(node, IndexRef) and node.name == name for node in walk(expr))
