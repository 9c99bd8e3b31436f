"""TS136: defaults of params that a clause forbids, or that their dtype cannot hold."""

from __future__ import annotations

from ...diagnostics.diagnostic import Label, Sink
from ...ir.dtypes import DType
from ...ir.nodes import DimRef, Expr, ParamRef
from ...ir.scalars import Scalar, ScalarError, scalar_value
from ...ir.show import show_expr
from ...ir.spec import Param, Spec
from ...ir.walk import walk
from .facts import dtype_options


def check_defaults(spec: Spec, sink: Sink) -> None:
    """TS136 for a default outside its dtype's range, and for defaults with which a clause over params alone fails."""
    values: dict[str, Scalar] = {}
    for param in spec.params:
        value = _value(param.default, values) if param.default is not None else None
        if value is not None:
            values[param.name] = value
            _check_range(param, value, spec, sink)
    for clause in spec.where:
        names = list(dict.fromkeys(node.name for node in walk(clause) if isinstance(node, ParamRef)))
        if names and not any(isinstance(node, DimRef) for node in walk(clause)) and _value(clause, values) is False:
            _report(clause, next(param for param in spec.params if param.name == names[-1]), values, sink)


def _value(expr: Expr, values: dict[str, Scalar]) -> Scalar | None:
    """The value at the defaults; None where it depends on dims, or has none."""
    try:
        return scalar_value(expr, {}, values)
    except ScalarError:
        return None


def _report(clause: Expr, param: Param, values: dict[str, Scalar], sink: Sink) -> None:
    label = Label(span=clause.span, text="the clause")
    shown = str(values[param.name]).lower() if isinstance(values[param.name], bool) else values[param.name]
    message = f"with its default {shown}, `{param.name}` violates `{show_expr(clause)}`"
    assert param.default is not None
    help_text = "change the default, or the clause"
    sink.error("TS136", message, param.default.span, labels=(label,), help=help_text)


def _check_range(param: Param, value: Scalar, spec: Spec, sink: Sink) -> None:
    for option in dtype_options(spec, param.dtype):
        if not _fits(value, option):
            assert param.default is not None
            message = f"the default of `{param.name}`, {value}, does not fit in {option.name}"
            sink.error("TS136", message, param.default.span, help="choose a wider dtype, or another default")
            return


def _fits(value: Scalar, dtype: DType) -> bool:
    """Whether the dtype holds the value, or rounds it; infinities belong to floats."""
    if value != value or abs(value) == float("inf"):
        return dtype.is_float
    lowest = 0 if dtype.kind == "uint" else -dtype.max_value - (dtype.kind == "int")
    return lowest <= value <= dtype.max_value
