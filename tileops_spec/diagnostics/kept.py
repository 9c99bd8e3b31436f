"""Findings about one file as JSON and back, without loss; its path is left out, for the reader to give."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .diagnostic import Diagnostic, Label, Severity
from .fix import Fix
from .text import Span


def to_kept(diagnostic: Diagnostic, path: str) -> list[Any]:
    """The finding as lists and words; ValueError where it points into another file than `path`."""
    return [
        diagnostic.code,
        diagnostic.severity.value,
        diagnostic.message,
        None if diagnostic.span is None else _place(diagnostic.span, path),
        diagnostic.help,
        [[*_place(label.span, path), label.text] for label in diagnostic.labels],
        diagnostic.detail,
        None if diagnostic.fix is None else _fix(diagnostic.fix, path),
    ]


def from_kept(kept: Sequence[Any], path: str) -> Diagnostic:
    """The finding again, in the file at `path`."""
    code, severity, message, span, help_text, labels, detail, fix = kept
    return Diagnostic(
        code=code,
        severity=Severity(severity),
        message=message,
        span=None if span is None else Span(path, *span),
        help=help_text,
        labels=tuple(Label(span=Span(path, start, end), text=text) for start, end, text in labels),
        detail=detail,
        fix=None if fix is None else _fix_of(fix, path),
    )


def _place(span: Span, path: str) -> list[int]:
    if span.path != path:
        raise ValueError(f"a place in {span.path} among the findings about {path}")
    return [span.start, span.end]


def _fix(fix: Fix, path: str) -> list[Any]:
    return [fix.title, fix.safe, [[*_place(span, path), text] for span, text in fix.edits]]


def _fix_of(kept: Sequence[Any], path: str) -> Fix:
    title, safe, edits = kept
    return Fix(title=title, safe=safe, edits=tuple((Span(path, start, end), text) for start, end, text in edits))
