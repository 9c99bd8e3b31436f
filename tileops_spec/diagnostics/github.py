"""Findings as workflow commands, which GitHub Actions turns into annotations of a pull request."""

from __future__ import annotations

from collections.abc import Mapping

from .diagnostic import Diagnostic
from .text import SourceText


def render_github(diagnostic: Diagnostic, sources: Mapping[str, SourceText]) -> str:
    """One line: `::error file=…,line=…,col=…,title=TS101 …::message`."""
    values = {}
    if diagnostic.span is not None:
        values["file"] = diagnostic.span.path
        source = sources.get(diagnostic.span.path)
        if source is not None:
            start, end = source.position(diagnostic.span.start), source.position(diagnostic.span.end)
            values |= {"line": str(start.line), "endLine": str(end.line), "col": str(start.column)}
    values["title"] = f"{diagnostic.code} {diagnostic.name}"
    text = diagnostic.message if diagnostic.help is None else f"{diagnostic.message}\n{diagnostic.help}"
    given = ",".join(f"{name}={_escaped(value, ':,')}" for name, value in values.items())
    return f"::{diagnostic.severity.value} {given}::{_escaped(text)}"


def _escaped(text: str, more: str = "") -> str:
    text = text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    for letter in more:
        text = text.replace(letter, f"%{ord(letter):02X}")
    return text
