"""Verdicts of the judge: whether they accept a body, and their findings as text for a model."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, Protocol, TypeAlias

from ..diagnostics.diagnostic import Diagnostic
from ..diagnostics.text import SourceText, Span
from ..scaffold.regions import RegionError, body_span
from .redact import redact

ONE_FINDING = 2000
ALL_FINDINGS = 12000
"""Limits in characters, on one finding and on all of them: compiler output can be endless."""

Sources: TypeAlias = Mapping[str, SourceText]

_ACCEPTING = frozenset({"passed", "skipped"})


class VerdictLike(Protocol):
    """What one gate said of a body; `status` is passed, failed, skipped or unsupported.

    A verdict may also have `sources`, the texts that its findings point into; without them the files are read.
    """

    @property
    def gate(self) -> str: ...
    @property
    def status(self) -> str: ...
    @property
    def summary(self) -> str: ...
    @property
    def diagnostics(self) -> Sequence[Diagnostic]: ...


def accepts(verdicts: Sequence[VerdictLike]) -> bool:
    """Whether every gate passed or had nothing to do; "unsupported" is no pass, nor is a judge that says nothing."""
    return any(each.status == "passed" for each in verdicts) and all(each.status in _ACCEPTING for each in verdicts)


def findings_text(verdicts: Sequence[VerdictLike]) -> tuple[str, ...]:
    """Every finding of the gates that did not pass: shortest first, each once, cut to the limits."""
    rejected = [each for each in verdicts if each.status not in _ACCEPTING]
    found = {text for verdict in rejected for text in _texts(verdict)}
    return _within(sorted(found, key=lambda text: (len(text), text)))


def _texts(verdict: VerdictLike) -> Iterable[str]:
    if not verdict.diagnostics:
        return [_shorten(f"[{verdict.gate}] {verdict.summary}")]
    return [_shorten(f"[{verdict.gate}] {diagnostic_text(each, _sources(verdict))}") for each in verdict.diagnostics]


def _sources(verdict: VerdictLike) -> Sources:
    return {each.path: each for each in getattr(verdict, "sources", ())}


def diagnostic_text(diagnostic: Diagnostic, sources: Sources = MappingProxyType({})) -> str:
    """Code, place in the body, message, the source line, help."""
    at = _place(diagnostic.span, sources)
    lines = [f"{diagnostic.code}{f', line {at[0]} of the body' if at else ''}: {diagnostic.message}"]
    if at:
        lines.append(f"    {at[1]}")
    lines += [f"  note{_where(label.span, sources)}: {label.text}" for label in diagnostic.labels]
    if diagnostic.help:
        lines.append(f"  help: {diagnostic.help}")
    return redact("\n".join(lines))


def _where(span: Span, sources: Sources) -> str:
    at = _place(span, sources)
    return f" (line {at[0]} of the body)" if at else ""


def _place(span: Span | None, sources: Sources) -> tuple[int, str] | None:
    """The line of the body that the span starts on, from 1, and its text; None where it lies outside the body."""
    source = _source(span.path, sources) if span else None
    if span is None or source is None:
        return None
    try:
        body = body_span(source.text, path=span.path)
    except RegionError:
        return None
    if not body.start <= span.start < body.end:
        return None
    line = source.position(span.start).line
    return line - source.position(body.start).line + 1, source.line(line).strip()


def _source(path: str, sources: Sources) -> SourceText | None:
    if path in sources:
        return sources[path]
    try:
        return SourceText(path, Path(path).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError):
        return None


def _shorten(text: str) -> str:
    """The text, or its head and tail: errors of compilers say the most at their ends."""
    if len(text) <= ONE_FINDING:
        return text
    half = ONE_FINDING // 2
    return f"{text[:half]}\n    … {len(text) - 2 * half} characters left out …\n{text[-half:]}"


def _within(texts: Sequence[str]) -> tuple[str, ...]:
    kept: list[str] = []
    for text in texts:
        if kept and sum(map(len, kept)) + len(text) > ALL_FINDINGS:
            return (*kept, f"… and {len(texts) - len(kept)} longer findings.")
        kept.append(text)
    return tuple(kept)


def verdict_json(verdict: VerdictLike) -> Mapping[str, Any]:
    """The verdict as plain data, for the run's folder."""
    return {
        "gate": verdict.gate,
        "status": verdict.status,
        "summary": redact(verdict.summary),
        "findings": [diagnostic_text(each, _sources(verdict)) for each in verdict.diagnostics],
    }
