"""What a build would write for an op, and whether it may."""

from __future__ import annotations

from dataclasses import dataclass

from ..diagnostics.diagnostic import Sink
from ..diagnostics.text import SourceText
from ..ir.spec import Spec
from ..scaffold.body import Body
from ..scaffold.contract import contract_hash
from ..scaffold.drift import Drift, compare_files, drift_diagnostic
from ..scaffold.regions import extract_body
from ..scaffold.render import KERNEL, render_op
from .committed import Committed
from .project import Project


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """`files` is the whole text of each file by name; `body` is in the form that kernel.py holds; `drifts` are the
    files on disk that differ outside the body."""

    spec: Spec
    body: Body
    contract: str
    files: dict[str, str]
    drifts: tuple[Drift, ...]
    committed: Committed


def plan_files(spec: Spec, body: Body, committed: Committed) -> Plan:
    """Render everything, and compare it with what stands on disk."""
    files = render_op(spec, body)
    return Plan(
        spec=spec,
        body=extract_body(files[KERNEL]),
        contract=contract_hash(spec),
        files=files,
        drifts=tuple(compare_files(files, committed.folder, known=committed.known_files)),
        committed=committed,
    )


def refuse_edits(plan: Plan, project: Project, sink: Sink) -> None:
    """TS301 for each file that somebody edited outside its body: it is never overwritten unasked."""
    for drift in plan.drifts:
        if drift.edited:
            path = plan.committed.folder / drift.file
            source = sink.add_source(SourceText(project.relative(path), path.read_text(encoding="utf-8")))
            sink.extend((drift_diagnostic(drift, source.path, source.text),))


def refuse_missing(spec: Spec, committed: Committed, sink: Sink) -> None:
    """TS303 where there is no body yet."""
    if committed.body is None:
        help_text = f"`tospec fill {spec.path}` asks a provider for one; `tospec prompt {spec.path}` shows the request"
        sink.error("TS303", f"`{spec.op}` has no body yet", spec.span, help=help_text)


def refuse_stale(spec: Spec, committed: Committed, sink: Sink) -> None:
    """TS302 where the committed body was written for another contract."""
    if committed.entry is not None and committed.entry.contract != contract_hash(spec):
        help_text = (
            f"`tospec fill {spec.path}` asks for a new one; `tospec build --adopt {spec.path}` judges the old one "
            "against the new contract"
        )
        message = f"the committed body of `{spec.op}` was written before its signature, mathematics or targets changed"
        sink.error("TS302", message, spec.span, help=help_text)
