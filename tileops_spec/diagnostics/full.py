"""The full form of a finding: message, excerpt with the place marked, help."""

from __future__ import annotations

from collections.abc import Mapping
from unicodedata import category, east_asian_width

from .diagnostic import Diagnostic, Label
from .text import SourceText, Span


def render_full(diagnostic: Diagnostic, sources: Mapping[str, SourceText]) -> str:
    """Several lines of text, with no colour and no trailing newline."""
    lines = [f"{diagnostic.severity.value}[{diagnostic.code}]: {diagnostic.message}"]
    places = [Label(span=diagnostic.span, text="")] if diagnostic.span else []
    places += list(diagnostic.labels)
    for place in places:
        lines += _excerpt(place, sources)
    if diagnostic.help:
        lines.append(f"  = help: {diagnostic.help}")
    if diagnostic.fix:
        flag = "" if diagnostic.fix.safe else " (unsafe)"
        lines.append(f"  = fix available: {diagnostic.fix.title}{flag}")
    if diagnostic.detail:
        lines.append(diagnostic.detail.rstrip("\n"))
    return "\n".join(lines)


def _excerpt(label: Label, sources: Mapping[str, SourceText]) -> list[str]:
    source = sources.get(label.span.path)
    if source is None:
        return [f"  --> {label.span.path}" + (f": {label.text}" if label.text else "")]
    at = source.position(label.span.start)
    text, column = _near(source.line(at.line), at.column)
    gutter = " " * len(str(at.line))
    return [
        f" {gutter}--> {label.span.path}:{at.line}:{at.column}",
        f" {gutter} |",
        f" {at.line} | {_visible(text)}".rstrip(),
        f" {gutter} | {_underline(label.span, column, text)} {label.text}".rstrip(),
    ]


_WIDEST = 400
_BEFORE = 80


def _near(text: str, column: int) -> tuple[str, int]:
    """A line, or what stands near a column of one that is too long to be shown; and the column there."""
    if len(text) <= _WIDEST:
        return text, column
    start = max(0, column - 1 - _BEFORE)
    part = text[start : start + _WIDEST]
    before = "…" if start else ""
    return f"{before}{part}{'…' if start + _WIDEST < len(text) else ''}", column - start + len(before)


def _underline(span: Span, column: int, text: str) -> str:
    """Carets under the part of the span that lies on its first line; at least one."""
    before, marked = text[: column - 1], text[column - 1 :][: span.end - span.start]
    return " " * _width(before) + "^" * max(1, _width(marked))


def _visible(text: str) -> str:
    """The text with a space for each control character: tabs would move the carets, escapes would move the cursor."""
    return "".join(" " if category(char) == "Cc" else char for char in text)


def _width(text: str) -> int:
    """The columns of a terminal that a text takes: two for a wide character, none for one that combines."""
    return sum(0 if category(char) in ("Mn", "Me", "Cf") else 1 + (east_asian_width(char) in "WF") for char in text)
