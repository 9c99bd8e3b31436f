"""TS123: outputs of which the mathematics defines only a part."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

from ...diagnostics.diagnostic import Label, Sink
from ...ir.nodes import Expr
from ...ir.scalars import Scalar, ScalarError, scalar_value
from ...ir.show import show_expr
from ...ir.spec import Definition, Spec, TensorDecl

_EXTENTS = (64, 3, 8, 1, 12, 5, 2, 128)
_TRIES = 64


def check_defined(spec: Spec, sink: Sink) -> None:
    """TS123 for an output's statement whose index variables run over another range than the output's axes."""
    outputs = {output.name: output for output in spec.outputs}
    for definition in spec.math:
        if definition.is_output and not definition.is_scatter:
            _check(definition, outputs[definition.target], spec, sink)


def _check(definition: Definition, output: TensorDecl, spec: Spec, sink: Sink) -> None:
    for at, (axis, extent) in enumerate(zip(definition.axes, output.shape, strict=True)):
        if axis.extent == extent or (witness := _difference(axis.extent, extent, spec)) is None:
            continue
        given, has, shape = witness
        message = (
            f"axis {at} of `{output.name}` has {show_expr(extent)} elements, and `{axis.name}` runs over "
            f"{show_expr(axis.extent)}: with {shape}, {has} and {given}"
        )
        label = Label(span=output.span, text=f"`{output.name}` is declared here")
        help_text = "define every element: choose between parts with `where(…)`, or change the output's shape"
        sink.error("TS123", message, axis.span, labels=(label,), help=help_text)


def _difference(given: Expr, extent: Expr, spec: Spec) -> tuple[Scalar, Scalar, str] | None:
    """Values of both where they differ, on a shape that `where` allows; None where they agree on all that are tried."""
    for dims, params in _shapes(spec):
        try:
            one, other = scalar_value(given, dims, params), scalar_value(extent, dims, params)
            allowed = all(scalar_value(clause, dims, params) for clause in spec.where)
        except ScalarError:
            continue
        if allowed and one != other:
            return one, other, ", ".join(f"{name} = {value}" for name, value in (dims | params).items())
    return None


def _shapes(spec: Spec) -> Iterator[tuple[dict[str, int], dict[str, Scalar]]]:
    """Workloads first, then small shapes; params at their defaults."""
    names = [dim.name for dim in spec.dims]
    for workload in spec.workloads:
        values = dict(workload.values)
        dims = {name: values[name] for name in names if isinstance(values.get(name), int)}
        yield dims, _params(spec, dims) | {k: v for k, v in values.items() if k not in names}  # type: ignore[misc]
    for _, extents in zip(range(_TRIES), product(_EXTENTS, repeat=len(names)), strict=False):
        dims = dict(zip(names, extents, strict=True))
        yield dims, _params(spec, dims)


def _params(spec: Spec, dims: dict[str, int]) -> dict[str, Scalar]:
    values: dict[str, Scalar] = {}
    for param in spec.params:
        try:
            values[param.name] = 1 if param.default is None else scalar_value(param.default, dims, values)
        except ScalarError:
            continue
    return values
