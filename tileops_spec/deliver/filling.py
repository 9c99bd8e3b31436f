"""`fill`: ask a provider for a body until the gates accept one, then publish it with its record."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from ..diagnostics.diagnostic import Sink
from ..fill.providers.base import Provider, ProviderError
from ..fill.repair import FillResult, fill
from ..gates.verdict import Verdict
from ..ir.spec import Spec
from ..scaffold.body import Body
from ..scaffold.errors import ScaffoldError
from ..scaffold.publish import recover
from .build import Built, publish_plan, report_failures
from .committed import Committed, read_committed
from .lint import lint_spec
from .plan import Plan, plan_files, refuse_edits
from .project import Project, find_project
from .prove import Effort, Proof, check_mathematics, check_package, judge_body, keep_evidence, require_runtime
from .record import Origin
from .replay import tell_minimal
from .request import request_body

_SHRINK = 5.0
"""Seconds for the smallest case at which the mathematics and a reference differ. No model sees it; of bodies, whose
findings models do see, no case is made smaller."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FillOptions:
    max_attempts: int = 3
    force: bool = False
    effort: Effort = field(default_factory=Effort)


def fill_spec(
    path: Path,
    make_provider: Callable[[Project, str], Provider],
    options: FillOptions,
    sink: Sink,
    *,
    watch: Callable[[Verdict], None],
    talk: Callable[[str], None],
) -> Built:
    """Fill one spec. TS501 where the provider gives no answer, TS503 where no attempt passes: nothing is written."""
    project = find_project(path)
    spec = lint_spec(path, sink)
    if spec is None:
        return Built(op=path.stem, project=project)
    try:
        recover(project.root)
        return _fill(spec, project, make_provider(project, spec.op), options, sink, watch, talk)
    except ScaffoldError as error:
        sink.extend(error.diagnostics)
    except ProviderError as error:
        sink.error("TS501", str(error), help="`tospec fill --help` lists the providers and their options")
    return Built(op=spec.op, project=project, spec=spec)


def _fill(spec: Spec, project: Project, provider: Provider, options: FillOptions, sink: Sink, watch, talk) -> Built:
    require_runtime()
    reference = check_mathematics(spec, project, replace(options.effort, shrink=_SHRINK))
    watch(reference)
    report_failures(tell_minimal((reference,), spec, project, save=False), sink)
    if reference.status == "failed":
        return Built(op=spec.op, project=project, spec=spec, proof=Proof((reference,), fresh=True))
    committed = _replaceable(spec, project, options, sink)
    if committed is None:
        return Built(op=spec.op, project=project, spec=spec)
    judge = _Judge(committed, spec, project, options, watch)
    result = fill(
        spec.op,
        request_body(spec),
        provider,
        judge,
        runs=project.state / "runs",
        max_attempts=options.max_attempts,
        talk=talk,
    )
    if result.diagnostic is not None:
        sink.extend((result.diagnostic,))
    if result.body is None or judge.plan is None:
        return Built(op=spec.op, project=project, spec=spec)
    package = check_package(judge.plan, project, judge.plan.files)
    watch(package)
    report_failures((package,), sink)
    proof = Proof((reference, *judge.verdicts, package), fresh=True)
    if not proof.accepted:
        return Built(op=spec.op, project=project, spec=spec, proof=proof)
    keep_evidence(judge.plan, project, options.effort, proof.verdicts)
    return publish_plan(judge.plan, project, proof, _origin(result))


def _origin(result: FillResult) -> Origin:
    return Origin(
        provider=result.provider,
        model=result.model,
        prompt=result.prompt_sha256,
        attempts=len(result.attempts),
        tokens_in=result.tokens_in or 0,
        tokens_out=result.tokens_out or 0,
    )


def _replaceable(spec: Spec, project: Project, options: FillOptions, sink: Sink) -> Committed | None:
    """What stands on disk, if a new body may take its place: files edited outside the body forbid it."""
    committed = read_committed(project, spec.op, sink)
    if committed is None or committed.body is None or options.force:
        return committed
    before = len(sink.errors)
    refuse_edits(plan_files(spec, committed.body, committed), project, sink)
    return committed if len(sink.errors) == before else None


@dataclass
class _Judge:
    """The gates as the repair loop sees them: a body in, verdicts out. Keeps the last plan and its verdicts."""

    committed: Committed
    spec: Spec
    project: Project
    options: FillOptions
    watch: Callable[[Verdict], None]
    plan: Plan | None = None
    verdicts: tuple[Verdict, ...] = ()

    def __call__(self, body: Body) -> tuple[Verdict, ...]:
        self.plan = plan_files(self.spec, body, self.committed)
        self.verdicts = judge_body(self.plan, self.project, self.options.effort, self.watch)
        return self.verdicts
