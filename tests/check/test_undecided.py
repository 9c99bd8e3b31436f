"""What z3 does not decide about clauses is a warning at the clause, and costs no more than a few questions."""

from __future__ import annotations

import pytest

from tileops_spec.check import load_spec
from tileops_spec.check.proofs import check_clauses, implication
from tileops_spec.check.proofs.implication import Undecided
from tileops_spec.diagnostics.diagnostic import Severity, Sink

SPEC = """\
op: probe
summary: A probe.
inputs: {{x: 'f32[M, K]'}}
outputs: {{y: 'f32[M]'}}
where:
{clauses}
math: |
  y[m] = sum[k](x[m, k])
"""


def _check(write_spec, clauses: list[str]) -> Sink:
    sink = Sink()
    lines = "\n".join(f"  - {clause}" for clause in clauses)
    spec = load_spec(write_spec(SPEC.format(clauses=lines)), sink)
    assert spec is not None
    check_clauses(spec, sink)
    return sink


def _undecided(*_: object) -> None:
    raise Undecided


def test_whether_any_shape_is_allowed(write_spec, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(implication, "contradiction", _undecided)
    sink = _check(write_spec, ["M > 5000", "M < 7000"])
    (found,) = sink.diagnostics
    assert (found.code, found.severity) == ("TS126", Severity.WARNING)
    assert found.span is not None
    assert sink.sources[found.span.path].text[found.span.start : found.span.end] == "M > 5000"


def test_whether_a_clause_follows(write_spec, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(implication, "implied_by", _undecided)
    (found,) = _check(write_spec, ["M > 0", "K > 0", "M % 8 == 0"]).diagnostics
    assert found.code == "TS126"
    assert "`M > 0` says more than the other clauses do" in found.message
    assert [label.text for label in found.labels] == ["nor of this one"]


def test_questions_are_bounded(write_spec, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    monkeypatch.setattr(implication, "implied_by", lambda spec, clause, others: asked.append(clause))
    sink = _check(write_spec, [f"M > -{number}" for number in range(200)])
    assert {found.code for found in sink.diagnostics} == {"TS126"}
    assert len(asked) < 30
