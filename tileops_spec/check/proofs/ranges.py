"""Every index, bound, divisor and extent of a spec: proved, or reported with a witness."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...diagnostics.diagnostic import Sink
from ...ir.show import show_expr
from ...ir.spec import Spec
from .obligations import Obligation, obligations
from .questions import Question, Questions
from .trivial import holds_trivially

if TYPE_CHECKING:
    from .solve import Outcome


def check_ranges(spec: Spec, sink: Sink) -> None:
    """TS125 and TS131 with a witness for what can go wrong, TS126 for what could not be decided."""
    open_obligations = [each for each in obligations(spec) if not holds_trivially(each)]
    if not open_obligations:
        return
    questions = Questions(spec)
    reported: set[tuple[int, int]] = set()
    for obligation in open_obligations:
        place = (obligation.span.start, obligation.span.end)
        if place in reported:
            continue
        question = questions.of(obligation)
        if not questions.quickly(question) and not _holds(question, questions, sink):
            reported.add(place)


def _holds(question: Question, questions: Questions, sink: Sink) -> bool:
    from .solve import solve  # z3 is loaded only where signs and limits do not decide

    outcome = solve(question, questions)
    if outcome.status == "proved":
        return True
    if outcome.status == "refuted" and not outcome.vague:
        _refuted(question, outcome, questions, sink)
    else:
        _undecided(question.obligation, outcome, sink)
    return False


def _refuted(question: Question, outcome: Outcome, questions: Questions, sink: Sink) -> None:
    from .advice import advice
    from .witness import assignments, claim

    obligation, values = question.obligation, outcome.values or {}
    shown = assignments(question, questions.terms, values)
    where = f": {', '.join(shown)} is allowed" if shown else ""
    code = "TS131" if obligation.kind == "divisor" else "TS125"
    sink.error(code, f"{claim(question, values)}{where}", obligation.span, help=advice(obligation, questions.spec))


def _undecided(obligation: Obligation, outcome: Outcome, sink: Sink) -> None:
    limits = (
        f"at least {show_expr(obligation.low)}" if obligation.low is not None else "",
        f"below {show_expr(obligation.high)}" if obligation.high is not None else "",
    )
    stays = f"stays {' and '.join(limit for limit in limits if limit)} ({obligation.what})"
    text = show_expr(obligation.value)
    claim = f"`{text}` is not 0" if obligation.kind == "divisor" else f"`{text}` {stays}"
    if outcome.vague:
        reason = "it comes from data of which `where` says too little"
    else:
        reason = "the proof did not end within its limit"
    help_text = "simplify the index, add a clause, or guard it by `where(…)`; on cases, the oracle checks it"
    sink.warning("TS126", f"not proved that {claim}: {reason}", obligation.span, help=help_text)
