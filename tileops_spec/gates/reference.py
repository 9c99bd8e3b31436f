"""The reference gate: the oracle against every reference of the spec, before any body is looked at."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..analysis.case_text import case_text
from ..analysis.cases import Case
from ..analysis.shrink import Budget
from ..diagnostics.diagnostic import Sink
from ..ir.spec import Spec
from .verdict import Stopwatch, Verdict


def check_reference(
    spec: Spec, *, first: Sequence[Case] = (), only: Sequence[Case] | None = None, budget: Budget | None = None
) -> Verdict:
    """Fails with TS201 and TS202 where the mathematics and a reference differ; `skipped` where there is none.

    Cases of the gate's own follow those that come `first`, or it is `only` those given. With a `budget`, the case of
    the first error is made smaller: the fact `minimal` has its code, the case as text, and the message.
    """
    import torch

    from ..analysis.cases import check_satisfiable

    watch, sink = Stopwatch(), Sink()
    check_satisfiable(spec, sink)
    minimal = None if sink.failed else _compare(spec, sink, first, only, budget)
    names = ", ".join(reference.library for reference in spec.references)
    return Verdict(
        gate="reference",
        status="failed" if sink.failed else "passed" if spec.references else "skipped",
        seconds=watch.seconds,
        summary=_summary(sink, names),
        diagnostics=tuple(sink.diagnostics),
        tools={"torch": torch.__version__},
        facts={} if minimal is None else _minimal_fact(spec, sink, minimal),
    )


def _compare(
    spec: Spec, sink: Sink, first: Sequence[Case], only: Sequence[Case] | None, budget: Budget | None
) -> Case | None:
    from ..analysis.reference import check_references

    for cases in (only,) if only is not None else (first, None):
        if cases is None or cases:
            minimal = check_references(spec, sink, cases=cases, exactly=cases is not None, budget=budget)
            if sink.failed:
                return minimal
    return None


def _minimal_fact(spec: Spec, sink: Sink, case: Case) -> dict[str, Any]:
    found = next(each for each in sink.errors if case.label in each.message)
    return {"minimal": {"code": found.code, "case": case_text(case, spec), "message": found.message}}


def _summary(sink: Sink, names: str) -> str:
    if sink.failed:
        return sink.errors[0].message
    return f"the mathematics agrees with {names}" if names else "the spec names no reference"
