"""One line a finding: `path:line:column: error[TS101] message`."""

from __future__ import annotations

from collections.abc import Mapping

from .diagnostic import Diagnostic
from .text import SourceText


def render_concise(diagnostic: Diagnostic, sources: Mapping[str, SourceText]) -> str:
    """One line of text, with no trailing newline."""
    place = ""
    if diagnostic.span is not None:
        source = sources.get(diagnostic.span.path)
        at = source.position(diagnostic.span.start) if source else None
        place = f"{diagnostic.span.path}:{at.line}:{at.column}: " if at else f"{diagnostic.span.path}: "
    message = " ".join(diagnostic.message.split())
    return f"{place}{diagnostic.severity.value}[{diagnostic.code}] {message}"
