"""The smallest case that fails like the one that was found."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..analysis.case_text import case_text
from ..analysis.cases import Case
from ..analysis.nearest import size_of
from ..analysis.shrink import Budget, shrink_case
from ..diagnostics.diagnostic import Diagnostic
from ..ir.spec import Spec
from ..scaffold.body import Tunable

_SHRINKABLE = frozenset({"TS411", "TS431", "TS432", "TS433", "TS436", "TS437"})
"""Findings that a case brings about. Time limits are left out: every trial that fails would take as long."""


@dataclass(frozen=True, slots=True)
class Found:
    """A finding with a case that shows it."""

    diagnostic: Diagnostic
    case: Case
    choice: Mapping[str, Tunable] = field(default_factory=dict)
    """The tunables of its build that are not at their defaults."""


def find_minimal(
    spec: Spec,
    found: Sequence[Found],
    first: Diagnostic,
    probe: Callable[[Sequence[Case], Mapping[str, Tunable]], Sequence[Found]],
    budget: Budget,
) -> dict[str, Any]:
    """The fact `minimal`: code, case (as text) and message of the smallest case that fails as `first` says.

    It begins at the smallest of the cases that failed like that; `probe` gives the findings on cases with some
    tunables. Nothing where the finding is not one that shape or data bring about.
    """
    alike = [each for each in found if _kind(each.diagnostic) == _kind(first)]
    if first.code not in _SHRINKABLE or not alike:
        return {}
    start = min(alike, key=lambda each: size_of(dict(each.case.dims)))
    said = {start.case: start.diagnostic.message}

    def fails(cases: Sequence[Case]) -> list[bool]:
        for each in probe(cases, start.choice):
            if _kind(each.diagnostic) == _kind(first):
                said.setdefault(each.case, each.diagnostic.message)
        return [case in said for case in cases]

    case = shrink_case(spec, start.case, fails, budget)
    return {"minimal": {"code": first.code, "case": case_text(case, spec), "message": said[case]}}


def _kind(diagnostic: Diagnostic) -> tuple[str, str]:
    """What stays while a case is made smaller: the code, and of errors of memory the kind too."""
    return diagnostic.code, diagnostic.message.split(":")[0] if diagnostic.code == "TS432" else ""
