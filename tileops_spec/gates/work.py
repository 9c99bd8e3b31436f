"""Whether a traced kernel can have done the work: every input that the mathematics needs is read, every output written.

The static gate asks the same of the text; here it is asked of each build, so that a body which leaves work out for some
extents is refused at those extents, those of the workloads included.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from ..diagnostics.diagnostic import Diagnostic
from ..diagnostics.text import SourceText
from ..ir.nodes import Access, Binary, Expr, Lookup, Number, ParamRef, Select, Unary
from ..ir.scalars import Scalar
from ..ir.spec import Spec
from ..ir.walk import children
from .places import line_span


def judge_work(
    spec: Spec,
    params: Mapping[str, Scalar],
    absent: Collection[str],
    facts: Mapping[str, Any],
    label: str,
    kernel: SourceText,
) -> Iterator[Diagnostic]:
    """TS406 for foreign code, TS407 for tensors left alone; `facts` are those of `inspect_function`."""
    span = line_span(kernel, None)
    for name in facts["foreign"]:
        message = f"the traced kernel holds `{name}`, which is code or orders for another compiler ({label})"
        yield Diagnostic(code="TS406", message=message, span=span, help="the kernel is written in TileLang alone")
    needed = needed_tensors(spec, params)
    tensors = [tensor.name for tensor in (*spec.inputs, *spec.new_outputs)]
    for place, name in enumerate(tensors):
        is_output = name in spec.in_place or place >= len(spec.inputs)
        if is_output and place not in facts["written"]:
            message = f"the traced kernel never writes {name} ({label})"
            yield Diagnostic(code="TS407", message=message, span=span, help="an output is written for every shape")
        if place < len(spec.inputs) and name in needed and name not in absent and place not in facts["read"]:
            message = f"the traced kernel never reads {name}, which the mathematics needs ({label})"
            yield Diagnostic(code="TS407", message=message, span=span, help="the work is done for every shape")


def needed_tensors(spec: Spec, params: Mapping[str, Scalar]) -> frozenset[str]:
    """The inputs and locals that the outputs depend on, with the params as they are."""
    needed = {tensor.name for tensor in spec.outputs}
    for definition in reversed(spec.math):
        if definition.target in needed:
            needed |= {name for value in definition.values for name in _tensors(value, params)}
    return frozenset(needed)


def _tensors(expr: Expr, params: Mapping[str, Scalar]) -> Iterator[str]:
    """The tensors of an expression, but for the branches that the params rule out."""
    if isinstance(expr, Access | Lookup):
        yield expr.tensor
    below = children(expr)
    if isinstance(expr, Select):
        chosen = _truth(expr.condition, params)
        below = below if chosen is None else (expr.then,) if chosen else (expr.otherwise,)
    for each in below:
        yield from _tensors(each, params)


def _truth(expr: Expr, params: Mapping[str, Scalar]) -> bool | None:
    """What a condition is by params alone; None where it takes more."""
    match expr:
        case Number(value=bool() as value):
            return value
        case ParamRef(name=name) if isinstance(params.get(name), bool):
            return bool(params[name])
        case Unary(op="not", operand=operand):
            found = _truth(operand, params)
            return None if found is None else not found
        case Binary(op="and" | "or" as op, left=left, right=right):
            sides = {_truth(left, params), _truth(right, params)}
            decisive = op == "or"
            return decisive if decisive in sides else None if None in sides else not decisive
    return None
