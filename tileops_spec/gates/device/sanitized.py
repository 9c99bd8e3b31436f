"""compute-sanitizer over one small call of a build."""

from __future__ import annotations

import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from ...diagnostics.diagnostic import Diagnostic
from ...diagnostics.text import SourceText
from ..isolation import Completed, Limits, Outcome, TimedOut
from ..places import line_span
from .inputs import Build
from .sanitizer import TOOLS, Summary, find_sanitizer, parse_output, sanitizer_command
from .spawn import spawn

_UNCACHED = {"PYTORCH_NO_CUDA_MEMORY_CACHING": "1"}
"""So that each tensor is an allocation of its own, whose end the sanitizer knows."""


def check_sanitizers(
    request: dict[str, Any], build: Build, kernel: SourceText, limits: Limits
) -> tuple[list[Diagnostic], dict[str, str]]:
    """TS449 for what the tools report; and what each of them came to, by name: only `no errors` is a pass."""
    path = find_sanitizer()
    if path is None:
        return [], dict.fromkeys(TOOLS, "not run: compute-sanitizer is not installed")
    findings, facts = [], {}
    with tempfile.TemporaryDirectory(prefix="tospec-device-") as folder:
        again = {**request, "runs": [[_written_again(build, Path(folder).resolve())]]}

        def run(tool: str) -> tuple[Outcome, str]:
            return spawn("once", again, limits, before=sanitizer_command(path, tool), layers=(), more=_UNCACHED)

        with ThreadPoolExecutor(len(TOOLS)) as pool:
            for tool, (outcome, printed) in zip(TOOLS, pool.map(run, TOOLS), strict=True):
                summary = parse_output(printed)
                facts[tool] = said_of(summary, outcome)
                findings += sanitizer_findings(tool, summary, build, kernel)
    return findings, facts


def said_of(summary: Summary, outcome: Outcome) -> str:
    """`no errors`, `3 errors`, or why neither is known."""
    if summary.errors:
        return f"{summary.errors} errors"
    if isinstance(outcome, TimedOut):
        return f"not ended within {outcome.seconds:g} s"
    if summary.errors is None or not isinstance(outcome, Completed):
        return "no result"
    return "no errors"


def sanitizer_findings(tool: str, summary: Summary, build: Build, kernel: SourceText) -> list[Diagnostic]:
    """One finding a distinct report; one of its own where errors are counted and none is named."""
    if not summary.errors:
        return []
    messages = dict.fromkeys(report.message for report in summary.reports) or {f"{summary.errors} errors": None}
    return [
        Diagnostic(
            code="TS449",
            message=f"compute-sanitizer {tool}: {message} ({build.runs[0].label})",
            span=line_span(kernel, None),
            help="mask the tail, bound the index, initialise the buffer, or put a barrier between the two",
        )
        for message in list(messages)[:3]
    ]


def _written_again(build: Build, folder: Path) -> list[dict[str, Any]]:
    """The records of the first set of inputs, in files of `folder`."""
    import torch

    from ..tensors import record_tensor

    run, found = build.runs[0], []
    for record in run.records[0]:
        name, role = record["name"], record["role"]
        if role == "output":
            found.append(record)
        else:
            value = run.inputs[0].get(name)
            if value is None:  # an optional input that is left out: a placeholder
                value = torch.zeros(record["shape"], dtype=getattr(torch, record["dtype"]))
            found.append(record_tensor(name, role, value, folder / name))
    return found
