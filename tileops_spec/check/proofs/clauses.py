"""The `where` clauses among themselves: contradictions, and clauses that say nothing."""

from __future__ import annotations

from collections.abc import Sequence

from ...diagnostics.diagnostic import Label, Sink
from ...ir.nodes import Expr
from ...ir.show import show_expr
from ...ir.spec import Spec
from .samples import allowed, violation


def check_clauses(spec: Spec, sink: Sink) -> None:
    """TS120 for clauses that contradict each other, TS133 for one that the others imply.

    z3 is asked only about clauses that no shape near a workload shows to be free of that.
    """
    if not spec.where:
        return
    samples = allowed(spec)
    clauses = list(spec.where)
    open_clauses = [clause for clause in clauses if not violation(clause, _others(clauses, clause), samples)]
    if not samples or open_clauses:
        _with_solver(spec, open_clauses, sink, satisfiable=bool(samples))


def _others(clauses: Sequence[Expr], clause: Expr) -> list[Expr]:
    return [each for each in clauses if each is not clause]


def _with_solver(spec: Spec, open_clauses: Sequence[Expr], sink: Sink, *, satisfiable: bool) -> None:
    from .implication import contradiction, implied_by

    if not satisfiable:
        found = contradiction(spec)
        if found:
            _contradiction(found, sink)
            return
    kept = list(spec.where)
    for clause in open_clauses:
        behind = implied_by(spec, clause, _others(kept, clause))
        if behind is not None:
            kept = _others(kept, clause)
            _idle(clause, behind, sink)


def _contradiction(clauses: Sequence[Expr], sink: Sink) -> None:
    ordered = sorted(clauses, key=lambda clause: clause.span.start)
    texts = " and ".join(f"`{show_expr(clause)}`" for clause in ordered)
    together = " together" if len(ordered) > 1 else ""
    labels = tuple(Label(span=clause.span, text="with this") for clause in ordered[1:])
    message = f"no shape satisfies {texts}{together}"
    sink.error("TS120", message, ordered[0].span, labels=labels, help="extents are whole numbers from 1")


def _idle(clause: Expr, behind: Sequence[Expr], sink: Sink) -> None:
    reason = f"follows from {' and '.join(f'`{show_expr(each)}`' for each in behind)}" if behind else "always holds"
    labels = tuple(Label(span=each.span, text="implies it") for each in behind)
    help_text = "leave it out, or say what was meant; extents are whole numbers from 1"
    sink.warning("TS133", f"`{show_expr(clause)}` {reason}", clause.span, labels=labels, help=help_text)
