"""What would make an obligation hold: a range, a clause, a promise about data."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations, islice

from ...ir import nodes as ir
from ...ir.show import show_axis, show_expr
from ...ir.spec import Spec
from ...ir.walk import walk
from .obligations import Obligation
from .promises import candidates
from .questions import Question, Questions
from .samples import bearable

_MOST_CANDIDATES = 40
_GENERAL = {
    "index": "narrow `where`, guard the access by `where(…)`, or give a value for what lies outside: `pad(X[…], 0)`",
    "bound": "narrow `where`, or the bound: `min(…)`, `max(…)`",
    "divisor": "exclude 0 by a clause, or by a `where(…)` around the division",
    "extent": "exclude that by a clause",
    "rank": "narrow `where`, so that there are enough values",
}


def advice(question: Question, questions: Questions) -> tuple[str, Questions | None]:
    """A clause that would make it true, if a simple one does, and the spec with it; else how such things are said."""
    obligation, spec = question.obligation, questions.spec
    variable = next(_too_far(obligation, spec), None)
    if variable is not None:
        return f"`{show_expr(variable)}` would exclude that: give the range where the variable is bound", None
    for clause, narrowed in _remedies(obligation, spec):
        return f"`where: [{show_expr(clause)}]` would exclude that", narrowed
    for promises, promised in _promises(question, questions):
        said = " and ".join(f"`{_said(promise)}`" for promise in promises)
        return f"say what callers promise: {said} under `where`", promised
    return _GENERAL.get(obligation.kind, _GENERAL["index"]), None


def _said(promise: ir.Expr) -> str:
    """As people write it: `all[i](0 <= x[i] < n)`."""
    match promise:
        case ir.Reduce(body=body):
            return f"all[{', '.join(map(show_axis, promise.axes))}]({_said(body)})"
        case ir.Binary(op="and", left=ir.Binary() as low, right=ir.Binary() as high) if low.right == high.left:
            return f"{show_expr(low)} {high.op} {show_expr(high.right)}"
    return show_expr(promise)


def _promises(question: Question, questions: Questions) -> Iterator[tuple[tuple[ir.Expr, ...], Questions]]:
    """Assumptions on the elements in what is asked under which it is proved."""
    for promises in candidates(question, questions.terms):
        assumed = (*questions.spec.assumptions, *promises)
        promised = Questions(replace(questions.spec, assumptions=assumed))
        if promised.quickly(promised.of(question.obligation)):
            yield promises, promised


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


def _remedies(obligation: Obligation, spec: Spec) -> Iterator[tuple[ir.Expr, Questions]]:
    """Clauses that every workload keeps and under which the obligation is proved, without z3."""
    for clause in islice(_candidates(obligation), _MOST_CANDIDATES):
        narrowed = replace(spec, where=(*spec.where, clause))
        if bearable(narrowed):
            questions = Questions(narrowed)
            if questions.quickly(questions.of(obligation)):
                yield clause, questions


def _candidates(obligation: Obligation) -> Iterator[ir.Expr]:
    """Simple clauses over the dims, params and numbers that the obligation speaks of, the likeliest first."""
    parts = (obligation.value, obligation.high, *(axis.extent for axis in obligation.axes))
    nodes = [node for part in parts if part is not None for node in walk(part)]
    names = list(dict.fromkeys(_unplaced(node) for node in nodes if isinstance(node, ir.DimRef | ir.ParamRef)))
    params = [name for name in names if isinstance(name, ir.ParamRef)]
    divisions = [node for node in nodes if isinstance(node, ir.Binary) and node.op in ("//", "%")]
    yield from (_binary(">=", name, _number(least)) for name in params for least in (1, 0))
    yield from dict.fromkeys(clause for division in divisions for clause in _multiples(division, names))
    if obligation.kind == "extent":
        yield from (_binary(">=", division.left, _number(0)) for division in divisions)
    for op in (">=", "<=", "=="):
        yield from (_binary(op, first, second) for first, second in combinations(names, 2))
    numbers = sorted({node.value for node in nodes if isinstance(node, ir.Number) and type(node.value) is int} - {0})
    for name in names:
        yield from (_binary(op, name, _number(value)) for value in numbers for op in (">=", "<="))


def _multiples(division: ir.Binary, names: list[ir.Expr]) -> Iterator[ir.Expr]:
    """That a name is a multiple of what it is divided by, or what runs over it."""
    match division.right:
        case ir.Number(value=int(by)) if by > 1:
            yield from (_multiple(name, _number(by)) for name in names)
        case ir.DimRef() | ir.ParamRef():
            divisor = _unplaced(division.right)
            yield from (_multiple(name, divisor) for name in names if name != divisor)


def _unplaced(node: ir.DimRef | ir.ParamRef) -> ir.Expr:
    return type(node)(name=node.name, dtype="i64")


def _number(value: int) -> ir.Number:
    return ir.Number(value=value, dtype="i64")


def _binary(op: str, left: ir.Expr, right: ir.Expr) -> ir.Binary:
    return ir.Binary(op=op, left=left, right=right, dtype="bool")  # type: ignore[arg-type]


def _multiple(of: ir.Expr, by: ir.Expr) -> ir.Binary:
    return _binary("==", ir.Binary(op="%", left=of, right=by, dtype="i64"), _number(0))
