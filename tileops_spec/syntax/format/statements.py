"""The `math` block: a statement to a line, comments where they are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from ...diagnostics.text import SourceText, Span
from ..lines import split_statements
from .comments import BLANK
from .expressions import Layout, Tokens, read_tokens, spaced
from .layout import is_suppression
from .scalars import LINE_BREAK


@dataclass
class _Part:
    """A statement, or what stands between two: comments and blank lines."""

    statement: bool
    rows: list[Tokens] = field(default_factory=list)


def format_math(source: SourceText, span: Span, indent: int) -> list[str]:
    """The lines of a block whose statements all parse, at a column."""
    lines: list[str] = []
    pinned = False
    for part in _parts(source, span):
        if part.statement:
            pinned = pinned or any(is_suppression(row.comment) for row in part.rows)
            lines += Layout(indent, indent, indent, pinned).lines(spaced(part.rows))
            pinned = False
            continue
        for row in part.rows:
            pinned = pinned or is_suppression(row.comment)
            if row.comment:
                lines.append(" " * indent + row.comment)
            elif lines and lines[-1] != BLANK:
                lines.append(BLANK)
    return lines[:-1] if lines and lines[-1] == BLANK else lines


def _parts(source: SourceText, span: Span) -> Iterator[_Part]:
    statements = split_statements(source, span)
    current = next(statements, None)
    part = _Part(False)
    for start, end in line_ranges(source.text, span):
        while current and start >= current.end:
            yield part
            part, current = _Part(False), next(statements, None)
        row = read_tokens(source.text, start, end)
        inside = current is not None and end > current.start
        if inside and not part.statement:
            yield part
            part = _Part(True)
        if row.texts or row.comment or not inside:
            part.rows.append(row)
    yield part


def line_ranges(text: str, span: Span) -> Iterator[tuple[int, int]]:
    """Where each line of a span begins and ends, without its line break."""
    position = span.start
    while position < span.end:
        found = LINE_BREAK.search(text, position, span.end)
        yield position, found.start() if found else span.end
        position = found.end() if found else span.end
