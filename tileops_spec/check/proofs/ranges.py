"""Every index, bound, divisor and extent of a spec: proved, or reported with a witness."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations, permutations
from typing import TYPE_CHECKING

from ...diagnostics.diagnostic import Sink
from ...ir import nodes as ir
from ...ir.show import show_expr
from ...ir.spec import Spec
from ...ir.walk import walk
from .obligations import Obligation, obligations
from .trivial import holds_trivially

if TYPE_CHECKING:
    from .solve import Outcome, Witness

_MOST_CANDIDATES = 24


def check_ranges(spec: Spec, sink: Sink) -> None:
    """TS125 and TS131 with a witness for what can go wrong, TS126 for what z3 could not decide."""
    open_questions = dict.fromkeys(each for each in obligations(spec) if not holds_trivially(each, spec))
    reported: set[tuple[int, int]] = set()
    for obligation in open_questions:
        place = (obligation.span.start, obligation.span.end)
        if place not in reported and not _holds(obligation, spec, sink):
            reported.add(place)


def _holds(obligation: Obligation, spec: Spec, sink: Sink) -> bool:
    from .solve import solve  # z3 is loaded only where form alone does not decide

    outcome = solve(obligation, spec)
    if outcome.status == "proved":
        return True
    if outcome.status == "refuted" and outcome.witness is not None and not outcome.vague:
        _refuted(obligation, outcome.witness, spec, sink)
    else:
        _undecided(obligation, outcome, spec, sink)
    return False


def _refuted(obligation: Obligation, witness: Witness, spec: Spec, sink: Sink) -> None:
    where = f": {', '.join(witness.assignments)} is allowed" if witness.assignments else ""
    code = "TS131" if obligation.kind == "divisor" else "TS125"
    sink.error(code, f"{_claim(obligation, witness)}{where}", obligation.span, help=_advice(obligation, spec))


def _claim(obligation: Obligation, witness: Witness) -> str:
    text = show_expr(obligation.value)
    if obligation.kind == "divisor":
        return f"`{text}` can be 0 where {obligation.what} is taken"
    if obligation.kind == "extent":
        return f"{obligation.what}, `{text}`, can be {witness.value}"
    reaches = "is" if str(witness.value) == text else f"reaches {witness.value}"
    if obligation.high is None or witness.high is None or witness.value < witness.high:
        return f"`{text}` {reaches}, and {obligation.what} begins at 0"
    limit = show_expr(obligation.high)
    shown = limit if limit == str(witness.high) else f"{limit} = {witness.high}"
    if obligation.kind == "bound":
        return f"`{text}` {reaches}, and {obligation.what} ends below {shown}"
    return f"`{text}` {reaches}, but {obligation.what} has the extent {shown}"


def _advice(obligation: Obligation, spec: Spec) -> str:
    """A clause that would make it true, where a simple one does; else how such things are said."""
    variable = next(_too_far(obligation, spec), None)
    if variable is not None:
        return f"`{show_expr(variable)}` would exclude that: give the range where the variable is bound"
    clause = next(_remedies(obligation, spec), None)
    if clause is not None:
        return f"`where: [{show_expr(clause)}]` would exclude that"
    value = obligation.value
    if isinstance(value, ir.Access) and obligation.high is not None and value.tensor in {e.name for e in spec.inputs}:
        names = ", ".join(_letters(len(value.indices)))
        element = f"{value.tensor}[{names}]" if names else value.tensor
        return f"say what callers promise: `all[{names}](0 <= {element} < {show_expr(obligation.high)})` under `where`"
    if obligation.kind == "divisor":
        return "exclude 0 by a clause, or by a `where(…)` around the division"
    return "narrow `where`, guard the access by `where(…)`, or give a value for what lies outside: `pad(X[…], 0)`"


def _letters(count: int) -> str:
    return "ijklmn"[:count]


def _too_far(obligation: Obligation, spec: Spec) -> Iterator[ir.Expr]:
    """A variable that runs one too far, as one does that indexes boundaries: `b < B` for an axis of extent B + 1."""
    from .solve import proves

    for axis in obligation.axes:
        match axis.extent:
            case ir.Binary(op="+", left=fewer, right=ir.Number(value=1)):
                bound = _binary("<", ir.IndexRef(name=axis.name, dtype="i64"), fewer)
                if proves(obligation, spec, (bound,)):
                    yield bound


def _remedies(obligation: Obligation, spec: Spec) -> Iterator[ir.Expr]:
    from .solve import proves

    for at, clause in enumerate(_candidates(obligation)):
        if at >= _MOST_CANDIDATES:
            return
        if proves(obligation, spec, (clause,)):
            yield clause


def _candidates(obligation: Obligation) -> Iterator[ir.Expr]:
    """Simple clauses over the dims, params and numbers that the obligation speaks of."""
    parts = (obligation.value, obligation.high, *(axis.extent for axis in obligation.axes))
    nodes = [node for part in parts if part is not None for node in walk(part)]
    names = list(dict.fromkeys(_unplaced(node) for node in nodes if isinstance(node, ir.DimRef | ir.ParamRef)))
    numbers = sorted({node.value for node in nodes if isinstance(node, ir.Number) and node.value not in (0, True)})
    for name in names:
        if isinstance(name, ir.ParamRef):
            yield from (_binary(">=", name, _number(value)) for value in (1, 0))
    for name in names:
        for value in numbers:
            if isinstance(value, int) and value > 1:
                yield _binary("==", _binary("%", name, _number(value)), _number(0))
    for first, second in permutations(names, 2):
        yield _binary("==", _binary("%", first, second), _number(0))
    for first, second in combinations(names, 2):
        yield _binary("==", first, second)
        yield _binary("<=", first, second)
        yield _binary(">=", first, second)
    for name in names:
        for value in numbers:
            yield _binary(">=", name, _number(value))
            yield _binary("<=", name, _number(value))


def _unplaced(node: ir.DimRef | ir.ParamRef) -> ir.Expr:
    return type(node)(name=node.name, dtype=node.dtype or "i64")


def _number(value: int) -> ir.Number:
    return ir.Number(value=value, dtype="i64")


def _binary(op: str, left: ir.Expr, right: ir.Expr) -> ir.Binary:
    arithmetic = op == "%"
    return ir.Binary(op=op, left=left, right=right, dtype="i64" if arithmetic else "bool")  # type: ignore[arg-type]


def _undecided(obligation: Obligation, outcome: Outcome, spec: Spec, sink: Sink) -> None:
    text = show_expr(obligation.value)
    limits = " and ".join(
        part
        for part in (
            f"at least {show_expr(obligation.low)}" if obligation.low is not None else "",
            f"below {show_expr(obligation.high)}" if obligation.high is not None else "",
        )
        if part
    )
    claim = f"`{text}` is not 0" if obligation.kind == "divisor" else f"`{text}` stays {limits} ({obligation.what})"
    if outcome.vague:
        reason = "it comes from data of which `where` says too little"
    else:
        reason = "the proof did not end within its limit"
    help_text = "simplify the index, add a clause, or guard it by `where(…)`; on cases, the oracle checks it"
    sink.warning("TS126", f"not proved that {claim}: {reason}", obligation.span, help=help_text)
