"""Proving a plan: the reference check, then the gates, or the evidence that this machine has run them already."""

from __future__ import annotations

import hashlib
import math
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ..diagnostics.diagnostic import Diagnostic
from ..diagnostics.text import Span
from ..gates.verdict import Verdict
from ..hardware import TARGETS
from ..ir.spec import Spec
from ..scaffold.errors import ScaffoldError
from ..scaffold.render import KERNEL
from .environment import Capability, missing_runtime
from .evidence import EvidenceStore, evidence_key
from .plan import Plan
from .project import Project
from .saved import read_saved

if TYPE_CHECKING:
    from ..analysis.cases import Case
    from ..analysis.shrink import Budget

Watch = Callable[[Verdict], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """How hard to look: cases a dtype, the seed they are drawn with, wall-clock seconds for each child process.

    `shrink`: seconds for making a case that fails smaller; 0 leaves it as it is. `device`: on a machine with
    a GPU, the body runs there too.
    """

    cases: int = 12
    seed: int = 0
    time_limit: float = 120.0
    shrink: float = 0.0
    device: bool = True

    @property
    def budget(self) -> Budget | None:
        from ..analysis.shrink import Budget

        return Budget(seconds=self.shrink) if self.shrink else None


@dataclass(frozen=True, slots=True)
class Proof:
    """`fresh` is false where the verdicts are this machine's evidence from an earlier run."""

    verdicts: tuple[Verdict, ...]
    fresh: bool

    @property
    def accepted(self) -> bool:
        return accepts(self.verdicts)


def accepts(verdicts: Sequence[Verdict]) -> bool:
    """Whether every gate passed, or was skipped for want of a tool; `unsupported` is no pass."""
    return bool(verdicts) and all(verdict.status in ("passed", "skipped") for verdict in verdicts)


def prove(plan: Plan, project: Project, effort: Effort, watch: Watch, *, again: bool = False) -> Proof:
    """The verdicts on a plan's kernel.py. Only a proof without a failure is kept as evidence."""
    kept = None if again else _store(project).find(plan.spec.op, _evidence_key(plan, project, effort))
    if kept is not None:
        return Proof(tuple(Verdict.from_json(each) for each in kept["verdicts"]), fresh=False)
    verdicts = run_proof(plan, project, effort, watch)
    keep_evidence(plan, project, effort, verdicts)
    return Proof(verdicts, fresh=True)


def keep_evidence(plan: Plan, project: Project, effort: Effort, verdicts: tuple[Verdict, ...]) -> None:
    """Keep the verdicts of a proof without a failure, so that the next build need not run the gates."""
    if accepts(verdicts):
        content = {"verdicts": [verdict.to_json() for verdict in verdicts]}
        _store(project).keep(plan.spec.op, _evidence_key(plan, project, effort), content)


def _store(project: Project) -> EvidenceStore:
    return EvidenceStore(project.state / "evidence")


def _evidence_key(plan: Plan, project: Project, effort: Effort) -> str:
    from ..analysis.case_text import case_text

    saved = (case_text(case, plan.spec) for case in read_saved(project, plan.spec))
    return evidence_key(
        contract=plan.contract,
        kernel=plan.files[KERNEL],
        references=[reference.expression for reference in plan.spec.references],
        tolerance=str(plan.spec.tolerance or ""),
        effort=[effort.cases, effort.seed, effort.device, *saved],
    )


def require_runtime() -> None:
    """ScaffoldError with TS901 for each thing that proving needs and the machine lacks."""
    lacking = missing_runtime()
    if lacking:
        raise ScaffoldError(*(_lacking(each) for each in lacking))


def _lacking(capability: Capability) -> Diagnostic:
    message = f"proving a body needs {capability.name}: {capability.detail}"
    return Diagnostic(code="TS901", message=message, help=capability.remedy)


def run_proof(
    plan: Plan, project: Project, effort: Effort, watch: Watch, *, files: Mapping[str, str] | None = None
) -> tuple[Verdict, ...]:
    """The reference check, and, where it passes, every gate. `files`: the package's texts, by default the plan's."""
    require_runtime()
    reference = check_mathematics(plan.spec, project, effort)
    watch(reference)
    if reference.status == "failed":
        return (reference,)
    verdicts = (reference, *judge_body(plan, project, effort, watch))
    if not accepts(verdicts):
        return verdicts
    package = check_package(plan, project, files or plan.files)
    watch(package)
    return (*verdicts, package)


def check_package(plan: Plan, project: Project, files: Mapping[str, str]) -> Verdict:
    """The architecture gate on the texts of a package: those that a build would write, or those that stand there."""
    from ..gates.architecture import check_architecture

    return check_architecture(plan.spec, files, project.relative(plan.committed.folder))


def check_mathematics(spec: Spec, project: Project, effort: Effort, *, only: Sequence[Case] | None = None) -> Verdict:
    """The oracle against every reference, as a verdict like a gate's; saved cases first, or `only` those given."""
    from ..gates.isolation import warm_up
    from ..gates.reference import check_reference

    warm_up()
    return check_reference(spec, first=read_saved(project, spec), only=only, budget=effort.budget)


def judge_body(
    plan: Plan, project: Project, effort: Effort, watch: Watch, *, only: Sequence[Case] | None = None
) -> tuple[Verdict, ...]:
    """Every gate on a plan's kernel.py, in a staging folder: nothing of the project is touched.

    Saved cases run before those that are drawn; with `only`, just those given, and just the gates that look at cases.
    Findings name the file that the body will stand in, not the staged one.
    """
    from ..gates.run import run_gates

    spec, shown = plan.spec, project.relative(plan.committed.folder / KERNEL)
    first, cases = ((), only) if only is not None else _first_and_drawn(plan, project, effort)
    with _staged(plan.files[KERNEL]) as path:
        verdicts = run_gates(
            spec,
            plan.body,
            kernel_path=path,
            target=TARGETS[spec.hardware.targets[0]],
            cases=cases,
            time_limit=effort.time_limit,
            on_verdict=watch,
            first=first,
            exactly=only is not None,
            budget=effort.budget,
            device=effort.device,
        )
        return tuple(_relabelled(verdict, str(path), shown) for verdict in verdicts)


def _first_and_drawn(plan: Plan, project: Project, effort: Effort) -> tuple[tuple[Case, ...], tuple[Case, ...]]:
    saved = read_saved(project, plan.spec)
    drawn = proof_cases(plan.spec, effort, plan.files[KERNEL])
    return saved, tuple(case for case in drawn if case not in saved)


def proof_cases(spec: Spec, effort: Effort, kernel: str) -> tuple[Case, ...]:
    """Those of the seed, which everyone may know, and a third as many that depend on the text of the kernel: whoever
    writes a body for the cases of an earlier run changes the cases by writing it."""
    from ..analysis.cases import draw_cases

    count = effort.cases * dtype_choices(spec)
    known = draw_cases(spec, count=count, seed=effort.seed, static_shapes=3)
    own = int.from_bytes(hashlib.sha256(f"{effort.seed}\0{kernel}".encode()).digest()[:6], "big")
    return tuple(dict.fromkeys((*known, *draw_cases(spec, count=max(1, count // 3), seed=own, static_shapes=1))))


def dtype_choices(spec: Spec) -> int:
    """How many combinations of dtypes the spec has."""
    return math.prod(len(variable.options) for variable in spec.dtypes)


@contextmanager
def _staged(kernel: str) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="tospec-") as folder:
        path = Path(folder) / KERNEL
        path.write_text(kernel, encoding="utf-8")
        yield path


def _relabelled(verdict: Verdict, staged: str, shown: str) -> Verdict:
    """The verdict with findings in `staged` moved to the same place of the file at `shown`."""
    return replace(verdict, diagnostics=tuple(_moved(each, staged, shown) for each in verdict.diagnostics))


def _moved(diagnostic: Diagnostic, staged: str, shown: str) -> Diagnostic:
    span = diagnostic.span
    if span is not None and span.path == staged:
        span = Span(shown, span.start, span.end)
    return replace(diagnostic, span=span, message=diagnostic.message.replace(staged, shown))
