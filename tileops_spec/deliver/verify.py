"""`verify`: every gate on a committed body, or a few cases again; of the tree nothing is written."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ..diagnostics.diagnostic import Sink
from ..scaffold.errors import ScaffoldError
from .build import committed_plan, report_failures
from .lint import lint_spec
from .project import find_project
from .prove import Effort, Proof, Watch, check_mathematics, judge_body, require_runtime, run_proof
from .replay import tell_minimal
from .saved import read_saved


def verify_spec(path: Path, effort: Effort, sink: Sink, watch: Watch, *, save: bool = False) -> Proof | None:
    """The proof of the committed body of a spec; None, with the reason in the sink, where there is none to judge.

    With `save`, the smallest case of a failure is kept for later runs.
    """
    spec = lint_spec(path, sink)
    project = find_project(path)
    plan = committed_plan(spec, project, sink) if spec else None
    if spec is None or plan is None:
        return None
    read_saved(project, spec, sink)
    try:
        verdicts = run_proof(plan, project, effort, watch, files=_texts(plan.committed.folder))
    except ScaffoldError as error:
        sink.extend(error.diagnostics)
        return None
    report_failures(tell_minimal(verdicts, spec, project, save=save), sink)
    return Proof(verdicts, fresh=True)


def replay_cases(path: Path, texts: Sequence[str], effort: Effort, sink: Sink, watch: Watch) -> Proof | None:
    """The reference gate on exactly these cases, then the gates that look at cases on the committed body.

    None, with the reason in the sink, where there is no body, and no disagreement of the mathematics either. Raises
    CaseError where a text is no case of the spec.
    """
    from ..analysis.case_text import CaseError, parse_case

    spec = lint_spec(path, sink)
    if spec is None:
        return None
    project, cases = find_project(path), tuple(parse_case(text, spec) for text in texts)
    if any(0 in dict(case.dims).values() for case in cases):
        raise CaseError("an extent of 0 is for the Op to answer: no kernel runs")
    try:
        require_runtime()
        verdicts = (check_mathematics(spec, project, effort, only=cases),)
        watch(verdicts[0])
        if verdicts[0].status != "failed":
            plan = committed_plan(spec, project, sink)
            if plan is None:
                return None
            verdicts += judge_body(plan, project, effort, watch, only=cases)
    except ScaffoldError as error:
        sink.extend(error.diagnostics)
        return None
    report_failures(verdicts, sink)
    return Proof(verdicts, fresh=True)


def _texts(folder: Path) -> dict[str, str]:
    """The Python files that stand in a folder, by name."""
    return {path.name: path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.py"))}
