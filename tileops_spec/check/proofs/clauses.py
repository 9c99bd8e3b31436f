"""The `where` clauses among themselves: contradictions, and clauses that say nothing."""

from __future__ import annotations

from collections.abc import Sequence

from ...diagnostics.diagnostic import Label, Sink
from ...ir.nodes import Expr
from ...ir.show import show_expr
from ...ir.spec import Spec
from .samples import allowed, violation

_MOST_ASKED, _MOST_UNDECIDED = 24, 4
"""Clauses that z3 is asked about for one spec, and answers that may fail to come."""


def check_clauses(spec: Spec, sink: Sink) -> None:
    """TS120 for clauses that contradict each other, TS133 for one that the others imply, TS126 for what is not decided.

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
    from .implication import Undecided, contradiction, implied_by

    try:
        found = [] if satisfiable else contradiction(spec)
    except Undecided:
        _undecided("some shape satisfies `where`", spec.where[:1], sink)
        return
    if found:
        _contradiction(found, sink)
        return
    kept = list(spec.where)
    undecided = list(open_clauses[_MOST_ASKED:])
    for clause in open_clauses[:_MOST_ASKED]:
        try:
            behind = implied_by(spec, clause, _others(kept, clause)) if len(undecided) < _MOST_UNDECIDED else None
        except Undecided:
            undecided.append(clause)
            continue
        if behind is not None:
            kept = _others(kept, clause)
            _idle(clause, behind, sink)
    if undecided:
        _undecided(f"`{show_expr(undecided[0])}` says more than the other clauses do", undecided, sink)


def _undecided(claim: str, clauses: Sequence[Expr], sink: Sink) -> None:
    first, *others = clauses
    labels = tuple(Label(span=each.span, text="nor of this one") for each in others[:_MOST_UNDECIDED])
    message = f"not proved that {claim}: the proof did not end within its limit"
    sink.warning("TS126", message, first.span, labels=labels, help="write the clauses more simply, or fewer of them")


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
