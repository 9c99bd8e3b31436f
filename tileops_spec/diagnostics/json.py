"""Findings as JSON, for tools."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .diagnostic import Diagnostic
from .fix import Fix
from .text import SourceText, Span


def diagnostic_to_json(diagnostic: Diagnostic, sources: Mapping[str, SourceText]) -> dict[str, Any]:
    """One finding as a JSON object; lines and columns count from 1, `end` is exclusive."""
    return {
        "code": diagnostic.code,
        "name": diagnostic.name,
        "severity": diagnostic.severity.value,
        "message": diagnostic.message,
        "help": diagnostic.help,
        "detail": diagnostic.detail,
        "location": _location(diagnostic.span, sources),
        "labels": [{"text": label.text, "location": _location(label.span, sources)} for label in diagnostic.labels],
        "fix": _fix(diagnostic.fix, sources),
    }


def _fix(fix: Fix | None, sources: Mapping[str, SourceText]) -> dict[str, Any] | None:
    if fix is None:
        return None
    edits = [{"location": _location(span, sources), "text": text} for span, text in fix.edits]
    return {"title": fix.title, "safe": fix.safe, "edits": edits}


def _location(span: Span | None, sources: Mapping[str, SourceText]) -> dict[str, Any] | None:
    if span is None:
        return None
    source = sources.get(span.path)
    if source is None:
        return {"path": span.path}
    start, end = source.position(span.start), source.position(span.end)
    return {
        "path": span.path,
        "start": {"line": start.line, "column": start.column},
        "end": {"line": end.line, "column": end.column},
    }
