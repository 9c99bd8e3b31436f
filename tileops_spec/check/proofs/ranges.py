"""Every index, bound, divisor and extent of a spec: proved, or reported with a witness."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Literal

from ...diagnostics.diagnostic import Label, Sink
from ...diagnostics.text import Span
from ...ir.show import show_expr
from ...ir.spec import Spec
from .obligations import Obligation, obligations
from .questions import Question, Questions
from .trivial import holds_trivially

if TYPE_CHECKING:
    from .solve import Solver
    from .witness import Witness

_MOST_TRIED = 100
"""How often, for one spec, the advice of a finding is tried on what follows."""


def check_ranges(spec: Spec, sink: Sink) -> None:
    """TS125 and TS131 with a witness for what can go wrong, TS126 for what could not be decided.

    What one clause would mend is one finding, however many places need it.
    """
    open_obligations = [each for each in obligations(spec) if not holds_trivially(each)]
    if open_obligations:
        ranges = _Ranges(Questions(spec))
        for obligation in open_obligations:
            ranges.look_at(obligation)
        for finding in ranges.findings:
            finding.report(sink)


@dataclass
class _Finding:
    severity: Literal["error", "warning"]
    code: str
    message: str
    span: Span
    help: str
    mended: Questions | None = None
    """The spec with the clauses that the help names."""
    also: list[Span] = field(default_factory=list)

    def report(self, sink: Sink) -> None:
        labels = tuple(Label(span=span, text="this needs it too") for span in self.also)
        report = sink.error if self.severity == "error" else sink.warning
        report(self.code, self.message, self.span, labels=labels, help=self.help)


class _Ranges:
    """The findings so far. Small shapes are asked first, then z3, which is loaded only where it is needed."""

    def __init__(self, questions: Questions) -> None:
        self.questions = questions
        self.findings: list[_Finding] = []
        self._places: set[tuple[int, int]] = set()
        self._tried = 0

    @cached_property
    def solver(self) -> Solver:
        from .solve import Solver

        return Solver(self.questions)

    def look_at(self, obligation: Obligation) -> None:
        place = (obligation.span.start, obligation.span.end)
        if place in self._places:
            return
        question = self.questions.of(obligation)
        if not self.questions.quickly(question) and not self._holds(question):
            self._places.add(place)

    def _holds(self, question: Question) -> bool:
        from .search import search

        witness, whole = search(question.obligation, self.questions.spec)
        if witness is None or not whole:
            if self.solver.proves(question):
                return True
            if not self._is_mended(question.obligation):
                self._undetermined(question, witness)
        elif not self._is_mended(question.obligation):
            self._refuted(question, witness)
        return False

    def _is_mended(self, obligation: Obligation) -> bool:
        """Whether what an earlier finding advises would make this hold as well."""
        for finding in self.findings:
            if finding.mended is None or self._tried == _MOST_TRIED:
                continue
            self._tried += 1
            if finding.mended.quickly(finding.mended.of(obligation)):
                finding.also.append(obligation.span)
                return True
        return False

    def _undetermined(self, question: Question, hint: Witness | None) -> None:
        """What z3 does not prove by linear arithmetic."""
        from .witness import witness_of

        outcome = self.solver.refutes(question, {} if hint is None else hint.named)
        if outcome.status == "proved":
            return
        if outcome.status == "open" or outcome.vague:
            self.findings.append(_undecided(question.obligation, vague=outcome.vague))
        else:
            self._refuted(question, witness_of(question, self.questions.terms, outcome.values or {}))

    def _refuted(self, question: Question, witness: Witness) -> None:
        from .advice import advice
        from .witness import assignments, claim

        obligation = question.obligation
        shown = assignments(obligation, witness)
        where = f": {', '.join(shown)} is allowed" if shown else ""
        code = "TS131" if obligation.kind == "divisor" else "TS125"
        text, mended = advice(question, self.questions)
        message = f"{claim(obligation, witness)}{where}"
        self.findings.append(_Finding("error", code, message, obligation.span, text, mended))


def _undecided(obligation: Obligation, *, vague: bool) -> _Finding:
    limits = (
        f"at least {show_expr(obligation.low)}" if obligation.low is not None else "",
        f"below {show_expr(obligation.high)}" if obligation.high is not None else "",
    )
    stays = f"stays {' and '.join(limit for limit in limits if limit)} ({obligation.what})"
    text = show_expr(obligation.value)
    claim = f"`{text}` is not 0" if obligation.kind == "divisor" else f"`{text}` {stays}"
    if vague:
        reason = "it comes from data of which `where` says too little"
    else:
        reason = "the proof did not end within its limit"
    help_text = "simplify the index, add a clause, or guard it by `where(…)`; on cases, the oracle checks it"
    return _Finding("warning", "TS126", f"not proved that {claim}: {reason}", obligation.span, help_text)
