"""From what a child reports to a finding at its place in kernel.py."""

from __future__ import annotations

from ..diagnostics.diagnostic import Diagnostic
from ..diagnostics.text import SourceText, Span
from .isolation import Crashed, Limits, Outcome, Raised, TimedOut


def line_span(kernel: SourceText, line: int | None) -> Span:
    """The code of a line; the body's first line where none is known, or what a child says is no line of the file."""
    if line is None or not 1 <= line <= len(kernel.line_starts):
        start = kernel.text.find("# tospec: body begin")
        line = kernel.position(max(start, 0)).line
    text = kernel.line(line)
    start = kernel.line_starts[min(line, len(kernel.line_starts)) - 1] + len(text) - len(text.lstrip())
    return kernel.span(start, max(start + len(text.strip()), start + 1))


def death_diagnostic(outcome: Outcome, what: str, kernel: SourceText, limits: Limits) -> Diagnostic | None:
    """TS433 for a child that died, TS434 for one that did not end; None for the other outcomes."""
    if isinstance(outcome, TimedOut):
        return Diagnostic(
            code="TS434",
            message=f"{what} did not end within {limits.seconds:g} s",
            span=line_span(kernel, None),
            help="look for a loop whose bound never falls, or a wait that nothing answers; `--time-limit` allows more",
        )
    if isinstance(outcome, Crashed):
        said = " ".join(outcome.output.split())[-300:]
        return Diagnostic(
            code="TS433",
            message=f"{what} ended its process: {outcome.reason}{f'; it printed: {said}' if said else ''}",
            span=line_span(kernel, None),
            help="look for accesses far outside a buffer, deep recursion, or more memory than there is",
        )
    return None


def raised_message(outcome: Raised) -> str:
    """The exception's type and the first lines of what it says."""
    lines = [line.strip() for line in outcome.message.splitlines() if line.strip()]
    return f"{outcome.type}: {' '.join(lines[:4])[:600]}" if lines else outcome.type
