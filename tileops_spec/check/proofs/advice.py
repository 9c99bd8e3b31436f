"""What would make an obligation hold: a range, a clause, a promise about data."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations, islice, permutations

from ...ir import nodes as ir
from ...ir.show import show_expr
from ...ir.spec import Spec
from ...ir.walk import walk
from .obligations import Obligation
from .questions import Questions
from .samples import allowed

_MOST_CANDIDATES = 40


def advice(obligation: Obligation, spec: Spec) -> str:
    """A clause that would make it true, where a simple one does; else how such things are said."""
    variable = next(_too_far(obligation, spec), None)
    if variable is not None:
        return f"`{show_expr(variable)}` would exclude that: give the range where the variable is bound"
    clause = next(_remedies(obligation, spec), None)
    if clause is not None:
        return f"`where: [{show_expr(clause)}]` would exclude that"
    value, inputs = obligation.value, {each.name for each in spec.inputs}
    if isinstance(value, ir.Access) and obligation.high is not None and value.tensor in inputs:
        names = ", ".join("ijklmn"[: len(value.indices)])
        element = f"{value.tensor}[{names}]" if names else value.tensor
        return f"say what callers promise: `all[{names}](0 <= {element} < {show_expr(obligation.high)})` under `where`"
    if obligation.kind == "divisor":
        return "exclude 0 by a clause, or by a `where(…)` around the division"
    if obligation.kind == "extent":
        return "exclude that by a clause"
    return "narrow `where`, guard the access by `where(…)`, or give a value for what lies outside: `pad(X[…], 0)`"


def _too_far(obligation: Obligation, spec: Spec) -> Iterator[ir.Expr]:
    """A variable that runs one too far, as one does that indexes boundaries: `b < B` for an axis of extent B + 1."""
    for axis in obligation.axes:
        match axis.extent:
            case ir.Binary(op="+", left=fewer, right=ir.Number(value=1)):
                bound = _binary("<", ir.IndexRef(name=axis.name, dtype="i64"), fewer)
                guarded = replace(obligation, guards=(*obligation.guards, bound))
                questions = Questions(spec)
                if questions.quickly(questions.of(guarded)):
                    yield bound


def _remedies(obligation: Obligation, spec: Spec) -> Iterator[ir.Expr]:
    """Clauses that every workload keeps and under which the obligation is proved, without z3."""
    for clause in islice(_candidates(obligation), _MOST_CANDIDATES):
        narrowed = replace(spec, where=(*spec.where, clause))
        if len(allowed(narrowed)) >= max(1, len(spec.workloads)):
            questions = Questions(narrowed)
            if questions.quickly(questions.of(obligation)):
                yield clause


def _candidates(obligation: Obligation) -> Iterator[ir.Expr]:
    """Simple clauses over the dims, params and numbers that the obligation speaks of."""
    parts = (obligation.value, obligation.high, *(axis.extent for axis in obligation.axes))
    nodes = [node for part in parts if part is not None for node in walk(part)]
    names = list(dict.fromkeys(_unplaced(node) for node in nodes if isinstance(node, ir.DimRef | ir.ParamRef)))
    numbers = sorted({node.value for node in nodes if isinstance(node, ir.Number) and type(node.value) is int} - {0})
    params = [name for name in names if isinstance(name, ir.ParamRef)]
    yield from (_binary(">=", name, _number(least)) for name in params for least in (1, 0))
    for name in names:
        yield from (_multiple(name, _number(value)) for value in numbers if value > 1)
    yield from (_multiple(first, second) for first, second in permutations(names, 2))
    for op in (">=", "<=", "=="):
        yield from (_binary(op, first, second) for first, second in combinations(names, 2))
    for name in names:
        yield from (_binary(op, name, _number(value)) for value in numbers for op in (">=", "<="))


def _unplaced(node: ir.DimRef | ir.ParamRef) -> ir.Expr:
    return type(node)(name=node.name, dtype="i64")


def _number(value: int) -> ir.Number:
    return ir.Number(value=value, dtype="i64")


def _binary(op: str, left: ir.Expr, right: ir.Expr) -> ir.Binary:
    return ir.Binary(op=op, left=left, right=right, dtype="bool")  # type: ignore[arg-type]


def _multiple(of: ir.Expr, by: ir.Expr) -> ir.Binary:
    return _binary("==", ir.Binary(op="%", left=of, right=by, dtype="i64"), _number(0))
