"""`build`: a spec checked, its scaffold rendered, its body proven, and what changed written."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from ..diagnostics.diagnostic import Sink
from ..gates.verdict import Verdict
from ..ir.spec import Spec
from ..scaffold.errors import ScaffoldError
from ..scaffold.publish import publish, recover
from ..scaffold.render import render_package
from .committed import Committed, read_committed
from .lint import lint_spec
from .plan import Plan, plan_files, refuse_edits, refuse_missing, refuse_stale
from .project import Project, find_project
from .prove import Effort, Proof, prove
from .record import Origin, known_origin, lock_entry
from .replay import tell_minimal
from .saved import read_saved


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildOptions:
    """`force` drops edits outside the body; `adopt` judges a body against a contract that it was not written for;
    `again` runs the gates although this machine has evidence; `save` keeps the smallest case of a failure."""

    force: bool = False
    adopt: bool = False
    again: bool = False
    save: bool = True
    effort: Effort = field(default_factory=Effort)


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """What a build did. `files` maps each generated path to `written` or `unchanged`; `written` has the lock as well.

    `spec` is None where the spec did not pass the checks, `proof` where the build was refused before the gates.
    """

    op: str
    project: Project
    spec: Spec | None = None
    proof: Proof | None = None
    files: dict[str, str] = field(default_factory=dict)
    written: tuple[str, ...] = ()
    origin: Origin | None = None

    @property
    def succeeded(self) -> bool:
        return self.proof is not None and self.proof.accepted

    @property
    def unchanged(self) -> bool:
        return self.succeeded and not self.written and not self.proof.fresh  # type: ignore[union-attr]


def silent(_: Verdict) -> None:
    """Watches nothing."""


def build_spec(path: Path, options: BuildOptions, sink: Sink, watch: Callable[[Verdict], None] = silent) -> Built:
    """Build one spec. Findings go to the sink; where one is an error, nothing is written."""
    project = find_project(path)
    spec = lint_spec(path, sink)
    if spec is None:
        return Built(op=path.stem, project=project)
    try:
        recover(project.root)
        return _build(spec, project, options, sink, watch)
    except ScaffoldError as error:
        sink.extend(error.diagnostics)
        return Built(op=spec.op, project=project, spec=spec)


def _build(spec: Spec, project: Project, options: BuildOptions, sink: Sink, watch: Callable) -> Built:
    plan = _plan(spec, project, options, sink)
    if plan is None:
        return Built(op=spec.op, project=project, spec=spec)
    read_saved(project, spec, sink)
    proof = prove(plan, project, options.effort, watch, again=options.again)
    report_failures(tell_minimal(proof.verdicts, spec, project, save=options.save), sink)
    if not proof.accepted:
        return Built(op=spec.op, project=project, spec=spec, proof=proof)
    return publish_plan(plan, project, proof, known_origin(plan.body, plan.committed.entry))


def _plan(spec: Spec, project: Project, options: BuildOptions, sink: Sink) -> Plan | None:
    """What to write; None, with the reason in the sink, where a build must not go on."""
    before = len(sink.errors)
    committed = read_committed(project, spec.op, sink)
    if committed is None:
        return None
    refuse_missing(spec, committed, sink)
    if not options.adopt:
        refuse_stale(spec, committed, sink)
    if committed.body is None or len(sink.errors) > before:
        return None
    plan = plan_files(spec, committed.body, committed)
    if not options.force:
        refuse_edits(plan, project, sink)
    return plan if len(sink.errors) == before else None


def report_failures(verdicts: tuple[Verdict, ...], sink: Sink) -> None:
    """The findings of the gates that rejected a body, with the text that they point into."""
    for verdict in verdicts:
        for source in verdict.sources:
            sink.add_source(source)
        sink.extend(verdict.diagnostics)


def publish_plan(plan: Plan, project: Project, proof: Proof, origin: Origin) -> Built:
    """Write the files of a proven plan and its lock entry, all or nothing."""
    op = plan.spec.op
    contents = {f"generated/{op}/{name}": text for name, text in plan.files.items()}
    contents["generated/__init__.py"] = render_package()
    written = publish(project.root, contents, entries={op: lock_entry(plan, origin, proof.verdicts)})
    return Built(
        op=op,
        project=project,
        spec=plan.spec,
        proof=proof,
        files={path: "written" if path in written else "unchanged" for path in sorted(contents)},
        written=tuple(written),
        origin=origin,
    )


def committed_plan(spec: Spec, project: Project, sink: Sink) -> Plan | None:
    """The plan for the body that is committed, edits and stale contracts allowed: what `diff` and `verify` look at."""
    committed: Committed | None = read_committed(project, spec.op, sink)
    if committed is None:
        return None
    refuse_missing(spec, committed, sink)
    return plan_files(spec, committed.body, committed) if committed.body is not None else None
