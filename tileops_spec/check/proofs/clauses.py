"""The `where` clauses among themselves: contradictions, and clauses that say nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...diagnostics.diagnostic import Label, Sink
from ...ir.nodes import DimRef, Expr, ParamRef
from ...ir.show import show_expr
from ...ir.spec import Spec
from ...ir.walk import walk


def check_clauses(spec: Spec, sink: Sink) -> None:
    """TS120 for clauses that contradict each other, TS133 for one that the others imply."""
    if not spec.where or not _may_interact(spec.where):
        return
    import z3

    solver, truths = _solver(spec)
    marks = [z3.Bool(f"clause{at}") for at in range(len(truths))]
    if solver.check(marks) == z3.unsat:
        _contradiction([spec.where[marks.index(mark)] for mark in solver.unsat_core()], sink)
        return
    kept = list(range(len(truths)))
    for at, truth in enumerate(truths):
        others = [marks[other] for other in kept if other != at]
        solver.push()
        solver.add(z3.Not(truth))
        idle = solver.check(others) == z3.unsat
        core = {str(mark) for mark in solver.unsat_core()} if idle else set()
        solver.pop()
        if idle:
            kept.remove(at)
            behind = [spec.where[other] for other in range(len(truths)) if f"clause{other}" in core]
            _idle(spec.where[at], behind, sink)


def _may_interact(clauses: Sequence[Expr]) -> bool:
    """Whether a name stands in two clauses, or one compares without a remainder: else nothing can be found."""
    names = [{node.name for node in walk(clause) if isinstance(node, DimRef | ParamRef)} for clause in clauses]
    shared = any(names[at] & other for at in range(len(names)) for other in names[:at])
    return shared or any("%" not in show_expr(clause) for clause in clauses)


def _solver(spec: Spec) -> tuple[Any, list[Any]]:
    import z3

    from .lemmas import lemmas
    from .terms import Terms

    terms = Terms(spec)
    truths = [terms.truth(clause) for clause in spec.where]
    solver = z3.Solver()
    solver.set("rlimit", 2_000_000)
    solver.set("timeout", 2000)
    solver.set("unsat_core", True)
    solver.set("core.minimize", True)
    solver.add(lemmas(terms, frozenset({0, 1})))
    solver.add(terms.facts)
    for at, truth in enumerate(truths):
        solver.add(z3.Implies(z3.Bool(f"clause{at}"), truth))
    return solver, truths


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
