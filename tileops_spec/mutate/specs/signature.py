"""Seeded errors in the signature, the params, the workloads and the references."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from itertools import combinations

from ...diagnostics.text import Span
from ...ir.spec import Spec
from ...syntax import tree
from .sites import Mutant, Sites

_WIDER = {"f16": "f32", "bf16": "f32", "e4m3": "f16", "e5m2": "f16", "f32": "f64", "i32": "i64", "i8": "i32"}
_NARROWER = {"f32": "bf16", "f64": "f32", "i64": "i32", "i32": "i16", "f16": "e4m3", "bf16": "e4m3"}
_PYTHON = {"sum": "mean", "mean": "sum", "amax": "amin", "max": "min", "softmax": "log_softmax", "exp": "exp2"}
_PYTHON |= {"silu": "relu", "sigmoid": "tanh", "cumsum": "cumprod", "rms_norm": "layer_norm", "rsqrt": "sqrt"}


def swapped_dims(sites: Sites) -> Iterator[Mutant]:
    for tensor in (*sites.inputs.values(), *sites.outputs.values()):
        for first, second in combinations(tensor.items, 2):
            if first != second:
                yield sites.swapped("swapped dims", first.span, second.span)


def wrong_output_shape(sites: Sites) -> Iterator[Mutant]:
    for tensor in sites.outputs.values():
        for item in tensor.items:
            if not isinstance(item, tree.Spread):
                yield sites.mutant("wrong output shape", item.span, f"{sites.read(item.span)} + 1")
        if len(tensor.items) > 1:
            yield sites.mutant(
                "wrong output shape", tensor.items[0].span.to(tensor.items[1].span), _text(sites, tensor)
            )


def _text(sites: Sites, tensor: tree.TensorType) -> str:
    return sites.read(tensor.items[1].span)


def wrong_dtype(sites: Sites, spec: Spec) -> Iterator[Mutant]:
    """A tensor that is wider or narrower than meant."""
    options = {var.name: var.options[0] for var in spec.dtypes}
    for tensor in (*sites.inputs.values(), *sites.outputs.values()):
        concrete = options.get(tensor.dtype.id, tensor.dtype.id)
        for kind, table in (("widened dtype", _WIDER), ("narrowed dtype", _NARROWER)):
            if concrete in table:
                yield sites.mutant(kind, tensor.dtype.span, table[concrete])


def wrong_default(sites: Sites) -> Iterator[Mutant]:
    for param in sites.params.values():
        if isinstance(param.default, tree.Truth):
            yield sites.mutant("wrong default", param.default.span, "false" if param.default.value else "true")
        elif param.default is not None:
            yield sites.mutant("wrong default", param.default.span, f"2 * ({sites.read(param.default.span)}) + 1")


def violated_workload(sites: Sites, spec: Spec) -> Iterator[Mutant]:
    """A workload with a value that `where` does not allow, a dim that is missing, or one that is misspelt."""
    from ...analysis.binding import BindingError, bind_workload, holds

    for entries, workload in zip(sites.workloads, spec.workloads, strict=False):
        for name, node in entries.items():
            if name == "name" or not isinstance(node.value, int) or isinstance(node.value, bool):
                continue
            try:
                broken = holds(spec, bind_workload(spec, {**dict(workload.values), name: node.value + 1}))
            except BindingError:
                continue
            if broken:
                yield sites.mutant("violated workload", node.span, str(node.value + 1))


def wrong_reference(sites: Sites) -> Iterator[Mutant]:
    """Another function, argument order or number in the Python of a reference."""
    for span in sites.references:
        yield from _of_reference(sites, span)


def _of_reference(sites: Sites, span: Span) -> Iterator[Mutant]:
    text = sites.read(span)
    try:
        parsed = ast.parse(f"({text}\n)", mode="eval")
    except SyntaxError:
        return
    starts = _line_starts(f"({text}\n)")
    for node in ast.walk(parsed):
        place = _place(node, starts, span) if isinstance(node, ast.expr) else None
        if place is None:
            continue
        if isinstance(node, ast.Attribute) and node.attr in _PYTHON:
            name = Span(span.path, place.end - len(node.attr), place.end)
            yield sites.mutant("wrong reference", name, _PYTHON[node.attr])
        elif isinstance(node, ast.Call) and len(node.args) > 1:
            first, second = (_place(arg, starts, span) for arg in node.args[:2])
            if first and second and ast.dump(node.args[0]) != ast.dump(node.args[1]):
                yield sites.swapped("wrong reference", first, second)
        elif isinstance(node, ast.Constant) and type(node.value) in (int, float):
            yield sites.mutant("wrong reference", place, repr(node.value + 1))


def _line_starts(text: str) -> list[int]:
    starts = [0]
    for line in text.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    return starts


def _place(node: ast.expr, starts: list[int], span: Span) -> Span | None:
    """The node's place in the file; None where characters of several bytes stand on its lines."""
    if node.end_lineno is None or node.end_col_offset is None:
        return None
    begin = span.start - 1 + starts[node.lineno - 1] + node.col_offset
    return Span(span.path, begin, span.start - 1 + starts[node.end_lineno - 1] + node.end_col_offset)


def signature_mutants(sites: Sites, spec: Spec) -> Iterator[Mutant]:
    yield from swapped_dims(sites)
    yield from wrong_output_shape(sites)
    yield from wrong_dtype(sites, spec)
    yield from wrong_default(sites)
    yield from violated_workload(sites, spec)
    yield from wrong_reference(sites)
