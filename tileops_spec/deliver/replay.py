"""What a failed gate leaves for later: its smallest case, as a command that runs it again and as a saved case."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import replace

from ..gates.verdict import Verdict
from ..ir.spec import Spec
from .project import Project
from .saved import save_case, saved_path


def replay_command(spec: Spec, case: str) -> str:
    """`tospec verify specs/gemm.yaml --case "T=f16 M=1 N=8 K=8 data=normal seed=0"`."""
    return f'tospec verify {shlex.quote(spec.path)} --case "{case}"'


def tell_minimal(verdicts: Sequence[Verdict], spec: Spec, project: Project, *, save: bool) -> tuple[Verdict, ...]:
    """The verdicts, with the smallest failing case shown under the finding that it belongs to.

    With `save` the case is kept for later runs, except in CI (the variable CI is set): there nothing is written.
    """
    return tuple(_told(verdict, spec, project, save=save) for verdict in verdicts)


def in_ci() -> bool:
    """Whether this runs in continuous integration, as its services say."""
    return os.environ.get("CI", "").lower() not in ("", "0", "false")


def _told(verdict: Verdict, spec: Spec, project: Project, *, save: bool) -> Verdict:
    minimal = verdict.facts.get("minimal")
    if minimal is None:
        return verdict
    place = next(at for at, each in enumerate(verdict.diagnostics) if each.code == minimal["code"])
    finding = verdict.diagnostics[place]
    lines = _lines(minimal, finding.message, spec)
    if save and not in_ci():
        save_case(project, spec.op, minimal["case"], minimal["code"])
        lines.append(f"  saved in: {project.relative(saved_path(project, spec.op))}")
    told = replace(finding, detail="\n".join(lines))
    return replace(verdict, diagnostics=(*verdict.diagnostics[:place], told, *verdict.diagnostics[place + 1 :]))


def _lines(minimal: Mapping[str, str], message: str, spec: Spec) -> list[str]:
    smallest = [f"  smallest case that fails so: {minimal['case']}"]
    if minimal["message"] != message:
        smallest.append(f"    {minimal['message']}")
    return [*smallest, f"  replay: {replay_command(spec, minimal['case'])}"]
