"""`verify`: every gate on a committed body, with nothing written."""

from __future__ import annotations

from pathlib import Path

from ..diagnostics.diagnostic import Sink
from ..scaffold.errors import ScaffoldError
from .build import committed_plan, report_failures
from .lint import lint_spec
from .project import find_project
from .prove import Effort, Proof, Watch, run_proof


def verify_spec(path: Path, effort: Effort, sink: Sink, watch: Watch) -> Proof | None:
    """The proof of the committed body of a spec; None, with the reason in the sink, where there is none to judge."""
    spec = lint_spec(path, sink)
    project = find_project(path)
    plan = committed_plan(spec, project, sink) if spec else None
    if plan is None:
        return None
    try:
        verdicts = run_proof(plan, project, effort, watch, files=_texts(plan.committed.folder))
    except ScaffoldError as error:
        sink.extend(error.diagnostics)
        return None
    report_failures(verdicts, sink)
    return Proof(verdicts, fresh=True)


def _texts(folder: Path) -> dict[str, str]:
    """The Python files that stand in a folder, by name."""
    return {path.name: path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.py"))}
