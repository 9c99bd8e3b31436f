"""Workloads against the `where` clauses."""

from __future__ import annotations

from ..diagnostics.diagnostic import Label, Sink
from ..ir.show import show_expr
from ..ir.spec import Spec, Workload
from .binding import BindingError, bind_workload, holds


def check_workloads(spec: Spec, sink: Sink) -> None:
    """TS116 for each workload whose values make the spec impossible or violate a clause."""
    for workload in spec.workloads:
        _check(workload, spec, sink)


def _check(workload: Workload, spec: Spec, sink: Sink) -> None:
    try:
        binding = bind_workload(spec, dict(workload.values))
    except BindingError as error:
        sink.error("TS116", f"workload `{workload.name}`: {error}", workload.span)
        return
    for clause in holds(spec, binding):
        label = Label(span=clause.span, text="the clause")
        message = f"workload `{workload.name}` violates `{show_expr(clause)}`"
        sink.error("TS116", message, workload.span, labels=(label,), help="change the workload, or widen the clause")
